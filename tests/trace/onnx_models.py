"""ONNX files for tests of traces, written and traced in a worker: no process of pytest imports onnx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.trace import fused, onnx_graph, onnx_nodes

SCOPE = "functional_1"


def weights() -> dict[str, np.ndarray]:
    draw = np.random.Generator(np.random.PCG64(1))
    return {name: draw.standard_normal((4, 4)).astype(np.float32) for name in ("a", "b")}


def chain(path: Path, change: str = "") -> None:
    """Layers a, b and c in five nodes: Tanh(x @ a), Selu(. @ b), . + 1. `change` plants a fault into b or its file, or
    lets c pass on what it gets; with `nameless` in it, the nodes of b and c have no names of layers."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    numbers = weights()
    if change.startswith("weight"):
        numbers["b"][2, 1] += 0.1
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["t1"], f"{SCOPE}/a_1/MatMul"),
        helper.make_node("Tanh", ["t1"], ["t2"], f"{SCOPE}/a_1/Tanh"),
        helper.make_node("MatMul", ["t2", "b"], ["t3"], f"{SCOPE}/b_1/MatMul"),
        helper.make_node(
            "Selu", ["t3"], ["t4"], f"{SCOPE}/b_1/Selu", **({"alpha": 1.5} if change == "attribute" else {})
        ),
        helper.make_node("Add", ["t4", "one"], ["y"], f"{SCOPE}/c_1/add"),
    ]
    if "lost" in change:
        nodes[4] = helper.make_node("Identity", ["t4"], ["y"], f"{SCOPE}/c_1/add")
    if "unmade" in change:
        nodes[2].input[1] = "nowhere"
    if "shape" in change:
        nodes[3] = helper.make_node("Slice", ["t3", "from", "to"], ["t4"], f"{SCOPE}/b_1/Selu")
    if "nameless" in change:
        nodes[2].name, nodes[3].name = "MatMul__7", "Selu__8"
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])],
        [*(numpy_helper.from_array(value, name) for name, value in numbers.items()),
         numpy_helper.from_array(np.float32(1), "one"),
         *(numpy_helper.from_array(np.array([k]), name) for k, name in enumerate(("from", "to")))],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save(model, str(path))


def traced(
    folder: Path, inputs: Any, change: str = "", told: str = "", truth: Any = None, outputs: Any = ()
) -> dict[str, Any]:
    """The trace of a chain with a change; the reference is the chain with the change `told`, if one is named."""
    chain(folder / "model.onnx", change)
    chain(folder / "told.onnx", told)
    reference = None if told == change else folder / "told.onnx"
    trace = onnx_graph.trace(folder / "model.onnx", inputs, truth=truth or {}, outputs=outputs, reference=reference)
    fault = trace.first_fault
    return {**trace.to_plain(), "first": None if fault is None else fault.id}


def traced_with_an_optimiser_that_errs(folder: Path, inputs: Any, truth: Any, named: bool) -> dict[str, Any]:
    """As if an optimisation of ONNX Runtime made `Tanh, MatMul, Selu` one node, and left out the Selu."""
    import onnx

    right = onnx_nodes.session_of

    def session_of(model: bytes, *, optimised: bool, without: Sequence[str] = ()) -> Any:
        whole = onnx.load_from_string(model)
        kinds = {name: node.op_type for node in whole.graph.node for name in node.output}
        ends = {kinds.get(item.name) for item in whole.graph.output}
        if optimised and "Planted" not in without and not ends & {"Tanh", "MatMul"}:
            next(node for node in whole.graph.node if node.op_type == "Selu").op_type = "Identity"
        return right(whole.SerializeToString(), optimised=optimised, without=without)

    before = fused.OPTIMISERS
    fused.OPTIMISERS = (*before, "Planted") if named else before
    onnx_graph.session_of = fused.session_of = session_of
    try:
        return traced(folder, inputs, truth=truth)
    finally:
        onnx_graph.session_of = fused.session_of = right
        fused.OPTIMISERS = before


