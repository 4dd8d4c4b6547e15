"""Groups many deviating results into few defects.

A deviation is a result whose outcome does not pass, expected or not. Results of one defect share the engine of the
converter at fault (all opsets of a converter, and all converters that call one library, have one engine) and the harm.
Among these,

- refusals are grouped by the converter's message, without numbers, names and shapes;
- other expected deviations are grouped by their expectation: wrong numbers and a runtime's messages are symptoms, and
  somebody has already found the cause;
- other artifacts that do not run are grouped by the runtime's message;
- messages of ours (wrong values, wrong structure, a process that died) cannot distinguish defects. These results are
  grouped by the family of the layer, and families that fail under the same condition are one defect.

A layer that a converter never gets right breaks the models that contain it. What nothing expects of such a model, and
is neither a refusal nor seen in a case without the layer, belongs to the layer's family.

Two groups are one defect if one case has the same message, or the same wrong answer, in both. Two expectations are one
defect if the runtime has the same message for every result that they foresee.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from harness.analysis.condition import MANY, Condition, collected, flat
from harness.analysis.defects import NAMED, Defect
from harness.analysis.literals import Row
from harness.analysis.messages import family, normalised
from harness.analysis.separation import separate
from harness.outcomes import Harm, Outcome
from harness.results.events import ExpectationNote, Judgement, PluginNote, Result, Stage, plain
from harness.spec import canonical

MOST = 2 / 3
"""Least share of the failing cases of a family that need a fact by which families are one defect."""
CUT = 600
"""Length at which a run cuts messages; the cause may have been cut off."""

_SYMPTOMS = {Outcome.DIVERGENT, Outcome.MALFORMED, Outcome.INVALID}
"""Outcomes whose message may be of a later operator than the one at fault."""

Layer = tuple[str, str]
"""Dialect and name."""
_Place = tuple[str, str]
"""An engine, and the name of a layer that came to it."""


def defects(results: Iterable[Result], plugins: Iterable[PluginNote] = ()) -> list[Defect]:
    """The defects of a run: unexpected ones first, then silent ones, then by number of cases.

    `plugins` are the plugins of the file's header.
    """
    tally = Tally(plugins)
    for result in results:
        tally.add(result)
    return tally.defects()


@dataclass(frozen=True)
class _Key:
    """The key of a group of deviations: the converter's words, an expectation, or the family of the layer."""

    engine: str
    harm: Harm
    words: str = ""
    expectation: str = ""
    family: str = ""


@dataclass
class _Group:
    """Deviating results of one key, or of several keys that are one defect."""

    rows: list[_Reached] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    hops: Counter[str] = field(default_factory=Counter)
    outcomes: set[Outcome] = field(default_factory=set)
    units: list[float] = field(default_factory=list)
    notes: dict[str, ExpectationNote] = field(default_factory=dict)
    messages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Messages by case."""
    words: set[str] = field(default_factory=set)
    """Messages as `normalised`."""
    words_of_any_layer: set[str] = field(default_factory=set)
    """Messages as `normalised` without the layer's name."""
    unexpected: int = 0

    def take(self, result: Result, stage: Stage, hop: str) -> None:
        """Add one deviating result, with its stage at fault."""
        self.results.append(result.key)
        self.hops[hop] += 1
        self.outcomes.add(stage.outcome)
        if stage.units is not None:
            self.units.append(stage.units)
        self.messages[result.case].add(stage.message)
        self.words.add(normalised(stage.message))
        self.words_of_any_layer.add(normalised(stage.message, result.layer))
        if result.judgement is Judgement.EXPECTED and result.expectation is not None:
            self.notes[result.expectation.id] = result.expectation
        else:
            self.unexpected += 1

    def absorb(self, other: _Group) -> None:
        """Add the results of another group."""
        self.rows += other.rows
        self.results += other.results
        self.hops += other.hops
        self.outcomes |= other.outcomes
        self.units += other.units
        self.notes |= other.notes
        for case, messages in other.messages.items():
            self.messages[case] |= messages
        self.words |= other.words
        self.words_of_any_layer |= other.words_of_any_layer
        self.unexpected += other.unexpected


