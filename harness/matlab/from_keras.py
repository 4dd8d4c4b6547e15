"""Translate Keras models into MATLAB's layers: one Keras layer into one or several of MATLAB's.

The Spec works on N x C x H x W, Keras on N x H x W x C. Both describe the same network: the caller transposes only
inputs and outputs, and this module transposes the weights to MATLAB's layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.matlab.layers import INPUTS
from harness.oracle import part
from harness.spec import Array, Input, Layer, Spec, source_of


class NoCounterpartError(ValueError):
    """A model with layers or options without a counterpart in MATLAB; the message names all of them."""


@dataclass(frozen=True)
class Step:
    """One of MATLAB's layers: kind, configuration, weights."""

    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Array] = field(default_factory=dict)


class _Refused(Exception):
    """An option without a counterpart; the message names it."""


def from_keras(spec: Spec, weights: Mapping[str, Array]) -> tuple[Spec, dict[str, Array]]:
    """The same network in MATLAB's layers. Raises NoCounterpartError."""
    network = _Network()
    for item in spec.inputs:
        network.take(item)
    for layer in spec.layers:
        network.add(layer, part(weights, layer.owner))
    if network.refused:
        raise NoCounterpartError(f"MATLAB has no counterpart for {'; '.join(network.refused)}")
    outputs = tuple(network.ends.get(name, name) for name in spec.outputs)
    return Spec("matlab", tuple(network.inputs), tuple(network.layers), outputs), network.weights


class _Network:
    """MATLAB's network under construction, and the layers and options without a counterpart."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.layers: list[Layer] = []
        self.weights: dict[str, Array] = {}
        self.refused: list[str] = []
        self.ranks: dict[str, int] = {}
        """Rank of each of Keras' tensors, batch included; 0 where it is not known."""
        self.ends: dict[str, str] = {}
        """MATLAB's tensor for each of Keras'."""

    def take(self, item: Input) -> None:
        """An input of Keras, and an input layer that reads it."""
        self.ranks[item.name] = len(item.shape) + 1
        if len(item.shape) not in INPUTS or item.dtype != "float32" or None in item.shape[1:-1]:
            self.refused.append(f"input {item.name!r} of shape {item.shape} and type {item.dtype}")
            return
        *spatial, channels = item.shape
        shape = (channels, *spatial) if len(spatial) > 1 else (*[None] * len(spatial), channels)
        name = f"{item.name}_layer"
        self.inputs.append(Input(item.name, shape))
        self.layers.append(Layer(INPUTS[len(item.shape)], name, {}, (item.name,)))
        self.ends[item.name] = name

    def add(self, layer: Layer, weights: Mapping[str, Array]) -> None:
        """A layer of Keras as one or several of MATLAB's, the last of which has its name."""
        ranks = [self.ranks.get(source_of(name), 0) for name in layer.inputs]
        try:
            steps = _steps(layer, weights, ranks)
        except _Refused as why:
            self.refused.append(f"{layer.kind} {layer.name!r}" + (f" ({why})" if str(why) else ""))
            self.ranks[layer.name] = 0
            return
        self.ranks[layer.name] = _rank(layer, ranks[0])
        if self.refused:
            return
        tensors = tuple(self.ends[name] for name in layer.inputs)
        names = [*(f"{layer.name}_{k}" for k in range(1, len(steps))), layer.name]
        for name, step in zip(names, steps, strict=True):
            self.layers.append(Layer(step.kind, name, dict(step.config), tensors))
            for key, value in step.weights.items():
                self.weights[f"{name}/{key}"] = np.ascontiguousarray(value, np.float32)
            tensors = (name,)
        self.ends[layer.name] = layer.name


def _rank(layer: Layer, rank: int) -> int:
    if layer.kind.startswith("Global") or layer.kind == "Flatten":
        return 2
    if layer.kind in ("LSTM", "GRU", "Bidirectional") and not _sequences(layer):
        return 2
    return rank


def _sequences(layer: Layer) -> bool:
    inner = layer.config.get("layer")
    config = inner.get("config", {}) if isinstance(inner, Mapping) else layer.config
    return bool(config.get("return_sequences", False))


