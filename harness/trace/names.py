"""The layer of the source model that a node came from, by the node's name.

tf2onnx and Keras' own export on TensorFlow keep the scopes of the traced function: `functional_1/conv1_1/convolution`
is of the layer `conv1`, called once more than it was when the model was built. torch's exporters keep those of modules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

_AGAIN = re.compile(r"_\d+$")
_SEPARATOR = re.compile(r"[/:.]")
ACTIVATIONS = {
    "Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "LogSoftmax", "Mish", "Relu", "Selu",
    "Sigmoid", "Softmax", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu",
}  # fmt: skip
RECURRENT = {"GRU", "LSTM", "RNN"}


def layers_of(names: Sequence[str], layers: Collection[str]) -> list[str]:
    """The layer of each name, '' where none of the layers is in it.

    Scopes are layers' names with or without a number behind: of `dense` and `dense_1`, `dense_1` may be either. The
    reading that finds more layers counts for all names.
    """
    known = set(layers)
    exact = [_first(name, known, again=False) for name in names]
    again = [_first(name, known, again=True) for name in names]
    finds_more = len(set(again) - {""}) >= len(set(exact) - {""})
    first, second = (again, exact) if finds_more else (exact, again)
    return [one or other for one, other in zip(first, second, strict=True)]


def named_layers(
    nodes: Sequence[Any], names: Sequence[str], constants: Collection[str], layers: Collection[str]
) -> list[str]:
    """The layer of each ONNX node by its name, or the names of its constants; '' where none tells it."""
    weights = sorted({name for node in nodes for name in node.input if name in constants})
    found = layers_of([*names, *weights], layers)
    owners = dict(zip(weights, found[len(names) :], strict=True))
    return [
        name or next(filter(None, (owners.get(each, "") for each in node.input)), "")
        for node, name in zip(nodes, found, strict=False)
    ]


def layers_of_nodes(
    nodes: Sequence[Any], names: Sequence[str], constants: Collection[str], layers: Collection[str]
) -> list[str]:
    """The layer of each ONNX node, by its name; of one whose name tells none, by its constants or its neighbours.

    Converters call nodes of their own `Transpose__12`. An activation is of the layer that makes what it gets, a
    recurrent node of the layer that transposes that, another node of the layer that alone reads what it gives, else of
    the one that alone makes what it gets. `names` are those of the nodes, `constants` those of the constants.
    """
    result = named_layers(nodes, names, constants, layers)
    readers: dict[str, list[int]] = {}
    makers = {name: place for place, node in enumerate(nodes) for name in node.output}
    for place, node in enumerate(nodes):
        for name in node.input:
            readers.setdefault(name, []).append(place)
    behind = [[at for name in node.output for at in readers.get(name, ())] for node in nodes]
    before = [[makers[name] for name in node.input if name in makers] for node in nodes]
    for place, node in enumerate(nodes):
        recurs = node.op_type in RECURRENT and _transposed(node, before[place], nodes)
        if not result[place] and before[place] and (recurs or node.op_type in ACTIVATIONS):
            result[place] = result[before[place][0]]
    for neighbours, order in ((behind, reversed(range(len(nodes)))), (before, iter(range(len(nodes))))):
        for place in order:
            near = {result[at] for at in neighbours[place]}
            if not result[place] and len(near) == 1:
                (result[place],) = near
    return result


def _transposed(node: Any, before: Sequence[int], nodes: Sequence[Any]) -> bool:
    """Whether the first input of a node is what a Transpose, the first of the nodes before it, gives."""
    return bool(before) and nodes[before[0]].op_type == "Transpose" and nodes[before[0]].output[0] == node.input[0]


def _first(name: str, known: Collection[str], *, again: bool) -> str:
    scopes = _SEPARATOR.split(name)
    if again:
        scopes = [_AGAIN.sub("", scope) for scope in scopes if _AGAIN.search(scope)]
    return next((scope for scope in scopes if scope in known), "")
