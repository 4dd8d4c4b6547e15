"""The MatConvNet file: `net`, a SimpleNN for chains and a DagNN for other graphs, in a `.mat` of version 7.

Cases of this dialect are N x C x H x W; the network in the file works on H x W x C x N,
`hwcn = nchw.transpose(2, 3, 1, 0)`. Weights are in MATLAB's layout in the Spec too, and are stored unchanged.

SimpleNN is `net.layers`, a cell array of structs. A DagNN is the struct that its `saveobj` returns, with struct arrays
`layers`, `params` and `vars`; `harness.matlab.readers.dagnn` describes it. Tensors in the file never have the name of a
layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.places import OnTorch
from harness.matlab.layers import MATCONVNET
from harness.matlab.matfile.read import MatFileError, read_mat
from harness.matlab.matfile.write import as_option, as_stored, row_cell, save_mat
from harness.matlab.readers.dagnn import CLASSES, RENAMED, is_dagnn
from harness.matlab.readers.simplenn import DIALECT, TYPES, read_simplenn
from harness.spec import Array, Input, Layer, Spec, source_of

NAMES: Mapping[str, str] = {kind: name for name, (kind, _) in CLASSES.items()}
"""Class name in a DagNN, by kind of layer."""


class MatConvNetFile(OnTorch):
    """A network as MATLAB saves it: weights in single, options in double, no trailing singleton dimensions."""

    name: ClassVar[str] = "matconvnet"
    suffix: ClassVar[str] = ".mat"
    dialect: ClassVar[str | None] = DIALECT
    requires: ClassVar[tuple[str, ...]] = ("mat-io", "scipy")

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the file, whole or not at all. Raises ValueError for a Spec that neither form can hold."""
        save_mat(path, {"net": _net(spec, weights)})

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Read Spec and weights. Raises NetworkError (a ValueError) for any other file or layer; for a SimpleNN, its
        subclass SimpleNNError."""
        if _holds_dagnn(path):
            from harness.matlab.readers.network import read_network

            graph = read_network(path)
            return graph.spec, dict(graph.weights)
        network = read_simplenn(path)
        return network.spec, dict(network.weights)


def _holds_dagnn(path: Path) -> bool:
    """Whether a variable of the file is a DagNN, or its variables form one. False for a file that cannot be read."""
    try:
        variables = read_mat(path)
    except MatFileError:
        return False
    return any(is_dagnn(value) for value in (variables, *variables.values()))


def _net(spec: Spec, weights: Mapping[str, Array]) -> dict[str, Any]:
    """The struct `net`. Raises ValueError for a Spec that neither form can hold."""
    _check_layers(spec)
    if _is_chain(spec):
        if spec.outputs != (spec.layers[-1].name,):
            raise ValueError(
                f"SimpleNN returns its last layer {spec.layers[-1].name!r}, the Spec returns {spec.outputs}"
            )
        return _simplenn(spec, weights)
    _check_graph(spec)
    return _dagnn(spec, weights)


def _check_layers(spec: Spec) -> None:
    if spec.dialect != DIALECT:
        raise ValueError(f"a file of MatConvNet holds Specs of dialect {DIALECT!r}, this one is {spec.dialect!r}")
    if not spec.layers or any(len(item.shape) != 3 for item in spec.inputs):
        raise ValueError("a network of MatConvNet has inputs of shape (C, H, W) and at least one layer")
    unknown = [f"{layer.name} ({layer.kind})" for layer in spec.layers if layer.kind not in NAMES]
    if unknown:
        raise ValueError(f"MatConvNet has no layers of these types: {', '.join(unknown)}; it has {', '.join(NAMES)}")


def _is_chain(spec: Spec) -> bool:
    """Whether each layer reads only the layer before it, and SimpleNN has all kinds of layers."""
    before = [*(item.name for item in spec.inputs), *(layer.name for layer in spec.layers)]
    return len(spec.inputs) == 1 and all(
        layer.tensors == (name,) and layer.kind in TYPES for layer, name in zip(spec.layers, before, strict=False)
    )


def _check_graph(spec: Spec) -> None:
    """Raise ValueError unless outputs and order of inputs follow from what the layers read: a DagNN stores neither."""
    read = list(dict.fromkeys(tensor for layer in spec.layers for tensor in layer.tensors))
    ends = tuple(layer.name for layer in spec.layers if layer.name not in read)
    if spec.outputs != ends:
        raise ValueError(f"a DagNN returns what no layer reads, {ends}, the Spec returns {spec.outputs}")
    names = [item.name for item in spec.inputs]
    if [tensor for tensor in read if tensor in names] != names:
        raise ValueError(f"the inputs of a DagNN are what its layers read, in that order; the Spec has {names}")


def _simplenn(spec: Spec, weights: Mapping[str, Array]) -> dict[str, Any]:
    return {
        "layers": row_cell([_struct(layer, weights) for layer in spec.layers]),
        "meta": {"inputs": {"name": spec.inputs[0].name, "size": _size(spec.inputs[0])}},
    }


def _structs(items: Sequence[Mapping[str, Any]]) -> Array:
    """A 1 x n struct array. All items have the fields of the first item."""
    array = np.empty((1, len(items)), dtype=[(name, object) for name in items[0]] if items else object)
    for k, item in enumerate(items):
        array[0, k] = tuple(item.values())
    return array


def _struct(layer: Layer, weights: Mapping[str, Array]) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": layer.kind, "name": layer.name}
    if names := MATCONVNET[layer.kind].axes:
        fields["weights"] = row_cell([_stored(weights.get(f"{layer.name}/{name}")) for name in names])
    return fields | {key: as_option(value) for key, value in layer.config.items()}


def _dagnn(spec: Spec, weights: Mapping[str, Array]) -> dict[str, Any]:
    tensors = {item.name: item.name for item in spec.inputs}
    taken = {*tensors, *(layer.name for layer in spec.layers)}
    layers, params = [], []
    for layer in spec.layers:
        arrays = _arrays(layer, weights)
        tensors[layer.name] = _free(f"{layer.name}_out", taken)
        layers.append(
            {
                "name": layer.name,
                "type": NAMES[layer.kind],
                "inputs": row_cell([tensors[source_of(tensor)] for tensor in layer.inputs]),
                "outputs": row_cell([tensors[layer.name]]),
                "params": row_cell([f"{layer.name}_{name}" for name in arrays]),
                "block": _block(layer, arrays),
            }
        )
        params += [{"name": f"{layer.name}_{name}", "value": _param(layer, array)} for name, array in arrays.items()]
    inputs = [{"name": item.name, "size": _size(item)} for item in spec.inputs]
    return {
        "layers": _structs(layers),
        "params": _structs(params) if params else np.zeros((0, 0)),
        "vars": _structs([{"name": name} for name in tensors.values()]),
        "meta": {"inputs": _structs(inputs)},
    }


def _arrays(layer: Layer, weights: Mapping[str, Array]) -> dict[str, Array]:
    """The layer's weights in the order of the file."""
    arrays = {name: weights.get(f"{layer.name}/{name}") for name in MATCONVNET[layer.kind].axes}
    return {name: array for name, array in arrays.items() if array is not None}


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _block(layer: Layer, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """The properties of the layer's class."""
    names = {ours: theirs for theirs, ours in RENAMED.items()}
    options = {names.get(key, key): as_option(value) for key, value in layer.config.items()}
    if layer.kind in ("conv", "convt"):
        return {"size": as_option(arrays["filters"].shape), "hasBias": "biases" in arrays, **options}
    if layer.kind == "bnorm":
        return {"numChannels": as_option(arrays["multipliers"].size), **options}
    if layer.kind == "scale":
        return {"size": as_option([1, 1, arrays["multipliers"].size]), "hasBias": "biases" in arrays}
    if layer.kind in ("sum", "concat"):
        return {"numInputs": as_option(len(layer.inputs)), **({"dim": as_option(3)} if layer.kind == "concat" else {})}
    return options or {"opts": row_cell([])}


def _param(layer: Layer, array: Array) -> Array:
    """A parameter for the file: vectors as columns, vectors of a scale along the channels."""
    if array.ndim > 1:
        return _stored(array)
    return _stored(array.reshape(1, 1, -1) if layer.kind == "scale" else array.reshape(-1, 1))


def _stored(array: Array | None) -> Array:
    """A weight for the file: vectors as rows, absent biases as []."""
    if array is None:
        return np.zeros((0, 0), dtype=np.float32)
    return as_stored(array if array.ndim > 1 else array[None])


def _size(item: Input) -> Array:
    """[H W C N]; open sizes are NaN."""
    channels, height, width = (np.nan if n is None else n for n in item.shape)
    return np.array([[height, width, channels, 1.0]])