@dataclass(frozen=True, eq=False)
class _Reached(Row):
    """A stage that a case reached, and the deviations there, by key: expectations can differ between routes."""

    hop: str
    engine: str
    kinds: tuple[str, ...]
    faults: dict[_Key, _Group] = field(default_factory=lambda: defaultdict(_Group))


@dataclass(frozen=True)
class _Config:
    """The configuration of a case: the values of its axes, its text, whose length says how simple the case is, and the
    layers of a model of several."""

    values: Mapping[str, Any]
    text: str
    kinds: tuple[str, ...]


_Merged = dict[_Key | tuple[Any, ...], tuple[_Group, tuple[Condition, ...]]]
"""The group and the conditions of each defect, by its mark."""


class Tally:
    """Collects results one by one. To save memory in a long run, it stores only what the grouping needs.

    `plugins` come from the file's header. A converter that they do not name is its own engine.
    """

    def __init__(self, plugins: Iterable[PluginNote] = ()) -> None:
        self._plugins = {(note.kind, note.name): note for note in plugins}
        self._rows: dict[tuple[str, ...], _Reached] = {}
        self._configs: dict[str, _Config] = {}
        self._facts: set[str] = set()

    def add(self, result: Result) -> None:
        """Add one result."""
        if result.case not in self._configs:
            values = {**(result.facts or {}), **dict(flat(result.config))}
            kinds = tuple(values.pop("kinds", ()))
            self._facts |= set(result.facts or ())
            self._configs[result.case] = _Config(values, canonical(plain(result.config)), kinds)
        path: list[str] = []
        for stage in result.stages:
            path.append(stage.hop or stage.artifact)
            row = self._row(result, path)
            if not stage.outcome.passes:
                row.faults[_key(result, stage, row.engine)].take(result, stage, row.hop)
                return

    def defects(self) -> list[Defect]:
        """The defects of the results so far."""
        by_place: dict[tuple[str, Layer], list[_Reached]] = defaultdict(list)
        for row in self._sorted_rows():
            by_place[row.hop, row.layer].append(row)
        merged: _Merged = {}
        for key, group in self._joined():
            conditions = _conditions(group, by_place)
            mark = _mark(key, conditions, _needed(group, by_place, self._facts))
            if mark in merged:
                first, earlier = merged[mark]
                first.absorb(group)
                merged[mark] = first, collected([*earlier, *conditions])
            else:
                merged[mark] = group, conditions
        _give_models_to_layers(merged)
        return sorted((self._defect(*parts) for parts in merged.values()), key=lambda defect: defect.sort_key)

    def _row(self, result: Result, path: Sequence[str]) -> _Reached:
        place = (result.case, *path)
        if place not in self._rows:
            hops = [self._hop(name) for name in path[1:]]
            last = hops[-1] if hops else self._source(path[0])
            config = self._configs[result.case]
            values = {**config.values, "converter": last.base}
            if hops:
                values["route up to it"] = "-".join((path[0], *(hop.base for hop in hops[:-1])))
                values["opset"] = next((hop.opset for hop in hops if hop.opset is not None), None)
            layer = (result.dialect, result.layer)
            self._rows[place] = _Reached(result.case, layer, values, last.base, last.engine, config.kinds)
        return self._rows[place]

    def _hop(self, name: str) -> PluginNote:
        return self._plugins.get(("hop", name)) or PluginNote(name, "hop", engine=name, base=name)

    def _source(self, name: str) -> PluginNote:
        """The note of a source format, with the base name `source (keras)`."""
        label, note = f"source ({name})", self._plugins.get(("format", name))
        return PluginNote(name, "format", engine=(note.engine if note else "") or label, base=label)

    def _sorted_rows(self) -> list[_Reached]:
        return [row for _, row in sorted(self._rows.items(), key=lambda item: item[0])]

    def _groups(self) -> dict[_Key, _Group]:
        """Deviating results by key. All results of one stage share the key of fewest results, the most specific one."""
        rows = [row for row in self._sorted_rows() if row.faults]
        faults = _explained(rows, self._never_right())
        weight: Counter[_Key] = Counter()
        for row in rows:
            weight.update({key: len(part.results) for key, part in faults[row].items()})
        groups: dict[_Key, _Group] = defaultdict(_Group)
        for row in rows:
            group = groups[min(faults[row], key=lambda key: (weight[key], str(key)))]
            group.rows.append(row)
            for part in faults[row].values():
                group.absorb(part)
        return dict(sorted(groups.items(), key=lambda item: str(item[0])))

    def _never_right(self) -> set[_Place]:
        """The layers of which no case passes at an engine, each time without an expectation."""
        reached: Counter[_Place] = Counter()
        wrong: Counter[_Place] = Counter()
        for row in self._rows.values():
            if not row.kinds:
                place = row.engine, row.layer[1]
                reached[place] += 1
                wrong[place] += bool(row.faults) and all(part.unexpected for part in row.faults.values())
        return {place for place, count in reached.items() if wrong[place] == count >= MANY}

    def _joined(self) -> Iterator[tuple[_Key, _Group]]:
        """Each defect as one joined group, with one of its keys."""
        from scipy.cluster.hierarchy import DisjointSet  # takes half a second to import

        groups = self._groups()
        forest = DisjointSet(groups)
        first: dict[tuple[Any, ...], _Key] = {}
        for key, group in groups.items():
            for mark in _evidence(key, group):
                forest.merge(first.setdefault(mark, key), key)
        together: dict[_Key, list[_Key]] = defaultdict(list)
        for key in groups:
            together[forest[key]].append(key)
        for keys in together.values():
            whole = _Group()
            for key in keys:
                whole.absorb(groups[key])
            yield keys[0], whole

    def _defect(self, group: _Group, conditions: tuple[Condition, ...]) -> Defect:
        cases = tuple(sorted({row.case for row in group.rows}))
        smallest = min(cases, key=lambda case: (len(self._configs[case].text), case))
        return Defect(
            hops=tuple(sorted(group.hops, key=lambda hop: (-group.hops[hop], hop))),
            outcome=Outcome.worst(group.outcomes),
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


def _key(result: Result, stage: Stage, engine: str) -> _Key:
    """The key of a deviating result, with its stage at fault."""
    harm = stage.outcome.harm
    words = "" if harm is Harm.SILENT else normalised(stage.message)
    expected = result.judgement is Judgement.EXPECTED and result.expectation is not None
    expectation = result.expectation.id if expected and result.expectation else ""
    if stage.outcome is Outcome.REFUSED:
        return _Key(engine, harm, words, expectation if len(stage.message) >= CUT else "")
    if expectation:
        return _Key(engine, harm, "later" if words.startswith("runs, but not") else "", expectation)
    return _Key(engine, harm, words, family="" if stage.outcome is Outcome.INVALID else family(result.layer))


def _explained(rows: Sequence[_Reached], never_right: Collection[_Place]) -> dict[_Reached, Mapping[_Key, _Group]]:
    """The deviations of each row by key; those of a model that contains a layer which is never right by that layer."""
    culprits = {row: next((kind for kind in row.kinds if (row.engine, kind) in never_right), "") for row in rows}
    told_elsewhere = {key.words for row in rows if not culprits[row] for key in row.faults}
    explained: dict[_Reached, Mapping[_Key, _Group]] = {}
    for row in rows:
        parts: dict[_Key, _Group] = defaultdict(_Group)
        for key, part in row.faults.items():
            if culprits[row] and _is_symptom(key, part, told_elsewhere):
                words = "" if key.harm is Harm.LOUD else key.words
                key = _Key(key.engine, key.harm, words, family=family(culprits[row]))  # noqa: PLW2901
            parts[key].absorb(part)
        explained[row] = parts
    return explained


def _is_symptom(key: _Key, part: _Group, told_elsewhere: Collection[str]) -> bool:
    """Whether a deviation that nothing expects may be what a layer that is never right does to the model around it."""
    if part.unexpected < len(part.results) or not part.outcomes <= _SYMPTOMS:
        return False
    return key.harm is not Harm.LOUD or key.words not in told_elsewhere


def _evidence(key: _Key, group: _Group) -> Iterator[tuple[Any, ...]]:
    """Marks of a group; groups that share a mark are one defect."""
    for case, messages in group.messages.items():
        for message in messages:
            if len(message) < CUT:
                yield key.engine, key.harm, case, message
    if key.expectation and group.outcomes == {Outcome.INVALID} and len(group.words) == 1:
        yield key.engine, *group.words
    if key.words:
        one_family = len({family(row.layer[1]) for row in group.rows}) == 1
        # of several families, the words without the layer's name would lose an operator's name
        words = {key.words, *(group.words_of_any_layer if one_family else ())}
        for name, text in product({key.expectation, *group.notes}, words):
            yield key.engine, key.harm, name, key.family, text


def _mark(key: _Key, conditions: Sequence[Condition], needed: str) -> _Key | tuple[Any, ...]:
    """The mark by which groups are one defect, once their conditions are known; by default the key.

    Families of layers have one mark if most of their cases need the same fact, such as lopsided padding, or if they
    fail under the same condition.
    """
    if key.family and needed:
        return key.engine, key.harm, key.words, needed
    if key.family and len(conditions) == 1 and conditions[0].perfect and conditions[0].axes:
        return key.engine, key.harm, key.words, conditions[0].words
    return key


def _needed(group: _Group, by_place: Mapping[tuple[str, Layer], Sequence[_Reached]], facts: Collection[str]) -> str:
    """The fact, such as `same_pad = lopsided`, that most of the failing cases need; '' without one.

    The cases of a layer need a fact that all of them have, and less than half of those that pass.
    """
    rows_of: dict[Layer, list[_Reached]] = defaultdict(list)
    for row in group.rows:
        rows_of[row.layer].append(row)
    needed: Counter[str] = Counter()
    for layer, rows in rows_of.items():
        passing = [row for hop in sorted(group.hops) for row in by_place[hop, layer] if not row.faults]
        for name in sorted(facts):
            value = rows[0].values.get(name)
            having = sum(row.values.get(name) == value for row in passing)
            if value is not None and all(row.values.get(name) == value for row in rows) and 2 * having < len(passing):
                needed[f"{name} = {value}"] += len(rows)
    most = max(needed, key=lambda fact: (needed[fact], fact), default="")
    return most if needed[most] >= MOST * len(group.rows) else ""


def _give_models_to_layers(merged: _Merged) -> None:
    """Join wrong structures of models with those of a layer: if each model has a layer that by itself has them too.

    Of several defects of layers, the one with a layer in most of the models takes them. Only what nothing expects is
    joined: an expectation is about one defect already.
    """
    open_marks = [
        mark
        for mark, (group, _) in merged.items()
        if group.outcomes == {Outcome.MALFORMED} and group.unexpected == len(group.results)
    ]
    models = [mark for mark in open_marks if all(row.kinds for row in merged[mark][0].rows)]
    for mark in models:
        group, conditions = merged[mark]
        held = {other: _held_by(group, merged[other][0]) for other in open_marks if other not in models}
        if set().union(*held.values()) == set(group.rows):
            host = max(held, key=lambda other: (len(held[other]), str(other)))
            first, earlier = merged[host]
            first.absorb(group)
            merged[host] = first, collected([*earlier, *conditions])
            del merged[mark]


def _held_by(group: _Group, host: _Group) -> set[_Reached]:
    """The rows of models that have a layer which alone deviates in the host, at the same engine."""
    places = {(row.engine, row.layer[1]) for row in host.rows if not row.kinds}
    return {row for row in group.rows if any((row.engine, kind) in places for kind in row.kinds)}


def _conditions(group: _Group, by_place: Mapping[tuple[str, Layer], Sequence[_Reached]]) -> tuple[Condition, ...]:
    """One condition for all layers if a short one fits, else one for each layer, with equal ones joined."""
    failing = set(group.rows)

    def condition(layers: Sequence[Layer]) -> Condition:
        rows = [row for hop in sorted(group.hops) for layer in layers for row in by_place[hop, layer]]
        return separate(rows, [row for row in rows if row in failing], [row for row in rows if not row.faults], layers)

    layers = sorted({row.layer for row in group.rows})
    together = condition(layers)
    if len(layers) == 1 or (together.perfect and len(together.axes) < 2):
        return (together,)
    apart = collected([condition([layer]) for layer in layers])
    if together.perfect and (len(apart) > NAMED or not all(item.perfect for item in apart)):
        return (together,)
    return apart
