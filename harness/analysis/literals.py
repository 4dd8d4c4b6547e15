"""Literals: conditions on one axis of the cases, such as `strides > 1`, in words and as sets of rows.

Sets of rows are integers with one bit for each row: `&` is their intersection, `|` their union.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from harness.analysis.condition import LARGEST, is_number
from harness.results.events import plain
from harness.spec import canonical

LISTED = 3
"""Most values of one axis that a condition names."""
WIDTH = 48
"""Most characters of a value in a condition's words."""
OF_INPUTS = ("profile", "infinity")
"""Axes of the numbers in the inputs. Where another axis says the same, it is named: converters read no inputs."""


@dataclass(frozen=True, eq=False)
class Row:
    """One stage that a case reached: the case, its layer (dialect and name), and the values of its axes."""

    case: str
    layer: tuple[str, str]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class _Value:
    """A value of an axis, and the set of rows with it."""

    value: Any
    rows: int


Axis = tuple[str, dict[str, _Value]]
"""The name of an axis, and its values by their canonical text."""


@dataclass(frozen=True)
class Literal:
    """A condition on one axis: the rows that fulfil it, its words, and the cost of reading them.

    `plain`: it admits plain values only, such as 1 and none. These break little.
    """

    axis: str
    rows: int
    words: str
    cost: int
    plain: bool

    @property
    def name(self) -> str:
        """The axis, or the list of numbers of which it holds the largest."""
        return self.axis.removeprefix(LARGEST)

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Sorts what is more likely to break a converter first, then what is read faster."""
        return self.plain, self.axis in OF_INPUTS, self.cost


def axes_of(rows: Sequence[Row]) -> Iterator[Axis]:
    """Axes that all layers have and that vary; of several that have the same values in each row, the first.

    So are `dilation` and the argument `dilation_rate` made of it, whose name begins like it; and a list of numbers and
    the largest of them.
    """
    cuts: dict[tuple[int, ...], list[Axis]] = defaultdict(list)
    for name in _shared_axes(rows):
        values: dict[str, _Value] = {}
        for place, row in enumerate(rows):
            value = row.values.get(name)
            text = canonical(plain(value))
            values[text] = _Value(value, values.get(text, _Value(value, 0)).rows | 1 << place)
        cut = tuple(sorted(value.rows for value in values.values()))
        if len(values) > 1 and not any(_is_same((name, values), other) for other in cuts[cut]):
            cuts[cut].append((name, values))
            yield name, values


def _is_same(axis: Axis, other: Axis) -> bool:
    """Whether one of two axes that divide the rows alike is made of the other."""
    (name, values), (known, others) = axis, other
    return name.removeprefix(LARGEST).startswith(known) or {text: value.rows for text, value in values.items()} == {
        text: value.rows for text, value in others.items()
    }


def _shared_axes(rows: Sequence[Row]) -> list[str]:
    """Names of the axes that every layer has, derived axes last."""
    by_layer: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        by_layer[row.layer] |= set(row.values)
    shared = set.intersection(*by_layer.values()) if by_layer else set[str]()
    names = dict.fromkeys(name for row in rows for name in row.values if name in shared)
    return sorted(names, key=lambda name: name.startswith(LARGEST))


def literals_of(axes: Sequence[Axis], wanted: int, against: int) -> list[Literal]:
    """For each axis, literals that every wanted row fulfils and some row `against` does not."""
    literals: list[Literal] = []
    for axis, values in axes:
        for chosen in _covering_sets(values, wanted, against):
            rows = reduce(or_, (values[text].rows for text in chosen), 0)
            words = _words(axis, chosen, values) if against & ~rows else None
            if words is not None:
                literals.append(_literal(axis, chosen, values, rows, words))
    return literals


def _covering_sets(values: Mapping[str, _Value], wanted: int, against: int) -> Iterable[frozenset[str]]:
    """Sets of values that cover every wanted row.

    The smallest set, the same with all values that no row `against` has, all values but one, and ranges.
    """
    least = {text for text, value in values.items() if value.rows & wanted}
    free = {text for text, value in values.items() if not value.rows & against}
    sets = [least, least | free]
    sets += [set(values) - {text} for text in values if text not in least]
    sets += [texts for texts in _ranges(values) if least <= texts]
    return dict.fromkeys(map(frozenset, sets))


def single_values(axes: Sequence[Axis], wanted: int) -> Iterator[Literal]:
    """Literals for each single value of each axis, and for all values but one, that a wanted row fulfils."""
    for axis, values in axes:
        for text in values:
            for chosen in (frozenset([text]), frozenset(set(values) - {text})):
                words = _words(axis, chosen, values)
                rows = reduce(or_, (values[each].rows for each in chosen), 0)
                if words is not None and rows & wanted:
                    yield _literal(axis, chosen, values, rows, words)


def _literal(
    axis: str, chosen: Iterable[str], values: Mapping[str, _Value], rows: int, words: tuple[str, int]
) -> Literal:
    return Literal(axis, rows, *words, plain=all(_is_plain(values[text].value) for text in chosen))


def _is_plain(value: Any) -> bool:
    """Whether a value is what a layer does without: none, 0 or 1, or a list of these."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or value == "none" or (is_number(value) and value in (0, 1))


def _ranges(values: Mapping[str, _Value]) -> Iterator[set[str]]:
    """The upper and lower ends of an axis of numbers."""
    if len(values) < 3 or not all(is_number(value.value) for value in values.values()):
        return
    order = sorted(values, key=lambda text: values[text].value)
    for cut in range(1, len(order)):
        yield set(order[cut:])
        yield set(order[:cut])


def _words(axis: str, chosen: frozenset[str], values: Mapping[str, _Value]) -> tuple[str, int] | None:
    """The words for the chosen values of an axis and their cost; None for too many values to name."""
    inside = [value.value for text, value in values.items() if text in chosen]
    outside = [value.value for text, value in values.items() if text not in chosen]
    if not inside or not outside:
        return None
    if len(inside) == 1:
        return f"{axis} = {_shown(inside[0])}", 1
    if words := _as_range(axis, inside, outside):
        return words, 2
    if len(outside) == 1:
        return f"{axis} \u2260 {_shown(outside[0])}", 2
    if len(inside) <= min(LISTED, len(outside)):
        return f"{axis} = {' or '.join(map(_shown, inside))}", 1 + len(inside)
    if len(outside) <= LISTED:
        return f"{axis} \u2260 {', '.join(map(_shown, outside))}", 2 + len(outside)
    return None


def _as_range(axis: str, inside: Sequence[Any], outside: Sequence[Any]) -> str:
    """The words for numbers at the upper or the lower end of an axis; '' for other values."""
    if len(inside) + len(outside) < 3 or not all(map(is_number, (*inside, *outside))):
        return ""
    if min(inside) > max(outside):
        return f"{axis} > {max(outside):g}"
    if max(inside) < min(outside):
        return f"{axis} < {min(outside):g}"
    return ""


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if value == "nan":
        return "inputs with NaN"  # the profile's name reads as if a value were missing
    text = value if isinstance(value, str) and value else canonical(plain(value))
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}\u2026"
