"""Deviations by cause: many results, few defects.

A deviation is a result whose outcome does not pass, expected or not. It belongs to the stage at fault: the converter
(all its opsets together), what happened there, and what the converter said, without numbers, names and shapes. Routes
that share that stage see one deviation. Where the words are our own (wrong values, wrong structure, a process that
died), they do not tell defects apart; there the family of the layer does, and families are one defect that fail
under the same condition at the same converter, or of which one and the same expectation speaks.

The condition is the smallest set of values of the cases' axes that separates what fails from what passes at that
converter. It is found by search, not by reasoning: it says where a defect was seen, not why it is there. Where
nothing separates them, the best guess is given with its precision and recall, and is marked as one.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from operator import or_
from typing import Any

from harness.results import ExpectationNote, Judgement, Outcome, Result, Stage, plain
from harness.spec import canonical

SILENT, STRUCTURE, LOUD = "silent", "silent structure", "loud"
_HARM = {Outcome.DRIFT: SILENT, Outcome.DIVERGENT: SILENT, Outcome.MALFORMED: STRUCTURE}
_OWN_WORDS = (Outcome.DRIFT, Outcome.DIVERGENT, Outcome.MALFORMED, Outcome.CRASH, Outcome.HANG)
"""Outcomes whose message is ours, not the converter's."""
_LISTED = 3
"""Most values that a condition names of one axis."""
_MANY = 5
"""So many other conditions that fit as well leave nothing to trust in one of them; fewer stages are no `always`."""
_NEAR = 40
"""Where nothing separates, so many of the best sets of values are tried in pairs."""
_BETTER = 0.05
"""A guess must be better by this than none."""
_MESSAGE = 240
_WORDS = 48
_ALWAYS = "always"
_LARGEST = "largest of "
_OTHERWISE = "always, or another failure comes first"
_UNKNOWN = "not told apart by one or two axes"


@dataclass(frozen=True)
class Condition:
    """Where a defect shows. `words` reads `padding = same and strides > 1`, or `always`.

    `precision` is the share of failing stages among those it covers, `recall` the share of failing stages that it
    covers; both are 1 where it is `perfect`. `failing` and `passing` count the stages it was found from, and `others`
    the equally small conditions over other axes that separate them as well.
    """

    words: str
    layers: tuple[str, ...]
    axes: tuple[str, ...] = ()
    precision: float = 1.0
    recall: float = 1.0
    failing: int = 0
    passing: int = 0
    others: int = 0

    @property
    def perfect(self) -> bool:
        return self.precision == 1 and self.recall == 1

    @property
    def sure(self) -> bool:
        """Perfect, and not one of many that are."""
        return self.perfect and self.others < _MANY

    @property
    def text(self) -> str:
        """The words, and how far to trust them."""
        if self.words == _ALWAYS and self.perfect and self.failing < _MANY:
            return f"in all {self.failing} that got there" if self.failing > 1 else "in the only case that got there"
        if not self.perfect:
            hint = f"; best guess {self.words}" if self.axes else ""
            return f"{_UNKNOWN}{hint} (precision {_percent(self.precision)}, recall {_percent(self.recall)})"
        if not self.sure:
            return f"too few cases to tell: {self.words}, or {self.others} others as simple"
        return self.words + (f" (or {_many(self.others, 'other')} as simple)" if self.others else "")

    def to_json(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "layers": list(self.layers),
            "perfect": self.perfect,
            "sure": self.sure,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "failing": self.failing,
            "passing": self.passing,
            "others": self.others,
        }


@dataclass(frozen=True)
class Cause:
    """One defect: the stage at fault, where it shows, and all results that it explains."""

    hop: str
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
    def said(self) -> str:
        """The message of the smallest case on one line, short: without frames, arguments and the node's signature."""
        text = self.message
        for pattern, instead in _NOISE:
            text = re.sub(pattern, instead, text)
        text = " ".join(text.split())
        return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 1]}\u2026"

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


def causes(results: Iterable[Result]) -> list[Cause]:
    """The defects behind the deviations of a run: unexpected ones first, then silent ones, then by count of cases."""
    tally = Tally()
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
    """What deviations of one defect share. `family` is empty where the converter's own words tell defects apart."""

    hop: str
    outcome: Outcome
    message: str
    family: str


