"""Models of Keras and ONNX for the tests of `parity check`, written inside a worker; and a converter with a fault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.models.converters import KerasToProgram
from harness.spec import Array

LAYER = "PARITY_TEST_LAYER"
"""Names the file that names the layer whose bias the converter below changes: a worker keeps its environment."""


def shaken(model: Any) -> Any:
    """The model with drawn weights, none of them its initial value."""
    source = np.random.Generator(np.random.PCG64(0))
    for variable in model.weights:
        if "seed" not in variable.path:
            values = source.normal(0, 0.3, variable.shape)
            variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)
    return model


def cnn_lstm() -> Any:
    import keras
    from keras import layers

    image = keras.Input((6, 6, 4), name="image")
    y = layers.Conv2D(4, 3, padding="same", groups=2, name="conv1")(image)
    y = layers.Activation("gelu", name="gelu")(y)
    y = layers.BatchNormalization(name="bn")(y)
    y = layers.Reshape((6, 24), name="rows")(y)
    y = layers.LSTM(3, name="lstm_2")(y)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(y))


def every_shape() -> Any:
    """Layers called twice, models within, wrappers, attention, operators between layers, two inputs and outputs."""
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(6)], name="inner")
    entry = keras.Input((6,), name="entry")
    within = keras.Model(entry, layers.Dense(6, name="d")(entry) + entry, name="within")
    a, b = keras.Input((5, 6), name="a"), keras.Input((5, 6), name="b")
    shared = layers.Dense(6, activation="tanh", name="shared")
    y = layers.MultiHeadAttention(2, 3, name="heads")(shared(a), shared(b))
    y = layers.TimeDistributed(layers.Dense(6), name="steps")(y)
    y = layers.Bidirectional(layers.GRU(3), name="both")(y * 2.0)
    z = within(inner(y))
    return keras.Model([a, b], [z, layers.Softmax(name="shares")(y)])


def by_name() -> Any:
    """Inputs and outputs in dictionaries that are not in the order of their names; models within a wrapper."""
    import keras
    from keras import layers

    frames = keras.Input((3, 5), name="frames")
    entry = keras.Input((5,))
    inner = keras.Model(entry, layers.Dense(4, name="d")(layers.ReLU()(entry)), name="inner")
    chain = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu")], name="chain")
    y = layers.TimeDistributed(inner, name="one")(frames) + layers.TimeDistributed(chain, name="other")(frames)
    kind = keras.Input((2,), dtype="int32", name="a_kind")
    encoded = layers.Flatten(name="both")(layers.Embedding(3, 4, name="encoded")(kind))
    y = layers.Concatenate(name="join")([layers.Flatten(name="flat")(y), encoded])
    outputs = {"last": layers.Dense(3, name="a")(y), "first": layers.Dense(1, name="b")(y)}
    return keras.Model({"frames": frames, "a_kind": kind}, outputs)


def translating() -> Any:
    """Steps that are open: states of one recurrent layer start another, and a layer computes each step."""
    import keras
    from keras import layers

    source, target = keras.Input((None, 3), name="source"), keras.Input((None, 2), name="target")
    _, *states = layers.LSTM(6, return_state=True, name="encoder")(source)
    query = layers.LSTM(6, return_sequences=True, name="decoder")(target, initial_state=states)
    keys = layers.GRU(6, return_sequences=True, name="keys")(source)
    y = layers.Concatenate(name="join")([query, layers.Attention(name="attention")([query, keys])])
    return keras.Model([source, target], layers.TimeDistributed(layers.Dense(4), name="steps")(y))


def of_four() -> Any:
    """A batch of four and no other."""
    import keras

    steps = keras.Input(batch_shape=(4, 5, 2), name="steps")
    return keras.Model(steps, keras.layers.Dense(3, name="last")(keras.layers.GRU(3, name="first")(steps)))


def halves() -> Any:
    """Layers that compute in half precision."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 3), name="image")
    y = layers.Conv2D(4, 3, activation="relu", dtype="mixed_float16", name="conv")(image)
    y = layers.GlobalAveragePooling2D(dtype="mixed_float16", name="mean")(y)
    y = layers.Dense(5, dtype="mixed_float16", name="inner")(y)
    return keras.Model(image, layers.Dense(3, dtype="float32", name="last")(y))


