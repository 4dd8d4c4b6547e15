"""Bisection over the commits of a package's repository, by `git bisect` in a clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.bisection.releases import checked_ends
from harness.bisection.search import Bisection, Trial, Turn
from harness.bisection.trials import BisectError, Trials

NOUN = "commit"
OLDER, NEWER = "older", "newer"
"""What `git bisect` is told of a commit: it answers as the older end does, or as the newer one."""
_FIRST = re.compile(r"^# (?:possible )?first newer commit: \[(\w+)\]", re.MULTILINE)
_COUNTED = 12
"""Digits of a commit's name that are shown."""


@dataclass(frozen=True)
class Commits:
    """The commits from `good` to `bad`, of the checkout `source`: any names that git knows there.

    Commits are installed, dependencies and all, out of a clone in `folder`. The checkout is read only; what is not
    committed there does not count. If the good commit descends from the bad one, the first good commit is searched.
    """

    source: Path
    good: str
    bad: str
    folder: Path

    def bisection(self, trials: Trials) -> Bisection:
        """The first commit that answers otherwise. Raises BisectError."""
        clone, names = self._clone, {"bad": self._commit(self.bad, "--bad"), "good": self._commit(self.good, "--good")}
        older, newer = self._in_order(**names)
        bad, good = (self._trial(trials, names[word]) for word in ("bad", "good"))
        checked_ends(bad, good, trials.package, NOUN)
        ends = {names["bad"]: bad, names["good"]: good}
        count = int(self._git(clone, "rev-list", "--count", f"{older}..{newer}")) - 1
        trials.tell(f"{count} commits lie between: about {count.bit_length()} more trials")
        self._git(clone, "bisect", "start", "--no-checkout", f"--term-old={OLDER}", f"--term-new={NEWER}", newer, older)
        done = dict(ends)
        while not (first := _FIRST.findall(self._git(clone, "bisect", "log"))):
            commit = self._git(clone, "rev-parse", "BISECT_HEAD")
            trial = done[commit] = self._trial(trials, commit)
            word = {ends[older].answer: OLDER, ends[newer].answer: NEWER}.get(trial.answer, "skip")
            self._git(clone, "bisect", word, commit, may_end=True)
        return Bisection(trials.package, NOUN, tuple(trials.tried), self._turn(first, done, older, newer))

    def _turn(self, first: list[str], done: dict[str, Trial], older: str, newer: str) -> Turn:
        """The turn of which git names the first commit, or the possible ones.

        The trial before the turn is that of the nearest ancestor that was tried and answers as the older end.
        """
        *between, last = [each for each in self._history(older, newer) if each in first]
        ancestors = self._history(older, [*between, last][0])
        before = [each for each in ancestors if each in done and done[each].answer is done[older].answer][-1]
        return Turn(done[before], done[last], tuple(done[each] for each in between))

    def _history(self, older: str, newer: str) -> list[str]:
        """The commits from one to another, with both, ancestors first."""
        return [older, *self._git(self._clone, "rev-list", "--reverse", "--topo-order", newer, f"^{older}").split()]

    def _trial(self, trials: Trials, commit: str) -> Trial:
        place = f"git+{self._clone.as_uri()}@{commit}"
        inside = self._git(self.source, "rev-parse", "--show-prefix").rstrip("/")
        requirement = f"{trials.package} @ {place}" + (f"#subdirectory={inside}" if inside else "")
        subject = self._git(self._clone, "log", "-1", "--format=%s", commit)
        return trials.of(f"{commit[:_COUNTED]} ({subject})", requirement)

    def _in_order(self, *, bad: str, good: str) -> tuple[str, str]:
        """The older and the newer end. Raises BisectError if neither is an ancestor of the other."""
        for older, newer in ((good, bad), (bad, good)):
            shared = self._git(self._clone, "merge-base", older, newer, may_end=True)
            if older == newer:
                raise BisectError("the good and the bad commit are the same", where="--good, --bad", came=self.good)
            if shared == older:
                return older, newer
        raise BisectError(
            f"neither of {self.good} and {self.bad} is an ancestor of the other",
            where="--good, --bad",
            expected="two commits of one line of history",
            advice=f"Their nearest common ancestor is {shared[:_COUNTED]}: try it in place of the good one"
            if shared
            else "",
        )

    @cached_property
    def _clone(self) -> Path:
        """A clone without a working tree, which borrows the objects of the checkout and has a branch for each end."""
        top = Path(self._git(self.source, "rev-parse", "--show-toplevel"))
        clone = self.folder / "clone"
        shutil.rmtree(clone, ignore_errors=True)
        self._git(self.folder, "clone", "--quiet", "--shared", "--no-checkout", str(top), str(clone))
        for word, name in (("good", self.good), ("bad", self.bad)):
            self._git(clone, "branch", "--force", f"parity-{word}", self._commit(name, f"--{word}"))
        return clone

    def _commit(self, name: str, option: str) -> str:
        """The full name of a commit. Raises BisectError."""
        try:
            return self._git(self.source, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except BisectError:
            raise BisectError(
                "there is no such commit",
                where=option,
                expected=f"a tag, a branch or a commit of {self.source}",
                came=name,
                advice="`git fetch --tags` in the checkout may bring it",
            ) from None

    def _git(self, folder: Path, *words: str, may_end: bool = False) -> str:
        """What git prints. Raises BisectError if it fails; with `may_end`, exit codes of 1 and 2 are answers too."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(folder), *words],  # noqa: S607
                env={**ours, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise BisectError("there is no git", where="--source", advice="Install git") from None
        if done.returncode > (2 if may_end else 0):
            said = " ".join((done.stderr or done.stdout).split())
            raise BisectError(f"git {words[0]}: {said or f'exit code {done.returncode}'}", where=folder)
        return done.stdout.strip()


def needs_both(good: str | None, bad: str | None) -> tuple[str, str]:
    """The names of both ends; the bad one is HEAD if it is not named. Raises BisectError without a good one."""
    if good is None:
        raise BisectError(
            "a bisection of a checkout needs a good commit", where="--good", expected="a tag or a commit", came="none"
        )
    return good, bad or "HEAD"
