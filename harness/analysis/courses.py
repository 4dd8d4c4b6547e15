"""Courses: what became of one thing along the versions of one component, and where it turned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.analysis.legs import State

_OF_LAYERS = {
    (True, True): "works since",
    (True, False): "worked in",
    (False, True): "broken since",
    (False, False): "broken in",
}
"""Verbs of a turn, by whether it is good and whether it is the last."""
_OF_DEFECTS = {
    (True, True): "fixed in",
    (True, False): "fixed in",
    (False, True): "shows since",
    (False, False): "shows in",
}


@dataclass(frozen=True)
class Turn:
    """The first `version` that is good (or bad), after `before`, the last that was not. Nothing is known of those
    between them, `unknown`."""

    version: str
    before: str
    is_good: bool
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        state = State.GOOD if self.is_good else State.BAD
        return {"version": self.version, "state": state, "before": self.before, "unknown": list(self.unknown)}


@dataclass(frozen=True)
class Course:
    """The states of one thing with the versions of a component, the oldest first."""

    component: str
    points: tuple[tuple[str, State], ...]

    @cached_property
    def known(self) -> tuple[tuple[str, State], ...]:
        return tuple(point for point in self.points if point[1].is_known)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Each change between versions of which something is known."""
        versions = [version for version, _ in self.points]
        turns = []
        for (before, was), (version, state) in zip(self.known, self.known[1:], strict=False):
            if state is not was:
                between = versions[versions.index(before) + 1 : versions.index(version)]
                turns.append(Turn(version, before, state is State.GOOD, tuple(between)))
        return tuple(turns)

    @property
    def unknown_end(self) -> tuple[tuple[str, State], ...]:
        """The newest versions, of which nothing is known."""
        known = [place for place, (_, state) in enumerate(self.points) if state.is_known]
        return self.points[known[-1] + 1 :] if known else ()

    @property
    def first_bad(self) -> str | None:
        """The first version known to be bad; None if none is."""
        return next((version for version, state in self.known if state is State.BAD), None)

    @property
    def is_bad_from_start(self) -> bool:
        """Whether the oldest version of which something is known is bad: an older one may be, too."""
        return bool(self.known) and self.known[0][1] is State.BAD

    @property
    def first_good(self) -> str | None:
        """The first version that is good after the last bad one; None if the newest known one is bad, or none was."""
        return self.turns[-1].version if self.turns and self.turns[-1].is_good else None

    @property
    def first_bad_words(self) -> str:
        """`1.5.11`; `1.5.11 or earlier` if no older version is known to be good; '' if none is bad."""
        if self.first_bad is None:
            return ""
        return f"{self.first_bad} or earlier" if self.is_bad_from_start else self.first_bad

    @property
    def first_good_words(self) -> str:
        """`1.5.12`, with what lies between the last bad version and it; `none up to 1.5.15` if the newest known one is
        bad; '' if none is bad."""
        if self.first_bad is None:
            return ""
        if not self.first_good:
            end = f" ({_unknown(self.unknown_end)})" if self.unknown_end else ""
            return f"none up to {self.known[-1][0]}{end}"
        return self._turned(self.turns[-1], "").strip()

    @property
    def words(self) -> str:
        """Of a layer: `works since 1.5.12`, `broken since 1.5.11 (1.5.10 not run)`; nothing unknown is called good."""
        return self._worded(_OF_LAYERS, "works with", "broken with")

    @property
    def words_of_defect(self) -> str:
        """Of a defect: `fixed in 1.5.12`, `shows since 1.5.11`."""
        return self._worded(_OF_DEFECTS, "does not show with", "shows with")

    def _worded(self, verbs: Mapping[tuple[bool, bool], str], good: str, bad: str) -> str:
        if not self.known:
            return _unknown(self.points)
        if not self.turns:
            every = good if self.known[0][1] is State.GOOD else bad
            parts = [f"{every} {_listed([version for version, _ in self.known])}"]
            parts += [_unknown(rest)] if (rest := [point for point in self.points if not point[1].is_known]) else []
            return "; ".join(parts)
        parts = [self._turned(turn, verbs[turn.is_good, turn is self.turns[-1]]) for turn in self.turns]
        text = ", ".join(parts)
        return f"{text}; {_unknown(self.unknown_end)}" if self.unknown_end else text

    def _turned(self, turn: Turn, verb: str) -> str:
        between = [point for point in self.points if point[0] in turn.unknown]
        return f"{verb} {turn.version}" + (f" ({_unknown(between)})" if between else "")

    def to_json(self) -> dict[str, Any]:
        return {
            "component": self.component,
            "states": {version: state.value for version, state in self.points},
            "words": self.words,
            "first_bad": self.first_bad,
            "bad_from_start": self.is_bad_from_start,
            "first_good": self.first_good,
            "turns": [turn.to_json() for turn in self.turns],
        }


def course(component: str, points: Iterable[tuple[str, Sequence[State]]]) -> Course:
    """A course. Several legs of one version are bad there if one is, and good if one is and none is bad."""
    return Course(component, tuple((version, together(states)) for version, states in points))


def together(states: Iterable[State]) -> State:
    """What several states come to: bad before good, what is known before what is not."""
    order = (State.BAD, State.GOOD, State.BLOCKED)
    several = set(states)
    return next((state for state in order if state in several), State.NOT_RUN)


def _unknown(points: Sequence[tuple[str, State]]) -> str:
    """Versions of which nothing is known, and why."""
    versions = _listed([version for version, _ in points])
    states = {state for _, state in points}
    if len(states) > 1:
        return f"nothing known of {versions}"
    return f"{versions} {states.pop()}"


def _listed(versions: Sequence[str]) -> str:
    return ", ".join(versions) if len(versions) <= 3 else f"{versions[0]} to {versions[-1]}"
