"""Inputs on which the outputs of a user's model can tell a wrong layer from a right one, for every source but MATLAB.

The inputs that are drawn first may hide layers: a softmax saturates, a threshold is not reached. So inputs are drawn
by one law after the other until a change of each layer shows (`harness.models.sensitivity`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.models.guard import ModelError, memory_to_run, within
from harness.models.origin import WORKERS, Origin, ask
from harness.models.samples import EVERY, LAWS, unread
from harness.models.sensitivity import Sensitivity, sensitivity
from harness.models.truth import RIGS, Truth, constants, truth_of, weaknesses
from harness.spec import Array, Sample
from harness.workers.pool import Workers

PATIENCE = 60.0
"""Seconds after which inputs are drawn by no further law."""


@dataclass(frozen=True)
class Telling:
    """The truth on inputs of which each shows another layer, the laws by which they were drawn, and what stays
    hidden; `sensitivity` is None for a model of which no layer can be changed here."""

    truth: Truth
    laws: tuple[str, ...]
    sensitivity: Sensitivity | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the inputs, and of outputs that hide errors."""
        others = [law for law in self.laws if law != "main"]
        laws, also = " and ".join(map(_words, others)), "also " if len(others) < len(self.laws) else ""
        drawn = f"inputs are {also}drawn {laws}: on others the outputs hide errors" if others else ""
        return tuple(filter(None, (drawn, *(weaknesses(self.truth) if self.is_weak else ()))))

    @property
    def is_weak(self) -> bool:
        """Whether some layer, or all of what is before the outputs, may be wrong and the outputs right."""
        return _is_weak(self.truth, self.sensitivity)


def telling(
    origin: Origin,
    truth: Truth,
    workers: Workers,
    draw: Callable[[str], Sequence[Mapping[str, Array]]] | None,
    *,
    trust: bool = False,
    channels: bool = False,
) -> Telling:
    """The truth, on further inputs where those of it hide layers, with `channels` also single channels of layers.
    `draw` draws by a law; None where inputs are given.

    Inputs on which nothing shows are left out, where others are found.
    """
    found = _felt(origin, truth.samples[0], workers, truth=truth, trust=trust, channels=channels)
    kept = [("main", truth)] if found is None or set(found.tried) - set(found.hidden) else []
    began = time.monotonic()
    for law in _further(origin) if draw is not None else ():
        latest = kept[-1][1] if kept else truth
        is_owed = law == EVERY and channels and bool(unread(origin, [sample.inputs for sample in latest.samples]))
        if not (is_owed or _is_weak(latest, found)) or time.monotonic() - began > PATIENCE:
            break
        assert draw is not None
        try:
            another = truth_of(origin, draw(law), workers, trust=trust)
        except ModelError:  # a model that does not run on such numbers
            continue
        if found is None or not found.tried:
            if not _is_weak(another, found):
                kept = [(law, another)]
            continue
        more = _felt(
            origin, another.samples[0], workers, truth=another, trust=trust, channels=channels, only=found.hidden
        )
        if more is not None and (is_owed or len(more.hidden) < len(found.hidden)):
            kept.append((law, another))
            found = replace(found, hidden=more.hidden)
    kept = kept or [("main", truth)]
    first = kept[0][1]
    samples = (*first.samples, *(each.samples[0] for _, each in kept[1:]))
    return Telling(replace(first, samples=samples), tuple(law for law, _ in kept), found)


def _further(origin: Origin) -> list[str]:
    """The laws after the first; one is of whole numbers only."""
    whole = any("int" in item.dtype for item in origin.inputs)
    return [law for law in list(LAWS)[1:] if whole or law != EVERY]


def _is_weak(truth: Truth, found: Sensitivity | None) -> bool:
    if found is None:
        return any(weaknesses(truth))
    return bool(found.hidden) if found.tried else bool(constants(truth))


def _felt(
    origin: Origin,
    sample: Sample,
    workers: Workers,
    *,
    truth: Truth,
    trust: bool,
    channels: bool,
    only: Iterable[str] | None = None,
) -> Sensitivity | None:
    """What a change of each layer does to the outputs for a sample; None where the model does not run like that."""
    assert sample.golden is not None
    if truth.is_documented and origin.weights:
        try:
            with within(memory_to_run(origin.file)):
                return sensitivity(
                    origin.spec,
                    origin.weights,
                    sample.inputs,
                    sample.golden,
                    only=only,
                    most=None,
                    channels=channels,
                )
        except MemoryError:
            return None
    data = dict(sample.inputs), dict(sample.golden.expected), dict(sample.golden.noise)
    try:
        tried, hidden, count = ask(
            workers,
            WORKERS[origin.source],
            "harness.models.perturbed:hidden",
            RIGS[origin.source],
            origin.file,
            data,
            (None if only is None else list(only), channels),
            trust,
            where=origin.path,
            memory=memory_to_run(origin.file),
        )
    except ModelError:  # a model that a change keeps from running
        return None
    return Sensitivity(tuple(tried), tuple(hidden), count, channels)


def _words(law: str) -> str:
    return f"as {law}" if law.startswith("pixels") else law
