"""The layers of a network of MATLAB in the tensors of another file: by their names, and without a name by their values.

A file may name the tensors as its exporter likes. Where the outputs differ, the two networks part in a layer whose
inputs are tensors of the file, while the layer's output is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from harness.judge.compare import compare
from harness.matlab.readers.toolbox import Network
from harness.models.axes import turn
from harness.models.conversion import LayerCheck
from harness.models.experiment import part_of
from harness.spec import Array, Golden, Layer, source_of

INERT = ("ClassificationOutputLayer", "DropoutLayer", "IdentityLayer", "RegressionOutputLayer", "dropout")
"""Layers that an exporter leaves out."""
FOLDED = ("BatchNormalizationLayer", "GroupNormalizationLayer", "bnorm")
"""Layers that an exporter folds into the weights of the layer before."""
Tensors = Mapping[str, Array]


def identifier(name: str) -> str:
    """A layer's name as exporters write it."""
    return re.sub(r"\W", "_", name)


def of_layers(network: Network, tensors: Tensors, depths: Mapping[str, int]) -> Tensors:
    """The tensors without those that have the name of a layer by chance, as torch's second `relu_1` may be the first of
    MATLAB: another number of layers with weights lies before them."""
    weighted = {name.partition("/")[0] for name in network.weights if name.endswith("Weights")}
    makers: dict[str, frozenset[str]] = {}
    for layer in network.spec.layers:
        before = frozenset().union(*(makers.get(source_of(name), frozenset()) for name in layer.tensors))
        makers[layer.name] = before | ({layer.name} if layer.owner in weighted else frozenset())
    wanted = {identifier(name): len(names) for name, names in makers.items()}
    return {
        name: value
        for name, value in tensors.items()
        if name not in depths or depths[name] == wanted.get(identifier(name), depths[name])
    }


def by_layer(network: Network, golden: Golden, tensors: Tensors) -> tuple[list[LayerCheck], list[str]]:
    """Each layer against the tensor of its name; without one, an inert layer is no loss."""
    known = {identifier(name): value for name, value in tensors.items()}
    checks, unmatched = [], []
    for layer in network.spec.layers:
        value = known.get(identifier(layer.name))
        if value is None:
            unmatched += [layer.name] * (layer.kind not in INERT)
            continue
        checks.append(_check(layer, golden, value))
    return checks, unmatched


def first_apart(network: Network, golden: Golden, tensors: Sequence[Array]) -> list[LayerCheck]:
    """The layers in which the networks part, each beside the nearest tensor of the layer's size.

    The networks part in a layer if the file computes the layer's inputs, and neither the layer's output nor the output
    of a later layer. A normalisation behind such a layer is named, too: exporters fold the two into one node.
    """
    layers = {layer.name: layer for layer in network.spec.layers}
    reads = {
        name: [source for each in layer.tensors if (source := source_of(each)) in layers]
        for name, layer in layers.items()
    }
    nearest = {name: _nearest(layer, golden, tensors) for name, layer in layers.items()}
    right = {name for name, check in nearest.items() if check is not None and check.comparison.outcome.passes}
    for name in reversed(layers):
        if name in right:
            right.update(reads[name])
    first: list[str] = []
    for name, layer in layers.items():
        folded = layer.kind in FOLDED and bool(reads[name]) and first[-1:] == reads[name]
        if name not in right and (folded or right.issuperset(reads[name])):
            first.append(name)
    return [check for name in first if (check := nearest[name]) is not None]


def _nearest(layer: Layer, golden: Golden, tensors: Sequence[Array]) -> LayerCheck | None:
    """The tensor of a layer's size that is nearest to the layer's, None without one."""
    found = None
    for value in tensors:
        if value.size != golden.expected[layer.name].size:
            continue
        check = _check(layer, golden, value)
        if found is None or check.relative < found.relative:
            found = check
        if check.comparison.outcome.passes:
            return check
    return found


def _check(layer: Layer, golden: Golden, value: Array) -> LayerCheck:
    """A layer against a tensor of the other file."""
    expected = golden.expected[layer.name]
    shaped = turn(np.asarray(value, np.float32), expected.shape)
    peak = float(np.abs(expected).max(initial=0.0)) or 1.0
    worst = float(np.abs(shaped - expected).max(initial=0.0)) if shaped.shape == expected.shape else np.inf
    return LayerCheck(layer.name, layer.kind, compare(part_of(golden, (layer.name,)), [shaped]), worst / peak)
