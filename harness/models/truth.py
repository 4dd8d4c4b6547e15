"""The truth about a user's model: what it must give for some inputs, how far rounding moves that, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import InputError
from harness.installed import version_of
from harness.models.guard import memory_to_run, within
from harness.models.origin import KERAS, ONNX, SAVED, TORCH, WORKERS, Origin, ask
from harness.oracle import OracleError, evaluate
from harness.oracle.noise import RUNS, measure
from harness.outcomes import DRIFT
from harness.spec import Array, Case, Exactness, Golden, Sample
from harness.workers.pool import Workers

MANY, FEW = 40, 4
"""Layers from which this number of runs measures the noise: each computes the whole model in double precision."""
FRAMEWORK_RUNS = 8
SATURATED = 1e-6
"""Distance from 0 and 1 within which a probability tells nothing but the class."""
ADVICE = "give inputs like those that it was trained on (--inputs)"
BY_ITSELF = {
    KERAS: f"Keras {version_of('keras')} itself",
    SAVED: f"TensorFlow {version_of('tensorflow')} itself",
    TORCH: f"torch {version_of('torch')} itself in double precision",
}
"""A framework in words, by the model's format."""
RIGS = {
    KERAS: "harness.models.sources:keras_rig",
    SAVED: "harness.models.foreign:savedmodel_rig",
    TORCH: "harness.models.foreign:torch_rig",
    ONNX: "harness.models.sources:onnx_rig",
}
"""What opens a model for `harness.models.perturbed`, by the model's format."""


@dataclass(frozen=True)
class Truth:
    """The samples with their goldens, and who computed these. `why` says why it was not our oracle."""

    samples: tuple[Sample, ...]
    by: str
    why: str = ""

    @property
    def is_documented(self) -> bool:
        """Whether the oracle computed it, from the documentation of the layers."""
        return not self.why


def truth_of(origin: Origin, samples: Sequence[Mapping[str, Array]], workers: Workers, *, trust: bool = False) -> Truth:
    """The truth by our float64 oracle where it knows every layer, else by the model's own framework.

    Raises ModelError where the framework does not run the model on these inputs.
    """
    if origin.source == ONNX:
        return _evaluated(origin, samples, workers)
    if origin.source != KERAS:
        return by_framework(origin, samples, workers, "nothing is known of its layers", trust=trust)
    try:
        with within(memory_to_run(origin.file)):
            goldens = [_golden(origin, sample) for sample in samples]
    except Exception as error:  # NumPy raises several kinds where a layer is not as the oracle believes
        why = str(error).partition(";")[0] if isinstance(error, OracleError) else f"{type(error).__name__}: {error}"
        return by_framework(origin, samples, workers, f"our oracle does not compute it: {why[:200]}", trust=trust)
    return Truth(
        tuple(Sample(sample, golden) for sample, golden in zip(samples, goldens, strict=True)),
        "the documentation of the layers, in double precision",
    )


def _golden(origin: Origin, sample: Mapping[str, Array]) -> Golden:
    expected = evaluate(origin.spec, origin.weights, sample)
    runs = RUNS if len(origin.spec.layers) < MANY else FEW
    noise = measure(origin.spec, origin.weights, sample, expected, runs=runs)
    return Golden(expected, noise, Exactness.COMPUTES)


def by_framework(
    origin: Origin, samples: Sequence[Mapping[str, Array]], workers: Workers, why: str, *, trust: bool = False
) -> Truth:
    """The truth by the model's own framework, with the noise that perturbed runs show. Raises ModelError."""
    plain = [dict(sample) for sample in samples]
    arguments = (RIGS[origin.source], origin.file, plain, FRAMEWORK_RUNS, trust)
    function, memory = "harness.models.perturbed:noise", memory_to_run(origin.file)
    answers = ask(workers, WORKERS[origin.source], function, *arguments, where=origin.path, memory=memory)
    return Truth(
        _samples(origin, samples, answers),
        f"{BY_ITSELF[origin.source]}, with the noise of {FRAMEWORK_RUNS} perturbed runs",
        why,
    )


