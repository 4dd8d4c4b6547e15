"""Lines: legs that differ in one component only, as far as a chain is concerned. Along a line "since" has a meaning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from packaging.version import InvalidVersion, Version

from harness.analysis.courses import Course, course
from harness.analysis.legs import Leg, State, components, plain_name, release_key
from harness.installed import AT, COMPUTES_WITH
from harness.results.environments import DEVICE, MISSING
from harness.results.events import Stage

EVERYWHERE = frozenset({"python", "platform", DEVICE, *COMPUTES_WITH})
"""Components with which every stage is walked."""


@dataclass(frozen=True)
class Line:
    """Legs by version of one component, the oldest first. All else that the chain needs is `fixed`."""

    component: str
    points: tuple[tuple[str, tuple[Leg, ...]], ...]
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def legs(self) -> tuple[Leg, ...]:
        return tuple(leg for _, legs in self.points for leg in legs)

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """The component, and the names of the legs: chains may share a line."""
        return self.component, tuple(leg.name for leg in self.legs)

    def course(self, states: Mapping[str, State]) -> Course:
        """The course of something with these states, by name of leg; it was not run in a leg without one."""
        return course(
            self.component,
            ((version, [states.get(leg.name, State.NOT_RUN) for leg in legs]) for version, legs in self.points),
        )


@dataclass(frozen=True)
class Apart:
    """Two legs that cannot be compared on a chain, and the components in which they differ there."""

    legs: tuple[str, str]
    components: tuple[str, ...]


class Plugins:
    """What the plugins of a chain need, from the headers of all legs."""

    def __init__(self, legs: Iterable[Leg]) -> None:
        notes = [note for leg in legs for note in leg.results.header.plugins]
        self._hops, self._formats, self._runtimes = (
            {note.name.partition(AT)[0]: note for note in notes if note.kind == kind}
            for kind in ("hop", "format", "runtime")
        )
        elsewhere = {name for note in notes if note.kind != "hop" for name in (note.distribution, note.engine)}
        self._converters = {name for note in self._hops.values() for name in (note.distribution, note.engine)}
        self._converters -= elsewhere

    def concern(self, stages: Sequence[Stage], component: str, runtimes: Collection[str] = ()) -> bool:
        """Whether a component may change what a chain of these stages does, run by these runtimes at its end.

        A header may tell what each plugin requires. Where it does not, a component that is a converter and nothing else
        concerns the chains with this converter, and every other one may concern all.
        """
        component = plain_name(component)
        if component in EVERYWHERE:
            return True
        notes = [self._formats.get(stages[0].artifact), *(self._hops.get(stage.by) for stage in stages[1:])]
        notes += [self._runtimes.get(name.partition(AT)[0]) for name in sorted(runtimes)]
        known = [note for note in notes if note is not None]
        if any(component in (note.distribution, note.engine, *(note.requires or ())) for note in known):
            return True
        if len(known) == len(notes) and all(note.requires is not None for note in known):
            return False
        return component not in self._converters


@dataclass(frozen=True)
class Chain:
    """One chain in all legs: the components that concern it and differ, and the lines along which it is compared."""

    name: str
    legs: tuple[Leg, ...]
    needs: tuple[str, ...]

    @classmethod
    def of(cls, name: str, legs: Sequence[Leg], plugins: Plugins, across: Collection[str] = ()) -> Chain:
        """`across` names components whose difference does not count. What a leg lacks that walked the chain, the chain
        does not need."""
        walked = [leg for leg in legs if name in leg.chains]
        stops = [stop for leg in walked for stop in leg.chains[name].values()]
        runtimes = {stop.stages[-1].runtime or "" for stop in stops} - {""}
        needs = tuple(
            each
            for each in components(legs)
            if each not in across
            and plugins.concern(stops[0].stages, each, runtimes)
            and all(leg.version(each) != MISSING for leg in walked)
        )
        return cls(name, tuple(legs), needs)

    @cached_property
    def walked(self) -> tuple[Leg, ...]:
        """The legs that walked it."""
        return tuple(leg for leg in self.legs if self.name in leg.chains)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Every line with two walked versions or more, of components whose versions have an order."""
        lines = []
        for component in self.needs:
            groups: dict[tuple[tuple[str, str], ...], list[Leg]] = defaultdict(list)
            for leg in self.legs:
                if is_ordered(leg.version(component)):
                    groups[tuple((name, leg.version(name)) for name in self.needs if name != component)].append(leg)
            for fixed, legs in groups.items():
                points: dict[str, list[Leg]] = defaultdict(list)
                for leg in sorted(legs, key=lambda each: release_key(each.version(component))):
                    points[leg.version(component)].append(leg)
                if sum(any(leg in self.walked for leg in each) for each in points.values()) > 1:
                    lines.append(Line(component, tuple((v, tuple(each)) for v, each in points.items()), fixed))
        return tuple(lines)

    @cached_property
    def apart(self) -> tuple[Apart, ...]:
        """The pairs of legs that walked it and cannot be compared: they differ in more than one component, or in one
        whose versions have no order."""
        return tuple(self._apart())

    def _apart(self) -> Iterator[Apart]:
        for first, second in combinations(self.walked, 2):
            differing = tuple(name for name in self.needs if first.version(name) != second.version(name))
            unordered = any(
                not is_ordered(first.version(name)) or not is_ordered(second.version(name)) for name in differing
            )
            if len(differing) > 1 or unordered:
                yield Apart((first.name, second.name), differing)

    @property
    def alone(self) -> tuple[tuple[str, Apart], ...]:
        """The legs that walked it and can be compared with no other version, each with the pair that differs least."""
        on_lines = {leg.name for line in self.lines for leg in line.legs}
        lonely = [leg.name for leg in self.walked if leg.name not in on_lines]
        pairs = {name: [pair for pair in self.apart if name in pair.legs] for name in lonely}
        return tuple((name, min(each, key=lambda p: len(p.components))) for name, each in pairs.items() if each)


def is_ordered(version: str) -> bool:
    """Whether it is a version that comes before or after others."""
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True
