"""The search: trials of an ordered row of releases, halved until two neighbours answer differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.reproducer.running import Answer
from harness.results.environments import MISSING, Discrepancy

WORDS = {Answer.FIXED: "good", Answer.FAILED: "bad", Answer.ERROR: "skipped"}
"""What an answer is called in a bisection."""


@dataclass(frozen=True)
class Trial:
    """What the script said with one release or commit. `versions` are those of everything installed with it, by
    canonical name; none if it cannot be installed."""

    name: str
    answer: Answer
    line: str
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """`good`, `bad` or `skipped`."""
        return WORDS[self.answer]

    def beside(self, other: Mapping[str, str], package: str) -> tuple[Discrepancy, ...]:
        """What has another version than in `other`, but for the package itself. What one of them lacks is left out: it
        came with something else."""
        return tuple(
            Discrepancy(name, other[name], version)
            for name, version in sorted(self.versions.items())
            if name != package and other.get(name, version) != version
        )


@dataclass(frozen=True)
class Turn:
    """Where the answer turns: `before` and `after` answer differently, and what lies between could not be tried."""

    before: Trial
    after: Trial
    between: tuple[Trial, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether it is known which one is the first that answers as `after`."""
        return not self.between

    @property
    def candidates(self) -> tuple[str, ...]:
        """Those of which one is the first, the oldest first."""
        return *(trial.name for trial in self.between), self.after.name

    def beside(self, package: str) -> tuple[Discrepancy, ...]:
        """What changed beside the package, in either direction: the answer may be due to that."""
        before, after = self.before.versions, self.after.versions
        return tuple(
            Discrepancy(name, before.get(name, MISSING), after.get(name, MISSING))
            for name in sorted({*before, *after} - {package})
            if before.get(name) != after.get(name)
        )

    def sentence(self, *, package: str, noun: str) -> str:
        """The answer in words; `noun` is what was tried: `release` or `commit`."""
        first = f"the first {self.after.word} {noun} of {package}"
        known = f"{self.before.name} is {self.before.word}"
        if self.is_named:
            return f"{self.after.name} is {first}; {known}."
        skipped = ", ".join(trial.name for trial in self.between)
        return f"One of {', '.join(self.candidates)} is {first}; {known}, and {skipped} could not be tried."

    def warning(self, package: str) -> str:
        """A sentence on what changed beside the package; '' if nothing did."""
        changes = self.beside(package)
        if not changes:
            return ""
        changed = ", ".join(map(str, changes))
        return f"Not only {package} changed from {self.before.name} to {self.after.name}: {changed}."

    def to_json(self, package: str) -> dict[str, Any]:
        return {
            "first": self.after.word,
            "is": self.after.name if self.is_named else None,
            "candidates": list(self.candidates),
            "before": self.before.name,
            "beside": [str(each) for each in self.beside(package)],
        }


@dataclass(frozen=True)
class Bisection:
    """The answer of a bisection, and the trials that led to it. `turn` is None where all that was tried answers alike,
    of which `remark` tells."""

    package: str
    noun: str
    trials: tuple[Trial, ...]
    turn: Turn | None
    remark: str = ""

    @property
    def is_named(self) -> bool:
        """Whether one release or commit is known to be the first."""
        return self.turn is not None and self.turn.is_named

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer in words; then, if more than the package changed, a warning."""
        if self.turn is None:
            return (self.remark,)
        warning = self.turn.warning(self.package)
        return self.turn.sentence(package=self.package, noun=self.noun), *([warning] if warning else [])

    def rows(self, installed: Mapping[str, str]) -> list[dict[str, Any]]:
        """A row for each trial, in the order of the trials: what was tried, the answer, what else differs from what is
        installed here."""
        return [
            {
                self.noun: trial.name,
                "answer": trial.word,
                "seconds": round(trial.seconds, 1),
                "otherwise than here": [str(each) for each in trial.beside(installed, self.package)],
                "last line": trial.line,
            }
            for trial in self.trials
        ]

    def to_json(self, installed: Mapping[str, str]) -> dict[str, Any]:
        return {
            "package": self.package,
            "answer": None if self.turn is None else self.turn.to_json(self.package),
            "sentences": list(self.sentences),
            "trials": self.rows(installed),
        }


def turn(names: Sequence[str], trial: Callable[[str], Trial], before: Trial, after: Trial) -> Turn:
    """Find where the answer turns between two ends that answer differently.

    `names` are what lies between them, the oldest first. One whose trial ends in an error is skipped, as by `git bisect
    skip`: the next is the one nearest to the middle that was not tried.
    """
    assert {before.answer, after.answer} == {Answer.FIXED, Answer.FAILED}, "ends that do not enclose a turn"
    low, high, skipped = -1, len(names), {}
    while rest := [k for k in range(low + 1, high) if k not in skipped]:
        middle = (low + high) / 2
        k = min(rest, key=lambda k: abs(k - middle))
        done = trial(names[k])
        if done.answer is before.answer:
            low, before = k, done
        elif done.answer is after.answer:
            high, after = k, done
        else:
            skipped[k] = done
    return Turn(before, after, tuple(skipped[k] for k in range(low + 1, high)))