@dataclass
class _Seen:
    """One stage of one case: the stages before it passed."""

    case: str
    layer: tuple[str, str]
    hop: str
    values: dict[str, Any]
    key: _Key | None = None


@dataclass
class _Group:
    """Deviating results of one key."""

    rows: list[_Seen] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    notes: dict[str, ExpectationNote] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    unexpected: int = 0

    def absorb(self, other: _Group) -> None:
        self.rows += other.rows
        self.results += other.results
        self.units += other.units
        self.notes |= other.notes
        self.messages |= other.messages
        self.unexpected += other.unexpected


class Tally:
    """Collects results one by one and keeps of each what the grouping needs, so that a long run can afford it."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], _Seen] = {}
        self._groups: dict[_Key, _Group] = {}
        self._configs: dict[str, tuple[dict[str, Any], str]] = {}

    def add(self, result: Result) -> None:
        """Take in one result."""
        if result.case not in self._configs:
            text = canonical(plain(result.config))
            self._configs[result.case] = (dict(_flat(result.config)), text)
        path: list[str] = []
        for stage in result.stages:
            path.append(stage.hop or stage.artifact)
            key = None if stage.outcome.passes else _key(result, stage)
            row = self._row(result, path)
            if key is not None:
                self._deviates(result, stage, row, key)
                return

    def _row(self, result: Result, path: Sequence[str]) -> _Seen:
        place = (result.case, *path)
        if place not in self._rows:
            bases = [split_opset(name) for name in path]
            hop = bases[-1][0] if len(path) > 1 else f"source ({path[0]})"
            opset = next((number for _, number in bases if number is not None), None)
            via = {"route up to it": "-".join(name for name, _ in bases[:-1]), "opset": opset}
            values = {**self._configs[result.case][0], **(via if len(path) > 1 else {})}
            self._rows[place] = _Seen(result.case, (result.dialect, result.layer), hop, values)
        return self._rows[place]

    def _deviates(self, result: Result, stage: Stage, row: _Seen, key: _Key) -> None:
        if row.key is None:
            row.key = key
            self._groups.setdefault(key, _Group()).rows.append(row)
        group = self._groups[row.key]
        group.results.append(result.key)
        if stage.units is not None:
            group.units.append(math.inf if math.isnan(stage.units) else stage.units)
        group.messages.setdefault(result.case, stage.message)
        if result.verdict is Judgement.EXPECTED and result.expectation is not None:
            group.notes[result.expectation.id] = result.expectation
        else:
            group.unexpected += 1

    def causes(self) -> list[Cause]:
        """The defects of what was added."""
        by_place: dict[tuple[str, tuple[str, str]], list[_Seen]] = defaultdict(list)
        for row in self._rows.values():
            by_place[row.hop, row.layer].append(row)
        merged: dict[tuple[Any, ...], tuple[_Key, _Group, tuple[Condition, ...]]] = {}
        for key, group in self._groups.items():
            conditions = _conditions(key, group, by_place)
            mark: tuple[Any, ...] = (key,)
            if key.family and len(group.notes) == 1 and not group.unexpected:
                mark = (key.hop, key.outcome, *group.notes)
            elif key.family and len(conditions) == 1 and conditions[0].perfect and conditions[0].axes:
                mark = (key.hop, key.outcome, key.message, conditions[0].words)
            if mark in merged:
                first, known, said = merged[mark]
                known.absorb(group)
                merged[mark] = (first, known, _collected([*said, *conditions]))
            else:
                merged[mark] = (key, group, conditions)
        found = [self._cause(*parts) for parts in merged.values()]
        return sorted(found, key=lambda cause: cause.sort_key)

    def _cause(self, key: _Key, group: _Group, conditions: tuple[Condition, ...]) -> Cause:
        cases = tuple(sorted({row.case for row in group.rows}))
        smallest = min(cases, key=lambda case: (len(self._configs[case][1]), case))
        return Cause(
            hop=key.hop,
            outcome=key.outcome,
            message=group.messages[smallest],
            layers=tuple(sorted({row.layer[1] for row in group.rows})),
            conditions=conditions,
            cases=cases,
            results=tuple(group.results),
            units=max(group.units, default=None),
            smallest=smallest,
            notes=tuple(note for _, note in sorted(group.notes.items())),
            unexpected=group.unexpected,
        )


def _key(result: Result, stage: Stage) -> _Key:
    name, _ = split_opset(stage.hop) if stage.hop else (f"source ({stage.artifact})", None)
    own = stage.outcome in _OWN_WORDS
    message = "" if stage.outcome in (Outcome.DRIFT, Outcome.DIVERGENT) else normalised(stage.message, result.layer)
    return _Key(name, stage.outcome, message, family(result.layer) if own else "")


def split_opset(hop: str) -> tuple[str, int | None]:
    """A converter's name without the opset that it was told, and that opset: `tf2onnx13` is `tf2onnx` at 13."""
    found = re.fullmatch(r"(.*[a-z])(1[0-9]|2[0-9])", hop)
    return (found[1], int(found[2])) if found else (hop, None)


