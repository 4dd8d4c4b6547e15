"""News: what is worse in the legs than in earlier results of legs of the same names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.difference import Base, Difference, difference
from harness.analysis.grouping import Group
from harness.analysis.legs import Leg, MatrixError
from harness.judge.expectations import Expectation
from harness.judge.record import Record
from harness.results.events import Answer


@dataclass(frozen=True)
class News:
    """The difference of each leg from the earlier one of its name; legs of one time only."""

    differences: tuple[tuple[str, Difference], ...]
    only_now: tuple[str, ...]
    only_earlier: tuple[str, ...]

    @property
    def worse(self) -> tuple[tuple[str, Group], ...]:
        """What got worse or is lost, with its leg."""
        return tuple((name, group) for name, each in self.differences for group in each.groups if group.fails)

    @property
    def fixed(self) -> tuple[tuple[str, Group], ...]:
        return tuple(
            (name, group) for name, each in self.differences for group in each.groups if group.answer is Answer.FIXED
        )

    @property
    def since(self) -> str:
        """The day of the earliest of the earlier runs."""
        bases = [each.base.results for _, each in self.differences]
        return min(base.header.started for base in bases if base is not None)[:10]

    @property
    def sentence(self) -> str:
        """`New since 2026-11-15: 2 defects in 14 results, first in leg torch-pre: ...`."""
        legs = f"{len(self.differences):,} {'leg' if len(self.differences) == 1 else 'legs'}"
        if not self.worse:
            fixed = f"; {len(self.fixed):,} fixed" if self.fixed else ""
            return f"Nothing new since {self.since} in {legs}{fixed}.{self._ends}"
        name, first = self.worse[0]
        results = sum(len(group.changes) for _, group in self.worse)
        defects = f"{len(self.worse):,} {'defect' if len(self.worse) == 1 else 'defects'}"
        counted = f"{results:,} {'result' if results == 1 else 'results'}"
        return f"New since {self.since}: {defects} in {counted}, first in leg {name}: {first.title}.{self._ends}"

    @property
    def _ends(self) -> str:
        ends = f" New legs: {', '.join(self.only_now)}." if self.only_now else ""
        return ends + (f" Legs no longer run: {', '.join(self.only_earlier)}." if self.only_earlier else "")


def news(
    legs: Sequence[Leg],
    earlier: Sequence[Leg],
    *,
    record: Record,
    expectations: Iterable[Expectation] = (),
    spared: Callable[[str, str], bool] = lambda case, chain: False,
) -> News:
    """What differs between the legs and the earlier ones of the same names, whatever versions changed.

    Raises MatrixError if no earlier leg has the name of one, and as `difference` does.
    """
    before = {leg.name: leg for leg in earlier}
    both = [leg for leg in legs if leg.name in before]
    if not both:
        raise MatrixError(
            "no leg has the name of an earlier one",
            where="--since",
            expected=f"results of {', '.join(leg.name for leg in legs)}",
            came=", ".join(before),
            advice="Name them alike: NAME=FILE.",
        )
    expectations = tuple(expectations)
    differences = []
    for leg in both:
        was = before[leg.name]
        differing = [name for name in leg.versions if was.versions.get(name) not in (None, leg.versions[name])]
        base = Base.of(f"--since {leg.name}", was.results, record)
        what = difference(base, leg.results, across=differing, expectations=expectations, spared=spared)
        differences.append((leg.name, what))
    names = {leg.name for leg in legs}
    return News(
        tuple(differences),
        tuple(leg.name for leg in legs if leg.name not in before),
        tuple(name for name in before if name not in names),
    )
