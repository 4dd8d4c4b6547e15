"""Look into an ONNX file and run parts of it, inside a worker: its inputs, the tensor of every node, nodes left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from harness.spec import Array

AFFINE = ("Sub", "Add", "Div", "Mul")
"""Nodes with a constant that normalise an input."""


def facts(path: Path) -> dict[str, Any]:
    """`inputs`: name and shape of each, None for an open size; `outputs`: their names; `normalizing`: the nodes by
    which constants change an input before any layer reads it, by the name of what they make; `depths`: how many nodes
    with weights each tensor is made by, its own node among them."""
    import onnx

    graph = onnx.load(str(path)).graph
    constants = {item.name for item in graph.initializer}
    inputs = [
        (value.name, [axis.dim_value or None for axis in value.type.tensor_type.shape.dim])
        for value in graph.input
        if value.name not in constants
    ]
    return {
        "inputs": inputs,
        "outputs": [value.name for value in graph.output],
        "normalizing": [name for start, _ in inputs for name in _chain(graph, start, constants)],
        "depths": _depths(graph, constants),
    }


WEIGHTED = {"Conv", "ConvTranspose", "GRU", "Gather", "Gemm", "LSTM", "MatMul", "RNN"}
"""Operators that are layers with weights where an input of theirs is a constant."""


def _depths(graph: Any, constants: set[str]) -> dict[str, int]:
    """The number of nodes with weights that each tensor is made by."""
    constants = constants | {node.output[0] for node in graph.node if node.op_type == "Constant"}
    makers: dict[str, frozenset[int]] = {}
    for place, node in enumerate(graph.node):
        before = frozenset().union(*(makers.get(name, frozenset()) for name in node.input))
        own = {place} if node.op_type in WEIGHTED and not constants.isdisjoint(node.input) else set()
        makers |= dict.fromkeys(node.output, before | own)
    return {name: len(places) for name, places in makers.items() if name}


def flattened(path: Path, out: Path) -> list[str]:
    """Write the file again with the Gemm nodes that read more than two axes made whole, and return their names.

    ONNX allows a Gemm two axes (https://onnx.ai/onnx/operators/onnx__Gemm.html), and old exporters wrote four. What a
    Gemm reads is flattened, its weights become a matrix and its bias a vector. Nothing is written where no Gemm is so.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    gemms = [node for node in graph.node if node.op_type == "Gemm" and not _flag(node, "transA")]
    ranks = _ranks(model) if gemms else {}
    if not any(ranks.get(name, 2) > 2 for node in gemms for name in node.input):
        return []
    shapes: dict[str, list[int]] = {}
    sizes = {item.name: list(item.dims) for item in graph.initializer}
    for node in gemms:
        shapes |= {name: [prod(sizes[name])] for name in node.input[2:] if len(sizes.get(name, ())) > 2}
        shapes |= {name: _matrix(sizes[name], node) for name in node.input[1:2] if len(sizes.get(name, ())) > 2}
        name = f"{node.output[0]}.{FLAT}"
        place = list(graph.node).index(node)
        graph.node.insert(place, onnx.helper.make_node("Flatten", [node.input[0]], [name], axis=1))
        graph.node[place + 1].input[0] = name
    for item in graph.initializer:
        item.dims[:] = shapes.get(item.name, sizes[item.name])
    for value in (*graph.output, *(value for value in graph.input if value.name in sizes)):
        value.type.tensor_type.ClearField("shape")  # it is another one now
    del graph.value_info[:]
    onnx.save(model, str(out))
    return [node.name or node.output[0] for node in gemms]


FLAT = "flat"
"""What follows the name of a node in the name of its flattened input."""


def _ranks(model: Any) -> dict[str, int]:
    """The number of axes of each tensor, as far as it can be inferred."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    known = [*graph.input, *graph.value_info, *graph.output]
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in known}
    return ranks | {item.name: len(item.dims) for item in graph.initializer}


def _matrix(sizes: Sequence[int], node: Any) -> list[int]:
    """Two axes of the weights of a Gemm: the outputs first if it transposes them, else last."""
    return [sizes[0], prod(sizes[1:])] if _flag(node, "transB") else [prod(sizes[:-1]), sizes[-1]]


def _flag(node: Any, name: str) -> bool:
    return any(attribute.name == name and attribute.i for attribute in node.attribute)


def _chain(graph: Any, start: str, constants: set[str]) -> list[str]:
    """What the affine nodes behind an input make, one after the other."""
    constants = constants | {node.output[0] for node in graph.node if node.op_type == "Constant"}
    names: list[str] = []
    while True:
        readers = [node for node in graph.node if start in node.input]
        if len(readers) != 1 or readers[0].op_type not in AFFINE:
            return names
        others = [name for name in readers[0].input if name != start]
        if len(others) != 1 or others[0] not in constants:
            return names
        start = readers[0].output[0]
        names.append(start)


def tensors(
    path: Path, inputs: Mapping[str, Array], without: Sequence[str], every: bool, optimised: bool = True
) -> dict[str, Array]:
    """The outputs of the file, or with `every` what each node makes, by name; as ONNX Runtime optimises it, or not.

    The nodes that make `without` are left out: their readers get what these nodes read.
    """
    import numpy as np
    import onnx
    import onnxruntime

    model = onnx.load(str(path))
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    for name in without:
        node = next(node for node in graph.node if name in node.output)
        source = next(each for each in node.input if each not in constants)
        graph.node.remove(node)
        for reader in graph.node:
            for place, each in enumerate(reader.input):
                if each == name:
                    reader.input[place] = source
    if every:
        declared = {value.name for value in graph.output}
        made = [name for node in graph.node if node.op_type != "Constant" for name in node.output if name]
        graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in made if name not in declared)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # MATLAB's files list their constants as inputs, which is worth no warning
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_outputs()]
    results = session.run(names, dict(inputs))
    return {name: np.asarray(value) for name, value in zip(names, results, strict=True)}
