"""Covering arrays: the strata of a row that the golden corpus needs, and the share of pairs that it covers."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Any

from allpairspy import AllPairs

from harness.catalogue import Choice, Row
from harness.spec import canonical


def _names(choice: Choice, axes: tuple[str, ...]) -> str:
    return canonical([[axis, choice[axis]] for axis in axes])


def covering_array(row: Row) -> list[dict[str, Any]]:
    """Choices in which every valid pair of axis values of the row occurs.

    Pins with values or axes beyond the row's come last, so that the other choices are what they are without them.
    """
    within = tuple(pin for pin, choice in zip(row.pins, row.pinned, strict=True) if row.has(choice))
    return _with(_array(replace(row, pins=within)), (pin for pin in row.pinned if not row.has(pin)))


def _array(row: Row) -> list[dict[str, Any]]:
    """First the array of the row as it was before its later values joined, and the pins that name these. Then the
    pairs that no choice within all of the row's barriers holds, those that none within all but the last holds, and so
    on; then those of the later values."""
    choices = [{axis: {**row.joined, **choice}[axis] for axis in row.axes} for choice in _paired(row.earlier)]
    if row.later:
        choices = _with(choices, row.pinned)
    for count in range(len(row.barriers), 0, -1):
        choices = completed(row.within(count), choices)
    return completed(row, choices) if row.later else choices


def completed(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices, and then as many as it takes to hold every valid pair of the row in choices that the row allows.

    Each is the one of 60 random completions of a missing pair that holds the most missing pairs.
    """
    missing = wanted(row)
    for choice in choices:
        if row.allows(choice):
            _remove(missing, row, choice)
    source = random.Random(f"{row.dialect}/{row.layer}/completed")  # noqa: S311 - repeatable, not secret
    result = list(choices)
    while missing:
        pair = next(iter(missing.values()))
        offers = [random_choice(row, source, pair) for _ in range(60)]
        result.append(max(offers, key=lambda offer: len(missing.keys() & held(row, [offer]))))
        _remove(missing, row, result[-1])
    return result


def _remove(missing: dict[str, dict[str, Any]], row: Row, choice: Choice) -> None:
    for name in held(row, [choice]):
        missing.pop(name, None)