def family(layer: str) -> str:
    """The layer without its number of dimensions: `Conv2DTranspose` is of the family `ConvTranspose`."""
    return re.sub(r"[123]D", "", layer)


_NOISE: tuple[tuple[str, str], ...] = (
    (r"(?s)\s*(Call a|A)rguments received by .*", ""),  # the arguments of this very call
    (r"(?m)^\s*File \".*\n.*\n?", ""),  # frames of a traceback
    (r"In Node, .*?, Error", "In Node, Error"),
)
"""What a message says beside what went wrong."""
_NORMAL: tuple[tuple[str, str], ...] = (
    *_NOISE,
    (r"^(runs, but not )?with .*?: (?=\S)", r"\1*: "),  # the sizes of the second inputs
    (r"(using )?config=\{.*", "config"),
    (r"0x[0-9a-f]+", "#"),
    (r"(?:[\w.-]*/)+([\w-]+\.(?:h|hpp|cc|cpp|py))\b", r"\1"),
    (r"'\{\{.*?'", "*"),
    (r"[\"']?[\w.:-]*/[\w./:-]*[\"']?", "*"),  # names of nodes, and paths
    (r"[\w-]+\.(?:onnx|pt|pt2|h5|keras|mat|json)\b", "*"),
    (r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "#"),
    (r"\bNone\b", "#"),
    (r"[\[({]\s*[#?](?:\s*,\s*[#?]?)*\s*[\])}]", "#"),
    (r"#(?:\s*,\s*#)+", "#"),
    (r"\s+", " "),
)


