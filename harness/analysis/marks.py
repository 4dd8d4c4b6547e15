"""Marks: one name for one defect in all legs, the expectation that foresees it or the group that it is of.

A deviation that an expectation foresees has its mark, and so has the same deviation (the same case, chain, harm and
words) of a leg in whose versions the expectation does not speak. All others are grouped over all legs together, as
`parity diff` groups what changed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.defects import Defect
from harness.analysis.legs import Leg, State, Stop
from harness.analysis.messages import family, normalised
from harness.analysis.tally import defects
from harness.judge.record import split_id
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result, Stage

_Place = tuple[str, str]
"""A case and a chain."""
_Same = tuple[str, str, str, str]
"""Case, chain, harm and words: what makes two deviations of two legs one."""


@dataclass(frozen=True)
class Mark:
    """A defect: its id, the converter at fault, its worst outcome, and what there is to say of it.

    `expectation` tells whether the id is that of an expectation.
    """

    id: str
    hop: str
    outcome: Outcome
    expectation: bool
    message: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Marks:
    """The mark of each deviation, by leg, then by case and chain."""

    by_leg: Mapping[str, Mapping[_Place, str]]
    marks: Mapping[str, Mark]


def marks_of(legs: Sequence[Leg]) -> Marks:
    """The marks of all deviations of all legs."""
    bad = [(leg.name, (case, chain), stop) for leg in legs for case, chain, stop in _bad(leg)]
    explained: dict[_Same, str] = {}
    messages: dict[str, Stop] = {}
    for _, place, stop in bad:
        if name := explaining(stop.result):
            explained.setdefault(_same(place, stop), name)
            messages.setdefault(name, stop)
    by_leg: dict[str, dict[_Place, str]] = {leg.name: {} for leg in legs}
    rest: dict[_Same, list[tuple[str, _Place, Stop]]] = defaultdict(list)
    for leg_name, place, stop in bad:
        same = _same(place, stop)
        if known := explaining(stop.result) or explained.get(same, ""):
            by_leg[leg_name][place] = known
        else:
            rest[same].append((leg_name, place, stop))
    marks = {
        name: Mark(name, _stage(stop).by, stop.outcome, expectation=True, message=_stage(stop).message)
        for name, stop in messages.items()
    }
    for group, whole in _grouped(rest, legs):
        mark = _unlike(group, marks)
        marks[mark.id] = mark
        for same in whole:
            for leg_name, place, _ in rest[same]:
                by_leg[leg_name][place] = mark.id
    return Marks(by_leg, marks)


def _unlike(mark: Mark, marks: Mapping[str, Mark]) -> Mark:
    """The mark, numbered if another one has its id."""
    same = sum(name == mark.id or name.startswith(f"{mark.id}-") for name in marks)
    return replace(mark, id=f"{mark.id}-{same + 1}") if same else mark


def explaining(result: Result) -> str:
    """The id of the expectation that foresees the deviation of a result; '' if none does."""
    note = result.expectation
    return note.id if note is not None and result.judgement is Judgement.EXPECTED else ""


def _bad(leg: Leg) -> Iterator[tuple[str, str, Stop]]:
    for chain, stops in leg.chains.items():
        for case, stop in stops.items():
            if stop.state is State.BAD:
                yield case, chain, stop


def _stage(stop: Stop) -> Stage:
    fault = stop.result.fault
    assert fault is not None
    return fault


def _same(place: _Place, stop: Stop) -> _Same:
    return (*place, stop.outcome.harm.value, normalised(_stage(stop).message))


def _grouped(
    rest: Mapping[_Same, Sequence[tuple[str, _Place, Stop]]], legs: Sequence[Leg]
) -> Iterator[tuple[Mark, list[_Same]]]:
    """The groups of the deviations that no expectation explains, beside the cases that pass in every leg.

    A case may deviate on one chain in two ways in two legs: these count as two cases.
    """
    rows: dict[tuple[str, str], tuple[_Same, Result]] = {}
    ways: dict[_Place, int] = defaultdict(int)
    for same, stops in sorted(rest.items()):
        _, place, stop = stops[0]
        way = f"#{ways[place]}" if ways[place] else ""
        ways[place] += 1
        row = replace(_up_to_fault(stop, place[1]), case=place[0] + way)
        rows[row.key] = same, row
    notes = {(note.kind, note.name): note for leg in legs for note in leg.results.header.plugins}
    for defect in defects([row for _, row in rows.values()] + list(_passing(rows.values(), legs)), notes.values()):
        whole = [rows[key][0] for key in defect.results]
        yield _mark(defect), whole


def _up_to_fault(stop: Stop, chain: str) -> Result:
    """The result as one of the chain that ends at its stage at fault."""
    return replace(stop.result, route=chain, stages=stop.stages, expectation=None, judgement=Judgement.FAILED)


def _passing(rows: Iterable[tuple[_Same, Result]], legs: Sequence[Leg]) -> Iterator[Result]:
    """One result of each case and chain of the failing layers that is good in a leg, and bad in none."""
    failing = {(same[1], row.layer) for same, row in rows}
    bad = {(case, chain) for leg in legs for case, chain, _ in _bad(leg)}
    seen: set[_Place] = set()
    for leg in legs:
        for chain, stops in leg.chains.items():
            for case, stop in stops.items():
                is_new = (case, chain) not in bad and (case, chain) not in seen
                if stop.state is State.GOOD and is_new and (chain, stop.result.layer) in failing:
                    seen.add((case, chain))
                    yield replace(stop.result, route=chain, stages=stop.stages)


def _mark(defect: Defect) -> Mark:
    """The mark of a group. Its id tells converter and outcome, and a digest of layer and words of its simplest case."""
    words = f"{family(split_id(defect.smallest)[1])} {normalised(defect.message)}"
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    name = f"{defect.hops[0]}-{defect.outcome.value}-{digest}"
    message = defect.short_message
    return Mark(name, defect.hop, defect.outcome, expectation=False, message=message, condition=defect.brief)
