"""Bisection over the released versions of a package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from harness.bisection.search import Bisection, Trial, turn
from harness.bisection.trials import BisectError, Trials
from harness.reproducer.running import Answer

NOUN = "release"
_WANTED = {"good": Answer.FIXED, "bad": Answer.FAILED}


@dataclass(frozen=True)
class Releases:
    """The releases to search: the ends that are known, and which ones lie between.

    `versions` are the ones to choose from; without them all that uv finds, pre-releases only with `pre`. `here` is the
    installed version, which stands for the end that is not named: the bad one if the script `deviates` here, else the
    good one. The other end, if it is not named, is the oldest release that answers. If the good end is the newer one,
    the first good release is searched.
    """

    good: str | None
    bad: str | None
    here: str | None
    deviates: bool
    versions: tuple[str, ...] = ()
    pre: bool = False

    def __post_init__(self) -> None:
        for option, texts in (("--good", (self.good,)), ("--bad", (self.bad,)), ("--versions", self.versions)):
            for text in filter(None, texts):
                _checked(text, option)

    def bisection(self, trials: Trials) -> Bisection:
        """The first release that answers otherwise. Raises BisectError, and UvError if releases cannot be listed."""
        good, bad = self.good, self.bad
        if self.deviates:
            bad = bad or self._here(trials, "--bad")
        else:
            good = good or self._here(trials, "--good")
        if good is None or bad is None:
            return self._from_the_oldest(trials, "good" if bad is None else "bad", str(good or bad))
        if Version(good) == Version(bad):
            raise BisectError("the good and the bad release are the same", where="--good, --bad", came=good)
        ends = checked_ends(trials.release(bad), trials.release(good), trials.package, NOUN)
        before, after = sorted(ends, key=lambda trial: Version(trial.name))
        names = self._between(trials, before.name, after.name)
        return _searched(trials, names, before, after)

    def _from_the_oldest(self, trials: Trials, word: str, name: str) -> Bisection:
        """The bisection between a known end and the oldest release that answers."""
        after = trials.release(name)
        _check_end(after, word, trials.package, NOUN)
        older = self._between(trials, None, name)
        trials.tell(f"{len(older)} releases are older: halves of them are tried, to find the oldest that answers")
        names = older[_first_that_answers(trials, older) :]
        if not names:
            raise BisectError(
                f"no {NOUN} of {trials.package} older than {name} can be tried",
                where="--good" if word == "bad" else "--bad",
                came=trials.tried[-1].line if len(trials.tried) > 1 else f"no older {NOUN}",
                advice="Name one, or another interpreter by --python: old releases may need an old one",
            )
        before = trials.release(names[0])
        if before.answer is not after.answer:
            return _searched(trials, names[1:], before, after)
        skipped = f" ({len(older) - len(names)} older could not)" if len(names) < len(older) else ""
        remark = (
            f"{before.name}, the oldest {NOUN} of {trials.package} that can be tried{skipped}, is {word}, and so is "
            f"{name}: if it was ever otherwise between, name that {NOUN}."
        )
        return Bisection(trials.package, NOUN, tuple(trials.tried), None, remark)

    def _between(self, trials: Trials, above: str | None, below: str) -> list[str]:
        """The releases between two, the oldest first, without both."""
        if not self.versions:
            return trials.uv.releases(trials.package, above=above, below=below, pre=self.pre)
        older = [each for each in set(self.versions) if Version(each) < Version(below)]
        between = [each for each in older if above is None or Version(above) < Version(each)]
        return sorted(between, key=Version)

    def _here(self, trials: Trials, option: str) -> str:
        """The installed version, as it is released."""
        if self.here is None:
            raise BisectError(
                f"{trials.package} is not installed here", where=option, expected=f"a {NOUN}", came="no option"
            )
        return Version(self.here).public


def _first_that_answers(trials: Trials, names: Sequence[str]) -> int:
    """The place of the oldest release that can be tried; the number of releases if none can.

    What cannot be tried is old, as a rule: it lacks a wheel for this Python, or needs what nothing else here bears. So
    halves are tried, not one after the other: each may take a minute to say nothing.
    """
    if not names or trials.release(names[0]).answer is not Answer.ERROR:
        return 0
    silent, answering = 0, len(names)
    while answering - silent > 1:
        middle = (silent + answering) // 2
        if trials.release(names[middle]).answer is Answer.ERROR:
            silent = middle
        else:
            answering = middle
    return answering


def checked_ends(bad: Trial, good: Trial, package: str, noun: str) -> tuple[Trial, Trial]:
    """The ends, if they answer as told. Raises BisectError."""
    if (bad.answer, good.answer) == (Answer.FIXED, Answer.FAILED):
        raise BisectError(
            f"the ends are the wrong way round: {bad.name} is good and {good.name} is bad",
            where="--good, --bad",
            came=f"{good.name}: {good.line}",
            advice=f"Call again with --good {bad.name} --bad {good.name}",
        )
    for trial, word in ((bad, "bad"), (good, "good")):
        _check_end(trial, word, package, noun)
    return bad, good


def _check_end(trial: Trial, word: str, package: str, noun: str) -> None:
    if trial.answer is Answer.ERROR:
        raise BisectError(
            f"the {word} {noun} of {package}, {trial.name}, cannot be tried",
            where=f"--{word}",
            came=trial.line,
            advice=f"Name another {noun}, or another interpreter by --python: old releases may need an old one",
        )
    if trial.answer is not _WANTED[word]:
        raise BisectError(
            f"the {word} {noun} of {package}, {trial.name}, is {trial.word}",
            where=f"--{word}",
            expected=f"{'DEVIATES' if word == 'bad' else 'FIXED'} from the script",
            came=trial.line,
            advice=f"Name another {noun}. What else was installed with it, --keep leaves to look at",
        )


def _searched(trials: Trials, names: Sequence[str], before: Trial, after: Trial) -> Bisection:
    if names:
        trials.tell(f"{len(names)} releases lie between: about {len(names).bit_length()} more trials")
    found = turn(names, trials.release, before, after)
    return Bisection(trials.package, NOUN, tuple(trials.tried), found)


def _checked(text: str, option: str) -> None:
    try:
        Version(text)
    except InvalidVersion:
        raise BisectError(
            "it is no version of a release",
            where=option,
            expected="one such as 1.5.15",
            came=repr(text),
            advice="A tag or a commit needs --source",
        ) from None
