"""Value classes: a model as data (`Spec`), its numbers (`Case`) and the stored truth (`Golden`).

This module imports no other module of the harness. All classes are frozen. An id is a digest of the content, so equal
Specs have the same id on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Config = Mapping[str, Any]

EMPTY_BATCH = "+empty"
"""The end of the id under which a case's empty batch has a result of its own."""


class SpecError(ValueError):
    """A Spec that contradicts itself, by an unknown tensor, a name used twice, or no outputs."""


def canonical(value: Any) -> str:
    """JSON text that is the same for equal values, with sorted keys and no spaces. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(*parts: str | bytes | memoryview) -> str:
    """First twelve hexadecimal digits of the SHA-256 over the parts, in order."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part.encode() if isinstance(part, str) else part)
        state.update(b"\0")
    return state.hexdigest()[:12]


@dataclass(frozen=True)
class Input:
    """One named model input. `shape` is without the batch axis; None marks a size that is open until run time."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Input:
        return cls(name=data["name"], shape=tuple(data["shape"]), dtype=data["dtype"])


@dataclass(frozen=True)
class Layer:
    """One call of one layer.

    `inputs` are tensors in the order of the layer's positional arguments or ports; `keywords` are tensors passed by
    name (`mask`, `initial_state`); `arguments` are values passed by name. A tensor is written `name`, or `name:1` for
    the second output of a layer with several. `of` names an earlier call of the same layer.
    """

    kind: str
    name: str
    config: Config = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arguments: Config = field(default_factory=dict)
    of: str = ""

    @property
    def owner(self) -> str:
        """Name of the first call of the layer, under which its weights are stored."""
        return self.of or self.name

    @property
    def tensors(self) -> tuple[str, ...]:
        """Every tensor this call reads, positional ones first."""
        return self.inputs + tuple(t for group in self.keywords.values() for t in group)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "config": dict(self.config),
            "inputs": list(self.inputs),
            "keywords": {key: list(names) for key, names in self.keywords.items()},
            **({"arguments": dict(self.arguments)} if self.arguments else {}),
            **({"of": self.of} if self.of else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layer:
        return cls(
            kind=data["kind"],
            name=data["name"],
            config=data["config"],
            inputs=tuple(data["inputs"]),
            keywords={key: tuple(names) for key, names in data["keywords"].items()},
            arguments=data.get("arguments", {}),
            of=data.get("of", ""),
        )


def source_of(tensor: str) -> str:
    """Name of the input or layer of a tensor: `lstm` for `lstm:1`."""
    return tensor.partition(":")[0]


@dataclass(frozen=True)
class Spec:
    """A model as data: inputs, layers in an executable order, and the output tensors."""

    dialect: str
    inputs: tuple[Input, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for item in self.inputs:
            if item.name in known:
                raise SpecError(f"input {item.name!r} is declared twice")
            known.add(item.name)
        for layer in self.layers:
            unknown = [t for t in layer.tensors if source_of(t) not in known]
            if unknown:
                raise SpecError(f"layer {layer.name!r} reads {unknown}, which nothing before it makes")
            if layer.of and layer.of not in known:
                raise SpecError(f"layer {layer.name!r} calls {layer.of!r} again, which nothing before it makes")
            if layer.name in known:
                raise SpecError(f"name {layer.name!r} is used twice")
            known.add(layer.name)
        if not self.outputs:
            raise SpecError("a spec needs at least one output")
        missing = [t for t in self.outputs if source_of(t) not in known]
        if missing:
            raise SpecError(f"outputs {missing} are made by no layer")

    @cached_property
    def id(self) -> str:
        return digest(canonical(self.to_json()))

    @property
    def lines(self) -> list[str]:
        """The model as text: one line for each input and each layer, and one for the outputs."""
        layers = [
            f"{layer.kind} {layer.name}({', '.join(layer.tensors)}) {json.dumps(dict(layer.config))}"
            for layer in self.layers
        ]
        inputs = [f"input {item.name} {item.shape} {item.dtype}" for item in self.inputs]
        return [*inputs, *layers, f"output {', '.join(self.outputs)}"]

    def to_json(self) -> dict[str, Any]:
        return {
            "dialect": self.dialect,
            "inputs": [item.to_json() for item in self.inputs],
            "layers": [layer.to_json() for layer in self.layers],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Spec:
        return cls(
            dialect=data["dialect"],
            inputs=tuple(Input.from_json(item) for item in data["inputs"]),
            layers=tuple(Layer.from_json(layer) for layer in data["layers"]),
            outputs=tuple(data["outputs"]),
        )


def array_digest(arrays: Mapping[str, Array]) -> str:
    """Digest of the names, dtypes, shapes and bytes of arrays, independent of their order."""
    parts: list[str | bytes | memoryview] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.kind == "U":  # the dtype's width is no property of the strings
            parts += [name, "string", canonical(list(arrays[name].shape)), canonical(array.reshape(-1).tolist())]
            continue
        parts += [name, array.dtype.str, canonical(list(arrays[name].shape)), array.reshape(-1).view(np.uint8).data]
    return digest(*parts)


class Exactness(StrEnum):
    """What a layer does with its data, which decides how its outputs are judged."""

    MOVES = "moves"
    """Data is only moved: outputs are bit-identical."""
    SELECTS = "selects"
    """Values are picked: outputs are equal, but the sign of zero is free."""
    COMPUTES = "computes"
    """Outputs are judged in noise units."""


@dataclass(frozen=True)
class Golden:
    """The expected outputs of a case. The oracle computes them, no framework does.

    `expected` has float64 (or exact integer and bool) arrays by output tensor, in output order; `noise` has the
    elementwise root-mean-square effect of float32 rounding on the documented formula. `exactness` applies to all
    outputs; `channel_axis` is their axis of channels or features.
    """

    expected: Mapping[str, Array]
    noise: Mapping[str, Array]
    exactness: Exactness
    channel_axis: int = -1


@dataclass(frozen=True)
class Sample:
    """One set of inputs, by name and with the batch axis, and its golden."""

    inputs: Mapping[str, Array]
    golden: Golden | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the batch is empty."""
        return any(value.shape[:1] == (0,) for value in self.inputs.values())


