"""Whether `parity check` names the right layer: faults planted in one layer each, and healthy models.

    python benchmarks/planted_layers.py MODEL... [--fault GLOB] [--results FILE]
    python benchmarks/planted_layers.py --healthy FILE... [--way GLOB]

MODEL is `resnet50` (of keras.applications, with random weights, 64 x 64 pixels), `attention` (a CNN with LSTM, GRU
and attention), `text` or `mobile`; the faults of these two were written when the tool was ready. Each fault is a way of
its own: tf2onnx, and then one edit of the nodes of one layer. The answer counts how often the layer with the fault is
the only one that is named, the first, among others, or not named; of healthy models, how often one is named on a way
that agrees. Seconds are those of a way, memory the peak of this process and of its workers. With other processes on the
machine a ResNet-50 takes an hour or so.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.models.survival import Question, Survival, examined
from harness.models.ways import Way
from harness.run.session import Selection, Session
from harness.spec import Array
from harness.workers.protocol import Call, Failure

PIXELS = 64
MIB = 1024


def resnet50() -> Any:
    """ResNet-50 with ten classes, whose logits stay within a few units."""
    import keras

    model = keras.applications.ResNet50(weights=None, classes=10, input_shape=(PIXELS, PIXELS, 3))
    drawn(model)
    head = model.get_layer("predictions")
    features = keras.Model(model.inputs, head.input)(np.random.default_rng(0).normal(size=(2, PIXELS, PIXELS, 3)))
    head.kernel.assign(np.asarray(head.kernel) / np.std(features))
    return model


def attention() -> Any:
    """An image as a sequence of its rows: convolutions, recurrent layers, attention."""
    import keras
    from keras import layers

    image = keras.Input((16, 16, 3), name="image")
    y = layers.Conv2D(8, 3, strides=2, padding="same", name="conv1")(image)
    y = layers.BatchNormalization(name="bn1")(y)
    y = kept = layers.Activation("relu", name="relu1")(y)
    y = layers.Conv2D(8, 3, padding="same", name="conv2")(y)
    y = layers.LeakyReLU(name="leaky")(y)
    y = layers.Add(name="residual")([y, kept])
    y = layers.MaxPooling2D((1, 2), name="pool")(y)
    y = layers.Reshape((8, 32), name="rows")(y)
    y = kept = layers.LSTM(12, return_sequences=True, name="lstm_1")(y)
    y = layers.MultiHeadAttention(3, 4, name="attention")(y, y)
    y = layers.Add(name="joined")([kept, y])
    y = layers.LayerNormalization(name="norm")(y)
    y = layers.Bidirectional(layers.GRU(6, return_sequences=True), name="gru_2")(y)
    y = layers.LSTM(7, name="lstm_3")(y)
    y = layers.Dense(9, activation="tanh", name="hidden")(y)
    return drawn(keras.Model(image, layers.Dense(5, activation="softmax", name="classes")(y)))


def text() -> Any:
    """Words through a causal convolution, attention, and recurrent layers."""
    import keras
    from keras import layers

    words = keras.Input((12,), dtype="int32", name="words")
    y = layers.Embedding(30, 16, name="embed")(words)
    y = kept = layers.Conv1D(16, 3, padding="causal", dilation_rate=2, name="causal")(y)
    y = layers.LayerNormalization(name="norm1")(y)
    y = layers.MultiHeadAttention(4, 4, name="mha")(y, y, use_causal_mask=True)
    y = layers.Add(name="sum1")([kept, y])
    y = layers.SeparableConv1D(12, 3, padding="same", name="separable")(y)
    y = layers.PReLU(name="prelu")(y)
    y = layers.GRU(10, return_sequences=True, reset_after=False, name="gru")(y)
    y = layers.Bidirectional(layers.LSTM(6, return_sequences=True), merge_mode="sum", name="both")(y)
    y = layers.GlobalMaxPooling1D(name="gmp")(y)
    return drawn(keras.Model(words, layers.Dense(4, activation="sigmoid", name="tags")(y)))


def mobile() -> Any:
    """An image through depthwise and transposed convolutions, squeeze and excite, groups and resizing."""
    import keras
    from keras import layers

    image = keras.Input((32, 32, 3), name="image")
    y = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    y = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(y)
    y = layers.BatchNormalization(name="bn0", scale=False)(y)
    y = kept = layers.Activation("hard_silu", name="hs0")(y)
    y = layers.DepthwiseConv2D(5, padding="same", name="dw")(y)
    y = layers.Activation("swish", name="sw")(y)
    g = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(y)
    g = layers.Conv2D(4, 1, activation="relu", name="reduce")(g)
    g = layers.Conv2D(8, 1, activation="sigmoid", name="excite")(g)
    y = layers.Multiply(name="gate")([y, g])
    y = layers.Conv2D(8, 1, name="project")(y)
    y = layers.Add(name="skip")([kept, y])
    y = layers.GroupNormalization(4, name="gn")(y)
    y = layers.UpSampling2D(2, interpolation="bilinear", name="up")(y)
    y = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="deconv")(y)
    y = layers.AveragePooling2D(3, 2, padding="same", name="pool")(y)
    y = layers.Concatenate(name="cat")([y, layers.Cropping2D(((0, 0), (0, 0)), name="crop")(y)])
    y = layers.Flatten(name="flat")(layers.MaxPooling2D(8, name="mp")(y))
    return drawn(keras.Model(image, layers.Dense(5, activation="softmax", name="classes")(y)))


def drawn(model: Any) -> Any:
    """The model with drawn weights that keep numbers of the size of one."""
    source = np.random.Generator(np.random.PCG64(0))
    for variable in model.weights:
        name, shape = variable.path.rpartition("/")[2], tuple(variable.shape)
        if "kernel" in name:
            variable.assign(source.normal(0, 1, shape) * np.sqrt(2 / prod(shape[:-1])))
        elif "gamma" in name or "variance" in name:
            variable.assign(source.uniform(0.7, 1.4, shape))
        elif variable.dtype == "float32":
            variable.assign(source.normal(0, 0.1, shape))
    return model


def write(model: str, path: Path) -> None:
    """Write a model of this module; called in the worker of TensorFlow."""
    globals()[model]().save(path)


class Graph:
    """The nodes and constants of one layer in a graph that tf2onnx wrote."""

    def __init__(self, graph: Any, layer: str) -> None:
        self.whole = graph
        self.layer = layer
        self.constants = {item.name: item for item in graph.initializer}

    @property
    def is_there(self) -> bool:
        return any(f"/{self.layer}_1/" in node.name for node in self.whole.node)

    def nodes(self, kind: str, part: str = "") -> list[Any]:
        """The nodes of an operator in the layer, under a part of the name; also those that only read its weights."""
        scope = f"/{self.layer}_1/"
        return [
            node
            for node in self.whole.node
            if node.op_type == kind
            and any(scope in name and part in name for name in (node.name, *node.input, *node.output))
            and (scope in node.name or not node.name.startswith(self.whole.node[0].name.partition("/")[0]))
        ]

    def node(self, kind: str, part: str = "") -> Any:
        """The first such node. Raises IndexError if there is none."""
        return self.nodes(kind, part)[0]

    def change(self, node: Any, change: Callable[[Array], Array], place: int | None = None) -> None:
        """Change a constant of a node: that at a place, else its only one. What others read too is copied."""
        from onnx import numpy_helper

        places = [place] if place is not None else [k for k, name in enumerate(node.input) if name in self.constants]
        (at,) = places
        name = f"{node.input[at]}.planted"
        value = numpy_helper.to_array(self.constants[node.input[at]])
        self.whole.initializer.append(numpy_helper.from_array(np.ascontiguousarray(change(value), value.dtype), name))
        node.input[at] = name


Edit = Callable[[Graph], None]


def constant(kind: str, change: Callable[[Array], Array], *, part: str = "", place: int | None = None) -> Edit:
    """Change a constant of a layer's node."""
    return lambda graph: graph.change(graph.node(kind, part), change, place)