def normalised(message: str, layer: str = "") -> str:
    """What was said without numbers, shapes, names of nodes and files, and the layer's own name."""
    text = re.sub(rf"[\w.]*\b{re.escape(layer)}\b(?!' object)", "LAYER", message) if layer else message
    for pattern, instead in _NORMAL:
        text = re.sub(pattern, instead, text)
    return text.strip()[:_MESSAGE]


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Axes with plain values: an inner layer is its kind and its own axes, a list of numbers also its largest."""
    for name, value in config.items():
        if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
            yield f"{prefix}{name}", value["kind"]
            yield from _flat(value["config"], f"{prefix}{name}.")
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
            if isinstance(value, list | tuple) and len(value) > 1 and all(_is_number(item) for item in value):
                yield f"{_LARGEST}{prefix}{name}", max(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class _Field:
    """The stages that a condition is searched over, and which of them fail so or pass, as bits."""

    rows: Sequence[_Seen]
    layers: tuple[str, ...]
    wanted: int
    passing: int

    def measures(self, mask: int) -> tuple[float, float]:
        """Precision and recall of a condition that holds for these stages."""
        hit, wrong = (mask & self.wanted).bit_count(), (mask & self.passing).bit_count()
        return hit / max(hit + wrong, 1), hit / self.wanted.bit_count()

    def score(self, mask: int) -> float:
        """The harmonic mean of precision and recall."""
        precision, recall = self.measures(mask)
        return 2 * precision * recall / max(precision + recall, 1e-9)

    def condition(self, parts: Sequence[_Literal], others: int = 0, otherwise: str = _ALWAYS) -> Condition:
        """All parts together; `otherwise` are the words for none."""
        precision, recall = self.measures(self.mask(parts))
        return Condition(
            words=" and ".join(sorted(part.words for part in parts)) or otherwise,
            layers=self.layers,
            axes=tuple(part.axis for part in parts),
            precision=precision,
            recall=recall,
            failing=self.wanted.bit_count(),
            passing=self.passing.bit_count(),
            others=others,
        )

    def mask(self, parts: Sequence[_Literal]) -> int:
        """The failing and passing stages for which all parts hold."""
        return reduce(lambda left, part: left & part.mask, parts, self.wanted | self.passing)


@dataclass(frozen=True)
class _Literal:
    """Some values of one axis: the stages that have them as bits, the words, and how much there is to read."""

    axis: str
    mask: int
    words: str
    cost: int


def _conditions(
    key: _Key, group: _Group, by_place: Mapping[tuple[str, tuple[str, str]], Sequence[_Seen]]
) -> tuple[Condition, ...]:
    """One condition for all layers where a short one fits, else one for each layer; equal ones are written once."""
    layers = sorted({row.layer for row in group.rows})
    together = _condition(key, [row for layer in layers for row in by_place[key.hop, layer]], layers)
    if len(layers) == 1 or (together.perfect and len(together.axes) < 2):
        return (together,)
    apart = _collected([_condition(key, by_place[key.hop, layer], [layer]) for layer in layers])
    if together.perfect and (len(apart) > _LISTED or not all(item.perfect for item in apart)):
        return (together,)
    return apart


def _collected(found: Iterable[Condition]) -> tuple[Condition, ...]:
    """Conditions of several layers; perfect ones of the same words are one."""
    apart: dict[tuple[str, ...], Condition] = {}
    for item in found:
        mark = (item.words,) if item.perfect else (item.words, *item.layers)
        apart[mark] = _joined(apart[mark], item) if mark in apart else item
    return tuple(apart.values())


def _joined(first: Condition, other: Condition) -> Condition:
    """Two conditions of the same words, of different layers, or of one layer by different words of ours."""
    return Condition(
        words=first.words,
        layers=tuple(dict.fromkeys((*first.layers, *other.layers))),
        precision=min(first.precision, other.precision),
        recall=min(first.recall, other.recall),
        axes=first.axes,
        failing=first.failing + other.failing,
        passing=first.passing + other.passing,
        others=min(first.others, other.others),
    )


def _condition(key: _Key, rows: Sequence[_Seen], layers: Sequence[tuple[str, str]]) -> Condition:
    """The smallest separation of the rows that fail so from those that pass; rows that fail otherwise say nothing,
    unless one value of one axis tells them apart as well."""
    wanted = reduce(or_, (1 << place for place, row in enumerate(rows) if row.key == key), 0)
    passing = reduce(or_, (1 << place for place, row in enumerate(rows) if row.key is None), 0)
    own = _Field(rows, tuple(dict.fromkeys(layer for _, layer in layers)), wanted, passing)
    rest = ((1 << len(rows)) - 1) & ~wanted
    if rest != passing:
        chosen = _smallest([(item,) for item in _literals(rows, wanted, rest) if not item.mask & rest])
        if chosen is not None and chosen[0][0].cost == 1:
            return own.condition(*chosen)
    if not passing:
        return own.condition((), otherwise=_OTHERWISE if rest else _ALWAYS)
    literals = _literals(rows, wanted, passing)
    chosen = _smallest([(item,) for item in literals if not item.mask & passing])
    if chosen is None:
        both = ((a, b) for a, b in combinations(literals, 2) if a.axis != b.axis)
        chosen = _smallest([pair for pair in both if not pair[0].mask & pair[1].mask & passing])
    return own.condition(_best(own, literals)) if chosen is None else own.condition(*chosen)


def _smallest(found: Sequence[tuple[_Literal, ...]]) -> tuple[tuple[_Literal, ...], int] | None:
    """The one with least to read, and how many there are over other axes that take no more."""
    if not found:
        return None

    def cost(parts: tuple[_Literal, ...]) -> int:
        return sum(part.cost for part in parts)

    first = min(found, key=cost)
    equal = {tuple(part.axis.removeprefix(_LARGEST) for part in parts) for parts in found if cost(parts) == cost(first)}
    return first, len(equal) - 1


def _best(own: _Field, literals: Sequence[_Literal]) -> tuple[_Literal, ...]:
    """The best guess by precision and recall; none where it is hardly better than saying `always`."""
    near = sorted([*literals, *_single_values(own.rows, own.wanted)], key=lambda item: -own.score(item.mask))[:_NEAR]
    tries: list[tuple[_Literal, ...]] = [(item,) for item in near]
    tries += [(a, b) for a, b in combinations(near, 2) if a.axis != b.axis]

    def merit(parts: tuple[_Literal, ...]) -> tuple[float, int]:
        return round(own.score(own.mask(parts)), 9), -sum(part.cost for part in parts)

    first = max(tries, key=merit, default=())
    return first if first and merit(first)[0] >= own.score(own.mask(())) + _BETTER else ()


def _axes(rows: Sequence[_Seen]) -> Iterator[tuple[str, dict[str, tuple[Any, int]]]]:
    """Axes that all layers have and that vary, each way of cutting the rows once: canonical values with their plain
    form and rows."""
    seen: set[tuple[int, ...]] = set()
    own: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        own[row.layer] |= set(row.values)
    shared = set.intersection(*own.values()) if own else set[str]()
    names = dict.fromkeys(name for row in rows for name in row.values if name in shared)
    for name in sorted(names, key=lambda name: name.startswith(_LARGEST)):  # stable: plain axes come first
        values: dict[str, tuple[Any, int]] = {}
        for place, row in enumerate(rows):
            value = row.values.get(name)
            text = canonical(plain(value))
            values[text] = (value, values.get(text, (value, 0))[1] | 1 << place)
        cut = tuple(sorted(mask for _, mask in values.values()))
        if len(values) > 1 and cut not in seen:
            seen.add(cut)
            yield name, values


def _literals(rows: Sequence[_Seen], wanted: int, against: int) -> list[_Literal]:
    """For each axis the sets of values that cover every wanted row, can be named, and leave out some other row."""
    found: list[_Literal] = []
    for axis, values in _axes(rows):
        least = {text for text, (_, mask) in values.items() if mask & wanted}
        clean = {text for text, (_, mask) in values.items() if not mask & against}
        sets = [least, least | clean]
        sets += [set(values) - {text} for text in values if text not in least]
        sets += [upto for upto in _ranges(values) if least <= upto]
        for chosen in dict.fromkeys(frozenset(item) for item in sets):
            mask = reduce(or_, (values[text][1] for text in chosen), 0)
            named = None if against & ~mask == 0 else _named(axis, chosen, values)
            if named is not None:
                found.append(_Literal(axis, mask, *named))
    return found


def _single_values(rows: Sequence[_Seen], wanted: int) -> Iterator[_Literal]:
    """Each value of each axis by itself, and all but it."""
    for axis, values in _axes(rows):
        for text, (_, mask) in values.items():
            others = frozenset(set(values) - {text})
            for chosen in (frozenset([text]), others):
                named = _named(axis, chosen, values)
                own = mask if text in chosen else reduce(or_, (values[other][1] for other in others), 0)
                if named is not None and own & wanted:
                    yield _Literal(axis, own, *named)


def _ranges(values: Mapping[str, tuple[Any, int]]) -> Iterator[set[str]]:
    """The upper and lower ends of an axis of numbers."""
    if len(values) < 3 or not all(_is_number(value) for value, _ in values.values()):
        return
    order = sorted(values, key=lambda text: values[text][0])
    for cut in range(1, len(order)):
        yield set(order[cut:])
        yield set(order[:cut])


def _named(axis: str, chosen: frozenset[str], values: Mapping[str, tuple[Any, int]]) -> tuple[str, int] | None:
    """The words for these values of the axis and their cost, or None where there are too many to name."""
    rest = [text for text in values if text not in chosen]
    if not chosen or not rest:
        return None
    own = [text for text in values if text in chosen]
    if len(own) == 1:
        return f"{axis} = {_plain(values[own[0]][0])}", 1
    if len(values) > 2 and all(_is_number(value) for value, _ in values.values()):
        inside, outside = [values[text][0] for text in own], [values[text][0] for text in rest]
        if min(inside) > max(outside):
            return f"{axis} > {max(outside):g}", 2
        if max(inside) < min(outside):
            return f"{axis} < {min(outside):g}", 2
    if len(rest) == 1:
        return f"{axis} \u2260 {_plain(values[rest[0]][0])}", 2
    if len(own) <= _LISTED and len(own) <= len(rest):
        return f"{axis} = {' or '.join(_plain(values[text][0]) for text in own)}", 1 + len(own)
    if len(rest) <= _LISTED:
        return f"{axis} \u2260 {', '.join(_plain(values[text][0]) for text in rest)}", 2 + len(rest)
    return None


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) and value else canonical(plain(value))
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 1]}\u2026"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _LISTED else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _many(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'' if count == 1 else 's'}"
