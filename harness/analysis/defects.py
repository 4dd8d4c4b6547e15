"""Deviations by cause: many results, few defects.

A deviation is a result whose outcome does not pass, expected or not. It belongs to the stage at fault: the converter
(all its opsets together, and with those that it does the work for) and the harm done. Within that,

- a refusal belongs to the converter's own words, without numbers, names and shapes;
- whatever else is expected belongs to its expectation: what a runtime says of an artifact, and wrong numbers, are
  symptoms, and somebody has already looked behind them;
- what else a runtime says belongs to its words;
- where the words are ours (wrong values, wrong structure, a process that died), they do not tell defects apart: there
  the family of the layer does, and families are one defect that fail under the same condition.

Two of those are one defect where the same case gives the very same message or wrong answer in both, and two
expectations are where a runtime says one and the same thing of all that they foresee.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from harness.analysis.condition import Condition, Row, collected, flat, separate
from harness.analysis.messages import family, normalised, shown
from harness.outcomes import Outcome, worst_outcome
from harness.results.events import ExpectationNote, Judgement, PluginNote, Result, Stage, plain
from harness.spec import canonical

SILENT, STRUCTURE, LOUD = "silent", "silent structure", "loud"
_HARM = {Outcome.DRIFT: SILENT, Outcome.DIVERGENT: SILENT, Outcome.MALFORMED: STRUCTURE}
_CUT = 600
"""A message as long as this was cut by the run: what went wrong may stand behind its end."""
_FEW = 3
"""So many layers are named."""


@dataclass(frozen=True)
class Cause:
    """One defect: the stage at fault, where it shows, and all results that it explains."""

    hops: tuple[str, ...]
    outcome: Outcome
    message: str
    layers: tuple[str, ...]
    conditions: tuple[Condition, ...]
    cases: tuple[str, ...]
    results: tuple[tuple[str, str], ...]
    units: float | None
    smallest: str
    notes: tuple[ExpectationNote, ...]
    unexpected: int

    @property
    def expectations(self) -> tuple[str, ...]:
        """Ids of the expectations that spoke."""
        return tuple(note.id for note in self.notes)

    @property
    def hop(self) -> str:
        """The converters, that of most results first."""
        return ", ".join(self.hops)

    @property
    def harm(self) -> str:
        """Whether one notices: wrong numbers are silent, an error is loud."""
        return _HARM.get(self.outcome, LOUD)

    @property
    def condition(self) -> str:
        """All conditions in words, with their layers where those differ."""
        if len(self.conditions) == 1:
            return self.conditions[0].text
        return "; ".join(f"{', '.join(item.layers)}: {item.text}" for item in self.conditions)

    @property
    def brief(self) -> str:
        """The condition where it fits in a table's cell: of many layers the first two."""
        if len(self.conditions) == 1:
            return self.condition
        shown = [f"{_few(item.layers)}: {item.text}" for item in self.conditions[:2]]
        return "; ".join([*shown, f"{len(self.conditions) - 2} more"] if len(self.conditions) > 2 else shown)

    @property
    def text(self) -> str:
        """A paragraph: what fails where, under which condition, what was said, and what is known of it."""
        size = "" if self.units is None else f", {self.units:.3g} units"
        counts = f"{_many(len(self.cases), 'case')}, {_many(len(self.results), 'result')}{size}"
        lines = [f"{self.hop}: {self.outcome} ({self.harm}), {counts}"]
        parts = {
            "layers": _few(self.layers),
            "when": self.brief,
            "said": self.said,
            "new": f"{_many(self.unexpected, 'result')} that nothing expects" if self.unexpected else "",
            **{f"known {place}": f"{note.id}: {note.reason}" for place, note in enumerate(self.notes)},
            "smallest": self.smallest,
        }
        for name, said in parts.items():
            if said:
                label = f"  {name.split()[0]:9}"
                lines.append(textwrap.fill(said, 120, initial_indent=label, subsequent_indent=" " * len(label)))
        return "\n".join(lines)

    @property
    def said(self) -> str:
        """The message of the smallest case, in short."""
        return shown(self.message)

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """Unexpected ones first, then silent ones, then those of most cases."""
        silence = (SILENT, STRUCTURE, LOUD).index(self.harm)
        return (not self.unexpected, silence, -len(self.cases), -len(self.results), self.hop, self.layers, self.message)

    def to_json(self) -> dict[str, Any]:
        return {
            "hop": self.hop,
            "outcome": self.outcome.value,
            "harm": self.harm,
            "layers": list(self.layers),
            "condition": self.condition,
            "conditions": [item.to_json() for item in self.conditions],
            "message": self.message,
            "cases": len(self.cases),
            "results": len(self.results),
            "unexpected": self.unexpected,
            "expectations": list(self.expectations),
            "units": plain(self.units),
            "smallest": self.smallest,
        }


def causes(results: Iterable[Result], plugins: Iterable[PluginNote] = ()) -> list[Cause]:
    """The defects behind the deviations of a run: unexpected ones first, then silent ones, then by count of cases.

    `plugins` are those of the file's header.
    """
    tally = Tally(plugins)
    for result in results:
        tally.add(result)
    return tally.causes()