def operator(kind: str, other: str, *, part: str = "", **attributes: Any) -> Edit:
    """Put another operator in the place of one, without its attributes."""

    def edit(graph: Graph) -> None:
        import onnx

        node = graph.node(kind, part)
        node.op_type = other
        del node.attribute[:]
        node.attribute.extend(onnx.helper.make_attribute(key, value) for key, value in attributes.items())

    return edit


def attribute(kind: str, *, part: str = "", **attributes: Any) -> Edit:
    """Set attributes of a node."""

    def edit(graph: Graph) -> None:
        import onnx

        node = graph.node(kind, part)
        others = [item for item in node.attribute if item.name not in attributes]
        del node.attribute[:]
        node.attribute.extend(others)
        node.attribute.extend(onnx.helper.make_attribute(key, value) for key, value in attributes.items())

    return edit


def renamed(kind: str, other: str) -> Edit:
    """Put another operator in the place of one, with the same attributes."""

    def edit(graph: Graph) -> None:
        graph.node(kind).op_type = other

    return edit


def reads(kind: str, place: int, other: int | None, *, part: str = "") -> Edit:
    """Let a node read another of its inputs at a place, or pass on one alone."""

    def edit(graph: Graph) -> None:
        node = graph.node(kind, part)
        if other is None:
            keep = node.input[place]
            del node.input[:]
            del node.attribute[:]
            node.input.append(keep)
            node.op_type = "Identity"
        else:
            node.input[place] = node.input[other]

    return edit


