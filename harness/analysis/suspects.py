"""Suspects: components by whose versions good and bad legs part, where no line of legs proves which one it is.

Legs of a covering array differ in many components at once, so that "since" has no meaning between two of them. But if
all bad legs have older versions of a component than all good ones, or newer, then that component may be the cause, and
the others, by which the legs do not part, are not the cause alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.legs import Leg, State, release_key
from harness.analysis.lines import is_ordered


@dataclass(frozen=True)
class Suspect:
    """A component: all legs up to version `last` are bad and all from `first` on are good, or the other way round."""

    component: str
    last: str
    first: str
    is_good: bool

    @property
    def words(self) -> str:
        """`torch (bad up to 2.13.0, good from 2.14.0)`."""
        up_to, then = ("bad", "good") if self.is_good else ("good", "bad")
        return f"{self.component} ({up_to} up to {self.last}, {then} from {self.first})"

    def to_json(self) -> dict[str, Any]:
        return {
            "component": self.component,
            "up_to": self.last,
            "from": self.first,
            "state": State.GOOD if self.is_good else State.BAD,
        }


def is_mixed(states: Iterable[tuple[Leg, State]]) -> bool:
    """Whether some legs are good and others bad."""
    return {State.GOOD, State.BAD} <= {state for _, state in states}


def suspects(states: Sequence[tuple[Leg, State]], components: Iterable[str]) -> tuple[Suspect, ...]:
    """The components by whose versions good and bad legs part; none if all are alike."""
    if not is_mixed(states):
        return ()
    every = (_suspect(states, component) for component in components)
    return tuple(each for each in every if each is not None)


def words(several: Sequence[Suspect]) -> str:
    """`goes with torch (bad up to 2.13.0, good from 2.14.0)`, one or several of them."""
    listed = " or ".join(each.words for each in several)
    doubt = "" if len(several) == 1 else "; too few legs to tell which"
    return f"goes with {listed}{doubt}, not compared one by one"


def _suspect(states: Sequence[tuple[Leg, State]], component: str) -> Suspect | None:
    versions = {state: {leg.version(component) for leg, each in states if each is state} for state in State}
    good, bad = (sorted(versions[state], key=release_key) for state in (State.GOOD, State.BAD))
    if not all(map(is_ordered, (*good, *bad))):
        return None
    if release_key(bad[-1]) < release_key(good[0]):
        return Suspect(component, bad[-1], good[0], is_good=True)
    if release_key(good[-1]) < release_key(bad[0]):
        return Suspect(component, good[-1], bad[0], is_good=False)
    return None
