"""Searches for the smallest condition that separates the failing stages from the passing ones.

A condition is about the values of the cases' axes. It says where a defect shows, not why. The search tries one axis,
then two axes together, then three axes together and two alternatives. If none of these separates, it returns its best
guess, with precision and recall.

Cases that nobody drew cannot speak. Where each case has either strides or a dilation rate above 1, `strides = 1` and
`dilation > 1` hold in the same cases. Of such literals the condition names one without plain values, and says which
others the cases cannot tell from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from math import comb
from operator import or_
from random import Random

from harness.analysis.condition import ALWAYS, Condition
from harness.analysis.literals import OF_INPUTS, Axis, Literal, Row, axes_of, literals_of, single_values

BACKING = 2
"""Least number of failing cases for each of two alternatives, and for three axes together."""
NEAR = 40
"""Number of best literals that are combined to threes, to alternatives, and to guesses."""
BETTER = 0.05
"""Least lead of a guess over `always`, in score."""
DRAWS = 10
"""Number of random picks of cases for which a condition is searched, to rule out chance."""
LIKELY = 0.2
"""Share of picks above which a condition on one axis may be chance."""
NAMED = 2
"""Most literals of plain values that are named as holding in the same cases as one of a condition."""
BRIEF = 2
"""Highest cost of a literal that takes another's place: it names one value."""
OTHERWISE = "always, or another failure comes first"


