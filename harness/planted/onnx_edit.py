"""What the faults that edit an ONNX graph share: the base class, and small changes to nodes and constants.

The fault is a hop of its own behind tf2onnx, so one conversion of a case serves every fault that concerns its layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.spec import Array

Change = Callable[[Array], Array]
FLOAT, INT32, INT64 = 1, 6, 7
"""ONNX' numbers for these types."""


class OnnxFault:
    """`edit` on a copy of the graph that tf2onnx wrote."""

    source: ClassVar[str] = Tf2Onnx.target
    target: ClassVar[str] = Tf2Onnx.target
    requires: ClassVar[tuple[str, ...]] = ("onnx",)
    worker: ClassVar[str] = "onnxruntime"
    wraps: ClassVar[str] = Tf2Onnx.name

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx
        import onnx.shape_inference

        model = onnx.shape_inference.infer_shapes(onnx.load(artifact))
        self.edit(model.graph)
        onnx.save(model, out)
        return out

    def edit(self, graph: Any) -> None:
        """Put the fault into the graph, wherever it applies."""
        raise NotImplementedError


def nodes(graph: Any, *kinds: str) -> Iterator[Any]:
    """Nodes of these operators."""
    return (node for node in graph.node if node.op_type in kinds)


def attribute(node: Any, name: str) -> Any:
    """The attribute of that name; None if the node has none."""
    return next((found for found in node.attribute if found.name == name), None)


def reverse_ints(node: Any, name: str) -> None:
    """Exchange the axes of a list attribute."""
    if (found := attribute(node, name)) is not None:
        found.ints[:] = list(found.ints)[::-1]


def insert(graph: Any, position: int, kind: str, inputs: Sequence[str], outputs: Sequence[str], **more: Any) -> None:
    """Put a new node before the one at that position."""
    import onnx

    graph.node.insert(position, onnx.helper.make_node(kind, inputs, outputs, **more))


def add_constant(graph: Any, name: str, value: Any) -> None:
    """Add a constant."""
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def constant(graph: Any, name: str) -> Array | None:
    """The constant of that name; None if it is none."""
    from onnx import numpy_helper

    return next((numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name == name), None)


def _type_of(graph: Any, name: str) -> Any:
    known = (*graph.input, *graph.output, *graph.value_info)
    return next((item.type.tensor_type for item in known if item.name == name), None)


def shape_of(graph: Any, name: str) -> list[int]:
    """Sizes of a tensor, -1 where one is open; no sizes where nothing is known of it."""
    found = _type_of(graph, name)
    if found is None or not found.HasField("shape"):
        return []
    return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in found.shape.dim]


def elem_type(graph: Any, name: str) -> int:
    """ONNX' number for the type of a tensor's elements; 0 where it is not known."""
    found = _type_of(graph, name)
    return 0 if found is None else int(found.elem_type)


def change(graph: Any, name: str, how: Change) -> None:
    """Change the constant of that name; its shape may not change unseen, so it is written whole."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(how(numpy_helper.to_array(tensor))), name))


def change_weight(graph: Any, kinds: tuple[str, ...], how: Change, index: int = 1) -> None:
    """Change an input constant of every node of these operators that has it."""
    for node in nodes(graph, *kinds):
        if len(node.input) > index:
            change(graph, node.input[index], how)


def square(axes: tuple[int, int]) -> Change:
    """Exchange two axes of equal length."""
    return lambda w: w.swapaxes(*axes) if w.shape[axes[0]] == w.shape[axes[1]] else w