def recurrent(kind: str, change: Callable[[Array], Array], place: int) -> Edit:
    """Change a weight of the recurrent operator that feeds the layer; tf2onnx gives it no name."""

    def edit(graph: Graph) -> None:
        scope = f"/{graph.layer}_1/"
        makers = {name: node for node in graph.whole.node for name in node.output}
        waiting = [node for node in graph.whole.node if scope in node.name]
        while (node := waiting.pop()).op_type != kind:
            waiting += [makers[name] for name in node.input[:1] if name in makers]
        graph.change(node, change, place)

    return edit


def first_step(graph: Graph) -> None:
    """Give the first step of a sequence in place of the last."""
    node = graph.node("Slice", "strided_slice_3")
    graph.change(node, times(0), 1)
    graph.change(node, np.ones_like, 2)


def gates(*order: int) -> Callable[[Array], Array]:
    """Put the gates of a weight of directions x gates * units x ... into another order."""
    return lambda w: np.concatenate([np.split(w, len(order), axis=1)[gate] for gate in order], axis=1)


def flipped(*axes: int) -> Callable[[Array], Array]:
    """Reverse the order along axes."""
    return lambda w: np.flip(w, axes)


def swapped(one: int, other: int) -> Callable[[Array], Array]:
    """Exchange two axes."""
    return lambda w: np.swapaxes(w, one, other)


def plus(number: float) -> Callable[[Array], Array]:
    """Add a number."""
    return lambda w: w + np.asarray(number, w.dtype)


def times(number: float) -> Callable[[Array], Array]:
    """Multiply by a number."""
    return lambda w: w * np.asarray(number, w.dtype)


def halved(w: Array) -> Array:
    """The weight in half precision."""
    return w.astype(np.float16)


def rolled(w: Array) -> Array:
    """The weight, one place further along its last axis."""
    return np.roll(w, 1, axis=-1)


def one_sided(pads: Array) -> Array:
    """All padding at the end of an axis."""
    begins, ends = np.split(pads, 2)
    return np.concatenate([begins * 0, begins + ends])