def mlp() -> Any:
    import keras
    from keras import layers

    x = keras.Input((5,), name="x")
    y = layers.Dense(4, activation="relu", name="first")(x)
    y = layers.Dense(4, activation="tanh", name="second")(y)
    y = layers.Dense(4, activation="sigmoid", name="third")(y)
    return keras.Model(x, layers.Dense(2, name="last")(y))


def padded() -> Any:
    """Negative numbers, an edge of zeros and MaxPooling: ONNX Runtime up to 1.31.1 loses the zeros."""
    import keras
    from keras import layers

    x = keras.Input((8, 8, 2), name="x")
    y = layers.Conv2D(3, 3, padding="same", name="conv")(x)
    y = layers.Conv2D(3, 1, name="below", kernel_initializer="ones", bias_initializer=keras.initializers.Constant(-9))(
        y
    )
    y = layers.ZeroPadding2D(1, name="edge")(y)
    y = layers.MaxPooling2D(3, 2, name="pool")(y)
    return keras.Model(x, layers.Dense(2, name="last")(layers.Flatten(name="flat")(y)))


def picture() -> Any:
    import keras
    from keras import layers

    y = x = keras.Input((8, 8, 2), name="x")
    for name in ("below", "above"):
        y = layers.Conv2D(3, 3, strides=2, activation="tanh", name=name)(y)
    return keras.Model(x, layers.Dense(2, name="last")(layers.Flatten(name="flat")(y)))


def loud() -> Any:
    """Probabilities that are 0 and 1 for inputs of the size of one."""
    import keras
    from keras import layers

    x = keras.Input((5,), name="x")
    y = layers.Rescaling(2000.0, name="loud")(layers.Dense(4, name="first", use_bias=False)(x))
    return keras.Model(x, layers.Dense(3, activation="sigmoid", name="last")(y))


def saturated() -> Any:
    """Probabilities that are 0 and 1 for inputs of any size, so that they tell nothing of the layers before."""
    import keras
    from keras import layers

    x = keras.Input((8, 8, 2), name="picture")
    y = layers.Conv2D(3, 3, activation="relu", name="first")(x)
    y = layers.Dense(3, name="last")(layers.Flatten(name="flat")(y))
    return keras.Model(x, layers.Softmax(name="classes")(layers.Rescaling(1e9, name="loud")(y)))


def normalised() -> Any:
    """A convolution of which the layer behind it takes the scale away."""
    import keras
    from keras import layers

    x = keras.Input((8, 8, 2), name="picture")
    y = layers.GroupNormalization(groups=-1, name="normal")(layers.Conv2D(3, 3, name="first")(x))
    y = layers.GlobalAveragePooling2D(name="mean")(layers.ReLU(name="relu")(y))
    return keras.Model(x, layers.Dense(2, name="last")(y))


def resized() -> Any:
    """A Sequential within a model, of which tf2onnx names the last layer in no node."""
    import keras
    from keras import layers

    x = keras.Input((8, 8, 2), name="picture")
    y = keras.Sequential([layers.Rescaling(0.5), layers.Resizing(6, 6)], name="prepared")(x)
    return keras.Model(x, layers.Dense(3, activation="gelu", name="last")(layers.Flatten(name="flat")(y)))


def gelu() -> Any:
    """A layer of which the converters leave an operator that ONNX does not define, and onnx2pytorch knows."""
    import keras
    from keras import layers

    x = keras.Input((4,), name="x")
    return keras.Model(x, layers.Dense(3, activation="gelu", name="last")(x))


def sequential() -> Any:
    """What tf2onnx refuses whatever its layers are, and onnx2torch the LSTM in it."""
    import keras
    from keras import layers

    return keras.Sequential([keras.Input((5, 4), name="x"), layers.LSTM(3, name="lstm")])


def pooled() -> Any:
    """A layer that onnx2torch refuses behind this convolution, and takes alone."""
    import keras
    from keras import layers

    x = keras.Input((12, 4), name="x")
    y = layers.Conv1D(5, 3, activation="relu", name="conv")(x)
    return keras.Model(x, layers.Dense(2, name="last")(layers.GlobalMaxPooling1D(name="pool")(y)))


