"""Covering arrays: the strata of a row that the golden corpus must hold, and how much of them it holds."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any

from allpairspy import AllPairs

from harness.catalogue import Choice, Row
from harness.spec import canonical


def _names(choice: Choice, axes: tuple[str, ...]) -> str:
    return canonical([[axis, choice[axis]] for axis in axes])


def covering_array(row: Row) -> list[dict[str, Any]]:
    """Choices in which every valid pair of axis values of the row occurs.

    `allpairspy` makes the array; pairs its greedy search gives up on under the row's rules are completed one by
    one, values that nothing needs are spread evenly, and rows with many axes are topped up with the choices that
    hold the most triples not seen yet.
    """
    names = list(row.axes)
    if len(names) == 1:
        return [{names[0]: value} for value in row.axes[names[0]]]

    def allowed(values: list[Any]) -> bool:
        return row.possible(dict(zip(names, values, strict=False)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            dict(zip(names, values, strict=True))
            for values in AllPairs([row.axes[name] for name in names], filter_func=allowed)
        ]
    seen = {_names(choice, pair) for choice in found for pair in combinations(names, 2)}
    for pair in row.tuples(2):
        if _names(pair, tuple(axis for axis in names if axis in pair)) not in seen:
            found.append(rarest(row, pair, found))
            seen |= {_names(found[-1], other) for other in combinations(names, 2)}
    return _topped_up(row, _pinned(row, balanced(row, found)))


def _pinned(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices and the row's pins. Raises ValueError for a pin that a rule forbids."""
    found = list(choices)
    for pin in row.pins:
        choice = row.complete(pin)
        if choice is None:
            raise ValueError(f"{row.dialect} {row.layer}: a rule forbids the pin {dict(pin)}")
        if choice not in found:
            found.append(choice)
    return found


def rarest(row: Row, partial: Choice, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The valid completion of a pair that takes, axis by axis, the value used least so far."""
    used = {axis: Counter(canonical(choice[axis]) for choice in choices) for axis in row.axes}
    ordered = {
        axis: tuple(sorted(values, key=lambda value, count=used[axis]: count[canonical(value)]))  # type: ignore[misc]
        for axis, values in row.axes.items()
    }
    choice = replace(row, axes=ordered).complete(partial)
    assert choice is not None, "tuples() yields only pairs that complete"
    return choice


def _topped_up(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = list(choices)
    triples = {_names(choice, three) for choice in found for three in combinations(row.axes, 3)}
    source = random.Random(f"{row.dialect}/{row.layer}")  # noqa: S311 - repeatable, not secret
    while len(found) < row.per_axis * len(row.axes):
        offers = [random_choice(row, source) for _ in range(30)]
        fresh = [{_names(offer, three) for three in combinations(row.axes, 3)} - triples for offer in offers]
        best = max(range(len(offers)), key=lambda k: len(fresh[k]))
        if not fresh[best]:
            break
        found.append(offers[best])
        triples |= fresh[best]
    return found


def random_choice(row: Row, source: random.Random) -> dict[str, Any]:
    """A full choice that breaks no rule, axis values at random."""
    shuffled = {axis: tuple(source.sample(values, len(values))) for axis, values in row.axes.items()}
    choice = replace(row, axes=shuffled).complete({})
    assert choice is not None, "a row has at least one valid choice"
    return {axis: choice[axis] for axis in row.axes}


def balanced(row: Row, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same pairs from the same number of choices, with the values nobody needs spread evenly.

    A greedy array leaves the first value of an axis wherever no pair asks for another, which would draw most
    cases near the defaults. A value is free where each of its pairs occurs in another choice too; there the
    least used value of the axis takes its place.
    """
    counts = Counter(_names(choice, pair) for choice in choices for pair in combinations(row.axes, 2))
    uses = {axis: Counter(canonical(choice[axis]) for choice in choices) for axis in row.axes}
    made = []
    for before in choices:
        choice = dict(before)
        for axis in row.axes:
            held = _pairs_with(row, choice, axis)
            if any(counts[name] < 2 for name in held):
                continue
            options = [value for value in row.axes[axis] if row.allows({**choice, axis: value})]
            value = min(options, key=lambda option: uses[axis][canonical(option)])
            if uses[axis][canonical(value)] + 1 < uses[axis][canonical(choice[axis])]:
                uses[axis][canonical(choice[axis])] -= 1
                uses[axis][canonical(value)] += 1
                counts.subtract(held)
                choice[axis] = value
                counts.update(_pairs_with(row, choice, axis))
        made.append(choice)
    return made


def _pairs_with(row: Row, choice: Choice, axis: str) -> list[str]:
    return [_names(choice, pair) for pair in combinations(row.axes, 2) if axis in pair]


def covered(row: Row, choices: Iterable[Choice], strength: int = 2) -> tuple[int, int]:
    """(covered, valid) combinations of `strength` axis values among the choices. Choices of an older row,
    which lack one of today's axes, cover nothing there."""
    wanted = {_names(found, tuple(axis for axis in row.axes if axis in found)) for found in row.tuples(strength)}
    have: set[str] = set()
    for choice in choices:
        present = [axis for axis in row.axes if axis in choice]
        have |= {_names(choice, axes) for axes in combinations(present, strength)}
    return len(wanted & have), len(wanted)