def _evaluated(origin: Origin, samples: Sequence[Mapping[str, Array]], workers: Workers) -> Truth:
    """The truth about an ONNX file: its operators in double precision, or ONNX Runtime where that is not known."""
    plain = [dict(sample) for sample in samples]
    function, memory = "harness.models.sources:onnx_truth", memory_to_run(origin.file)
    answer = ask(workers, "onnxruntime", function, origin.file, plain, where=origin.path, memory=memory)
    found = _samples(origin, samples, answer["outputs"])
    if answer["fault"]:
        return Truth(found, f"ONNX Runtime {version_of('onnxruntime')} without optimisations", answer["fault"])
    if answer["apart"] > DRIFT:
        note = f"; ONNX Runtime without optimisations is {answer['apart']:.3g} noise units away from it"
        return Truth(found, f"ONNX operators in double precision{note}")
    return Truth(found, "ONNX operators in double precision, and ONNX Runtime without optimisations agrees")


def _samples(
    origin: Origin, samples: Sequence[Mapping[str, Array]], answers: Sequence[Sequence[tuple[Array, Array]]]
) -> tuple[Sample, ...]:
    names = origin.spec.outputs
    result = []
    for sample, outputs in zip(samples, answers, strict=True):
        expected = {
            name: np.asarray(value, np.float64) if value.dtype.kind == "f" else value
            for name, (value, _) in zip(names, outputs, strict=True)
        }
        noise = {name: np.asarray(scale, np.float32) for name, (_, scale) in zip(names, outputs, strict=True)}
        result.append(Sample(sample, Golden(expected, noise, Exactness.COMPUTES)))
    return tuple(result)


def weaknesses(truth: Truth) -> Iterator[str]:
    """Outputs that would hide a wrong layer, in words: saturated, or the same for samples that are not."""
    for name, arrays, scales in _floats(truth):
        at_ends = (np.minimum(np.abs(array), np.abs(1 - array)).max() < SATURATED for array in arrays)
        if all(at_ends) and any(len(np.unique(np.round(array))) > 1 for array in arrays):
            yield f"every number of the output {name!r} is 0 or 1, so that it hides errors before it: {ADVICE}"
        elif _is_constant(arrays, scales):
            yield f"the output {name!r} is the same for all samples, so that it hides errors before it: {ADVICE}"


def constants(truth: Truth) -> list[str]:
    """The outputs that are the same for all samples."""
    return [name for name, arrays, scales in _floats(truth) if _is_constant(arrays, scales)]


def _floats(truth: Truth) -> Iterator[tuple[str, list[Array], list[Array]]]:
    """The name, the values and the noise scales of each output of real numbers, sample by sample."""
    goldens = [sample.golden for sample in truth.samples if sample.golden is not None]
    for name in goldens[0].expected if goldens else ():
        arrays = [np.asarray(golden.expected[name]) for golden in goldens]
        if all(array.dtype.kind == "f" and array.size for array in arrays):
            yield name, arrays, [np.asarray(golden.noise[name]) for golden in goldens]


def _is_constant(arrays: Sequence[Array], scales: Sequence[Array]) -> bool:
    """Whether no sample differs from the first by more than rounding; one sample is like itself."""
    with np.errstate(all="ignore"):  # an output that is the same may have no noise
        pairs = zip(arrays, scales, strict=True)
        apart = [float(np.abs(array - array[:1]).max() / scale.max()) for array, scale in pairs]
    return max(map(len, arrays)) > 1 and not any(units > DRIFT for units in apart)


def case_of(origin: Origin, truth: Truth, *, labels: tuple[int, ...] | None = None) -> Case:
    """The model as a case that a walk takes. Raises InputError for a model without outputs."""
    if not origin.spec.outputs:
        raise InputError("the model has no outputs", where=origin.path)
    return Case(origin.spec, origin.path.stem, {}, origin.weights, truth.samples, labels=labels)