def of_words() -> Any:
    """Whole numbers that reach their tables behind layers that only move them."""
    import keras
    from keras import layers

    x = keras.Input((6,), name="words", dtype="int32")
    y = layers.Embedding(7, 3, name="table")(layers.Reshape((2, 3), name="rows")(x))
    kinds = keras.Input((3,), name="kinds", dtype="int32")
    z = layers.CategoryEncoding(5, output_mode="multi_hot", name="kinds_of")(layers.Flatten(name="flat")(kinds))
    years = keras.Input((1,), name="years", dtype="int64")
    w = layers.IntegerLookup(vocabulary=[1990, 2000], output_mode="multi_hot", name="years_of")(years)
    return keras.Model([x, kinds, years], layers.Concatenate(name="all")([layers.Flatten(name="row")(y), z, w]))


def of_many_words() -> Any:
    """A table of which ten times as many words as an input has are there."""
    import keras
    from keras import layers

    x = keras.Input((4,), name="words", dtype="int32")
    rows = layers.Flatten(name="rows")(layers.Embedding(40, 3, name="table")(x))
    return keras.Model(x, layers.Dense(2, name="last")(rows))


def sliced() -> Any:
    """Slices, numbers, an ellipsis and a new axis as indices."""
    import keras
    from keras import layers

    x = keras.Input((6, 4), name="x")
    parts = [layers.Flatten()(part) for part in (x[:, 1:, 0], x[:, ..., None, ::2], x[:, -1])]
    return keras.Model(x, layers.Dense(2, name="last")(layers.Concatenate()(parts)))


def by_dictionary() -> Any:
    """Inputs in a dictionary that is not in the order of its names."""
    import keras
    from keras import layers

    x = {name: keras.Input((3,), name=name) for name in ("b", "a")}
    return keras.Model(x, layers.Dense(2, name="last")(layers.Concatenate(name="both")([x["b"], x["a"]])))


def two_outputs() -> Any:
    import keras
    from keras import layers

    image = keras.Input((8, 8, 3), name="image")
    y = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    y = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(y))
    y = layers.GlobalAveragePooling2D(name="mean")(layers.MaxPooling2D(name="pool")(y))
    classes = layers.Dense(3, activation="softmax", name="classes")(y)
    return keras.Model(image, [classes, layers.Dense(1, name="score")(y)])


def recurrent() -> Any:
    import keras
    from keras import layers

    steps = keras.Input((6, 3), name="steps")
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both")(steps)
    return keras.Model(steps, layers.GRU(4, return_sequences=True, name="gru")(y))


def lstm() -> Any:
    import keras
    from keras import layers

    steps = keras.Input((6, 3), name="steps")
    return keras.Model(steps, layers.Dense(2, name="last")(layers.LSTM(4, name="lstm")(steps)))


def words() -> Any:
    """Words of several lengths: the mask of the embedding goes through all layers; a model within uses its own."""
    import keras
    from keras import layers

    words = keras.Input((7,), dtype="int32", name="words")
    y = layers.Embedding(20, 6, mask_zero=True, name="embedding")(words)
    y = layers.Dropout(0.2, name="dropped")(y)
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(y)
    y = layers.GRU(5, name="gru")(y)
    inner = layers.Embedding(20, 4, mask_zero=True), layers.SpatialDropout1D(0.2), layers.LSTM(3)
    z = keras.Sequential([keras.Input((7,), dtype="int32"), *inner], name="chain")(words)
    y = layers.Concatenate(name="join")([y, z])
    return keras.Model(words, layers.Dense(3, activation="softmax", name="last")(y))


def blank_steps() -> Any:
    """Steps that are left out, and a weighted mean over steps."""
    import keras
    from keras import layers

    steps = keras.Input((6, 3), name="steps")
    y = layers.Masking(0.5, name="masking")(steps)
    y = layers.LSTM(4, return_sequences=True, name="lstm")(layers.TimeDistributed(layers.Dense(4), name="each")(y))
    shares = layers.Softmax(axis=1, name="shares")(layers.Dense(1, name="scores")(steps))
    return keras.Model(steps, keras.ops.sum(y * shares, axis=1))


def untrusted() -> Any:
    import keras

    x = keras.Input((5,), name="x")
    return keras.Model(x, keras.layers.Lambda(lambda t: t * 2)(x))


GATE = """
import keras
@keras.saving.register_keras_serializable(package="mine")
class Gate(keras.layers.Layer):
    def call(self, x):
        return x * keras.ops.sigmoid(x)
"""
"""A Python file of a user, with a layer that no one else knows."""
FUNCTION = """
import numpy as np
from harness.oracle import oracle

@oracle("keras", "gates_of_mine.Gate")
def gate(config, weights, x):
    return x / (1 + np.exp(-x))
"""
"""What that layer computes."""