def sentence(found: Sequence[Cause]) -> str:
    """Counts in one line: `37 defects, 5,164 results of 1,204 cases`."""
    if not found:
        return "No defects: no result deviates."
    results = sum(len(cause.results) for cause in found)
    cases = len({case for cause in found for case in cause.cases})
    new = sum(1 for cause in found if cause.unexpected)
    tail = f"; {new:,} unexpected" if new else "; all expected"
    return f"{_many(len(found), 'defect')}, {_many(results, 'result')} of {_many(cases, 'case')}{tail}"


@dataclass(frozen=True)
class _Key:
    """What deviations of one defect share: the converter's words, an expectation, or the family of the layer."""

    engine: str
    harm: str
    words: str = ""
    expectation: str = ""
    family: str = ""


@dataclass
class _Group:
    """Deviating results of one key, or of several that are one defect."""

    rows: list[_Seen] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    hops: Counter[str] = field(default_factory=Counter)
    outcomes: set[Outcome] = field(default_factory=set)
    units: list[float] = field(default_factory=list)
    notes: dict[str, ExpectationNote] = field(default_factory=dict)
    messages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set)
    unexpected: int = 0

    def absorb(self, other: _Group) -> None:
        self.rows += other.rows
        self.results += other.results
        self.hops += other.hops
        self.outcomes |= other.outcomes
        self.units += other.units
        self.notes |= other.notes
        for case, messages in other.messages.items():
            self.messages[case] |= messages
        self.said |= other.said
        self.masked |= other.masked
        self.unexpected += other.unexpected


@dataclass(frozen=True, eq=False)
class _Seen(Row):
    """One stage of one case, and what deviates there: by several keys if routes that share it are expected apart."""

    hop: str
    engine: str
    faults: dict[_Key, _Group] = field(default_factory=lambda: defaultdict(_Group))


