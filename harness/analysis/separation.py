"""Searches for the smallest condition that separates the failing stages from the passing ones.

A condition is about the values of the cases' axes. It says where a defect shows, not why. The search tries one axis,
then two axes together, then three axes together and two alternatives. If none of these separates, it returns its best
guess, with precision and recall.

Sets of rows are integers with one bit for each row: `&` is their intersection, `|` their union.
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

from harness.analysis.condition import ALWAYS, LARGEST, Condition, is_number
from harness.results.events import plain
from harness.spec import canonical

LISTED = 3
"""Most values of one axis that a condition names."""
BACKING = 2
"""Least number of failing cases for each of two alternatives, and for three axes together."""
NEAR = 40
"""Number of best literals that are combined to threes, to alternatives, and to guesses."""
BETTER = 0.05
"""Least lead of a guess over `always`, in score."""
DRAWS = 10
"""Number of random picks of cases for which a condition is searched, to rule out chance."""
WIDTH = 48
"""Most characters of a value in a condition's words."""
OTHERWISE = "always, or another failure comes first"


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


_Axis = tuple[str, dict[str, _Value]]
"""The name of an axis, and its values by their canonical text."""


@dataclass(frozen=True)
class _Literal:
    """A condition on one axis: the rows that fulfil it, its words, and the cost of reading them."""

    axis: str
    rows: int
    words: str
    cost: int


@dataclass(frozen=True)
class _Choice:
    """A condition as alternatives; each is a set of literals that hold together."""

    terms: tuple[tuple[_Literal, ...], ...]

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(literal.axis for term in self.terms for literal in term)

    @property
    def cost(self) -> int:
        return sum(literal.cost for term in self.terms for literal in term)

    @property
    def words(self) -> str:
        return ", or ".join(sorted(" and ".join(sorted(literal.words for literal in term)) for term in self.terms))


_NO_CONDITION = _Choice(((),))


@dataclass(frozen=True)
class _Field:
    """The rows and axes of a search, and the rows that fail by the defect or pass."""

    rows: Sequence[Row]
    axes: Sequence[_Axis]
    layers: tuple[str, ...]
    failing: int
    passing: int

    def measures(self, rows: int) -> tuple[float, float]:
        """Precision and recall of a condition that the rows fulfil."""
        hit, wrong = (rows & self.failing).bit_count(), (rows & self.passing).bit_count()
        return hit / max(hit + wrong, 1), hit / self.failing.bit_count()

    def score(self, rows: int) -> float:
        """The harmonic mean of precision and recall."""
        precision, recall = self.measures(rows)
        return 2 * precision * recall / max(precision + recall, 1e-9)

    def cases(self, rows: int) -> int:
        """Number of distinct cases of the rows."""
        return len({row.case for place, row in enumerate(self.rows) if rows >> place & 1})

    def holds(self, choice: _Choice) -> int:
        """The failing and passing rows that fulfil a choice."""
        every = self.failing | self.passing
        return reduce(or_, (_meet(term, every) for term in choice.terms), 0)

    def condition(
        self, choice: _Choice, others: int = 0, *, otherwise: str = ALWAYS, chance: bool = False
    ) -> Condition:
        """The choice as a Condition; `otherwise` are the words of an empty choice."""
        precision, recall = self.measures(self.holds(choice))
        return Condition(
            words=choice.words or otherwise,
            layers=self.layers,
            axes=choice.axes,
            precision=precision,
            recall=recall,
            failing=self.failing.bit_count(),
            passing=self.passing.bit_count(),
            cases=self.cases(self.failing),
            others=others,
            chance=chance,
        )


def separate(
    rows: Sequence[Row], failing: Iterable[Row], passing: Iterable[Row], layers: Sequence[tuple[str, str]]
) -> Condition:
    """The smallest condition that separates the rows `failing` by a defect from the rows `passing`.

    Other rows fail by other defects. They are ignored, unless one value of one axis separates the failing rows from
    them too.
    """
    place = {id(row): 1 << index for index, row in enumerate(rows)}
    wanted, agreeing = (sum(place[id(row)] for row in some) for some in (failing, passing))
    axes = list(_axes(rows))
    field = _Field(rows, axes, tuple(dict.fromkeys(layer for _, layer in layers)), wanted, agreeing)
    rest = ((1 << len(rows)) - 1) & ~wanted
    if rest != agreeing:
        from_all = _smallest(_together(_literals(axes, wanted, rest), rest, 1))
        if from_all is not None and from_all[0].cost == 1:
            return field.condition(*from_all)
    if not agreeing:
        return field.condition(_NO_CONDITION, otherwise=OTHERWISE if rest else ALWAYS)
    literals = _literals(axes, wanted, agreeing)
    smallest = _search(field, literals)
    if smallest is None:
        return field.condition(_best_guess(field, literals))
    choice, others = smallest
    return field.condition(choice, others, chance=len(choice.axes) > 1 and _by_chance(field, choice))


def _search(field: _Field, literals: Sequence[_Literal]) -> tuple[_Choice, int] | None:
    """The smallest choice that separates, of as few axes as possible, and the number of others as small."""
    for size in (1, 2):
        if smallest := _smallest(_together(literals, field.passing, size)):
            return smallest
    return _smallest(_complex(field, literals))


def _by_chance(field: _Field, choice: _Choice) -> bool:
    """Whether a choice of as few axes also separates as many cases picked at random, so that it means nothing."""
    draw = Random(0)  # noqa: S311 - no secret
    rows_of: dict[str, int] = defaultdict(int)
    for place, row in enumerate(field.rows):
        rows_of[row.case] |= 1 << place & (field.failing | field.passing)
    cases = [case for case, rows in rows_of.items() if rows]
    for _ in range(DRAWS):
        picked = draw.sample(cases, field.cases(field.failing))
        failing = reduce(or_, (rows_of[case] for case in picked))
        other = replace(field, failing=failing, passing=(field.failing | field.passing) & ~failing)
        smallest = _search(other, _literals(field.axes, failing, other.passing)) if other.passing else None
        if smallest is not None and len(smallest[0].axes) <= len(choice.axes):
            return True
    return False