def write_gated(file: Path, path: Path, activation: str = "linear") -> None:
    """Write a model with the layer of the file above, and this activation behind it."""
    import keras

    from harness.adapters.keras_model import imported

    x = keras.Input((5,), name="x")
    y = imported(str(file)).Gate(name="gate")(keras.layers.Dense(4, name="first")(x))
    shaken(keras.Model(x, keras.layers.Dense(2, activation=activation, name="last")(y))).save(path)


def write_keras(name: str, path: Path) -> None:
    """Write the model of a function of this module."""
    shaken(globals()[name]()).save(path)


def write_saved(model: Path, path: Path) -> None:
    """Export a Keras file as a SavedModel."""
    import keras

    keras.saving.load_model(model).export(path)


SHAKY = """
import keras


@keras.saving.register_keras_serializable("mine")
class Shaky(keras.layers.Layer):
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


@keras.saving.register_keras_serializable("mine")
class Bent(keras.layers.Layer):
    def call(self, x, scale=1.0):
        return keras.ops.gelu(scale * x, approximate=False)
"""
"""Two layers of a user: one is random, one becomes an operator that ONNX does not define."""


def write_of_a_user(file: Path, path: Path, name: str) -> None:
    """Write a model with one of the layers of `SHAKY`."""
    import keras
    from keras import layers

    space: dict[str, Any] = {"__name__": file.stem}
    exec(file.read_text(), space)
    x = keras.Input((5,), name="x")
    y = space[name](name="mine")(layers.Dense(4, name="first")(x))
    shaken(keras.Model(x, layers.Dense(2, name="last")(y))).save(path)


def write_lambda(path: Path) -> None:
    """Write a model with a Lambda layer of several inputs, whose shape Keras cannot tell where it loads the model."""
    import keras
    from keras import layers

    tower = keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Lambda(lambda x: 2.0 * x)], name="tower")
    left, right = (keras.Input((6,), name=name) for name in ("left", "right"))
    apart = layers.Lambda(lambda pair: keras.ops.sum((pair[0] - pair[1]) ** 2, axis=1, keepdims=True))
    keras.Model([left, right], apart([tower(left), tower(right)])).save(path)


def write_program(path: Path) -> None:
    """Write a small network as `torch.export` does, with an open batch."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3))
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(nn.Sequential(*layers).eval(), (torch.ones(2, 3, 8, 8),), dynamic_shapes=(batch,))
    torch.export.save(program, path)


def write_old_onnx(path: Path) -> None:
    """A product, a normalisation of opset 7, which onnx2torch does not know, and Relu twice."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    numbers = {name: np.linspace(0.5, 1, 3, dtype=np.float32) for name in ("scale", "bias", "mean", "variance")}
    numbers["w"] = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["1"], "product"),
        helper.make_node("Relu", ["1"], ["2"], "first"),
        helper.make_node("BatchNormalization", ["2", "scale", "bias", "mean", "variance"], ["3"], "norm"),
        helper.make_node("Relu", ["3"], ["y"], "second"),
    ]
    graph = helper.make_graph(
        nodes,
        "old",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 7)])
    model.ir_version = 4
    onnx.save(model, str(path))


def outputs_of(path: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """What Keras gives for a file."""
    import keras

    model = keras.saving.load_model(path)
    result = model([keras.ops.convert_to_tensor(inputs[tensor.name]) for tensor in model.inputs], training=False)
    return [np.asarray(part) for part in (result if isinstance(result, list | tuple) else [result])]


def onnx_file(folder: Path, size: int, *, constant: int = 1) -> Path:
    """Write `x + sum(zeros(constant, constant))` of N x `size`, and return its path."""
    import onnx

    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, kind.FLOAT, ["N", size]) for name in "xy")
    shape = helper.make_tensor("shape", kind.INT64, [2], [constant, constant])
    model = helper.make_model(
        helper.make_graph(nodes, "graph", [x], [y], [shape]), opset_imports=[helper.make_opsetid("", 15)], ir_version=8
    )
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def write_table(path: Path) -> None:
    """Write an ONNX file whose whole numbers index a table of seven rows, behind a Cast."""
    import onnx

    graph = onnx.parser.parse_graph(
        """g (int32[N, 3] words) => (float[N, 3, 2] y)
        { i = Cast <to = 7> (words)  y = Gather (table, i) }"""
    )
    rows = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    graph.initializer.append(onnx.numpy_helper.from_array(rows, "table"))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


