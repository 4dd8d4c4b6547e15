"""Write ONNX files in the forms of MATLAB's exporter, for layers with simple forms.

The forms are those of its output and of its published converters (exportONNXNetwork, releases 18.2 to 24.2):
`zerocenter` is a Sub. A fully connected layer is a Flatten and a Gemm or, in older files, a Conv with a kernel as large
as the image. Softmax over the channels of an image is Transpose, Softmax, Transpose. Initialisers are graph inputs too.
In newer files a subgraph of Shape, Div, Ceil and Pad works out the padding `same`. The input layer's configuration says
which opset and which form: `Opset`, `FullyConnected` (`gemm` or `conv`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.oracle import part
from harness.spec import Array, Layer, Spec

PRODUCER, VERSION = "MATLAB Deep Learning Toolbox Converter for ONNX Model Format", "24.2.0"
LEAST_PAD = 11
"""Opset from which Pad takes its pads as a tensor, so that `same` can be worked out at run time."""


def as_onnx(spec: Spec, weights: Mapping[str, Array]) -> Any:
    """An `onnx.ModelProto`. Raises ValueError for a layer without a form here."""
    return _Graph(spec, weights).model()


class _Graph:
    """Builds one graph."""

    def __init__(self, spec: Spec, weights: Mapping[str, Array]) -> None:
        from onnx import helper

        self.spec, self.weights, self.helper = spec, weights, helper
        options = spec.layers[0].config
        self.opset, self.connected = int(options.get("Opset", 8)), options.get("FullyConnected", "gemm")
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.ranks = {item.name: len(item.shape) + 1 for item in spec.inputs}

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def model(self) -> Any:
        from onnx import TensorProto, checker

        ends = {item.name: item.name for item in self.spec.inputs}
        for layer in self.spec.layers:
            if layer.kind not in WRITERS:
                raise ValueError(f"no form of MATLAB's exporter is known for {layer.kind} {layer.name!r}")
            taken = [ends[name] for name in layer.inputs]
            ends[layer.name] = WRITERS[layer.kind](self, layer, part(self.weights, layer.name), taken)
            rank = self.ranks[layer.inputs[0]]
            self.ranks[layer.name] = 2 if layer.kind == "FullyConnectedLayer" else rank
        for name in self.spec.outputs:
            if ends[name] != name:
                self.node("Identity", [ends[name]], name)
        make, value = self.helper, self.helper.make_tensor_value_info
        inputs = [value(item.name, TensorProto.FLOAT, [f"N_{item.name}", *item.shape]) for item in self.spec.inputs]
        declared = [value(item.name, item.data_type, list(item.dims)) for item in self.initializers]
        outputs = [
            value(name, TensorProto.FLOAT, [f"{name}_{axis}" for axis in range(self.ranks[name])])
            for name in self.spec.outputs
        ]
        graph = make.make_graph(self.nodes, "network", [*declared, *inputs], outputs, self.initializers)
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", self.opset)], producer_name=PRODUCER)
        model.producer_version = VERSION
        model.ir_version = 3 if self.opset < 9 else 8
        checker.check_model(model)
        return model


Writer = Callable[[_Graph, Layer, Mapping[str, Array], list[str]], str]


def _channels_first(values: Array) -> Array:
    return np.moveaxis(values, -1, 0)[None] if values.ndim == 3 else values.reshape(1, -1, 1, 1)


def _input(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    kind, name = layer.config.get("Normalization", "none"), layer.name
    if kind == "none":
        return taken[0]
    values = {key: _channels_first(value) for key, value in weights.items()}
    if kind in ("zerocenter", "zscore"):
        end = graph.node("Sub", [taken[0], graph.constant(f"{name}_Mean", values["Mean"])], f"{name}_Sub")
        if kind == "zscore":
            end = graph.node("Div", [end, graph.constant(f"{name}_Std", values["StandardDeviation"])], f"{name}_Div")
        return end
    end = graph.node("Sub", [taken[0], graph.constant(f"{name}_Min", values["Min"])], f"{name}_Sub")
    end = graph.node("Div", [end, graph.constant(f"{name}_Range", values["Max"] - values["Min"])], f"{name}_Div")
    if kind == "rescale-symmetric":
        end = graph.node("Mul", [end, graph.constant(f"{name}_Two", np.array(2, np.float32))], f"{name}_Mul")
        end = graph.node("Sub", [end, graph.constant(f"{name}_One", np.array(1, np.float32))], f"{name}_Sub1")
    return end


def _pads(layer: Layer) -> list[int]:
    top, bottom, left, right = layer.config.get("PaddingSize", [0, 0, 0, 0])
    return [top, left, bottom, right]


def _same(
    graph: _Graph, layer: Layer, taken: str, *, window: list[int], stride: list[int], dilate: list[int], value: float
) -> str:
    """Pads by the input's shape: max(0, (ceil(n / s) - 1) s + (k - 1) d + 1 - n), the odd one at the end."""
    name = layer.name
    sizes = graph.node(
        "Slice",
        [
            graph.node("Shape", [taken], f"{name}_Shape"),
            graph.constant(f"{name}_start", np.array([2])),
            graph.constant(f"{name}_end", np.array([4])),
        ],
        f"{name}_Size",
    )
    sizes = graph.node("Cast", [sizes], f"{name}_Cast", to=1)
    step = graph.constant(f"{name}_stride", np.array(stride, np.float32))
    reach = [d * (k - 1) + 1 for k, d in zip(window, dilate, strict=True)]
    count = graph.node("Ceil", [graph.node("Div", [sizes, step], f"{name}_Div")], f"{name}_Ceil")
    one = graph.constant(f"{name}_one", np.array(1, np.float32))
    span = graph.node("Mul", [graph.node("Sub", [count, one], f"{name}_Sub"), step], f"{name}_Mul")
    span = graph.node("Add", [span, graph.constant(f"{name}_reach", np.array(reach, np.float32))], f"{name}_Add")
    total = graph.node("Sub", [span, sizes], f"{name}_Over")
    total = graph.node("Max", [total, graph.constant(f"{name}_zero", np.array(0, np.float32))], f"{name}_Max")
    half = graph.node("Div", [total, graph.constant(f"{name}_two", np.array(2, np.float32))], f"{name}_Half")
    before = graph.node("Floor", [half], f"{name}_Before")
    after = graph.node("Sub", [total, before], f"{name}_After")
    none = graph.constant(f"{name}_none", np.zeros(2, np.float32))
    pads = graph.node("Concat", [none, before, none, after], f"{name}_Concat", axis=0)
    pads = graph.node("Cast", [pads], f"{name}_Pads", to=7)
    return graph.node("Pad", [taken, pads, graph.constant(f"{name}_value", np.array(value, np.float32))], f"{name}_Pad")


