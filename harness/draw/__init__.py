"""Draws cases from the catalogue: picks what the stratum leaves open, draws the numbers and asks the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from harness.catalogue import Choice, Chooser, Row
from harness.draw.inputs import draw_again, draw_inputs
from harness.draw.weights import draw_weights
from harness.oracle import evaluate, noise
from harness.spec import Case, Exactness, Golden, Sample, canonical, digest

T = TypeVar("T")


class Seeded:
    """A `Chooser` over a NumPy generator: the same seed picks the same sizes."""

    def __init__(self, source: np.random.Generator) -> None:
        self.source = source

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.source.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        return int(self.source.integers(low, high + 1))


def draw_case(row: Row, choice: Choice, fill: Chooser, source: np.random.Generator) -> Case:
    """A case with the Spec of the row's builder and numbers from `source`; its goldens are judging rules only."""
    draft = row.build(choice, fill)
    rules = Golden({}, {}, row.exactness(choice), draft.channel_axis)
    return Case(
        spec=draft.spec,
        subject=row.layer,
        choice=dict(choice),
        weights=draw_weights(draft.weights, source),
        samples=(
            Sample(draw_inputs(draft, choice["profile"], source), rules),
            Sample(draw_again(draft, choice["profile"], row.second_batches, source), rules),
        ),
    )


def with_golden(case: Case) -> Case:
    """The case with the oracle's expected outputs and noise scales added to the judging rules of its samples."""
    return replace(case, samples=tuple(_with_golden(case, sample) for sample in case.samples))


def _with_golden(case: Case, sample: Sample) -> Sample:
    rules = sample.golden or Golden({}, {}, Exactness.COMPUTES)
    expected = evaluate(case.spec, case.weights, sample.inputs)
    scale = noise.measure(case.spec, case.weights, sample.inputs, expected)
    return replace(sample, golden=replace(rules, expected=expected, noise=scale))


def seeded_case(row: Row, choice: Choice, seed: int = 0) -> Case:
    """The case of a stratum with its golden. The same row, choice and seed give the same case.

    The first value of an axis that joined later changes nothing: earlier cases stay as they were drawn.
    """
    drawn = {axis: value for axis, value in choice.items() if axis not in row.joined or value != row.joined[axis]}
    text = digest(row.dialect, row.layer, canonical(drawn), str(seed))
    source = np.random.Generator(np.random.PCG64(int(text, 16)))
    return with_golden(draw_case(row, choice, Seeded(source), source))
