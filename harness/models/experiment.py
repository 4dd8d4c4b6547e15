"""Inputs on which the outputs of a network of MATLAB can tell a wrong layer from a right one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from harness.models.bounds import FEW, SECONDS, Sizes
from harness.models.reference import golden_of
from harness.models.sensitivity import MOST, Sensitivity, sensitivity
from harness.models.stimuli import MANNERS, drawn
from harness.spec import Array, Golden, Spec


@dataclass(frozen=True)
class Stimulus:
    """Inputs by name, the manner in which they were drawn, and the golden of the network on these inputs."""

    inputs: dict[str, Array]
    manner: str
    golden: Golden


@dataclass(frozen=True)
class Experiment:
    """Inputs and the layers that stay hidden on all of them. Each stimulus after the first shows another layer."""

    stimuli: tuple[Stimulus, ...]
    sensitivity: Sensitivity

    def __str__(self) -> str:
        more = " and ".join(stimulus.manner for stimulus in self.stimuli[1:])
        return f"also on inputs that are {more}; {self.sensitivity}" if more else str(self.sensitivity)


GIVEN = "given"
"""The manner of inputs that were not drawn."""


def _nothing() -> None:
    """Called after a computation of which nobody waits to hear."""


def experiment(
    spec: Spec,
    weights: Mapping[str, Array],
    sizes: Sizes,
    *,
    runs: int,
    compared: tuple[str, ...] = (),
    most: int = MOST,
    channels: bool = False,
    after: Callable[[], None] = _nothing,
) -> Experiment:
    """Draw inputs of these sizes in one manner after the other, until the outputs hide no layer.

    `compared` are the outputs that count, if not all; `most` layers are changed. No further manner is tried after half
    of `SECONDS`. `after` is called after each of the first manner's `runs + 1` computations; further ones take `FEW`
    runs. Raises ConversionError, MemoryError.
    """
    stimuli: list[Stimulus] = []
    found: Sensitivity | None = None
    began = time.monotonic()
    for manner in MANNERS:
        inputs = drawn(spec, weights, sizes, manner)
        golden = golden_of(spec, weights, inputs, runs=runs, after=after)
        seen = part_of(golden, compared) if compared else golden
        this = sensitivity(
            spec, weights, inputs, seen, only=None if found is None else found.hidden, most=most, channels=channels
        )
        if found is None or len(this.hidden) < len(found.hidden):
            stimuli.append(Stimulus(inputs, manner, golden))
        found = this if found is None else replace(found, hidden=this.hidden)
        if not found.hidden or time.monotonic() - began > SECONDS / 2:
            break
        runs, after = min(runs, FEW), _nothing
    assert found is not None
    return Experiment(tuple(stimuli), found)


def on_given(
    spec: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    *,
    runs: int,
    compared: tuple[str, ...] = (),
    most: int = MOST,
    channels: bool = False,
    after: Callable[[], None] = _nothing,
) -> Experiment:
    """The experiment on inputs that are given, and on no others; the arguments are those of `experiment`."""
    golden = golden_of(spec, weights, inputs, runs=runs, after=after)
    seen = part_of(golden, compared) if compared else golden
    felt = sensitivity(spec, weights, inputs, seen, most=most, channels=channels)
    return Experiment((Stimulus(dict(inputs), GIVEN, golden),), felt)


def part_of(golden: Golden, names: tuple[str, ...]) -> Golden:
    """The golden of some of its outputs."""
    return replace(
        golden,
        expected={name: golden.expected[name] for name in names},
        noise={name: golden.noise[name] for name in names},
    )
