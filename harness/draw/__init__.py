"""From the catalogue to cases: a stratum is chosen, the rest is filled in, numbers are drawn, the oracle answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from harness.catalogue import Choice, Chooser, Row
from harness.draw.inputs import draw_again, draw_inputs
from harness.draw.weights import draw_weights
from harness.oracle import evaluate, noise
from harness.spec import Again, Array, Case, Golden, canonical, digest

T = TypeVar("T")


class Seeded:
    """A `Chooser` over a NumPy generator: the same seed fills in the same sizes."""

    def __init__(self, source: np.random.Generator) -> None:
        self.source = source

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.source.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        return int(self.source.integers(low, high + 1))


def draw_case(row: Row, choice: Choice, fill: Chooser, source: np.random.Generator) -> Case:
    """A case without golden: Spec from the row's builder, weights and inputs from `source`."""
    draft = row.build(choice, fill)
    return Case(
        spec=draft.spec,
        subject=row.layer,
        choice=dict(choice),
        weights=draw_weights(draft.weights, source),
        inputs=draw_inputs(draft, choice["profile"], source),
        golden=Golden({}, {}, row.exactness(choice), draft.channel_axis),
        again=Again(draw_again(draft, choice["profile"], row.second_batches, source)),
    )


def with_golden(case: Case) -> Case:
    """The case with expected outputs and noise scale from the oracle; its judging rules are kept."""
    old = case.golden or Golden({}, {}, "computes")
    expected, scale = _answers(case, case.inputs)
    golden = Golden(expected=expected, noise=scale, exactness=old.exactness, channel_axis=old.channel_axis)
    again = case.again and Again(case.again.inputs, *_answers(case, case.again.inputs))
    return replace(case, golden=golden, again=again)


def _answers(case: Case, inputs: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    expected = evaluate(case.spec, case.weights, inputs)
    return expected, noise.measure(case.spec, case.weights, inputs, expected)


def seeded_case(row: Row, choice: Choice, seed: int = 0) -> Case:
    """The case of a stratum, with its golden: the same row, choice and seed give the same case."""
    text = digest(row.dialect, row.layer, canonical(dict(choice)), str(seed))
    source = np.random.Generator(np.random.PCG64(int(text, 16)))
    return with_golden(draw_case(row, choice, Seeded(source), source))
