"""Pins: which combination of versions is the newest with which every case of some layers passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.analysis.legs import Leg, release_key
from harness.analysis.lines import is_ordered
from harness.analysis.matrix import Cell, Matrix, Table, table_of
from harness.results.environments import MISSING

Pair = tuple[tuple[str, str], tuple[str, str]]
"""Two components, each with its version."""


@dataclass(frozen=True)
class Fit:
    """How a leg does for some layers on one chain: layers that it did not run, and the cells of those not all good.

    A case is good if all its stages up to the end of the chain are, so that what lies behind a failure is not.
    """

    leg: Leg
    missing: tuple[str, ...]
    bad: tuple[tuple[str, Cell], ...]

    @property
    def is_good(self) -> bool:
        return not self.missing and not self.bad

    @property
    def cases(self) -> int:
        """Cases that do not pass."""
        return sum(cell.bad + cell.blocked for _, cell in self.bad)


@dataclass(frozen=True)
class Pin:
    """The answer for one chain: how every leg does, the newest good ones, and the newest good pairs of versions.

    `components` differ between the legs and concern it.

    Newest: no other good one is as new in every component and newer in one. There may be several.
    """

    chain: str
    components: tuple[str, ...]
    fits: tuple[Fit, ...]
    newest: tuple[Leg, ...]
    pairs: tuple[Pair, ...]

    @property
    def nearest(self) -> Fit | None:
        """Of the legs that ran all layers, the one with the fewest bad cases, the newest of several; None if no leg
        ran them all."""
        whole = [fit for fit in self.fits if not fit.missing]
        return min(reversed(whole), key=lambda fit: fit.cases) if whole else None


def pins(matrix: Matrix, layers: Sequence[str]) -> tuple[Pin, ...]:
    """A pin for each chain that a difference concerns, for layers of these names; chains with a good leg come first.

    Chains on which no leg has one of the layers are left out.
    """
    every = [_pin(table, layers) for table in (*matrix.tables, *map(table_of, matrix.single))]
    known = [pin for pin in every if any(len(fit.missing) < len(layers) for fit in pin.fits)]
    return tuple(sorted(known, key=lambda pin: (not pin.newest, pin.chain)))


def _pin(table: Table, layers: Sequence[str]) -> Pin:
    chain = table.chain
    several = tuple(_fit(leg, layers, table) for leg in chain.legs)
    ran = [fit for fit in several if not fit.missing]
    good = [fit.leg for fit in ran if fit.is_good]
    components = tuple(name for name in chain.needs if all(is_ordered(fit.leg.version(name)) for fit in ran))
    return Pin(chain.name, components, several, tuple(_newest(good, components)), tuple(_pairs(ran, components)))


def _fit(leg: Leg, layers: Sequence[str], table: Table) -> Fit:
    cells = {row.layer[1]: row.cells[leg.name] for row in table.rows}
    known = {name: cells.get(name, Cell()) for name in layers}
    return Fit(
        leg,
        tuple(name for name, cell in known.items() if cell == Cell()),
        tuple((name, cell) for name, cell in known.items() if cell.bad or cell.blocked),
    )


def _newest(legs: Sequence[Leg], components: Sequence[str]) -> Iterable[Leg]:
    """The legs such that no other is as new in every component and newer in one."""
    return [leg for leg in legs if not any(_is_newer(other, leg, components) for other in legs)]


def _is_newer(other: Leg, leg: Leg, components: Sequence[str]) -> bool:
    both = [(release_key(other.version(name)), release_key(leg.version(name))) for name in components]
    return all(theirs >= ours for theirs, ours in both) and any(theirs > ours for theirs, ours in both)


def _pairs(ran: Sequence[Fit], components: Sequence[str]) -> Iterable[Pair]:
    """The newest pairs of versions of two components that differ: every leg with such a pair is good."""
    for first, second in combinations(components, 2):
        legs: dict[tuple[str, str], list[Fit]] = {}
        for fit in ran:
            legs.setdefault((fit.leg.version(first), fit.leg.version(second)), []).append(fit)
        good = [pair for pair, each in legs.items() if MISSING not in pair and all(fit.is_good for fit in each)]
        for pair in good:
            keys = [release_key(version) for version in pair]
            others = [[release_key(version) for version in other] for other in good if other != pair]
            if not any(all(theirs >= ours for theirs, ours in zip(other, keys, strict=True)) for other in others):
                yield (first, pair[0]), (second, pair[1])