@dataclass(frozen=True)
class _Choice:
    """A condition as alternatives; each is a set of literals that hold together."""

    terms: tuple[tuple[Literal, ...], ...]

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(literal.axis for term in self.terms for literal in term)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(literal.name for term in self.terms for literal in term))

    @property
    def cost(self) -> int:
        return sum(literal.cost for term in self.terms for literal in term)

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts by cost, then by the number of literals that hardly break a converter."""
        return self.cost, sum(literal.plain + (literal.axis in OF_INPUTS) for term in self.terms for literal in term)

    def with_literal(self, at: int, place: int, literal: Literal) -> _Choice:
        """The choice with another literal at a place of a term."""
        term = (*self.terms[at][:place], literal, *self.terms[at][place + 1 :])
        return _Choice((*self.terms[:at], term, *self.terms[at + 1 :]))

    @property
    def words(self) -> str:
        return ", or ".join(sorted(" and ".join(sorted(literal.words for literal in term)) for term in self.terms))


_NO_CONDITION = _Choice(((),))
_Found = tuple[_Choice, frozenset[tuple[str, ...]]]
"""A choice, and the names of the axes of all choices as simple, of it too."""


@dataclass(frozen=True)
class _Field:
    """The rows and axes of a search, and the rows that fail by the defect or pass."""

    rows: Sequence[Row]
    axes: Sequence[Axis]
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
        self,
        choice: _Choice,
        others: Iterable[tuple[str, ...]] = (),
        *,
        otherwise: str = ALWAYS,
        chance: bool = False,
    ) -> Condition:
        """The choice as a Condition; `others` are the axes of choices as simple, `otherwise` the words of an empty
        choice."""
        precision, recall = self.measures(self.holds(choice))
        choice, alike = _hostile(self, choice)
        told = {choice.names, *(other.names for others in alike.values() for other in others)}
        return Condition(
            words=choice.words or otherwise,
            layers=self.layers,
            axes=choice.axes,
            precision=precision,
            recall=recall,
            failing=self.failing.bit_count(),
            passing=self.passing.bit_count(),
            cases=self.cases(self.failing),
            others=len(set(others) - told),
            chance=chance,
            alike=tuple(alike),
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
    axes = list(axes_of(rows))
    field = _Field(rows, axes, tuple(dict.fromkeys(layer for _, layer in layers)), wanted, agreeing)
    rest = ((1 << len(rows)) - 1) & ~wanted
    if rest != agreeing:
        from_all = _smallest(_together(literals_of(axes, wanted, rest), rest, 1))
        if from_all is not None and from_all[0].cost == 1:
            return field.condition(*from_all)
    if not agreeing:
        return field.condition(_NO_CONDITION, otherwise=OTHERWISE if rest else ALWAYS)
    literals = literals_of(axes, wanted, agreeing)
    smallest = _search(field, literals)
    if smallest is None:
        return field.condition(_best_guess(field, literals))
    choice, others = smallest
    return field.condition(choice, others, chance=_by_chance(field, choice))


def _search(field: _Field, literals: Sequence[Literal]) -> _Found | None:
    """The smallest choice that separates, of as few axes as possible, and the axes of all as small."""
    for size in (1, 2):
        if smallest := _smallest(_together(literals, field.passing, size)):
            return smallest
    return _smallest(_complex(field, literals))


def _hostile(field: _Field, choice: _Choice) -> tuple[_Choice, dict[str, tuple[_Choice, ...]]]:
    """The choice, with each literal replaced by the one of the best rank that holds in the same cases.

    Beside it the choices that these cases cannot tell from it, by words such as `dilation > 1 from strides = 1`: those
    with a literal that was replaced, or with one of plain values.
    """
    alike: dict[str, tuple[tuple[int, int, Literal], ...]] = {}
    for at, term in enumerate(choice.terms):
        for place, literal in enumerate(term):
            best, *others = sorted([literal, *_twins(field, choice, at, place)], key=lambda each: each.rank)
            choice = choice.with_literal(at, place, best)
            named = [twin for twin in others if twin is literal or (twin.plain and not best.plain)]
            if twins := named[:NAMED]:
                words = f"{best.words} from {' or '.join(twin.words for twin in twins)}"
                alike[words] = tuple((at, place, twin) for twin in twins)
    return choice, {words: tuple(choice.with_literal(*twin) for twin in twins) for words, twins in alike.items()}


def _twins(field: _Field, choice: _Choice, at: int, place: int) -> Iterator[Literal]:
    """Literals that hold in the same cases as one of the choice, among those that fulfil the rest of its term.

    One for each axis that the choice does not have.
    """
    term = choice.terms[at]
    rest = _meet((*term[:place], *term[place + 1 :]), field.failing | field.passing)
    within, without = rest & term[place].rows, rest & ~term[place].rows
    seen = set(choice.names)
    for literal in sorted(literals_of(field.axes, within, without), key=lambda each: each.cost):
        if not literal.rows & without and literal.cost <= BRIEF and literal.name not in seen:
            seen.add(literal.name)
            yield literal


def _by_chance(field: _Field, choice: _Choice) -> bool:
    """Whether a choice of as few axes also separates as many cases picked at random, so that it means nothing."""
    if len(choice.axes) == 1:
        return _by_chance_alone(field)
    draw = Random(0)  # noqa: S311 - no secret
    rows_of: dict[str, int] = defaultdict(int)
    for place, row in enumerate(field.rows):
        rows_of[row.case] |= 1 << place & (field.failing | field.passing)
    cases = [case for case, rows in rows_of.items() if rows]
    for _ in range(DRAWS):
        picked = draw.sample(cases, field.cases(field.failing))
        failing = reduce(or_, (rows_of[case] for case in picked))
        other = replace(field, failing=failing, passing=(field.failing | field.passing) & ~failing)
        smallest = _search(other, literals_of(field.axes, failing, other.passing)) if other.passing else None
        if smallest is not None and len(smallest[0].axes) <= len(choice.axes):
            return True
    return False


def _by_chance_alone(field: _Field) -> bool:
    """Whether more than `LIKELY` of all picks of as many cases are what one value of an axis, or all but one, picks.

    Of a single case that is said anyway. Where a case fails on one way and passes on another, the way counts, not the
    case.
    """
    every = field.failing | field.passing
    picked, among = field.cases(field.failing), field.cases(every)
    if picked == 1 or picked + field.cases(field.passing) > among:
        return False
    singles = {literal.rows & every for literal in single_values(field.axes, every)}
    return sum(field.cases(rows) == picked for rows in singles) > LIKELY * comb(among, picked)


def _meet(literals: Iterable[Literal], rows: int) -> int:
    """Those of the rows that fulfil all literals."""
    return reduce(lambda fulfilling, literal: fulfilling & literal.rows, literals, rows)


def _together(literals: Sequence[Literal], against: int, size: int) -> list[_Choice]:
    """Sets of `size` literals of different axes that none of the rows `against` fulfils."""
    return [
        _Choice((term,))
        for term in combinations(literals, size)
        if not _meet(term, against) and len({literal.axis for literal in term}) == size
    ]


def _complex(field: _Field, literals: Sequence[Literal]) -> list[_Choice]:
    """Choices of three axes together, or of two alternatives with at most two axes each; none for too few cases."""
    if field.cases(field.failing) < BACKING:
        return []
    near = sorted(literals, key=lambda literal: (literal.rows & field.passing).bit_count())[:NEAR]
    choices = _together(near, field.passing, 3)
    for first in _clean(field)[:NEAR]:
        uncovered = field.failing & ~first.rows
        if min(field.cases(uncovered), field.cases(first.rows & field.failing)) < BACKING:
            continue
        others = literals_of(field.axes, uncovered, field.passing)
        seconds = _together(others, field.passing, 1) or _together(others, field.passing, 2)
        choices += [_Choice(((first,), *second.terms)) for second in seconds]
    return choices


def _clean(field: _Field) -> list[Literal]:
    """Literals that some failing rows and no passing row fulfil, sorted by number of failing rows."""
    singles = [*literals_of(field.axes, 0, field.passing), *single_values(field.axes, field.failing)]
    by_rows = {
        literal.rows & field.failing: literal
        for literal in singles
        if literal.rows & field.failing and not literal.rows & field.passing
    }
    return sorted(by_rows.values(), key=lambda literal: -(literal.rows & field.failing).bit_count())


def _smallest(choices: Sequence[_Choice]) -> _Found | None:
    """The choice of least cost, and the axes of all choices at this cost; None without choices."""
    if not choices:
        return None
    first = min(choices, key=lambda choice: choice.rank)
    return first, frozenset(choice.names for choice in choices if choice.cost == first.cost)


def _best_guess(field: _Field, literals: Sequence[Literal]) -> _Choice:
    """The choice of the best score; `_NO_CONDITION` if that is hardly better than `always`."""
    singles = [*literals, *single_values(field.axes, field.failing)]
    near = sorted(singles, key=lambda literal: -field.score(literal.rows))[:NEAR]
    choices = [_Choice(((literal,),)) for literal in near]
    choices += [_Choice(((a, b),)) for a, b in combinations(near, 2) if a.axis != b.axis]

    def merit(choice: _Choice) -> tuple[float, int]:
        return round(field.score(field.holds(choice)), 9), -choice.cost

    best = max(choices, key=merit, default=_NO_CONDITION)
    return best if merit(best)[0] >= field.score(field.holds(_NO_CONDITION)) + BETTER else _NO_CONDITION
