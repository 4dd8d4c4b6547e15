"""The smallest condition that separates what fails from what passes.

It is found by search over the values of the cases' axes, not by reasoning: it says where a defect was seen, not why it
is there. First one axis is tried, then two together, then three together and two alternatives. Where nothing separates,
the best guess is given with its precision and recall, and is marked as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from operator import or_
from random import Random
from typing import Any

from harness.results.events import plain
from harness.spec import canonical

_LISTED = 3
"""Most values that a condition names of one axis."""
_MANY = 5
"""So many other conditions that fit as well leave nothing to trust in one of them; fewer stages are no `always`."""
_FEW = 2
"""So many cases at least stand behind each of two alternatives, and behind three axes together."""
_NEAR = 40
"""So many of the best sets of values are tried together: in threes, as alternatives, and as a guess."""
_BETTER = 0.05
"""A guess must be better by this than none."""
_DRAWS = 10
"""So often cases are picked at random to see whether a condition would be found for them as well."""
_WORDS = 48
ALWAYS = "always"
_LARGEST = "largest of "
_OTHERWISE = "always, or another failure comes first"
_UNKNOWN = "not told apart by three axes or two alternatives"


@dataclass(frozen=True)
class Condition:
    """Where a defect shows. `words` reads `padding = same and strides > 1`, or `always`.

    `precision` is the share of failing stages among those it covers, `recall` the share of failing stages that it
    covers; both are 1 where it is `perfect`. `failing` and `passing` count the stages it was found from, `cases` the
    cases that fail, and `others` the equally small conditions over other axes that separate them as well. By `chance`
    means that one as small separates as many cases that are picked at random, too.
    """

    words: str
    layers: tuple[str, ...]
    axes: tuple[str, ...] = ()
    precision: float = 1.0
    recall: float = 1.0
    failing: int = 0
    passing: int = 0
    cases: int = 0
    others: int = 0
    chance: bool = False

    @property
    def perfect(self) -> bool:
        return self.precision == 1 and self.recall == 1

    @property
    def sure(self) -> bool:
        """Perfect, and neither one of many that are, nor the mark of a single case, nor what chance would do."""
        return self.perfect and self.others < _MANY and self.cases > 1 and not self.chance

    @property
    def text(self) -> str:
        """The words, and how far to trust them."""
        if self.words == ALWAYS and self.perfect and self.failing < _MANY:
            return f"in all {self.failing} that got there" if self.failing > 1 else "in the only case that got there"
        if not self.perfect:
            hint = f"; best guess {self.words}" if self.axes else ""
            return f"{_UNKNOWN}{hint} (precision {_percent(self.precision)}, recall {_percent(self.recall)})"
        if self.others >= _MANY or self.chance:
            rest = f", or {_others(self.others)} as simple" if self.others else ""
            return f"too few cases to tell: {self.words}{rest}"
        marks = [f"or {_others(self.others)} as simple"] if self.others else []
        marks += ["one case"] if self.cases == 1 and self.axes else []
        return f"{self.words} ({'; '.join(marks)})" if marks else self.words

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
            "cases": self.cases,
            "others": self.others,
            "chance": self.chance,
        }


@dataclass(frozen=True, eq=False)
class Row:
    """One stage of one case, the stages before it passed: what the search sees of it."""

    case: str
    layer: tuple[str, str]
    values: Mapping[str, Any]


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Axes with plain values: an inner layer is its kind and its own axes, a list of numbers also its largest."""
    for name, value in config.items():
        if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
            yield f"{prefix}{name}", value["kind"]
            yield from flat(value["config"], f"{prefix}{name}.")
        elif isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
            if isinstance(value, list | tuple) and len(value) > 1 and all(_is_number(item) for item in value):
                yield f"{_LARGEST}{prefix}{name}", max(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_Axis = tuple[str, dict[str, tuple[Any, int]]]
"""Its name; its values by their canonical text, each with its plain form and the rows that have it, as bits."""


@dataclass(frozen=True)
class _Literal:
    """Some values of one axis: the stages that have them as bits, the words, and how much there is to read."""

    axis: str
    mask: int
    words: str
    cost: int


@dataclass(frozen=True)
class _Choice:
    """Alternatives, each of which is literals that hold together."""

    terms: tuple[tuple[_Literal, ...], ...]

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(part.axis for parts in self.terms for part in parts)

    @property
    def cost(self) -> int:
        return sum(part.cost for parts in self.terms for part in parts)

    @property
    def words(self) -> str:
        return ", or ".join(sorted(" and ".join(sorted(part.words for part in parts)) for parts in self.terms))


@dataclass(frozen=True)
class _Field:
    """The stages that a condition is searched over, and which of them fail so or pass, as bits."""

    rows: Sequence[Row]
    axes: Sequence[_Axis]
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

    def cases(self, mask: int) -> int:
        """Number of cases among these stages."""
        return len({row.case for place, row in enumerate(self.rows) if mask >> place & 1})

    def condition(
        self, choice: _Choice, others: int = 0, *, otherwise: str = ALWAYS, chance: bool = False
    ) -> Condition:
        """The choice in words; `otherwise` are the words for none."""
        precision, recall = self.measures(self.mask(choice))
        return Condition(
            words=choice.words or otherwise,
            layers=self.layers,
            axes=choice.axes,
            precision=precision,
            recall=recall,
            failing=self.wanted.bit_count(),
            passing=self.passing.bit_count(),
            cases=self.cases(self.wanted),
            others=others,
            chance=chance,
        )

    def mask(self, choice: _Choice) -> int:
        """The failing and passing stages for which it holds."""
        every = self.wanted | self.passing
        return reduce(or_, (_meet(parts, every) for parts in choice.terms), 0)


_NOTHING = _Choice(((),))


def _meet(parts: Iterable[_Literal], mask: int) -> int:
    """The stages of `mask` for which all parts hold."""
    return reduce(lambda left, part: left & part.mask, parts, mask)


def separate(
    rows: Sequence[Row], failing: Iterable[Row], passing: Iterable[Row], layers: Sequence[tuple[str, str]]
) -> Condition:
    """The smallest separation of the rows that fail so from those that pass; rows that fail otherwise say nothing,
    unless one value of one axis tells them apart as well."""
    place = {id(row): 1 << index for index, row in enumerate(rows)}
    wanted, agreeing = (sum(place[id(row)] for row in some) for some in (failing, passing))
    axes = list(_axes(rows))
    own = _Field(rows, axes, tuple(dict.fromkeys(layer for _, layer in layers)), wanted, agreeing)
    rest = ((1 << len(rows)) - 1) & ~wanted
    if rest != agreeing:
        chosen = _smallest(_together(_literals(axes, wanted, rest), rest, 1))
        if chosen is not None and chosen[0].cost == 1:
            return own.condition(*chosen)
    if not agreeing:
        return own.condition(_NOTHING, otherwise=_OTHERWISE if rest else ALWAYS)
    literals = _literals(axes, wanted, agreeing)
    if chosen := _search(own, literals):
        return own.condition(*chosen, chance=len(chosen[0].axes) > 1 and _by_chance(own, chosen[0]))
    return own.condition(_best(own, literals))


def _search(own: _Field, literals: Sequence[_Literal]) -> tuple[_Choice, int] | None:
    """The smallest choice that separates, and how many others are as small: more axes only where fewer do not."""
    for size in (1, 2):
        if chosen := _smallest(_together(literals, own.passing, size)):
            return chosen
    return _smallest(_complex(own, literals))


def _by_chance(own: _Field, chosen: _Choice) -> bool:
    """Whether so small a choice also separates as many cases that are picked at random: then it says nothing."""
    draw = Random(0)  # noqa: S311 - no secret
    of_case: dict[str, int] = defaultdict(int)
    for place, row in enumerate(own.rows):
        of_case[row.case] |= 1 << place & (own.wanted | own.passing)
    cases = [case for case, mask in of_case.items() if mask]
    for _ in range(_DRAWS):
        picked = draw.sample(cases, own.cases(own.wanted))
        wanted = reduce(or_, (of_case[case] for case in picked))
        other = replace(own, wanted=wanted, passing=(own.wanted | own.passing) & ~wanted)
        found = _search(other, _literals(own.axes, wanted, other.passing)) if other.passing else None
        if found is not None and len(found[0].axes) <= len(chosen.axes):
            return True
    return False


def _together(literals: Sequence[_Literal], against: int, size: int) -> list[_Choice]:
    """Sets of so many literals, each of another axis, that hold for none of `against`."""
    return [
        _Choice((parts,))
        for parts in combinations(literals, size)
        if not _meet(parts, against) and len({part.axis for part in parts}) == size
    ]


def _complex(own: _Field, literals: Sequence[_Literal]) -> list[_Choice]:
    """Three axes together, or two alternatives of at most two axes each; none where few cases would back them."""
    if own.cases(own.wanted) < _FEW:
        return []
    near = sorted(literals, key=lambda item: (item.mask & own.passing).bit_count())[:_NEAR]
    found = _together(near, own.passing, 3)
    singles = [*_literals(own.axes, 0, own.passing), *_single_values(own.axes, own.wanted)]
    clean = {item.mask & own.wanted: item for item in singles if item.mask & own.wanted and not item.mask & own.passing}
    for first in sorted(clean.values(), key=lambda item: -(item.mask & own.wanted).bit_count())[:_NEAR]:
        left = own.wanted & ~first.mask
        if min(own.cases(left), own.cases(first.mask & own.wanted)) < _FEW:
            continue
        rest = _literals(own.axes, left, own.passing)
        seconds = _together(rest, own.passing, 1) or _together(rest, own.passing, 2)
        found += [_Choice(((first,), *second.terms)) for second in seconds]
    return found


def _smallest(found: Sequence[_Choice]) -> tuple[_Choice, int] | None:
    """The one with least to read, and how many there are over other axes that take no more."""
    if not found:
        return None
    first = min(found, key=lambda choice: choice.cost)
    equal = {
        tuple(sorted(axis.removeprefix(_LARGEST) for axis in choice.axes))
        for choice in found
        if choice.cost == first.cost
    }
    return first, len(equal) - 1


def _best(own: _Field, literals: Sequence[_Literal]) -> _Choice:
    """The best guess by precision and recall; none where it is hardly better than saying `always`."""
    near = sorted([*literals, *_single_values(own.axes, own.wanted)], key=lambda item: -own.score(item.mask))[:_NEAR]
    tries = [_Choice(((item,),)) for item in near]
    tries += [_Choice(((a, b),)) for a, b in combinations(near, 2) if a.axis != b.axis]

    def merit(choice: _Choice) -> tuple[float, int]:
        return round(own.score(own.mask(choice)), 9), -choice.cost

    first = max(tries, key=merit, default=_NOTHING)
    return first if merit(first)[0] >= own.score(own.mask(_NOTHING)) + _BETTER else _NOTHING


def collected(found: Iterable[Condition]) -> tuple[Condition, ...]:
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
        cases=first.cases + other.cases,
        others=min(first.others, other.others),
        chance=first.chance and other.chance,
    )


def _axes(rows: Sequence[Row]) -> Iterator[_Axis]:
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


def _literals(axes: Sequence[_Axis], wanted: int, against: int) -> list[_Literal]:
    """For each axis the sets of values that cover every wanted row, can be named, and leave out some other row."""
    found: list[_Literal] = []
    for axis, values in axes:
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


def _single_values(axes: Sequence[_Axis], wanted: int) -> Iterator[_Literal]:
    """Each value of each axis by itself, and all but it."""
    for axis, values in axes:
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


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _others(count: int) -> str:
    return f"{count:,} other{'' if count == 1 else 's'}"