def _paired(row: Row) -> list[dict[str, Any]]:
    """The array of a row without later values and barriers.

    `allpairspy` builds the array. Under rules its greedy search misses some pairs, which are completed one by one.
    Then free values are balanced, the row's pins are added, and choices with the most new triples fill the array up
    to the row's `per_axis`.
    """
    names = list(row.axes)
    if len(names) == 1:
        return [{names[0]: value} for value in row.axes[names[0]]]

    def allowed(values: list[Any]) -> bool:
        return row.possible(dict(zip(names, values, strict=False)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        choices = [
            dict(zip(names, values, strict=True))
            for values in AllPairs([row.axes[name] for name in names], filter_func=allowed)
        ]
    seen = {_names(choice, pair) for choice in choices for pair in combinations(names, 2)}
    for pair in row.tuples(2):
        if _names(pair, tuple(axis for axis in names if axis in pair)) not in seen:
            choices.append(rarest(row, pair, choices))
            seen |= {_names(choices[-1], other) for other in combinations(names, 2)}
    return _topped_up(row, _with(balanced(row, choices), row.pinned))


def _with(choices: list[dict[str, Any]], more: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices, then those of `more` that are not among them."""
    result = list(choices)
    for choice in more:
        if choice not in result:
            result.append(choice)
    return result


def rarest(row: Row, partial: Choice, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The valid completion of a pair that prefers, axis by axis, the value that the choices use least."""
    used = {axis: Counter(canonical(choice[axis]) for choice in choices) for axis in row.axes}
    ordered = {
        axis: tuple(sorted(values, key=lambda value, count=used[axis]: count[canonical(value)]))  # type: ignore[misc]
        for axis, values in row.axes.items()
    }
    choice = replace(row, axes=ordered).complete(partial)
    assert choice is not None, "tuples() yields only pairs that complete"
    return choice


def _topped_up(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    result = list(choices)
    triples = {_names(choice, three) for choice in result for three in combinations(row.axes, 3)}
    source = random.Random(f"{row.dialect}/{row.layer}")  # noqa: S311 - repeatable, not secret
    while len(result) < row.per_axis * len(row.axes):
        offers = [random_choice(row, source) for _ in range(30)]
        fresh = [{_names(offer, three) for three in combinations(row.axes, 3)} - triples for offer in offers]
        best = max(range(len(offers)), key=lambda k: len(fresh[k]))
        if not fresh[best]:
            break
        result.append(offers[best])
        triples |= fresh[best]
    return result


def random_choice(row: Row, source: random.Random, partial: Choice = MappingProxyType({})) -> dict[str, Any]:
    """A random full choice that extends `partial` and breaks no rule."""
    shuffled = {axis: tuple(source.sample(values, len(values))) for axis, values in row.axes.items()}
    choice = replace(row, axes=shuffled).complete(partial)
    assert choice is not None, "some valid choice extends it"
    return {axis: choice[axis] for axis in row.axes}


def balanced(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many choices that cover the same pairs, with the values of each axis used more evenly.

    A greedy array takes the first value of an axis wherever no pair needs another, so that most cases would be near
    the defaults. A value is free if each of its pairs occurs in another choice too; the least used value of the axis
    replaces it.
    """
    counts = Counter(_names(choice, pair) for choice in choices for pair in combinations(row.axes, 2))
    uses = {axis: Counter(canonical(choice[axis]) for choice in choices) for axis in row.axes}
    result = []
    for before in choices:
        choice = dict(before)
        for axis in row.axes:
            pairs = _pairs_with(row, choice, axis)
            if any(counts[name] < 2 for name in pairs):
                continue
            options = [value for value in row.axes[axis] if row.allows({**choice, axis: value})]
            value = min(options, key=lambda option: uses[axis][canonical(option)])
            if uses[axis][canonical(value)] + 1 < uses[axis][canonical(choice[axis])]:
                uses[axis][canonical(choice[axis])] -= 1
                uses[axis][canonical(value)] += 1
                counts.subtract(pairs)
                choice[axis] = value
                counts.update(_pairs_with(row, choice, axis))
        result.append(choice)
    return result


def _pairs_with(row: Row, choice: Choice, axis: str) -> list[str]:
    return [_names(choice, pair) for pair in combinations(row.axes, 2) if axis in pair]


def wanted(row: Row, strength: int = 2) -> dict[str, dict[str, Any]]:
    """Every valid combination of `strength` axis values, by its name."""
    return {_names(values, tuple(values)): values for values in row.tuples(strength)}


def held(row: Row, choices: Iterable[Choice], strength: int = 2) -> set[str]:
    """Names of the combinations of `strength` axis values in the choices.

    A choice of an older catalogue may lack an axis; it holds no combination with that axis.
    """
    have: set[str] = set()
    for choice in choices:
        present = [axis for axis in row.axes if axis in choice]
        have |= {_names(choice, axes) for axes in combinations(present, strength)}
    return have


def covered(row: Row, choices: Iterable[Choice], strength: int = 2) -> tuple[int, int]:
    """Numbers of combinations of `strength` axis values: those in the choices, and all that are valid."""
    names = wanted(row, strength).keys()
    return len(names & held(row, choices, strength)), len(names)


def apart(row: Row, pairs: Mapping[str, Choice], choices: Sequence[Choice]) -> int:
    """Number of the pairs that no choice holds, although each of the two values occurs in a choice."""
    have, values = held(row, choices), held(row, choices, 1)
    return sum(
        name not in have and all(_names(pair, (axis,)) in values for axis in pair) for name, pair in pairs.items()
    )
