"""Models of several layers: random graphs whose shapes always fit, and the structures that people write.

They test the wiring: which tensor a layer reads, which layers share weights, which tensors are outputs. Every
converter knows the layers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, inner, row, rule
from harness.spec import Input, Layer, Spec, source_of

Shape = tuple[int | None, ...]
Weights = dict[str, Weight]
ACTIVATIONS = ("relu", "tanh", "sigmoid")


def dense(features: int, units: int, *, use_bias: bool = True) -> Weights:
    """Weights of Dense."""
    kernel = {"kernel": Weight((features, units), "kernel", fan_in=features)}
    return {**kernel, "bias": Weight((units,), "bias")} if use_bias else kernel


def norm(size: int) -> Weights:
    """Weights of BatchNormalization."""
    laws = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"}
    return {name: Weight((size,), law) for name, law in laws.items()}


def gated(features: int, units: int, gates: int, *, rows: int = 1) -> Weights:
    """Weights of a recurrent layer, whose bias has `rows` rows."""
    columns = gates * units
    return {
        "kernel": Weight((features, columns), "kernel", fan_in=features),
        "recurrent_kernel": Weight((units, columns), "recurrent"),
        "bias": Weight((columns,) if rows == 1 else (rows, columns), "bias"),
    }


def conv(size: tuple[int, ...], channels: int, filters: int) -> Weights:
    """Weights of a convolution."""
    fan_in = channels
    for n in size:
        fan_in *= n
    return {"kernel": Weight((*size, channels, filters), "kernel", fan_in=fan_in), "bias": Weight((filters,), "bias")}


@dataclass
class GraphBuilder:
    """Builds a graph: its layers, the shape of every tensor (without the batch) and the laws of the weights."""

    fill: Chooser
    shapes: dict[str, Shape]
    layers: list[Layer] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)
    use_bias: bool = True
    """Whether each Dense has a bias."""
    scaled: bool = False
    """Whether scalings and activations of one operator are among the layers."""

    def add(
        self, kind: str, config: Mapping[str, Any], reads: tuple[str, ...], shape: Shape, weights: Weights | None = None
    ) -> str:
        """Add a layer whose output has `shape`; returns the name of the output."""
        name = f"{kind.lower()}{len(self.layers)}"
        self.layers.append(Layer(kind, name, dict(config), reads))
        self.shapes[name] = shape
        self.weights |= {f"{name}/{key}": weight for key, weight in (weights or {}).items()}
        return name

    def again(self, tensor: str) -> str | None:
        """Call an earlier layer with weights again, on a tensor of the shape that it read first.

        Returns the name of the output, or None if no layer fits.
        """
        candidates = [
            layer
            for layer in self.layers
            if not layer.of
            and len(layer.inputs) == 1
            and self.shapes[layer.inputs[0]] == self.shapes[tensor]
            and any(name.startswith(f"{layer.name}/") for name in self.weights)
        ]
        if not candidates:
            return None
        first = self.fill.pick(candidates)
        name = f"again{len(self.layers)}"
        self.layers.append(replace(first, name=name, inputs=(tensor,), of=first.name))
        self.shapes[name] = self.shapes[first.name]
        return name

    def merge(self, tensor: str) -> str | None:
        """Join the tensor with another one of its shape, as residuals and branches do.

        Returns the name of the output, or None if no other tensor has that shape.
        """
        shape = self.shapes[tensor]
        others = [name for name, other in self.shapes.items() if other == shape and name != tensor]
        if not others:
            return None
        kind = self.fill.pick(("Add", "Concatenate", "Subtract", "Multiply", "Maximum"))
        reads = (tensor, self.fill.pick(others))
        last = shape[-1]
        assert last is not None
        return self.add(kind, {}, reads, (*shape[:-1], 2 * last) if kind == "Concatenate" else shape)

    def step(self, tensor: str) -> str:
        """Add a layer that fits the tensor's rank; returns the name of its output."""
        shape = self.shapes[tensor]
        options = {1: self._vector, 2: self._sequence, 3: self._image}[len(shape)](shape)
        kind, config, output, weights = self.fill.pick(options)
        return self.add(kind, config, (tensor,), output, weights)

    def _everywhere(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        last = shape[-1]
        assert last is not None
        units = self.fill.pick((2, 3, 4))
        size = Weight((last,), "gamma")
        more: list[tuple[str, dict[str, Any], Shape, Weights]] = [
            ("Rescaling", {"scale": -0.3, "offset": 0.7}, shape, {}),
            ("Rescaling", {"scale": 1.7}, shape, {}),
            ("LeakyReLU", {"negative_slope": 0.25}, shape, {}),
            ("ELU", {}, shape, {}),
            ("ReLU", {}, shape, {}),
        ]
        plain = {} if self.use_bias else {"use_bias": False}
        return [
            *(more if self.scaled else []),
            ("Dense", {"units": units, **plain}, (*shape[:-1], units), dense(last, units, use_bias=self.use_bias)),
            ("Activation", {"activation": self.fill.pick(ACTIVATIONS)}, shape, {}),
            ("BatchNormalization", {}, shape, norm(last)),
            ("LayerNormalization", {}, shape, {"gamma": size, "beta": Weight((last,), "beta")}),
            ("Dropout", {"rate": 0.5}, shape, {}),
        ]

    def _vector(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        (features,) = shape
        return [*self._everywhere(shape), ("RepeatVector", {"n": 3}, (3, features), {})]

    def _sequence(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        steps, features = shape
        assert features is not None
        units = self.fill.pick((2, 3))
        run: dict[str, Any] = {"units": units, "return_sequences": True}
        flat = [] if steps is None else [("Flatten", dict[str, Any](), (steps * features,), dict[str, Weight]())]
        return [
            *self._everywhere(shape),
            *flat,
            (
                "Conv1D",
                {"filters": units, "kernel_size": 3, "padding": "same"},
                (steps, units),
                conv((3,), features, units),
            ),
            ("LSTM", {"units": units}, (units,), gated(features, units, 4)),
            ("LSTM", run, (steps, units), gated(features, units, 4)),
            ("GRU", run, (steps, units), gated(features, units, 3, rows=2)),
            ("GlobalAveragePooling1D", {}, (features,), {}),
            ("GlobalMaxPooling1D", {}, (features,), {}),
        ]

    def _image(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        height, width, channels = shape
        assert channels is not None
        filters = self.fill.pick((2, 3, 4))
        options: list[tuple[str, dict[str, Any], Shape, Weights]] = [
            *self._everywhere(shape),
            (
                "Conv2D",
                {"filters": filters, "kernel_size": (3, 2), "padding": "same"},
                (height, width, filters),
                conv((3, 2), channels, filters),
            ),
            ("GlobalAveragePooling2D", {}, (channels,), {}),
        ]
        if height is not None and width is not None:
            options += [
                (
                    "MaxPooling2D",
                    {"pool_size": (2, 2), "padding": "same"},
                    (-(-height // 2), -(-width // 2), channels),
                    {},
                ),
                ("ZeroPadding2D", {"padding": ((1, 0), (0, 2))}, (height + 1, width + 2, channels), {}),
                ("Flatten", {}, (height * width * channels,), {}),
                ("Reshape", {"target_shape": (height * width, channels)}, (height * width, channels), {}),
            ]
        return options

    def draft(self, inputs: tuple[Input, ...], outputs: tuple[str, ...], batch: int) -> Draft:
        """The model that computes `outputs`. A tensor of it that no layer reads becomes a further output."""
        needed = self._needed(outputs)
        layers = tuple(layer for layer in self.layers if layer.name in needed)
        tensors = {name for layer in layers for name in layer.tensors}
        unread = [layer.name for layer in layers if layer.name not in tensors]
        spec = Spec(
            dialect="keras",
            inputs=tuple(item for item in inputs if item.name in needed),
            layers=layers,
            outputs=tuple(dict.fromkeys((*outputs, *unread))),
        )
        weights = {name: weight for name, weight in self.weights.items() if name.partition("/")[0] in needed}
        return Draft(spec, weights, batch=batch)

    def _needed(self, outputs: tuple[str, ...]) -> set[str]:
        """Names of the inputs and layers that the outputs depend on.

        A layer called again depends on its first call, which creates the layer.
        """
        needed = {source_of(name) for name in outputs}
        for layer in reversed(self.layers):
            if layer.name in needed:
                needed |= {source_of(name) for name in layer.tensors} | ({layer.of} - {""})
        return needed


STARTS: Mapping[str, tuple[Shape, Shape]] = {
    "image": ((5, 4, 2), (None, None, 2)),
    "sequence": ((4, 3), (None, 3)),
    "vector": ((3,), (3,)),
}
"""Shape of the input by its kind: with fixed sizes, and with open sizes."""


@row(
    "keras",
    "Graph",
    axes={
        "layers": (3, 2, 5, 8, 12),
        "start": tuple(STARTS),
        "inputs": (1, 2),
        "outputs": (1, 2),
        "shared": (False, True),
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
        "use_bias": (True, False),
        "scaled": (False, True),
    },
    later={"use_bias": (False,), "scaled": (True,)},
    profiles=("main", "negative", "small"),
    rules=[
        rule("start", "open_sizes", reason="a vector has no size that can be open")(
            lambda start, opened: start != "vector" or not opened
        )
    ],
    second_batches=SOME,
    per_axis=9,
)
def graph(choice: Choice, fill: Chooser) -> Draft:
    """Each layer reads the newest tensor, or an older one and so starts a branch; tensors of one shape are merged."""
    shape = STARTS[choice["start"]][choice["open_sizes"]]
    inputs = tuple(Input(f"x{k}", shape) for k in range(1, choice["inputs"] + 1))
    builder = GraphBuilder(
        fill, {item.name: item.shape for item in inputs}, use_bias=choice["use_bias"], scaled=choice["scaled"]
    )
    newest = builder.merge("x1") or "x1" if choice["inputs"] == 2 else "x1"
    while len(builder.layers) < choice["layers"]:
        turn = fill.integer(0, 5)
        older = fill.pick(list(builder.shapes)) if turn == 0 else newest
        output = builder.merge(older) if turn in (1, 2) else None
        if output is None and choice["shared"] and turn in (2, 3):
            output = builder.again(older)
        newest = output or builder.step(older)
    outputs = [newest]
    if choice["outputs"] == 2:
        outputs += [layer.name for layer in builder.layers if layer.name != newest][:1]
    return builder.draft(inputs, tuple(outputs), choice["batch"])


def _sequential(features: int) -> tuple[dict[str, Any], Weights, int]:
    """Configuration, weights and output size of a Sequential of Dense, BatchNormalization and Dense."""
    layers = [
        inner("Dense", {"units": 4, "activation": "relu"}),
        inner("BatchNormalization", {}),
        inner("Dense", {"units": 3}),
    ]
    parts = {"0": dense(features, 4), "1": norm(4), "2": dense(4, 3)}
    return {"layers": layers}, {f"{k}/{n}": w for k, laws in parts.items() for n, w in laws.items()}, 3


def _nested(features: int) -> tuple[dict[str, Any], Weights, int]:
    """Configuration, weights and output size of a model with a residual, used as a layer."""
    spec = Spec(
        "keras",
        (Input("within", (features,)),),
        (
            Layer("Dense", "first", {"units": features, "activation": "tanh"}, ("within",)),
            Layer("Add", "sum", {}, ("within", "first")),
            Layer("Dense", "second", {"units": 2}, ("sum",)),
        ),
        ("second",),
    )
    parts = {"first": dense(features, features), "second": dense(features, 2)}
    return {"spec": spec.to_json()}, {f"{k}/{n}": w for k, laws in parts.items() for n, w in laws.items()}, 2


STRUCTURES = (
    "sequential", "nested_sequential", "nested_model", "nested_twice", "shared", "residual", "branches", "two_inputs",
    "two_outputs", "intermediate_output", "ranks", "custom", "folded",
)  # fmt: skip


@row(
    "keras",
    "Model",
    axes={"structure": STRUCTURES, "batch": (2, 1, 3)},
    profiles=("main", "negative"),
    second_batches=SOME,
    per_axis=8,
)
def structured(choice: Choice, fill: Chooser) -> Draft:
    """Small models of the structures in the Keras guides: https://keras.io/guides/functional_api/."""
    kind, features = choice["structure"], fill.pick((3, 5))
    vector = (Input("x1", (features,)),)
    builder = GraphBuilder(fill, {"x1": (features,), "x2": (features,)})
    if kind == "sequential":
        config, weights, _ = _sequential(features)
        spec = Spec("keras", (Input("x1", (features,)),), (Layer("Sequential", "model", config, ("x1",)),), ("model",))
        return Draft(spec, {f"model/{name}": weight for name, weight in weights.items()}, batch=choice["batch"])
    if kind in ("nested_sequential", "nested_model", "nested_twice"):
        config, weights, size = _sequential(features) if kind == "nested_sequential" else _nested(features)
        part = "Sequential" if kind == "nested_sequential" else "Model"
        nested = builder.add(part, config, ("x1",), (size,), weights)
        last = builder.add("Dense", {"units": features}, (nested,), (features,), dense(size, features))
        if kind == "nested_twice":
            builder.layers.append(replace(builder.layers[0], name="twice", inputs=(last,), of=nested))
            last = "twice"
        return builder.draft(vector, (last,), choice["batch"])
    if kind == "shared":
        first = builder.add("Dense", {"units": 4, "activation": "tanh"}, ("x1",), (4,), dense(features, 4))
        builder.layers.append(replace(builder.layers[0], name="twin", inputs=("x2",), of=first))
        last = builder.add("Concatenate", {}, (first, "twin"), (8,))
        return builder.draft((*vector, Input("x2", (features,))), (last,), choice["batch"])
    if kind == "two_inputs":
        apart = builder.add("Subtract", {}, ("x2", "x1"), (features,))
        last = builder.add("Concatenate", {}, ("x1", apart, "x2"), (3 * features,))
        return builder.draft((*vector, Input("x2", (features,))), (last,), choice["batch"])
    if kind in ("two_outputs", "intermediate_output"):
        hidden = builder.add("Dense", {"units": 4}, ("x1",), (4,), dense(features, 4))
        shown = builder.add("Activation", {"activation": "relu"}, (hidden,), (4,))
        last = builder.add("Dense", {"units": 2}, (shown,), (2,), dense(4, 2))
        other = builder.add("Dense", {"units": 3}, (hidden,), (3,), dense(4, 3))
        outputs = (last, other) if kind == "two_outputs" else (last, hidden)
        return builder.draft(vector, outputs, choice["batch"])
    if kind == "ranks":
        builder.shapes["x2"] = (4, 3)
        read = builder.add("LSTM", {"units": 3}, ("x2",), (3,), gated(3, 3, 4))
        both = builder.add("Concatenate", {}, ("x1", read), (features + 3,))
        last = builder.add("Dense", {"units": 2}, (both,), (2,), dense(features + 3, 2))
        return builder.draft((*vector, Input("x2", (4, 3))), (last,), choice["batch"])
    if kind == "custom":
        hidden = builder.add("Dense", {"units": 4}, ("x1",), (4,), dense(features, 4))
        affine = {"scale": Weight((4,), "gamma"), "shift": Weight((4,), "beta")}
        scaled = builder.add("Scale", {"factor": 0.5}, (hidden,), (4,), affine)
        last = builder.add("Dense", {"units": 2}, (scaled,), (2,), dense(4, 2))
        return builder.draft(vector, (last,), choice["batch"])
    return _of_images(kind, builder, choice["batch"])


def _of_images(kind: str, builder: GraphBuilder, batch: int) -> Draft:
    """A residual block, a normalisation before a padded convolution, or branches with kernels of different sizes."""
    image = (Input("x1", (5, 4, 3)),)
    builder.shapes["x1"] = (5, 4, 3)
    same = {"filters": 3, "kernel_size": (3, 3), "padding": "same"}
    if kind == "folded":  # the border shows whether a converter normalised the padding too
        normal = builder.add("BatchNormalization", {}, ("x1",), (5, 4, 3), norm(3))
        last = builder.add("Conv2D", same, (normal,), (5, 4, 3), conv((3, 3), 3, 3))
        return builder.draft(image, (last,), batch)
    first = builder.add("Conv2D", same, ("x1",), (5, 4, 3), conv((3, 3), 3, 3))
    if kind == "residual":
        normal = builder.add("BatchNormalization", {}, (first,), (5, 4, 3), norm(3))
        active = builder.add("ReLU", {}, (normal,), (5, 4, 3))
        second = builder.add("Conv2D", same, (active,), (5, 4, 3), conv((3, 3), 3, 3))
        joined = builder.add("Add", {}, (normal, second), (5, 4, 3))  # the pre-activation, not what follows it
        last = builder.add("ReLU", {}, (joined,), (5, 4, 3))
        return builder.draft(image, (last,), batch)
    point = builder.add("Conv2D", {"filters": 2, "kernel_size": (1, 1)}, ("x1",), (5, 4, 2), conv((1, 1), 3, 2))
    pooled = builder.add(
        "MaxPooling2D", {"pool_size": (3, 3), "strides": (1, 1), "padding": "same"}, ("x1",), (5, 4, 3)
    )
    last = builder.add("Concatenate", {}, (first, point, pooled), (5, 4, 8))
    return builder.draft(image, (last,), batch)