@dataclass(frozen=True)
class Drawn:
    """The origin of weights that are too large to store: a seed, and each weight's (shape, law, fan_in)."""

    seed: int
    laws: Mapping[str, tuple[tuple[int, ...], str, int | None]]

    def to_json(self) -> dict[str, Any]:
        return {"seed": self.seed, "laws": {name: list(law) for name, law in self.laws.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Drawn:
        return cls(data["seed"], {name: (tuple(law[0]), law[1], law[2]) for name, law in data["laws"].items()})


@dataclass(frozen=True)
class Case:
    """A Spec with its weights and samples.

    `subject` is the catalogue row (or model) under test, `choice` the axis values from which the case was drawn.
    Weights are named `layer/weight`. The inputs of the first sample identify the case. Further samples have another
    batch size, and other sizes along open axes, because a size that was baked in at export shows only there. `labels`
    are the true classes of the first sample, for a classifier of real data. `drawn` is the origin of weights that are
    not stored.
    """

    spec: Spec
    subject: str
    choice: Mapping[str, Any]
    weights: Mapping[str, Array]
    samples: tuple[Sample, ...]
    labels: tuple[int, ...] | None = None
    drawn: Drawn | None = None

    def __post_init__(self) -> None:
        if not self.samples:
            raise SpecError(f"a case of {self.subject} needs at least one sample")

    @property
    def inputs(self) -> Mapping[str, Array]:
        """Inputs of the first sample."""
        return self.samples[0].inputs

    @property
    def golden(self) -> Golden | None:
        """The golden of the first sample."""
        return self.samples[0].golden

    @cached_property
    def id(self) -> str:
        """`keras-Conv2D-0123456789ab`: dialect, subject, and a digest of spec, weights and the first inputs.

        A run asks for it some sixty times for each result.
        """
        arrays = array_digest(self.weights) + array_digest(self.inputs)
        return f"{self.spec.dialect}-{self.subject}-{digest(self.spec.id, arrays)}"

    @property
    def config(self) -> dict[str, Any]:
        """The choices, overridden by the arguments of the subject's first layer."""
        subjects = [layer for layer in self.spec.layers if layer.kind == self.subject]
        return {**dict(self.choice), **(dict(subjects[0].config) if subjects else {})}