def pads_before_a_pool(folder: Path) -> dict[str, Any]:
    """The trace of a chain with an edge of zeros around negative numbers, then MaxPool, in channels first."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 3, 6, 6] x) => (float y)
        <int64[8] pads = {0, 0, 1, 1, 0, 0, 1, 1}>
        { a = Abs(x)  n = Neg(a)  p = Pad(n, pads)
          m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (p)  s = Tanh(m)  y = ReduceMean <keepdims = 0> (s) }"""
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "pads.onnx")
    x = np.random.default_rng(0).uniform(1, 2, (2, 3, 6, 6)).astype(np.float32)
    return onnx_graph.trace(folder / "pads.onnx", {"x": x}).to_plain()


def operator(
    op: str, arrays: list[Any], attributes: dict[str, Any], outputs: int, body: str = "", opset: int = 18
) -> dict[str, Any]:
    """One node in float64 as mended, as onnx.reference has it (None where it raises), and the trace's local error."""
    import tempfile

    import onnx
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    from harness.trace.onnx_nodes import Reference

    names = [f"i{number}" if value is not None else "" for number, value in enumerate(arrays)]
    feeds = {name: value for name, value in zip(names, arrays, strict=True) if name}
    if body:
        attributes = {**attributes, "body": onnx.parser.parse_graph(body)}
    node = helper.make_node(op, names, [f"o{number}" for number in range(outputs)], **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in feeds.items()],
        [helper.make_empty_tensor_value_info(name) for name in node.output],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    wide = {name: value.astype(np.float64) if value.dtype.kind == "f" else value for name, value in feeds.items()}
    mended = Reference(model, node)(wide)
    try:
        plain = list(ReferenceEvaluator(model).run(None, feeds))
    except Exception:
        plain = None
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/one.onnx")
        trace = onnx_graph.trace(Path(folder) / "one.onnx", feeds)
    return {"mended": list(mended.values()), "plain": plain, "local": trace.nodes[0].local, "note": trace.note}


def two_layers_in_one(folder: Path, slope: float) -> dict[str, Any]:
    """Layers conv, bn and act: a Transpose of bn's before a nameless Conv that computes conv and bn, then LeakyRelu of
    another slope than the layer's, which is 0.1."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 4, 4, 3] x) => (float[2, 3, 4, 4] y)
        { t = Transpose <perm = [0, 3, 1, 2]> (x)  c = Conv (t, w)  y = LeakyRelu <alpha = 0.1> (c) }"""
    )
    kernel = np.random.default_rng(1).normal(size=(3, 3, 1, 1)).astype(np.float32)
    graph.node[1].input[1] = f"{SCOPE}/conv_1/convolution/merged_input:0"
    graph.initializer.append(onnx.numpy_helper.from_array(2 * kernel, graph.node[1].input[1]))
    for node, name in zip(
        graph.node, (f"{SCOPE}/bn_1/batchnorm/mul__600", "Conv__695", f"{SCOPE}/act_1/Relu"), strict=True
    ):
        node.name = name
    graph.node[2].attribute[0].f = slope
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    conv = np.einsum("nhwi,oi->nhwo", x.astype(float), kernel[:, :, 0, 0].astype(float))
    return _layers(folder, graph, x, {"conv": conv, "bn": 2 * conv, "act": np.where(conv > 0, 2 * conv, 0.2 * conv)})


def one_layer_read_twice(folder: Path, scale: float) -> dict[str, Any]:
    """Layers a, b and c: what a gives is read by b as it is, and by b and c with its axes exchanged. `scale` is 1 in a
    right file."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 5, 4] x) => (float[2, 4, 5] y)
        { h = Sin(x)  a = Mul(h, s)  t = Transpose <perm = [0, 2, 1]> (a)  e = Exp(a)
          f = Transpose <perm = [0, 2, 1]> (e)  b = Add(t, f)  y = Mul(b, t) }"""
    )
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(scale), "s"))
    names = ("a_1/Sin", "a_1/mul", "Transpose__260", "b_1/Exp", "Transpose__301", "b_1/add", "c_1/mul")
    for node, name in zip(graph.node, names, strict=True):
        node.name = name if name.startswith("T") else f"{SCOPE}/{name}"
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    a = np.swapaxes(np.sin(x.astype(float)), 1, 2)
    b = a + np.exp(a)
    return _layers(folder, graph, x, {"a": a, "b": b, "c": b * a})


