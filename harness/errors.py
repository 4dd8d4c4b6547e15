"""Errors that a user can do something about: one tree, whose root says what was expected, what came and where."""

from __future__ import annotations

from typing import Self


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

    @property
    def parts(self) -> dict[str, str]:
        """The arguments that make this error, or one of another class that says the same."""
        return {
            "problem": self.problem,
            "where": self.where,
            "expected": self.expected,
            "came": self.came,
            "advice": self.advice,
        }

    def at(self, place: object) -> Self:
        """The same error with its place named from further out: `place: where`."""
        error = type(self).__new__(type(self), *self.args)
        vars(error).update(vars(self))
        error.where = f"{place}: {self.where}" if self.where else str(place)
        return error

    def __str__(self) -> str:
        parts = [self.problem]
        contrast = [f"expected {self.expected}"] * bool(self.expected) + [f"got {self.came}"] * bool(self.came)
        parts += [", ".join(contrast)] * bool(contrast)
        text = "; ".join(part for part in parts if part)
        text = f"{self.where}: {text}" if self.where else text
        return f"{text}. {self.advice}" if self.advice else text


class Undecided(InputError):
    """Input of which no answer can be given, right or wrong."""
