"""Value classes: a model as data (`Spec`), its numbers (`Case`) and the stored truth (`Golden`).

This module imports nothing else of the harness. Everything here is frozen; identity is a digest of
the content, so two equal specs have the same id on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Config = Mapping[str, Any]


class SpecError(ValueError):
    """A Spec that contradicts itself: an unknown tensor, a name used twice, no outputs."""


def canonical(value: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, no spaces, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(*parts: str | bytes) -> str:
    """First twelve hexadecimal digits of the SHA-256 over the parts, in order."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part.encode() if isinstance(part, str) else part)
        state.update(b"\0")
    return state.hexdigest()[:12]


@dataclass(frozen=True)
class Input:
    """One named model input. `shape` leaves the batch out; None marks a size open until run time."""

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
    name (`mask`, `initial_state`), `arguments` values that are no tensors. A tensor is written `name`, or `name:1`
    for the second output of a layer with several. `of` names an earlier call of the same layer.
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
        """Name of the call that made the layer and whose weights it has: a layer called again shares them."""
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
    """Name of the input or layer that makes a tensor: `lstm:1` is made by `lstm`."""
    return tensor.partition(":")[0]


@dataclass(frozen=True)
class Spec:
    """A model as data: inputs, layers in an order that can be executed, and the output tensors."""

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

    @property
    def id(self) -> str:
        return digest(canonical(self.to_json()))

    @property
    def lines(self) -> list[str]:
        """The model as a person reads it: one line for each input, layer and for the outputs."""
        made = [
            f"{layer.kind} {layer.name}({', '.join(layer.tensors)}) {json.dumps(dict(layer.config))}"
            for layer in self.layers
        ]
        given = [f"input {item.name} {item.shape} {item.dtype}" for item in self.inputs]
        return [*given, *made, f"output {', '.join(self.outputs)}"]

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
    """Digest of names, dtypes, shapes and bytes of arrays, independent of the mapping's order."""
    parts: list[str | bytes] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.kind == "U":  # whose width says nothing about the strings
            parts += [name, "string", canonical(list(arrays[name].shape)), canonical(array.reshape(-1).tolist())]
            continue
        parts += [name, array.dtype.str, canonical(list(arrays[name].shape)), array.tobytes()]
    return digest(*parts)


class Exactness(StrEnum):
    """How the outputs of a layer are judged, by what the layer does with its data."""

    MOVES = "moves"
    """Data is only moved: outputs are bit-identical."""
    SELECTS = "selects"
    """Values are picked: outputs are equal, but the sign of zero is free."""
    COMPUTES = "computes"
    """Outputs are judged in noise units."""


@dataclass(frozen=True)
class Golden:
    """What a case must give, computed by the oracle and by no framework.

    `expected` holds float64 (or exact integer and bool) arrays by output tensor, in output order;
    `noise` the elementwise root-mean-square effect of float32 rounding on the documented formula.
    `exactness` says how outputs are judged, output by output the same; `channel_axis` is the axis of channels or
    features in the outputs.
    """

    expected: Mapping[str, Array]
    noise: Mapping[str, Array]
    exactness: Exactness
    channel_axis: int = -1


@dataclass(frozen=True)
class Sample:
    """One set of inputs, by name and with their batch axis, and what the model must give for it."""

    inputs: Mapping[str, Array]
    golden: Golden | None = None


@dataclass(frozen=True)
class Drawn:
    """Where the weights of a model too large to store come from: a seed, and each weight's (shape, law, fan_in)."""

    seed: int
    laws: Mapping[str, tuple[tuple[int, ...], str, int | None]]

    def to_json(self) -> dict[str, Any]:
        return {"seed": self.seed, "laws": {name: list(law) for name, law in self.laws.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Drawn:
        return cls(data["seed"], {name: (tuple(law[0]), law[1], law[2]) for name, law in data["laws"].items()})


@dataclass(frozen=True)
class Case:
    """A Spec with its weights and samples: all that one comparison needs.

    `subject` is the catalogue row (or model) the case is about; `choice` the axis values it was drawn from. Weights
    are named `layer/weight`. The first sample has the inputs that the case is known by; further ones have another
    batch, and other sizes where the model's inputs leave them open: a size that was baked in at export shows only
    there. `labels` are the true classes of the first sample's inputs, where the model is a classifier of real data;
    `drawn` says how the weights are made where they are not stored.
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

    @property
    def id(self) -> str:
        """`keras-Conv2D-0123456789ab`: dialect, subject, and a digest of spec, weights and the first inputs."""
        arrays = array_digest(self.weights) + array_digest(self.inputs)
        return f"{self.spec.dialect}-{self.subject}-{digest(self.spec.id, arrays)}"

    @property
    def config(self) -> dict[str, Any]:
        """The configuration a person reads: the subject layer's own arguments, then the other choices."""
        subjects = [layer for layer in self.spec.layers if layer.kind == self.subject]
        return {**dict(self.choice), **(dict(subjects[0].config) if subjects else {})}