def a_scale_in_a_convolution(folder: Path, scale: float) -> dict[str, Any]:
    """Layers conv, bn and act: one Conv computes conv and bn, which doubles. `scale` is 1 in a right file."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 3, 4, 4] x) => (float[2, 3, 4, 4] y)
        { c = Conv (x, w)  y = Relu (c) }"""
    )
    kernel = np.random.default_rng(1).normal(size=(3, 3, 1, 1)).astype(np.float32)
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(2 * scale) * kernel, "w"))
    graph.node[0].name, graph.node[1].name = f"{SCOPE}/conv_1/convolution", f"{SCOPE}/act_1/Relu"
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    conv = np.einsum("nihw,oi->nhwo", x.astype(float), kernel[:, :, 0, 0].astype(float))
    return _layers(folder, graph, x, {"conv": conv, "bn": 2 * conv, "act": np.maximum(2 * conv, 0)})


def an_end_in_groups(folder: Path, scale: float) -> dict[str, Any]:
    """Layers a and flat: what a gives has its channels in groups, and flat takes it so. `scale` is 1 in a right
    file."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 4, 3, 2] x) => (float[2, 24] y)
        <int64[2] to = {2, 24}>
        { h = Sin(x)  a = Mul(h, s)  y = Reshape(a, to) }"""
    )
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(scale), "s"))
    for node, name in zip(graph.node, ("a_1/Sin", "a_1/mul", "flat_1/Reshape"), strict=True):
        node.name = f"{SCOPE}/{name}"
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2)).astype(np.float32)
    a = np.sin(x.astype(float)).reshape(2, 4, 6)
    return _layers(folder, graph, x, {"a": a, "flat": a.reshape(2, 24)})


def an_end_in_another_order(folder: Path, scale: float) -> dict[str, Any]:
    """Layers a and b: what a gives has its channels in groups, and the groups exchanged with what is in them, which is
    no fault. `scale` is 1 in a right file."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 4, 3, 2] x) => (float[2, 4] y)
        { h = Sin(x)  m = Mul(h, s)  a = Transpose <perm = [0, 1, 3, 2]> (m)
          y = ReduceMean <axes = [2, 3], keepdims = 0> (a) }"""
    )
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(scale), "s"))
    for node, name in zip(graph.node, ("a_1/Sin", "a_1/mul", "a_1/transpose", "b_1/Mean"), strict=True):
        node.name = f"{SCOPE}/{name}"
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 2)).astype(np.float32)
    a = np.sin(x.astype(float)).reshape(2, 4, 6)
    return _layers(folder, graph, x, {"a": a, "b": a.mean(2)})


def an_end_without_a_name(folder: Path, scale: float) -> dict[str, Any]:
    """Layers a and b: only the first node of a has its name, and what that gives has another size than a. `scale` is 1
    in a right file."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (float[2, 4, 4, 3] x) => (float[2, 2, 2, 3] y)
        { h = Sin(x)  t = Transpose <perm = [0, 3, 1, 2]> (h)  m = Mul(t, s)
          p = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (m)  r = Transpose <perm = [0, 2, 3, 1]> (p)
          y = Tanh(r) }"""
    )
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(scale), "s"))
    names = (f"{SCOPE}/a_1/Sin", "Transpose__2", "Mul__3", "AveragePool__4", "Transpose__5", f"{SCOPE}/b_1/Tanh")
    for node, name in zip(graph.node, names, strict=True):
        node.name = name
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    a = np.sin(x.astype(float)).reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
    return _layers(folder, graph, x, {"a": a, "b": np.tanh(a)})


def _layers(folder: Path, graph: Any, x: np.ndarray, truth: dict[str, np.ndarray]) -> dict[str, Any]:
    import onnx

    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "layers.onnx")
    return onnx_graph.trace(
        folder / "layers.onnx", {"x": x}, truth={name: [value] for name, value in truth.items()}
    ).to_plain()