class Tally:
    """Collects results one by one and keeps of each what the grouping needs, so that a long run can afford it.

    What is known of the plugins comes from the header: a converter that it does not name is its own engine.
    """

    def __init__(self, plugins: Iterable[PluginNote] = ()) -> None:
        self._plugins = {(note.kind, note.name): note for note in plugins}
        self._rows: dict[tuple[str, ...], _Seen] = {}
        self._configs: dict[str, tuple[dict[str, Any], str]] = {}

    def add(self, result: Result) -> None:
        """Take in one result."""
        if result.case not in self._configs:
            text = canonical(plain(result.config))
            self._configs[result.case] = ({**(result.traits or {}), **dict(flat(result.config))}, text)
        path: list[str] = []
        for stage in result.stages:
            path.append(stage.hop or stage.artifact)
            row = self._row(result, path)
            if not stage.outcome.passes:
                self._deviates(result, stage, row)
                return

    def _row(self, result: Result, path: Sequence[str]) -> _Seen:
        place = (result.case, *path)
        if place not in self._rows:
            hops = [self._hop(name) for name in path[1:]]
            last = hops[-1] if hops else self._source(path[0])
            values = {**self._configs[result.case][0], "converter": last.base}
            if hops:
                values["route up to it"] = "-".join((path[0], *(hop.base for hop in hops[:-1])))
                values["opset"] = next((hop.opset for hop in hops if hop.opset is not None), None)
            self._rows[place] = _Seen(result.case, (result.dialect, result.layer), values, last.base, last.engine)
        return self._rows[place]

    def _hop(self, name: str) -> PluginNote:
        return self._plugins.get(("hop", name)) or PluginNote(name, "hop", engine=name, base=name)

    def _source(self, name: str) -> PluginNote:
        """A source format, which a defect calls `source (keras)`."""
        label, known = f"source ({name})", self._plugins.get(("format", name))
        return PluginNote(name, "format", engine=known.engine or label if known else label, base=label)

    def _deviates(self, result: Result, stage: Stage, row: _Seen) -> None:
        group = row.faults[_key(result, stage, row.engine)]
        group.results.append(result.key)
        group.hops[row.hop] += 1
        group.outcomes.add(stage.outcome)
        if stage.units is not None:
            group.units.append(math.inf if math.isnan(stage.units) else stage.units)
        group.messages[result.case].add(stage.message)
        group.said.add(normalised(stage.message))
        group.masked.add(normalised(stage.message, result.layer))
        if result.verdict is Judgement.EXPECTED and result.expectation is not None:
            group.notes[result.expectation.id] = result.expectation
        else:
            group.unexpected += 1

    def causes(self) -> list[Cause]:
        """The defects of what was added."""
        by_place: dict[tuple[str, tuple[str, str]], list[_Seen]] = defaultdict(list)
        for _, row in sorted(self._rows.items(), key=lambda item: item[0]):
            by_place[row.hop, row.layer].append(row)
        merged: dict[tuple[Any, ...], tuple[_Group, tuple[Condition, ...]]] = {}
        for key, group in self._joined():
            conditions = _conditions(group, by_place)
            mark: tuple[Any, ...] = (key,)
            if key.family and len(conditions) == 1 and conditions[0].perfect and conditions[0].axes:
                mark = (key.engine, key.harm, key.words, conditions[0].words)
            if mark in merged:
                known, said = merged[mark]
                known.absorb(group)
                merged[mark] = (known, collected([*said, *conditions]))
            else:
                merged[mark] = (group, conditions)
        found = [self._cause(*parts) for parts in merged.values()]
        return sorted(found, key=lambda cause: cause.sort_key)

    def _groups(self) -> dict[_Key, _Group]:
        """Deviating results by key. Those of one stage are together, by the key of fewest results: it says most."""
        rows = [row for _, row in sorted(self._rows.items(), key=lambda item: item[0]) if row.faults]
        weight: Counter[_Key] = Counter()
        for row in rows:
            weight.update({key: len(part.results) for key, part in row.faults.items()})
        groups: dict[_Key, _Group] = defaultdict(_Group)
        for row in rows:
            group = groups[min(row.faults, key=lambda key: (weight[key], str(key)))]
            group.rows.append(row)
            for part in row.faults.values():
                group.absorb(part)
        return dict(sorted(groups.items(), key=lambda item: str(item[0])))

    def _joined(self) -> Iterator[tuple[_Key, _Group]]:
        """Groups that are one defect, with one of their keys."""
        alike: dict[tuple[Any, ...], list[_Key]] = defaultdict(list)
        groups = self._groups()
        for key, group in groups.items():
            for case, messages in group.messages.items():
                for message in messages:
                    if len(message) < _CUT:
                        alike[key.engine, key.harm, case, message].append(key)
            if key.expectation and group.outcomes == {Outcome.INVALID} and len(group.said) == 1:
                alike[key.engine, *group.said].append(key)
            own = len({family(row.layer[1]) for row in group.rows}) == 1  # said of several layers, it names an operator
            texts = {key.words, *(group.masked if own else ())} if key.words else ()
            for name, text in product({key.expectation, *group.notes}, texts):
                alike[key.engine, key.harm, name, key.family, text].append(key)
        head = {key: key for key in groups}

        def first(key: _Key) -> _Key:
            while head[key] != key:
                key = head[key]
            return key

        for keys in alike.values():
            for key in keys[1:]:
                head[first(key)] = first(keys[0])
        whole: dict[_Key, list[_Key]] = defaultdict(list)
        for key in groups:
            whole[first(key)].append(key)
        for keys in whole.values():
            group = _Group()
            for key in keys:
                group.absorb(groups[key])
            yield keys[0], group

    def _cause(self, group: _Group, conditions: tuple[Condition, ...]) -> Cause:
        cases = tuple(sorted({row.case for row in group.rows}))
        smallest = min(cases, key=lambda case: (len(self._configs[case][1]), case))
        return Cause(
            hops=tuple(sorted(group.hops, key=lambda hop: (-group.hops[hop], hop))),
            outcome=worst_outcome(sorted(group.outcomes)),
            message=min(group.messages[smallest]),
            layers=tuple(sorted({row.layer[1] for row in group.rows})),
            conditions=conditions,
            cases=cases,
            results=tuple(group.results),
            units=max(group.units, default=None),
            smallest=smallest,
            notes=tuple(note for _, note in sorted(group.notes.items())),
            unexpected=group.unexpected,
        )


def _key(result: Result, stage: Stage, machine: str) -> _Key:
    harm = _HARM.get(stage.outcome, LOUD)
    words = "" if harm == SILENT else normalised(stage.message)
    known = result.expectation.id if result.verdict is Judgement.EXPECTED and result.expectation else ""
    if stage.outcome is Outcome.REFUSED:
        return _Key(machine, harm, words, known if len(stage.message) >= _CUT else "")
    if known:
        return _Key(machine, harm, "later" if words.startswith("runs, but not") else "", known)
    return _Key(machine, harm, words, family="" if stage.outcome is Outcome.INVALID else family(result.layer))


def _conditions(
    group: _Group, by_place: Mapping[tuple[str, tuple[str, str]], Sequence[_Seen]]
) -> tuple[Condition, ...]:
    """One condition for all layers where a short one fits, else one for each layer; equal ones are written once."""
    own = set(group.rows)

    def condition(layers: Sequence[tuple[str, str]]) -> Condition:
        rows = [row for hop in sorted(group.hops) for layer in layers for row in by_place[hop, layer]]
        return separate(
            rows,
            [row for row in rows if row in own],
            [row for row in rows if not row.faults],
            layers,
        )

    layers = sorted({row.layer for row in group.rows})
    together = condition(layers)
    if len(layers) == 1 or (together.perfect and len(together.axes) < 2):
        return (together,)
    apart = collected([condition([layer]) for layer in layers])
    if together.perfect and (len(apart) > _FEW or not all(item.perfect for item in apart)):
        return (together,)
    return apart


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _FEW else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _many(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'' if count == 1 else 's'}"
