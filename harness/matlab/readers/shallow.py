"""Read shallow networks (`feedforwardnet`, `patternnet`, `fitnet`, ...): MATLAB's class `network`, of any release.

The network computes on columns: x is features x samples there, N x features here. Each input runs through its
`processFcns`. A layer adds its bias to the weighted inputs and layers that are connected to it, and applies its
transfer function. An output is the output of a layer, mapped back by the `processFcns` of the network's output.

Where weights of inputs have delays, inputs are sequences, N x T x features here. The first steps, as many as the
longest delay, are the states from which MATLAB's `preparets` starts; the output begins behind them.
https://www.mathworks.com/help/deeplearning/ug/create-neural-network-object.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.matlab.layers import TRANSFER
from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.order import Circle, running_order
from harness.matlab.readers.records import NetworkError, UnsupportedLayers, class_of, inside, strings
from harness.matlab.readers.toolbox import DIALECT, Network
from harness.spec import Array, Input, Layer, Spec

DELAYED = (
    "the first {n} steps of each sequence are the states of its delays, as preparets puts them: the output is {n} "
    "steps shorter, and for MATLAB's net(X) without states, zeros go before the sequence"
)
PROCESSING = ("mapminmax", "mapstd", "removeconstantrows")


def is_shallow(value: Any) -> bool:
    """Whether a variable is a `network` object."""
    return isinstance(value, Object) and value.class_name == "network"


def read_shallow(where: str, value: Object) -> Network:
    """Raises NetworkError for a broken network, UnsupportedLayers for delays and functions that are not known."""
    return _Reader(where, inside(value, "any") or value.fields).network()


class _Reader:
    """Builds the Spec of one network."""

    def __init__(self, where: str, fields: Mapping[str, Any]) -> None:
        self.where, self.fields = where, fields
        self.layers: list[Layer] = []
        self.weights: dict[str, Array] = {}
        self.unknown: list[tuple[str, str, str]] = []
        self.longest = 0

    def cells(self, name: str) -> Any:
        value = self.fields.get(name)
        if not isinstance(value, Cell):
            raise NetworkError(
                f"the network's {name} does not fit", where=self.where, expected="a cell array", came=class_of(value)
            )
        return np.array([*value.items, None], dtype=object)[:-1].reshape(value.shape, order="F")

    def connect(self, name: str) -> Array:
        value = self.fields.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "bif":
            raise NetworkError(
                f"the network's {name} does not fit",
                where=self.where,
                expected="a logical matrix",
                came=class_of(value),
            )
        return value.astype(bool)

    def add(self, kind: str, name: str, inputs: tuple[str, ...], config: dict[str, Any], **weights: Any) -> str:
        self.layers.append(Layer(kind, name, config, inputs))
        for key, value in weights.items():
            self.weights[f"{name}/{key}"] = np.array(value, dtype=np.float32)
        return name

    def network(self) -> Network:
        cells = self.cells("inputs").ravel(order="F")
        timed = self.timed()
        inputs: list[Input] = []
        processed: list[str] = []
        for k, stored in enumerate(cells, start=1):
            size = int(np.ravel(stored["size"])[0])
            shape = (None, size) if timed else (size,)
            inputs.append(Input(f"input{k}" if len(cells) > 1 else "input", shape))
            processed.append(self.process(f"input{k}", inputs[-1].name, stored, reverse=False))
        tensors = self.run(processed)
        outputs = [
            self.process(f"output{k}", tensors[k - 1], stored, reverse=True)
            for k, stored in enumerate(self.cells("outputs").ravel(order="F"), start=1)
            if isinstance(stored, Mapping)
        ]
        if self.unknown:
            raise UnsupportedLayers(self.where, self.unknown)
        if not outputs:
            raise NetworkError("the network has no output", where=self.where, expected="at least one")
        notes = [DELAYED.format(n=self.longest)] if self.longest else []
        spec = Spec(DIALECT, tuple(inputs), tuple(self.layers), tuple(outputs))
        return Network("network", spec, self.weights, tuple(notes))

    def timed(self) -> bool:
        """Whether inputs are sequences. Notes the longest delay, and weights of layers with delays, which are not
        supported: their first states are in no input."""
        from_inputs, from_layers = self.connect("inputConnect"), self.connect("layerConnect")
        delays = [self.delays("inputWeights", k, j) for k, j in np.argwhere(from_inputs)]
        self.longest = max((step for steps in delays for step in steps), default=0)
        for k, j in np.argwhere(from_layers):
            if any(steps := self.delays("layerWeights", k, j)):
                self.unknown.append(("network", f"layer {k + 1}", f"delays {steps} of the output of layer {j + 1}"))
        return any(steps != [0] for steps in delays)

    def delays(self, name: str, k: int, j: int) -> list[int]:
        """The delays of a weight in steps; [0] where there is none."""
        value = inside(self.cells(name)[k, j], "delays")
        steps = [0] if value is None or not np.size(value) else [int(n) for n in np.ravel(value)]
        if min(steps) < 0:
            raise NetworkError(f"{name} of layer {k + 1} have delays {steps}", where=self.where, expected="0 or more")
        return steps

    def process(self, name: str, tensor: str, stored: Mapping[str, Any], *, reverse: bool) -> str:
        functions, settings = strings(stored.get("processFcns")), stored.get("processSettings")
        steps = list(zip(functions, settings if isinstance(settings, Cell) else [], strict=True))
        for function, setting in reversed(steps) if reverse else steps:
            if function not in PROCESSING:
                self.unknown.append((function, name, "processing function"))
                continue
            ending = "_reverse" if reverse else ""
            config, weights = _settings(function, setting, reverse)
            if config is not None and function == "removeconstantrows" and self.longest:
                self.unknown.append((function, name, "constant rows removed from a sequence"))
            elif config is not None:
                tensor = self.add(f"{function}{ending}", f"{name}_{function}", (tensor,), config, **weights)
        return tensor

    def run(self, inputs: list[str]) -> dict[int, str]:
        """Output tensor of each layer by its number from 0."""
        layers = self.cells("layers").ravel(order="F")
        from_inputs, from_layers = self.connect("inputConnect"), self.connect("layerConnect")
        reads = {k: [int(j) for j in np.flatnonzero(from_layers[k])] for k in range(len(layers))}
        try:
            order = running_order(reads)
        except Circle:
            feedback = [("network", "feedback", "layers that feed each other")]
            advice = "A NARX network can be saved as its open loop: net = openloop(net)."
            raise UnsupportedLayers(self.where, feedback, advice=advice) from None
        tensors: dict[int, str] = {}
        for k in order:
            sources = [
                (self.tapped(k, int(i), inputs[i]), self.cells("IW")[k, i]) for i in np.flatnonzero(from_inputs[k])
            ]
            sources += [(tensors[j], self.cells("LW")[k, j]) for j in reads[k]]
            tensors[k] = self.layer(k, layers[k], sources)
        return tensors

    def tapped(self, k: int, i: int, tensor: str) -> str:
        """An input as a layer takes it: the steps that its delays name, one behind the other."""
        delays = self.delays("inputWeights", k, i)
        if not self.longest and delays == [0]:
            return tensor
        name = f"layer{k + 1}_delays{i + 1}"
        return self.add("tapdelay", name, (tensor,), {"delays": delays, "longest": self.longest})

    def layer(self, k: int, stored: Mapping[str, Any], sources: list[tuple[str, Any]]) -> str:
        name = f"layer{k + 1}"
        if stored.get("netInputFcn") not in ("netsum", None):
            self.unknown.append((str(stored.get("netInputFcn")), name, "net input function"))
        bias = self.cells("b").ravel(order="F")[k]
        terms = []
        for n, (tensor, weights) in enumerate(sources):
            matrix = np.atleast_2d(np.asarray(weights))
            offset = np.ravel(bias) if n == 0 and np.size(bias) else np.zeros(matrix.shape[0])
            ending = "" if len(sources) == 1 else f"_{n + 1}"
            terms.append(self.add("FullyConnectedLayer", f"{name}{ending}", (tensor,), {}, Weights=matrix, Bias=offset))
        if not terms:
            raise NetworkError(
                f"nothing is connected to layer {k + 1}", where=self.where, expected="an input or another layer"
            )
        total = terms[0] if len(terms) == 1 else self.add("AdditionLayer", f"{name}_sum", tuple(terms), {})
        function = stored.get("transferFcn")
        if function == "purelin":
            return total
        if function not in TRANSFER:
            self.unknown.append((str(function), name, "transfer function"))
            return total
        return self.add(str(function), f"{name}_{function}", (total,), {})


def _settings(function: str, setting: Any, reverse: bool) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Configuration and weights of a processing step; None where it changes nothing."""
    if function == "removeconstantrows":
        keep, remove = (
            [int(n) for n in np.ravel(inside(setting, name) if inside(setting, name) is not None else [])]
            for name in ("keep", "remove")
        )
        if not remove:
            return None, {}
        value = inside(setting, "value")
        return {"keep": keep, "remove": remove}, {"value": np.ravel(value)} if reverse else {}
    if bool(np.any(inside(setting, "no_change"))):
        return None, {}
    y = inside(setting, "ymin" if function == "mapminmax" else "ymean")
    return {"y": float(np.ravel(y)[0])}, {name: np.ravel(inside(setting, name)) for name in ("xoffset", "gain")}