def half_zeroed(w: Array) -> Array:
    """Half of the output channels lost."""
    return np.where((np.arange(len(w)) < len(w) // 2).reshape(-1, *[1] * (w.ndim - 1)), w, 0)


PLANTED: dict[str, dict[str, tuple[str, Edit]]] = {
    "resnet50": {
        "bias_off": ("conv2_block1_1_conv", constant("Conv", plus(0.1), place=2)),
        "kernel_flipped": ("conv3_block2_2_conv", constant("Conv", flipped(2, 3), place=1)),
        "kernel_transposed": ("conv2_block2_2_conv", constant("Conv", swapped(0, 1), place=1)),
        "kernel_of_first": ("conv1_conv", constant("Conv", flipped(2), place=1)),
        "channels_reversed": ("conv4_block3_1_conv", constant("Conv", flipped(1), place=1)),
        "channels_lost": ("conv5_block3_1_conv", constant("Conv", half_zeroed, place=1)),
        "half_precision": ("conv2_block3_1_conv", constant("Conv", halved, place=1)),
        "pads": ("conv4_block2_2_conv", attribute("Conv", auto_pad="NOTSET", pads=[0, 0, 2, 2])),
        "dilations": ("conv3_block3_2_conv", attribute("Conv", auto_pad="SAME_UPPER", dilations=[2, 2])),
        "stride": ("conv4_block1_1_conv", attribute("Conv", strides=[1, 1])),
        "epsilon": ("conv2_block1_1_bn", constant("Mul", times(0.995))),
        "mean": ("conv3_block1_2_bn", constant("Add", plus(0.05))),
        "scale_rolled": ("conv4_block2_1_bn", constant("Mul", flipped(0, 1))),
        "leaky": ("conv3_block1_out", operator("Relu", "LeakyRelu", alpha=0.1)),
        "softplus": ("conv2_block3_1_relu", operator("Relu", "Softplus")),
        "residual_lost": ("conv3_block3_add", reads("Add", 0, None)),
        "residual_twice": ("conv4_block5_add", reads("Add", 1, 0)),
        "average_pool": ("pool1_pool", operator("MaxPool", "AveragePool", kernel_shape=[3, 3], strides=[2, 2])),
        "pad_value": ("pool1_pad", constant("Pad", one_sided, place=1)),
        "global_max": ("avg_pool", operator("GlobalAveragePool", "GlobalMaxPool")),
        "dense_bias": ("predictions", constant("Add", rolled)),
        "softmax_axis": ("predictions", attribute("Softmax", axis=0)),
    },
    "attention": {
        "bias_off": ("conv1", constant("Conv", plus(0.1), place=2)),
        "pads": ("conv1", attribute("Conv", auto_pad="NOTSET", pads=[1, 1, 0, 0])),
        "kernel_transposed": ("conv2", constant("Conv", swapped(2, 3), place=1)),
        "epsilon": ("bn1", constant("Mul", times(0.995))),
        "mean": ("bn1", constant("Add", plus(0.05))),
        "elu": ("relu1", operator("Relu", "Elu")),
        "slope": ("leaky", attribute("LeakyRelu", alpha=0.2)),
        "residual_lost": ("residual", reads("Add", 0, None)),
        "average_pool": ("pool", operator("MaxPool", "AveragePool", kernel_shape=[1, 2], strides=[1, 2])),
        "gate_order": ("lstm_1", recurrent("LSTM", gates(0, 2, 1, 3), 1)),
        "recurrent_bias": ("lstm_1", recurrent("LSTM", times(0), 3)),
        "no_scale": ("attention", constant("Mul", times(2.0))),
        "softmax_axis": ("attention", attribute("Softmax", axis=1)),
        "value_bias": ("attention", constant("Add", plus(0.1), part="value_1")),
        "key_for_query": ("attention", constant("MatMul", flipped(1), part="key_1")),
        "residual_twice": ("joined", reads("Add", 1, 0)),
        "norm_epsilon": ("norm", constant("Add", times(20.0), part="add/y")),
        "norm_beta": ("norm", constant("Add", plus(0.05), part="add_1")),
        "gru_gates": (
            "gru_2",
            constant("Loop", lambda w: np.roll(w, 6, axis=-1), part="backward_gru_1/while_loop", place=4),
        ),
        "not_reversed": ("gru_2", reads("ReverseSequence", 0, None, part="gru_2_1/ReverseV2_Transpose")),
        "recurrent_transposed": ("lstm_3", recurrent("LSTM", lambda w: np.roll(w, 1, axis=2), 2)),
        "first_step": ("lstm_3", first_step),
        "sigmoid": ("hidden", operator("Tanh", "Sigmoid")),
        "kernel_rolled": ("hidden", constant("MatMul", rolled)),
        "dense_bias": ("classes", constant("Add", rolled)),
        "classes_axis": ("classes", attribute("Softmax", axis=0)),
    },
    "text": {
        "rows_shifted": ("embed", constant("Gather", flipped(0), place=0)),
        "anticausal": ("causal", constant("Pad", one_sided, place=1)),
        "kernel_reversed": ("causal", constant("Conv", flipped(3), place=1)),
        "norm_epsilon": ("norm1", constant("Add", times(20.0), part="norm1_1/add")),
        "norm_gamma": ("norm1", constant("Mul", flipped(1), part="norm1_1/mul")),
        "no_mask": ("mha", constant("And", np.ones_like)),
        "wrong_scale": ("mha", constant("Mul", times(1.5), part="mha_1/Mul")),
        "output_bias": ("mha", constant("Add", plus(0.1), part="attention_output_1")),
        "query_reversed": ("mha", constant("MatMul", flipped(1), part="query_1")),
        "residual_lost": ("sum1", reads("Add", 1, None)),
        "depthwise_reversed": ("separable", constant("Conv", flipped(3), place=1, part="depthwise")),
        "separable_bias": ("separable", constant("Add", flipped(1), part="BiasAdd")),
        "slope": ("prelu", constant("Mul", times(1.1), part="prelu_1/mul")),
        "gru_recurrent": ("gru", constant("Loop", flipped(1), place=6)),
        "gru_bias": ("gru", constant("Loop", plus(0.05), place=5)),
        "lstm_gates": ("both", recurrent("LSTM", gates(0, 2, 1, 3), 1)),
        "merged_by_product": ("both", operator("Add", "Mul", part="both_1/add")),
        "mean_for_maximum": ("gmp", renamed("ReduceMax", "ReduceMean")),
        "hard_sigmoid": ("tags", operator("Sigmoid", "HardSigmoid")),
        "kernel_reversed_last": ("tags", constant("MatMul", flipped(0))),
    },
    "mobile": {
        "offset": ("scale", constant("Add", times(0.99))),
        "hard_shift": ("hs0", constant("Add", times(1.1), part="hs0_1/add")),
        "hard_for_soft": ("sw", operator("Sigmoid", "HardSigmoid")),
        "maximum": ("squeeze", operator("GlobalAveragePool", "GlobalMaxPool")),
        "reduce_bias": ("reduce", constant("Conv", plus(0.05), place=2)),
        "excite_kernel": ("excite", constant("Conv", flipped(0), place=1)),
        "gate_added": ("gate", operator("Mul", "Add")),
        "project_kernel": ("project", constant("Conv", flipped(1), place=1)),
        "skip_twice": ("skip", reads("Add", 1, 0)),
        "group_epsilon": ("gn", constant("Add", times(50.0), part="gn_1/add")),
        "group_gamma": ("gn", constant("Mul", flipped(3), part="gn_1/mul")),
        "kernel_flipped": ("deconv", constant("ConvTranspose", flipped(2, 3), place=1)),
        "deconv_bias": ("deconv", constant("ConvTranspose", flipped(0), place=2)),
        "counts_pads": ("pool", attribute("AveragePool", count_include_pad=1)),
        "average_for_maximum": ("mp", renamed("MaxPool", "AveragePool")),
        "dense_bias": ("classes", constant("Add", rolled)),
        "softmax_axis": ("classes", attribute("Softmax", axis=0)),
    },
}
"""Faults of a model: its layer and the edit, by name."""


@cache
def converted(artifact: Path) -> bytes:
    """What tf2onnx makes of a file; made once in a worker."""
    with tempfile.TemporaryDirectory() as folder:
        return Tf2Onnx().convert(artifact, Path(folder) / "model.onnx").read_bytes()


class Planted(Tf2Onnx):
    """tf2onnx, and then one edit."""

    layer: ClassVar[str]
    edit: ClassVar[Edit]

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx

        model = onnx.ModelProto.FromString(converted(artifact))
        graph = Graph(model.graph, self.layer)
        if graph.is_there:  # else it is another layer, tried alone
            type(self).edit(graph)
        onnx.save(model, out)
        return out


def _hop(model: str, fault: str) -> type[Planted]:
    layer, edit = PLANTED[model][fault]
    kind = f"{model}_{fault}"
    return type(kind, (Planted,), {"name": kind.replace("_", ""), "layer": layer, "edit": staticmethod(edit)})


globals().update({f"{model}_{fault}": _hop(model, fault) for model, faults in PLANTED.items() for fault in faults})


@dataclass(frozen=True)
class Line:
    """What a check said of one fault."""

    model: str
    fault: str
    layer: str
    outcome: str
    named: tuple[str, ...]
    seconds: float

    @property
    def verdict(self) -> str:
        if not self.named:
            return "none named"
        if self.named == (self.layer,):
            return "alone"
        if self.named[0] == self.layer:
            return "first of several"
        return "among others" if self.layer in self.named else "WRONG"


def planted(model: str, pattern: str, session: Session, path: Path, log: Path | None) -> Iterator[Line]:
    """Check the faults of a model whose names fit a pattern."""
    faults = [fault for fault in PLANTED[model] if fnmatchcase(fault, pattern)]
    names = {f"keras-{model}{fault.replace('_', '')}": fault for fault in faults}
    began: list[tuple[str, float]] = []
    question = Question(path, ways=tuple(names), hops=session.selection.hops)
    with examined(question, session, lambda text: began.append((text, time.perf_counter()))) as survival:
        began.append(("", time.perf_counter()))
    taken = {text: after - at for (text, at), (_, after) in pairwise(began)}
    print({text: round(seconds) for text, seconds in taken.items() if text not in names})
    for way in survival.ways:
        fault = names[way.route]
        named = tuple(culprit.layer for culprit in way.culprits)
        line = Line(model, fault, PLANTED[model][fault][0], way.result.outcome.value, named, taken[way.route])
        note = way.note or ("" if way.works else way.result.fault.message if way.result.fault else "")
        print(f"{line.verdict:17} {line.fault:20} {line.layer:22} {line.outcome:10} {line.seconds:6.1f} s  "
              f"{', '.join(named)}  {'' if line.verdict == 'alone' else note[:200]}", flush=True)  # fmt: skip
        if log is not None:
            with log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({**vars(line), "verdict": line.verdict, "note": note}) + "\n")
        yield line


def peaks() -> str:
    """Peak memory of this process, and of the largest that it started and that has ended."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return " and ".join(f"{resource.getrusage(who).ru_maxrss / MIB:.0f}" for who in both)


def healthy(file: Path, ways: tuple[str, ...]) -> int:
    """Check a healthy model. Returns the number of ways that agree and accuse a layer all the same."""
    began = time.perf_counter()
    with Session(Selection(all_cases=True)) as session, examined(Question(file, ways=ways), session) as survival:
        answer = survival
    seconds = time.perf_counter() - began
    judged = "oracle" if answer.truth.is_documented else "framework"
    layers = len(answer.origin.spec.layers)
    print(f"| {file.name} | {layers} | {judged} | {_ways(answer)} | {seconds:.0f} | {peaks()} |", flush=True)
    return sum(way.works and bool(way.culprits) for way in answer.ways)


def _ways(survival: Survival) -> str:
    def text(way: Way) -> str:
        named = f": {', '.join(culprit.layer for culprit in way.culprits)}" if way.culprits else ""
        return f"{way.route} {way.result.outcome.value}{named}"

    return "<br>".join(map(text, survival.ways))


def main() -> int:
    """Run what the options ask for. Returns 1 if a layer was not named, or one was accused that is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="*", choices=[[], *PLANTED])
    parser.add_argument("--fault", default="*")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--healthy", type=Path, nargs="+", default=[])
    parser.add_argument("--way", action="append", default=[])
    options = parser.parse_args()
    if options.healthy:
        return min(sum(healthy(file, tuple(options.way)) for file in options.healthy), 1)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models or PLANTED:
            hops = tuple(f"benchmarks.planted_layers:{model}_{fault}" for fault in PLANTED[model])
            with Session(Selection(hops=hops, all_cases=True)) as session:
                path = Path(folder) / f"{model}.keras"
                value = session.workers["tensorflow"].request(Call("benchmarks.planted_layers:write", (model, path)))
                if isinstance(value.value, Failure):
                    raise SystemExit(value.value.sentence)
                lines += planted(model, options.fault, session, path, options.results)
    counts = Counter(line.verdict for line in lines)
    print(f"{len(lines)} faults: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    print(f"peak memory {peaks()} MiB, of this process and of its largest worker")
    return 0 if counts["alone"] + counts["first of several"] == len(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
