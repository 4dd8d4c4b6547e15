"""The part of the suite to run, and the routes that it selects.

What was named must run: a pattern that fits nothing, a route that cannot run here, and a converter on no selected route
are errors, before anything runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from harness.adapters.plugin import CPU, Plugin
from harness.adapters.registry import Registry
from harness.adapters.routes import Route, all_routes, select
from harness.errors import InputError
from harness.judge.record import plain_id
from harness.patterns import fits, pointer
from harness.results.command import replay
from harness.workers.pool import LIMIT

LISTED = "`parity list routes` shows all, and why one cannot run"
MOST_REASONS = 3
"""Most reasons that one message gives."""


class SelectionError(InputError):
    """A selection that fits nothing, or names what cannot run here: a route, opset, layer, converter, expectation."""


@dataclass(frozen=True)
class Shard:
    """One of several parts of a run: the cases, and the tests of another kind, whose digests leave `number - 1` when
    divided by `count`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that `2/4` names. Raises SelectionError."""
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise SelectionError(
                "no such shard", where="--shard", expected="a number and a count such as 2/4", came=text
            )
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, name: str) -> bool:
        """Whether a case, by its id, or a test belongs to this part."""
        return int(hashlib.sha256(plain_id(name).encode()).hexdigest(), 16) % self.count == self.number - 1


@dataclass(frozen=True)
class Fresh:
    """Fresh cases: `count` of each layer, drawn by `seed`. `archive` is the file that holds them once drawn."""

    count: int
    seed: int
    archive: Path

    def __str__(self) -> str:
        return f"{self.count} by the seed {self.seed}"


@dataclass(frozen=True)
class Selection:
    """The part of the suite to run. `route` and `layer` are patterns, of which a name fits one; none selects all.

    `hops` are converters to add, as `module:Class`. With `cache`, stages that earlier runs kept are not walked again. A
    `pack` gives the beginnings of routes, and only what is behind them is selected. A `shard` is a part of it all. A
    `baseline`, a results file, takes the place of the record; what differs between its environment and this one must be
    named in `across`. `workers` are those with an interpreter of their own, as `NAME=PYTHON`. With `anew`, the pack's
    artifacts are run here, instead of taking what they gave where the pack was made. Artifacts run on `device`.
    With `explore`, fresh cases are walked, too. `compared` are the words that a printed command needs beside these, as
    the results are compared with a baseline by which they are not judged.
    """

    route: tuple[str, ...] = ()
    layer: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()
    limit: float = LIMIT
    opset: tuple[int, ...] = ()
    all_cases: bool = False
    cache: bool = True
    pack: Path | None = None
    shard: Shard | None = None
    baseline: Path | None = None
    across: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    anew: bool = False
    device: str = CPU
    explore: Fresh | None = None
    compared: tuple[str, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether the run is about something that was named: then nothing else runs beside it."""
        named = (self.route, self.layer, self.hops, self.opset, self.pack, self.baseline)
        return any(named) or self.device != CPU

    def options(self) -> dict[str, object]:
        """What is selected, for the header of a results file; what is left at its default is left out."""
        chosen = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if getattr(self, item.name) != item.default and item.name != "compared"
        }
        return {name: str(value) if isinstance(value, Shard | Fresh) else value for name, value in chosen.items()}


def again(selection: Selection, case: str, route: Route, *, pack: str = "") -> str:
    """The command that shows a case on a route again, with all options on which its answer depends.

    `pack` is the pack that gives the route's beginning, if the selection names none.
    """
    options = {name: value for name, value in selection.options().items() if name != "pack"}
    if route.given:
        options["pack"] = selection.pack or pack
    return replay(case, route.name, options, opset=route.opset, more=selection.compared)


def check_patterns(patterns: Iterable[str], names: Iterable[str], *, noun: str, where: str, advice: str) -> None:
    """Raise SelectionError, with the names nearest to it, for a pattern that none of the names fits."""
    known = list(names)
    for pattern in patterns:
        if not any(fits(name, (pattern,)) for name in known):
            raise SelectionError(f"no {noun} fits {pattern!r}", where=where, advice=pointer(pattern, known) + advice)