def _meet(literals: Iterable[_Literal], rows: int) -> int:
    """Those of the rows that fulfil all literals."""
    return reduce(lambda fulfilling, literal: fulfilling & literal.rows, literals, rows)


def _together(literals: Sequence[_Literal], against: int, size: int) -> list[_Choice]:
    """Sets of `size` literals of different axes that none of the rows `against` fulfils."""
    return [
        _Choice((term,))
        for term in combinations(literals, size)
        if not _meet(term, against) and len({literal.axis for literal in term}) == size
    ]


def _complex(field: _Field, literals: Sequence[_Literal]) -> list[_Choice]:
    """Choices of three axes together, or of two alternatives with at most two axes each; none for too few cases."""
    if field.cases(field.failing) < BACKING:
        return []
    near = sorted(literals, key=lambda literal: (literal.rows & field.passing).bit_count())[:NEAR]
    choices = _together(near, field.passing, 3)
    for first in _clean(field)[:NEAR]:
        uncovered = field.failing & ~first.rows
        if min(field.cases(uncovered), field.cases(first.rows & field.failing)) < BACKING:
            continue
        others = _literals(field.axes, uncovered, field.passing)
        seconds = _together(others, field.passing, 1) or _together(others, field.passing, 2)
        choices += [_Choice(((first,), *second.terms)) for second in seconds]
    return choices


def _clean(field: _Field) -> list[_Literal]:
    """Literals that some failing rows and no passing row fulfil, sorted by number of failing rows."""
    singles = [*_literals(field.axes, 0, field.passing), *_single_values(field.axes, field.failing)]
    by_rows = {
        literal.rows & field.failing: literal
        for literal in singles
        if literal.rows & field.failing and not literal.rows & field.passing
    }
    return sorted(by_rows.values(), key=lambda literal: -(literal.rows & field.failing).bit_count())


def _smallest(choices: Sequence[_Choice]) -> tuple[_Choice, int] | None:
    """The choice of least cost, and the number of choices over other axes at the same cost; None without choices."""
    if not choices:
        return None
    first = min(choices, key=lambda choice: choice.cost)
    equal = {
        tuple(sorted(axis.removeprefix(LARGEST) for axis in choice.axes))
        for choice in choices
        if choice.cost == first.cost
    }
    return first, len(equal) - 1


def _best_guess(field: _Field, literals: Sequence[_Literal]) -> _Choice:
    """The choice of the best score; `_NO_CONDITION` if that is hardly better than `always`."""
    singles = [*literals, *_single_values(field.axes, field.failing)]
    near = sorted(singles, key=lambda literal: -field.score(literal.rows))[:NEAR]
    choices = [_Choice(((literal,),)) for literal in near]
    choices += [_Choice(((a, b),)) for a, b in combinations(near, 2) if a.axis != b.axis]

    def merit(choice: _Choice) -> tuple[float, int]:
        return round(field.score(field.holds(choice)), 9), -choice.cost

    best = max(choices, key=merit, default=_NO_CONDITION)
    return best if merit(best)[0] >= field.score(field.holds(_NO_CONDITION)) + BETTER else _NO_CONDITION


def _axes(rows: Sequence[Row]) -> Iterator[_Axis]:
    """Axes that all layers have and that vary; of several axes that divide the rows alike, the first."""
    cuts: set[tuple[int, ...]] = set()
    for name in _shared_axes(rows):
        values: dict[str, _Value] = {}
        for place, row in enumerate(rows):
            value = row.values.get(name)
            text = canonical(plain(value))
            values[text] = _Value(value, values.get(text, _Value(value, 0)).rows | 1 << place)
        cut = tuple(sorted(value.rows for value in values.values()))
        if len(values) > 1 and cut not in cuts:
            cuts.add(cut)
            yield name, values


def _shared_axes(rows: Sequence[Row]) -> list[str]:
    """Names of the axes that every layer has, derived axes last."""
    by_layer: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        by_layer[row.layer] |= set(row.values)
    shared = set.intersection(*by_layer.values()) if by_layer else set[str]()
    names = dict.fromkeys(name for row in rows for name in row.values if name in shared)
    return sorted(names, key=lambda name: name.startswith(LARGEST))


def _literals(axes: Sequence[_Axis], wanted: int, against: int) -> list[_Literal]:
    """For each axis, literals that every wanted row fulfils and some row `against` does not."""
    literals: list[_Literal] = []
    for axis, values in axes:
        for chosen in _covering_sets(values, wanted, against):
            rows = reduce(or_, (values[text].rows for text in chosen), 0)
            words = _words(axis, chosen, values) if against & ~rows else None
            if words is not None:
                literals.append(_Literal(axis, rows, *words))
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


def _single_values(axes: Sequence[_Axis], wanted: int) -> Iterator[_Literal]:
    """Literals for each single value of each axis, and for all values but one, that a wanted row fulfils."""
    for axis, values in axes:
        for text in values:
            for chosen in (frozenset([text]), frozenset(set(values) - {text})):
                words = _words(axis, chosen, values)
                rows = reduce(or_, (values[each].rows for each in chosen), 0)
                if words is not None and rows & wanted:
                    yield _Literal(axis, rows, *words)


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
    text = value if isinstance(value, str) and value else canonical(plain(value))
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}\u2026"
