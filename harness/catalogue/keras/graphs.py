"""Models of several layers: random graphs whose shapes always fit, and the structures that people write.

What is asked is the wiring: which tensor a layer reads, what is shared, what is an output. The layers are such as
converters know.
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


def dense(features: int, units: int) -> Weights:
    """Weights of Dense."""
    return {"kernel": Weight((features, units), "kernel", fan_in=features), "bias": Weight((units,), "bias")}


def norm(size: int) -> Weights:
    """Weights of BatchNormalization."""
    laws = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"}
    return {name: Weight((size,), law) for name, law in laws.items()}


def gated(features: int, units: int, gates: int, *, rows: int = 1) -> Weights:
    """Weights of a recurrent layer; a bias of `rows` rows."""
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
class Grower:
    """A graph as it grows: its layers, the shape of every tensor (batch left out), and the laws of the weights."""

    fill: Chooser
    shapes: dict[str, Shape]
    layers: list[Layer] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)

    def add(
        self, kind: str, config: Mapping[str, Any], reads: tuple[str, ...], made: Shape, weights: Weights | None = None
    ) -> str:
        """One layer; the name of its output."""
        name = f"{kind.lower()}{len(self.layers)}"
        self.layers.append(Layer(kind, name, dict(config), reads))
        self.shapes[name] = made
        self.weights |= {f"{name}/{key}": weight for key, weight in (weights or {}).items()}
        return name

    def again(self, tensor: str) -> str | None:
        """An earlier layer with weights called once more, on a tensor like the one it read; None if there is none."""
        able = [
            layer
            for layer in self.layers
            if not layer.of
            and len(layer.inputs) == 1
            and self.shapes[layer.inputs[0]] == self.shapes[tensor]
            and any(name.startswith(f"{layer.name}/") for name in self.weights)
        ]
        if not able:
            return None
        first = self.fill.pick(able)
        name = f"again{len(self.layers)}"
        self.layers.append(replace(first, name=name, inputs=(tensor,), of=first.name))
        self.shapes[name] = self.shapes[first.name]
        return name

    def merge(self, tensor: str) -> str | None:
        """The tensor joined with another one of its shape: a residual, or two branches."""
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
        """One more layer on the tensor, of those that fit its rank."""
        shape = self.shapes[tensor]
        options = {1: self._vector, 2: self._sequence, 3: self._image}[len(shape)](shape)
        kind, config, made, weights = self.fill.pick(options)
        return self.add(kind, config, (tensor,), made, weights)

    def _everywhere(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        last = shape[-1]
        assert last is not None
        units = self.fill.pick((2, 3, 4))
        size = Weight((last,), "gamma")
        return [
            ("Dense", {"units": units}, (*shape[:-1], units), dense(last, units)),
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
        kept: dict[str, Any] = {"units": units, "return_sequences": True}
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
            ("LSTM", kept, (steps, units), gated(features, units, 4)),
            ("GRU", kept, (steps, units), gated(features, units, 3, rows=2)),
            ("GlobalAveragePooling1D", {}, (features,), {}),
            ("GlobalMaxPooling1D", {}, (features,), {}),
        ]

    def _image(self, shape: Shape) -> list[tuple[str, dict[str, Any], Shape, Weights]]:
        height, width, channels = shape
        assert channels is not None
        filters = self.fill.pick((2, 3, 4))
        made: list[tuple[str, dict[str, Any], Shape, Weights]] = [
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
            made += [
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
        return made

    def draft(self, inputs: tuple[Input, ...], outputs: tuple[str, ...], batch: int) -> Draft:
        """The model of what the outputs depend on."""
        needed = {source_of(name) for name in outputs}
        for layer in reversed(self.layers):
            if layer.name in needed:
                needed |= {source_of(name) for name in layer.tensors} | ({layer.of} - {""})
        # a layer called again is made by its first call, which is then part of the model
        kept = tuple(layer for layer in self.layers if layer.name in needed)
        loose = [layer.name for layer in kept if not any(layer.name in other.tensors for other in kept)]
        named = tuple(dict.fromkeys((*outputs, *(name for name in loose if name not in outputs))))
        weights = {name: weight for name, weight in self.weights.items() if name.partition("/")[0] in needed}
        spec = Spec("keras", tuple(item for item in inputs if item.name in needed), kept, named)
        return Draft(spec, weights, batch=batch)


STARTS: Mapping[str, tuple[Shape, Shape]] = {
    "image": ((5, 4, 2), (None, None, 2)),
    "sequence": ((4, 3), (None, 3)),
    "vector": ((3,), (3,)),
}
"""Shape of the input, and the same with open sizes."""


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
    },
    profiles=("main", "negative", "small"),
    rules=[
        rule("start", "open_sizes", reason="a vector has no size to leave open")(
            lambda start, opened: start != "vector" or not opened
        )
    ],
    second_batches=SOME,
    per_axis=9,
)
def graph(choice: Choice, fill: Chooser) -> Draft:
    """Each layer reads the newest tensor, or an older one, which makes a branch; tensors of one shape are merged."""
    shape = STARTS[choice["start"]][choice["open_sizes"]]
    inputs = tuple(Input(f"x{k}", shape) for k in range(1, choice["inputs"] + 1))
    grown = Grower(fill, {item.name: item.shape for item in inputs})
    newest = grown.merge("x1") or "x1" if choice["inputs"] == 2 else "x1"
    while len(grown.layers) < choice["layers"]:
        turn = fill.integer(0, 5)
        older = fill.pick(list(grown.shapes)) if turn == 0 else newest
        made = grown.merge(older) if turn in (1, 2) else None
        if made is None and choice["shared"] and turn in (2, 3):
            made = grown.again(older)
        newest = made or grown.step(older)
    outputs = [newest]
    if choice["outputs"] == 2:
        outputs += [layer.name for layer in grown.layers if layer.name != newest][:1]
    return grown.draft(inputs, tuple(outputs), choice["batch"])


def _one(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return inner(kind, config)


def _sequential(features: int) -> tuple[dict[str, Any], Weights, int]:
    """Dense, BatchNormalization, Dense as one Sequential, its weights, and the size of its output."""
    layers = [
        _one("Dense", {"units": 4, "activation": "relu"}),
        _one("BatchNormalization", {}),
        _one("Dense", {"units": 3}),
    ]
    parts = {"0": dense(features, 4), "1": norm(4), "2": dense(4, 3)}
    return {"layers": layers}, {f"{k}/{n}": w for k, own in parts.items() for n, w in own.items()}, 3


def _nested(features: int) -> tuple[dict[str, Any], Weights, int]:
    """A model with a residual as a layer."""
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
    return {"spec": spec.to_json()}, {f"{k}/{n}": w for k, own in parts.items() for n, w in own.items()}, 2


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
    """The structures of the Keras guides, small: https://keras.io/guides/functional_api/."""
    kind, features = choice["structure"], fill.pick((3, 5))
    vector = (Input("x1", (features,)),)
    grown = Grower(fill, {"x1": (features,), "x2": (features,)})
    if kind == "sequential":
        config, weights, _ = _sequential(features)
        spec = Spec("keras", (Input("x1", (features,)),), (Layer("Sequential", "model", config, ("x1",)),), ("model",))
        return Draft(spec, {f"model/{name}": weight for name, weight in weights.items()}, batch=choice["batch"])
    if kind in ("nested_sequential", "nested_model", "nested_twice"):
        config, weights, size = _sequential(features) if kind == "nested_sequential" else _nested(features)
        part = "Sequential" if kind == "nested_sequential" else "Model"
        made = grown.add(part, config, ("x1",), (size,), weights)
        last = grown.add("Dense", {"units": features}, (made,), (features,), dense(size, features))
        if kind == "nested_twice":
            grown.layers.append(replace(grown.layers[0], name="twice", inputs=(last,), of=made))
            last = "twice"
        return grown.draft(vector, (last,), choice["batch"])
    if kind == "shared":
        first = grown.add("Dense", {"units": 4, "activation": "tanh"}, ("x1",), (4,), dense(features, 4))
        grown.layers.append(replace(grown.layers[0], name="twin", inputs=("x2",), of=first))
        last = grown.add("Concatenate", {}, (first, "twin"), (8,))
        return grown.draft((*vector, Input("x2", (features,))), (last,), choice["batch"])
    if kind == "two_inputs":
        apart = grown.add("Subtract", {}, ("x2", "x1"), (features,))
        last = grown.add("Concatenate", {}, ("x1", apart, "x2"), (3 * features,))
        return grown.draft((*vector, Input("x2", (features,))), (last,), choice["batch"])
    if kind in ("two_outputs", "intermediate_output"):
        hidden = grown.add("Dense", {"units": 4}, ("x1",), (4,), dense(features, 4))
        shown = grown.add("Activation", {"activation": "relu"}, (hidden,), (4,))
        last = grown.add("Dense", {"units": 2}, (shown,), (2,), dense(4, 2))
        other = grown.add("Dense", {"units": 3}, (hidden,), (3,), dense(4, 3))
        outputs = (last, other) if kind == "two_outputs" else (last, hidden)
        return grown.draft(vector, outputs, choice["batch"])
    if kind == "ranks":
        grown.shapes["x2"] = (4, 3)
        read = grown.add("LSTM", {"units": 3}, ("x2",), (3,), gated(3, 3, 4))
        both = grown.add("Concatenate", {}, ("x1", read), (features + 3,))
        last = grown.add("Dense", {"units": 2}, (both,), (2,), dense(features + 3, 2))
        return grown.draft((*vector, Input("x2", (4, 3))), (last,), choice["batch"])
    if kind == "custom":
        hidden = grown.add("Dense", {"units": 4}, ("x1",), (4,), dense(features, 4))
        own = {"scale": Weight((4,), "gamma"), "shift": Weight((4,), "beta")}
        scaled = grown.add("Scale", {"factor": 0.5}, (hidden,), (4,), own)
        last = grown.add("Dense", {"units": 2}, (scaled,), (2,), dense(4, 2))
        return grown.draft(vector, (last,), choice["batch"])
    return _of_images(kind, grown, choice["batch"])