def offered(
    registry: Registry, selection: Selection, given: Callable[[Route], int] | None = None, *, whole: bool = False
) -> list[Route]:
    """The routes of every opset that are walked by default; with `all_cases` all routes.

    `given` counts the stages of a route that a pack gives: then only routes that go on behind them are offered, and
    with `anew` those too that end there. With `whole` also routes of which the pack gives nothing.
    """
    routes = [route for route in all_routes(registry) if selection.all_cases or route.depth != 0]
    if given is None:
        return routes
    counted = [(route, given(route)) for route in routes]
    behind = [replace(route, given=count, anew=selection.anew) if count else route for route, count in counted]
    return [route for route in behind if (whole or route.given) and route.taken < len(route.chains)]


def detours(registry: Registry) -> list[Route]:
    """The routes to a converter past another one for which one of its hops stands in."""
    return [route for route in all_routes(registry) if route.hidden_behind()]


def selected(
    registry: Registry, selection: Selection, given: Callable[[Route], int] | None = None, *, whole: bool = False
) -> list[Route]:
    """The selected routes, including routes that cannot run here.

    Without opsets these are the routes whose converters take their defaults, with opsets those whose converter writes
    one of them. Raises SelectionError for an opset that no converter writes, a pattern that fits no route or none that
    can run here, and for a converter that was named and is on no selected route that can run here.
    """
    every = offered(registry, selection, given, whole=whole)
    opsets = sorted({route.opset for route in every if route.opset is not None})
    if unknown := [opset for opset in selection.opset if opset not in opsets]:
        raise SelectionError(
            f"no converter writes opset {unknown[0]}",
            where="--opset",
            expected=f"one of {', '.join(map(str, opsets))}"
            if opsets
            else "none: a pack has that with which it was made",
        )
    every = [route for route in every if route.opset in (selection.opset or (None,))]
    names = [route.name for route in (*every, *(detours(registry) if given is None or whole else ()))]
    check_patterns(selection.route, names, noun="route", where="--route", advice=LISTED)
    for pattern in selection.route:
        _check_able(registry, select(every, (pattern,)), f"no route that fits {pattern!r} can run here", "--route")
    routes = select(every, selection.route)
    if selection.opset:
        _check_able(registry, routes, "no selected route can run here", "--opset")
    for hop in registry.hops:
        if hop.reference in selection.hops:
            _check_hop(registry, routes, hop, selection.route)
    return routes


def obstacle(registry: Registry, routes: Iterable[Route]) -> str:
    """The reasons why none of these routes can run here; '' if one can."""
    reasons = [route.missing(registry) for route in routes]
    if not all(reasons):
        return ""
    different = list(dict.fromkeys(reasons))
    more = len(different) - MOST_REASONS
    return "; ".join(different[:MOST_REASONS]) + (f"; and {more} more reasons" if more > 0 else "")


def _check_hop(registry: Registry, routes: Sequence[Route], hop: Plugin, patterns: Sequence[str]) -> None:
    where = f"--hop {hop.reference}"
    if why := registry.obstacle(hop):
        raise SelectionError(f"the converter {hop.name!r} cannot run here: {why}", where=where)
    through = [route for route in routes if hop in route.hops]
    if not through:
        names = [route.name for route in all_routes(registry) if hop in route.hops]
        if not names:
            raise SelectionError(f"no route leads to the format {hop.source!r}", where=where, advice=LISTED)
        near = "".join(pointer(pattern, names) for pattern in patterns) or f"Nearest: {names[0]}. "
        raise SelectionError(
            f"no selected route goes through the converter {hop.name!r}", where=where, advice=near + LISTED
        )
    _check_able(registry, through, f"no selected route through the converter {hop.name!r} can run here", where)


def _check_able(registry: Registry, routes: Sequence[Route], problem: str, where: str) -> None:
    if why := obstacle(registry, routes):
        raise SelectionError(f"{problem}: {why}", where=where)