def _steps(layer: Layer, weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    if layer.kind not in WRITERS or layer.keywords or layer.arguments or 0 in ranks or layer.of:
        raise _Refused("call arguments" if layer.kind in WRITERS and (layer.keywords or layer.arguments) else "")
    if layer.config.get("data_format", "channels_last") == "channels_first":
        raise _Refused("channels_first")
    if "dtype" in layer.config and "float32" not in str(layer.config["dtype"]):
        raise _Refused(f"dtype {layer.config['dtype']}")
    return [*WRITERS[layer.kind](layer.config, weights, ranks), *_activated(layer)]


ACTIVATIONS: Mapping[str, Step] = {
    "relu": Step("ReLULayer"),
    "tanh": Step("TanhLayer"),
    "sigmoid": Step("SigmoidLayer"),
    "softmax": Step("SoftmaxLayer"),
    "silu": Step("SwishLayer"),
    "swish": Step("SwishLayer"),
    "softplus": Step("SoftplusLayer"),
    "elu": Step("ELULayer", {"Alpha": 1.0}),
    "gelu": Step("GELULayer", {"Approximation": "none"}),
}
RECURRENT = ("LSTM", "GRU", "Bidirectional")


def _activated(layer: Layer) -> list[Step]:
    """The activation of a Keras layer as a layer after it."""
    name = layer.config.get("activation")
    if layer.kind in RECURRENT or layer.kind == "Activation" or name in (None, "linear"):
        return []
    return [_activation(name)]


def _activation(name: Any) -> Step:
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise _Refused(f"activation {name!r}")
    return ACTIVATIONS[name]


def _bias(weights: Mapping[str, Array], count: int) -> Array:
    return weights.get("bias", np.zeros(count, np.float32))


def _padding(config: Mapping[str, Any], axes: int, what: str = "Padding") -> dict[str, Any]:
    mode = config.get("padding", "valid")
    return {} if mode == "valid" else {f"{what}Mode": mode}


def _many(config: Mapping[str, Any], name: str, axes: int, default: Any = 1) -> list[int]:
    value = config.get(name, default)
    return [int(value)] * axes if isinstance(value, int) else [int(n) for n in value]


def _dense(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    kernel = weights["kernel"]
    if config.get("lora_rank") or ranks[0] > 3:
        raise _Refused("on images, whose every pixel it is applied to" if ranks[0] > 3 else "lora_rank")
    return [Step("FullyConnectedLayer", {}, {"Weights": kernel.T, "Bias": _bias(weights, kernel.shape[1])})]


def _convolution(axes: int) -> Writer:
    def write(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
        kernel, groups = weights["kernel"], config.get("groups", 1)
        options = {
            "Stride": _many(config, "strides", axes),
            "DilationFactor": _many(config, "dilation_rate", axes),
            **_padding(config, axes),
        }
        bias = _bias(weights, kernel.shape[-1])
        if groups == 1:
            return [Step(f"Convolution{axes}DLayer", options, {"Weights": kernel, "Bias": bias})]
        if axes != 2:
            raise _Refused("groups")
        return [_grouped(kernel.reshape(*kernel.shape[:3], groups, -1), options, bias)]

    return write


def _grouped(bank: Array, config: Mapping[str, Any], bias: Array) -> Step:
    """`bank` is kh x kw x C/G x G x F/G, `bias` in the order of the filters."""
    groups = bank.shape[3]
    return Step(
        "GroupedConvolution2DLayer",
        config,
        {"Weights": np.moveaxis(bank, 3, 4), "Bias": bias.reshape(groups, -1).T},
    )


def _depthwise(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    kernel = weights["kernel"]  # kh x kw x C x multiplier
    options = {
        "Stride": _many(config, "strides", 2),
        "DilationFactor": _many(config, "dilation_rate", 2),
        **_padding(config, 2),
    }
    return [_grouped(kernel[:, :, None], options, _bias(weights, kernel.shape[2] * kernel.shape[3]))]


def _transposed(axes: int) -> Writer:
    def write(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
        kernel = weights["kernel"]  # spatial x F x C, as in MATLAB
        if config.get("output_padding") is not None or set(_many(config, "dilation_rate", axes)) != {1}:
            raise _Refused("output_padding or dilation")
        stride = _many(config, "strides", axes)
        if config.get("padding", "valid") == "valid" and any(s > k for s, k in zip(stride, kernel.shape, strict=False)):
            raise _Refused("strides longer than the kernel without padding: Keras makes the output longer")
        options = {"Stride": stride, **_padding(config, axes, "Cropping")}
        if config.get("groups", 1) != 1:
            raise _Refused("groups")
        return [
            Step(
                f"TransposedConvolution{axes}DLayer",
                options,
                {"Weights": kernel, "Bias": _bias(weights, kernel.shape[-2])},
            )
        ]

    return write


def _pooling(kind: str, axes: int) -> Writer:
    def write(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
        size = _many(config, "pool_size", axes, 2)
        strides = config.get("strides")
        options = {
            "PoolSize": size,
            "Stride": size if strides is None else _many(config, "strides", axes),
            **_padding(config, axes),
        }
        return [Step(f"{kind}Pooling{axes}DLayer", options | ({"PaddingValue": "mean"} if kind == "Average" else {}))]

    return write


def _global_pooling(kind: str, axes: int) -> Writer:
    def write(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
        keeps = bool(config.get("keepdims", False))
        if axes == 1 and keeps:
            raise _Refused("keepdims")
        pooled = Step(f"Global{kind}Pooling{axes}DLayer")
        return [pooled] if axes == 1 or keeps else [pooled, Step("FlattenLayer")]

    return write


def _last_axis(config: Mapping[str, Any], rank: int) -> None:
    axis = config.get("axis", -1)
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    if axes not in ([-1], [rank - 1]):
        raise _Refused(f"axis {axis}")


def _affine(weights: Mapping[str, Array], count: int) -> dict[str, Array]:
    return {"Scale": weights.get("gamma", np.ones(count)), "Offset": weights.get("beta", np.zeros(count))}


def _batch_norm(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    _last_axis(config, ranks[0])
    mean = weights["moving_mean"]
    arrays = {**_affine(weights, mean.size), "TrainedMean": mean, "TrainedVariance": weights["moving_variance"]}
    return [Step("BatchNormalizationLayer", {"Epsilon": config.get("epsilon", 1e-3)}, arrays)]


def _layer_norm(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    _last_axis(config, ranks[0])
    learnable = weights.get("gamma", weights.get("beta"))
    if learnable is None:
        raise _Refused("neither center nor scale: the number of channels is not stored")
    options = {"Epsilon": config.get("epsilon", 1e-3), "OperationDimension": "channel-only"}
    return [Step("LayerNormalizationLayer", options, _affine(weights, learnable.size))]


def _group_norm(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    _last_axis(config, ranks[0])
    learnable = weights.get("gamma", weights.get("beta"))
    groups = config.get("groups", 32)
    if learnable is None:
        raise _Refused("neither center nor scale: the number of channels is not stored")
    options = {"Epsilon": config.get("epsilon", 1e-3), "NumGroups": learnable.size if groups == -1 else groups}
    return [Step("GroupNormalizationLayer", options, _affine(weights, learnable.size))]


def _recurrent_config(config: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("go_backwards", "stateful", "return_state"):
        if config.get(name):
            raise _Refused(name)
    state, gate = config.get("activation", "tanh"), config.get("recurrent_activation", "sigmoid")
    if state not in ("tanh", "softsign", "relu") or gate != "sigmoid":
        raise _Refused(f"activations {state!r}, {gate!r}")
    mode = "sequence" if config.get("return_sequences") else "last"
    return {"OutputMode": mode, "StateActivationFunction": state, "GateActivationFunction": "sigmoid"}


def _lstm_arrays(weights: Mapping[str, Array]) -> dict[str, Array]:
    kernel = weights["kernel"]
    return {
        "InputWeights": kernel.T,
        "RecurrentWeights": weights["recurrent_kernel"].T,
        "Bias": _bias(weights, kernel.shape[1]),
    }


def _lstm(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    return [Step("LSTMLayer", _recurrent_config(config), _lstm_arrays(_cell(weights)))]


def _cell(weights: Mapping[str, Array]) -> Mapping[str, Array]:
    return part(weights, "cell") or weights


def _reset_first(array: Array, axis: int = 0) -> Array:
    """Keras' gates z, r, h as MATLAB's r, z, h."""
    z, r, h = np.split(array, 3, axis=axis)
    return np.concatenate([r, z, h], axis=axis)


def _gru(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    options, cell = _recurrent_config(config), _cell(weights)
    arrays = {
        "InputWeights": _reset_first(cell["kernel"].T),
        "RecurrentWeights": _reset_first(cell["recurrent_kernel"].T),
    }
    count = cell["kernel"].shape[1]
    if config.get("reset_after", True):
        both = cell.get("bias", np.zeros((2, count)))
        arrays["Bias"] = np.concatenate([_reset_first(both[0]), _reset_first(both[1])])
        options["ResetGateMode"] = "recurrent-bias-after-multiplication"
    else:
        arrays["Bias"] = _reset_first(_bias(cell, count))
        options["ResetGateMode"] = "before-multiplication"
    return [Step("GRULayer", options, arrays)]


def _bidirectional(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    inner = config.get("layer", {})
    kind = inner.get("kind", inner.get("class_name"))
    mode = config.get("merge_mode", "concat")
    if kind != "LSTM" or mode != "concat" or not _is_mirrored(inner, config.get("backward_layer")):
        raise _Refused(f"around {kind}, merge_mode {mode!r}")
    options = _recurrent_config(inner["config"])
    ahead, back = (_lstm_arrays(_cell(_way(weights, way))) for way in ("forward", "backward"))
    return [Step("BiLSTMLayer", options, {name: np.concatenate([ahead[name], back[name]]) for name in ahead})]


def _is_mirrored(ahead: Mapping[str, Any], back: Mapping[str, Any] | None) -> bool:
    """Whether the layer for the way back is that for the way ahead, as Keras makes it where none was given."""
    if not back:
        return True
    ours, theirs = (
        {key: value for key, value in each["config"].items() if key not in ("name", "go_backwards")}
        for each in (ahead, back)
    )
    same_kind = all(ahead.get(key) == back.get(key) for key in ("kind", "class_name"))
    return same_kind and ours == theirs and bool(back["config"].get("go_backwards"))


def _way(weights: Mapping[str, Array], way: str) -> Mapping[str, Array]:
    """The weights of one direction. Of names that both have, those ahead come first, and have no path."""
    own = {key.rpartition("/")[2]: value for key, value in weights.items() if f"/{way}_" in f"/{key}"}
    return own or {key: value for key, value in weights.items() if "/" not in key}


def _concatenate(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    _last_axis(config, ranks[0])
    return [Step("DepthConcatenationLayer")]


def _merge(kind: str) -> Writer:
    def write(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
        if len(set(ranks)) != 1:
            raise _Refused("inputs of different ranks")
        return [Step(kind)]

    return write


def _leaky(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    return [Step("LeakyReLULayer", {"Scale": config.get("negative_slope", 0.3)})]


def _relu(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    if config.get("negative_slope") or config.get("threshold"):
        raise _Refused("negative_slope or threshold")
    most = config.get("max_value")
    return [Step("ReLULayer") if most is None else Step("ClippedReLULayer", {"Ceiling": float(most)})]


def _softmax(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    _last_axis(config, ranks[0])
    return [Step("SoftmaxLayer")]


def _prelu(config: Mapping[str, Any], weights: Mapping[str, Array], ranks: Sequence[int]) -> list[Step]:
    alpha = weights["alpha"]
    if alpha.size != alpha.shape[-1]:
        raise _Refused("one slope for each element")
    return [Step("PReLULayer", {}, {"Alpha": alpha.reshape(-1)})]


Writer = Callable[[Mapping[str, Any], Mapping[str, Array], Sequence[int]], list[Step]]
WRITERS: Mapping[str, Writer] = {
    "Dense": _dense,
    **{f"Conv{n}D": _convolution(n) for n in (1, 2, 3)},
    "DepthwiseConv2D": _depthwise,
    **{f"Conv{n}DTranspose": _transposed(n) for n in (1, 2, 3)},
    **{f"{kind}Pooling{n}D": _pooling(kind, n) for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": _global_pooling(kind, n) for kind in ("Max", "Average") for n in (1, 2, 3)},
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "LSTM": _lstm,
    "GRU": _gru,
    "Bidirectional": _bidirectional,
    "Add": _merge("AdditionLayer"),
    "Multiply": _merge("MultiplicationLayer"),
    "Concatenate": _concatenate,
    "Activation": lambda config, weights, ranks: [_activation(config.get("activation"))],
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": lambda config, weights, ranks: [Step("ELULayer", {"Alpha": config.get("alpha", 1.0)})],
    "PReLU": _prelu,
    "Softmax": _softmax,
    **{
        kind: (lambda config, weights, ranks: [Step("DropoutLayer", {"Probability": 0.5})])
        for kind in ("Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization")
    },
    **{
        f"SpatialDropout{n}D": (lambda config, weights, ranks: [Step("SpatialDropoutLayer", {"Probability": 0.5})])
        for n in (1, 2, 3)
    },
}
"""Keras layers with a counterpart in MATLAB."""