def _bordered(
    graph: _Graph, layer: Layer, taken: str, *, window: list[int], stride: list[int], dilate: list[int], value: float
) -> tuple[str, list[int]]:
    if layer.config.get("PaddingMode", "manual") != "same":
        return taken, _pads(layer)
    if graph.opset < LEAST_PAD:
        raise ValueError(f"padding 'same' of {layer.name!r} needs an opset of {LEAST_PAD}")
    return _same(graph, layer, taken, window=window, stride=stride, dilate=dilate, value=value), [0] * 4


def _convolution(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    bank = weights["Weights"].transpose(3, 2, 0, 1)
    stride, dilate = list(layer.config.get("Stride", (1, 1))), list(layer.config.get("DilationFactor", (1, 1)))
    window = list(bank.shape[2:])
    source, pads = _bordered(graph, layer, taken[0], window=window, stride=stride, dilate=dilate, value=0.0)
    inputs = [source, graph.constant(f"{layer.name}_W", bank), graph.constant(f"{layer.name}_B", weights["Bias"])]
    return graph.node(
        "Conv", inputs, layer.name, group=1, kernel_shape=window, pads=pads, strides=stride, dilations=dilate
    )


def _connected(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    """Columns of W are (c, w, h), h fastest; ONNX flattens to (c, h, w)."""
    name, w, bias = layer.name, weights["Weights"], weights["Bias"]
    shape = layer.config.get("InputShape")
    if graph.ranks[layer.inputs[0]] == 4:
        channels, height, width = shape or (w.shape[1], 1, 1)
        bank = w.reshape(w.shape[0], channels, width, height).transpose(0, 1, 3, 2)
        if graph.connected == "conv":
            inputs = [taken[0], graph.constant(f"{name}_W", bank), graph.constant(f"{name}_B", bias)]
            end = graph.node(
                "Conv",
                inputs,
                f"{name}_Conv",
                group=1,
                kernel_shape=[height, width],
                pads=[0] * 4,
                strides=[1, 1],
                dilations=[1, 1],
            )
            return graph.node("Flatten", [end], name, axis=1)
        taken, w = [graph.node("Flatten", [taken[0]], f"{name}_Flatten", axis=1)], bank.reshape(w.shape[0], -1)
    inputs = [taken[0], graph.constant(f"{name}_W", w), graph.constant(f"{name}_B", bias)]
    return graph.node("Gemm", inputs, name, alpha=1.0, beta=1.0, transA=0, transB=1)


def _batch_norm(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    names = (("Scale", "scale"), ("Offset", "B"), ("TrainedMean", "mean"), ("TrainedVariance", "var"))
    learnables = [graph.constant(f"{layer.name}_{short}", weights[name]) for name, short in names]
    return graph.node(
        "BatchNormalization", [taken[0], *learnables], layer.name, epsilon=layer.config.get("Epsilon", 1e-5)
    )


def _pooling(kind: str) -> Writer:
    def write(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
        window, stride = list(layer.config["PoolSize"]), list(layer.config.get("Stride", (1, 1)))
        empty = -np.inf if kind == "MaxPool" else 0.0
        source, pads = _bordered(graph, layer, taken[0], window=window, stride=stride, dilate=[1, 1], value=empty)
        more = {"count_include_pad": 1} if kind == "AveragePool" else {}
        return graph.node(kind, [source], layer.name, kernel_shape=window, pads=pads, strides=stride, **more)

    return write


def _softmax(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    name = layer.name
    if graph.ranks[layer.inputs[0]] == 2:
        return graph.node("Softmax", taken, name, axis=1)
    turned = graph.node("Transpose", taken, f"{name}_Transpose1", perm=[0, 2, 3, 1])
    soft = graph.node("Softmax", [turned], f"{name}_Softmax", axis=3)
    return graph.node("Transpose", [soft], name, perm=[0, 3, 1, 2])


def _window_norm(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    c = layer.config
    return graph.node(
        "LRN",
        taken,
        layer.name,
        size=c["WindowChannelSize"],
        alpha=c.get("Alpha", 1e-4),
        beta=c.get("Beta", 0.75),
        bias=c.get("K", 2.0),
    )


def _simple(kind: str, **attributes: Any) -> Writer:
    return lambda graph, layer, weights, taken: graph.node(
        kind, taken, layer.name, **{key: layer.config[name] for key, name in attributes.items() if name in layer.config}
    )


def _clip(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    top = float(layer.config["Ceiling"])
    if graph.opset < LEAST_PAD:
        return graph.node("Clip", taken, layer.name, min=0.0, max=top)
    bounds = [graph.constant(f"{layer.name}_{key}", np.array(v, np.float32)) for key, v in (("min", 0.0), ("max", top))]
    return graph.node("Clip", [*taken, *bounds], layer.name)


def _concat(graph: _Graph, layer: Layer, weights: Mapping[str, Array], taken: list[str]) -> str:
    return graph.node("Concat", taken, layer.name, axis=1)


WRITERS: Mapping[str, Writer] = {
    "ImageInputLayer": _input,
    "Convolution2DLayer": _convolution,
    "FullyConnectedLayer": _connected,
    "BatchNormalizationLayer": _batch_norm,
    "MaxPooling2DLayer": _pooling("MaxPool"),
    "AveragePooling2DLayer": _pooling("AveragePool"),
    "GlobalAveragePooling2DLayer": _simple("GlobalAveragePool"),
    "SoftmaxLayer": _softmax,
    "CrossChannelNormalizationLayer": _window_norm,
    "ReLULayer": _simple("Relu"),
    "LeakyReLULayer": _simple("LeakyRelu", alpha="Scale"),
    "ELULayer": _simple("Elu", alpha="Alpha"),
    "ClippedReLULayer": _clip,
    "TanhLayer": _simple("Tanh"),
    "SigmoidLayer": _simple("Sigmoid"),
    "AdditionLayer": _simple("Sum"),
    "DepthConcatenationLayer": _concat,
    "DropoutLayer": _simple("Identity"),
}
"""Layers with a form here."""


def with_every_output(path: str, out: str) -> list[str]:
    """Write an ONNX file again with every tensor of a node as an output; returns their names, in the graph's order."""
    import onnx

    model = onnx.load(path)
    names = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    onnx.save(model, out)
    return names
