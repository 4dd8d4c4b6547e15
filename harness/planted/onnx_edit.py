"""Edit ONNX graphs: the base class of faults that do, and small changes of nodes and constants.

Such a fault is a separate hop behind tf2onnx, so that one conversion of a case serves every fault of its layer.
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
"""Values of onnx.TensorProto.DataType."""


class OnnxFault:
    """Applies `edit` to a copy of the graph that tf2onnx wrote."""

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
        """Put the fault into the graph at every place where it applies."""
        raise NotImplementedError


def nodes(graph: Any, *kinds: str) -> Iterator[Any]:
    """Nodes of these operators."""
    return (node for node in graph.node if node.op_type in kinds)


def attribute(node: Any, name: str) -> Any:
    """An attribute by name; None if the node does not have it."""
    return next((item for item in node.attribute if item.name == name), None)


def reverse_ints(node: Any, name: str) -> None:
    """Reverse a list attribute with one number for each axis, if the node has it."""
    if (axes := attribute(node, name)) is not None:
        axes.ints[:] = list(axes.ints)[::-1]


def insert(graph: Any, position: int, kind: str, inputs: Sequence[str], outputs: Sequence[str], **more: Any) -> None:
    """Insert a new node before the one at `position`; `more` are its attributes."""
    import onnx

    graph.node.insert(position, onnx.helper.make_node(kind, inputs, outputs, **more))


def add_constant(graph: Any, name: str, value: Any) -> None:
    """Add a constant."""
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def constant(graph: Any, name: str) -> Array | None:
    """A constant by name; None if no constant has the name."""
    from onnx import numpy_helper

    return next((numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name == name), None)


def _type_of(graph: Any, name: str) -> Any:
    known = (*graph.input, *graph.output, *graph.value_info)
    return next((item.type.tensor_type for item in known if item.name == name), None)


def shape_of(graph: Any, name: str) -> list[int]:
    """Sizes of a tensor, -1 for an open one; [] if its shape is not known."""
    tensor_type = _type_of(graph, name)
    if tensor_type is None or not tensor_type.HasField("shape"):
        return []
    return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor_type.shape.dim]


def elem_type(graph: Any, name: str) -> int:
    """ONNX data type of a tensor's elements; 0 if it is not known."""
    tensor_type = _type_of(graph, name)
    return 0 if tensor_type is None else int(tensor_type.elem_type)


def change(graph: Any, name: str, how: Change) -> None:
    """Change a constant by name. It is written whole, so that its shape stays consistent with its values."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(how(numpy_helper.to_array(tensor))), name))


def change_weight(graph: Any, kinds: tuple[str, ...], how: Change, index: int = 1) -> None:
    """Change the constant at input `index` of every node of these operators that has such an input."""
    for node in nodes(graph, *kinds):
        if len(node.input) > index:
            change(graph, node.input[index], how)


def square(axes: tuple[int, int]) -> Change:
    """A change that exchanges two axes if they are equally long."""
    return lambda w: w.swapaxes(*axes) if w.shape[axes[0]] == w.shape[axes[1]] else w
