"""One node of an ONNX model as a model of its own: for the evaluator in float64, and for ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.spec import Array
from harness.trace.noise import is_float

ACROSS = 1
"""Channel axis of ONNX."""
KEPT_SMALL = 1024
"""Most elements of a constant that a node's model holds as a constant: operators may ask for one."""


def implicit_inputs(node: Any) -> list[str]:
    """The tensors of the model around it that the bodies of a node (If, Loop, Scan) read."""
    names: dict[str, None] = {}
    for attribute in node.attribute:
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            inner = {item.name for item in (*graph.input, *graph.initializer)}
            for each in graph.node:
                names |= {name: None for name in (*each.input, *implicit_inputs(each)) if name and name not in inner}
                inner |= set(each.output)
            names |= {item.name: None for item in graph.output if item.name not in inner}
    return list(names)


def inputs_of(node: Any) -> list[str]:
    """The names of all tensors that a node reads, each once."""
    return list(dict.fromkeys([*filter(None, node.input), *implicit_inputs(node)]))


def doubled(node: Any) -> Any:
    """A copy of a node that computes in float64 what it computed in a smaller float: constants, and types to make."""
    import onnx

    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for attribute in copy.attribute:
        if attribute.name in ("to", "dtype") and attribute.type == onnx.AttributeProto.INT:
            attribute.i = onnx.TensorProto.DOUBLE if attribute.i in _small_floats() else attribute.i
        if attribute.HasField("t"):
            attribute.t.CopyFrom(_doubled_tensor(attribute.t))
        if attribute.name in ("value_float", "value_floats"):
            values = attribute.f if attribute.name == "value_float" else list(attribute.floats)
            tensor = onnx.numpy_helper.from_array(np.array(values, np.float64))
            attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            _double_graph(graph)
    return copy


def _double_graph(graph: Any) -> None:
    bodies = [doubled(each) for each in graph.node]
    del graph.node[:]
    graph.node.extend(bodies)
    for tensor in graph.initializer:
        tensor.CopyFrom(_doubled_tensor(tensor))


def _doubled_tensor(tensor: Any) -> Any:
    import onnx

    if tensor.data_type not in _small_floats():
        return tensor
    return onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64), tensor.name)


def _small_floats() -> tuple[int, ...]:
    import onnx

    return (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


class Reference:
    """Evaluates one node in float64, by `onnx.reference` and the operators mended in `harness.trace.onnx_operators`."""

    def __init__(self, model: Any, node: Any) -> None:
        import onnx
        from onnx.reference import ReferenceEvaluator

        from harness.trace.onnx_operators import MENDED

        self.outputs = list(filter(None, node.output))
        functions = []
        for function in model.functions:
            copy = onnx.FunctionProto()
            copy.CopyFrom(function)
            bodies = [doubled(each) for each in copy.node]
            del copy.node[:]
            copy.node.extend(bodies)
            functions.append(copy)
        graph = onnx.helper.make_graph(
            [doubled(node)],
            "node",
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in inputs_of(node)],
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in self.outputs],
        )
        single = onnx.helper.make_model(graph, opset_imports=model.opset_import, functions=functions)
        self._evaluator = ReferenceEvaluator(single, new_ops=list(MENDED))

    def __call__(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs by name. Raises whatever the evaluator raises."""
        with np.errstate(all="ignore"):
            values = self._evaluator.run(None, dict(feeds))
        scalars = (np.asarray(value) if isinstance(value, np.generic) else value for value in values)
        return dict(zip(self.outputs, scalars, strict=True))


def run_alone(
    model: Any, node: Any, feeds: Mapping[str, Any], types: Mapping[str, int], constants: Mapping[str, Any]
) -> list[Array]:
    """What ONNX Runtime, with all optimisations off, gives for one node on these inputs.

    `types` are the element types of the model's tensors. `constants` names those that are no inputs of the model.
    Raises whatever ONNX Runtime raises.
    """
    import onnx

    values = {name: _narrowed(value, types.get(name)) for name, value in feeds.items()}
    fixed = {name for name in values if name in constants and values[name].size <= KEPT_SMALL}
    graph = onnx.helper.make_graph(
        [node],
        "node",
        [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(_dtype(value)), [None] * value.ndim
            )
            for name, value in values.items()
            if name not in fixed
        ],
        [_untyped(name) for name in node.output if name],
        [onnx.numpy_helper.from_array(values[name], name) for name in fixed],
    )
    single = onnx.helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions)
    single.ir_version = model.ir_version
    session = session_of(single.SerializeToString(), optimised=False)
    return list(session.run(None, {name: value for name, value in values.items() if name not in fixed}))


def _dtype(value: Array) -> np.dtype[Any]:
    return np.dtype(object) if value.dtype.kind in "OSUT" else value.dtype


def _narrowed(value: Array, kind: int | None) -> Array:
    """The value in the element type that it has in the model; float32 where that is not known."""
    import onnx

    if not is_float(value):
        return np.asarray(value)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind or onnx.TensorProto.FLOAT)
    with np.errstate(all="ignore"):
        return np.asarray(value).astype(dtype)


def _untyped(name: str) -> Any:
    """An output whose type ONNX Runtime infers."""
    import onnx

    return onnx.helper.make_empty_tensor_value_info(name)


def tapped(model: Any, names: Sequence[str]) -> Any:
    """A copy of a model with more outputs."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    there = {item.name for item in copy.graph.output}
    copy.graph.output.extend(_untyped(name) for name in names if name not in there)
    return copy


def session_of(model: bytes, *, optimised: bool, without: Sequence[str] = ()) -> Any:
    """An ONNX Runtime session on one thread; `optimised` as by default, `without` some optimisations, or not at all."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    names = list(without)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], disabled_optimizers=names)