def _of_images(kind: str, grown: Grower, batch: int) -> Draft:
    """A residual block, a normalisation before a padded convolution, or branches with kernels of different sizes."""
    image = (Input("x1", (5, 4, 3)),)
    grown.shapes["x1"] = (5, 4, 3)
    same = {"filters": 3, "kernel_size": (3, 3), "padding": "same"}
    if kind == "folded":  # its border shows whether the padding, too, was taken for normalised
        normal = grown.add("BatchNormalization", {}, ("x1",), (5, 4, 3), norm(3))
        last = grown.add("Conv2D", same, (normal,), (5, 4, 3), conv((3, 3), 3, 3))
        return grown.draft(image, (last,), batch)
    first = grown.add("Conv2D", same, ("x1",), (5, 4, 3), conv((3, 3), 3, 3))
    if kind == "residual":
        normal = grown.add("BatchNormalization", {}, (first,), (5, 4, 3), norm(3))
        active = grown.add("ReLU", {}, (normal,), (5, 4, 3))
        second = grown.add("Conv2D", same, (active,), (5, 4, 3), conv((3, 3), 3, 3))
        joined = grown.add("Add", {}, (normal, second), (5, 4, 3))  # the pre-activation, not what follows it
        last = grown.add("ReLU", {}, (joined,), (5, 4, 3))
        return grown.draft(image, (last,), batch)
    point = grown.add("Conv2D", {"filters": 2, "kernel_size": (1, 1)}, ("x1",), (5, 4, 2), conv((1, 1), 3, 2))
    pooled = grown.add("MaxPooling2D", {"pool_size": (3, 3), "strides": (1, 1), "padding": "same"}, ("x1",), (5, 4, 3))
    last = grown.add("Concatenate", {}, (first, point, pooled), (5, 4, 8))
    return grown.draft(image, (last,), batch)