def spoil_onnx(path: Path, target: Path) -> None:
    """Write an ONNX file with the first bias off by a tenth."""
    import onnx

    model = onnx.load(path)
    bias = next(item for item in model.graph.initializer if len(item.dims) == 1 and item.data_type == 1)
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + np.float32(0.1), bias.name))
    onnx.save(model, target)


class Tf2OnnxWithFault(Tf2Onnx):
    """tf2onnx, and then one bias off by a tenth, in half precision by ten: that of the layer that is named."""

    name: ClassVar[str] = "faulty"

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx

        path = super().convert(artifact, out)
        model = onnx.load(path)
        layer = Path(os.environ[LAYER]).read_text()
        (node,) = [node for node in model.graph.node if node.op_type == "Add" and f"/{layer}" in node.name]
        constants = {item.name: item for item in model.graph.initializer}
        (bias,) = [constants[name] for name in node.input if name in constants]
        values = onnx.numpy_helper.to_array(bias)
        bias.CopyFrom(
            onnx.numpy_helper.from_array(values + values.dtype.type(0.1 if values.itemsize > 2 else 10), bias.name)
        )
        onnx.save(model, path)
        return path


def scaled(model: Path, target: Path, factor: float) -> None:
    """Write what tf2onnx makes of a Keras model with the filters of its layer `first` times a factor."""
    import keras

    other = keras.models.load_model(model)
    kernel = other.get_layer("first").kernel
    kernel.assign(factor * np.asarray(kernel))
    other.save(target.with_suffix(".keras"))
    Tf2Onnx().convert(target.with_suffix(".keras"), target)


def with_row_reversed(model: Path, target: Path, row: int) -> None:
    """Write what tf2onnx makes of a Keras model with the signs of a row of its layer `table` reversed."""
    import keras

    other = keras.models.load_model(model)
    (rows,) = other.get_layer("table").get_weights()
    rows[row] = -rows[row]
    other.get_layer("table").set_weights([rows])
    other.save(target.with_suffix(".keras"))
    Tf2Onnx().convert(target.with_suffix(".keras"), target)


def counterpart(model: Path, target: Path, change: str) -> None:
    """Write what tf2onnx makes of a Keras model with one picture as input, with channels first, under other names, and
    with a change: a `bias` off by a tenth, an input that the file scales itself (`pixels`), another `output`."""
    import onnx

    whole = onnx.load(str(Tf2Onnx().convert(model, target.with_suffix(".whole.onnx"))))
    graph, (item,) = whole.graph, whole.graph.input
    if change == "bias":
        (node,) = [node for node in graph.node if "below" in node.name and node.op_type == "Conv"]
        (bias,) = [each for each in graph.initializer if each.name == node.input[2]]
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + np.float32(0.1), bias.name))
    if change == "output":
        graph.output.append(onnx.helper.make_empty_tensor_value_info(graph.node[0].output[0]))
    inside = item.name
    scale = 255 if change == "pixels" else 1
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(scale), "scale"))
    begin = [
        onnx.helper.make_node("Transpose", ["picture"], ["turned"], perm=[0, 2, 3, 1]),
        onnx.helper.make_node("Div", ["turned", "scale"], [inside]),
    ]
    nodes = [*begin, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    channels = 3 if change == "channels" else 2
    graph.input.append(onnx.helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, ["N", channels, 8, 8]))
    onnx.save(whole, target)


def renamed_in_a_loop() -> list[list[str]]:
    """What the nodes of a graph, and of the body in it, read where `x` has another name."""
    import onnx

    from harness.models.counterpart import _rename

    inner = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "one"], ["y"])], "body", [], [])
    node = onnx.helper.make_node("If", ["x", "c"], ["z"], then_branch=inner)
    graph = onnx.helper.make_graph([node], "graph", [], [])
    _rename(graph, "x", "theirs/x")
    return [list(graph.node[0].input), list(graph.node[0].attribute[0].g.node[0].input)]


class SwappedGates(KerasToProgram):
    """Our own converter, with the gates of a GRU in Keras' order."""

    name: ClassVar[str] = "swapped"

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.models.keras_program import recurrent

        right = recurrent.reset_first
        recurrent.reset_first = lambda array: array
        try:
            return super().convert(artifact, out)
        finally:
            recurrent.reset_first = right
