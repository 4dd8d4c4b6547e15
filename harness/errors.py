"""Errors that a user can do something about: one tree, whose root says what was expected, what came and where."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used: a file, an option, a plugin, an array.

    `problem` says what is wrong. `where` names the file and the place in it, the option or the plugin; `expected` and
    `came` what should have been there and what is; `advice` what to do next. Each may be left out. As text:
    `where: problem; expected ..., got .... Advice`.
    """

    def __init__(
        self, problem: str, *, where: object = "", expected: str = "", came: str = "", advice: str = ""
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = str(where)
        self.expected = expected
        self.came = came
        self.advice = advice

    def __str__(self) -> str:
        parts = [self.problem]
        contrast = [f"expected {self.expected}"] * bool(self.expected) + [f"got {self.came}"] * bool(self.came)
        parts += [", ".join(contrast)] * bool(contrast)
        text = "; ".join(part for part in parts if part)
        text = f"{self.where}: {text}" if self.where else text
        return f"{text}. {self.advice}" if self.advice else text
