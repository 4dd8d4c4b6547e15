"""Stored layers of Deep Learning Toolbox as configuration and weights of a Spec: one short reader per class.

Configuration keeps the names of MATLAB's properties, weights keep MATLAB's layout (docs/matlab.md has the table). A
class without a reader here is unsupported, as is a property value whose meaning is not known; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.matlab.readers.records import NetworkError, Record
from harness.spec import Array

Read = tuple[dict[str, Any], dict[str, Array]]


class Unsupported(Exception):
    """A known layer with a property that is not supported; says which."""


def _refuse(record: Record, *flags: str) -> None:
    for name in flags:
        if record.flag(name):
            raise Unsupported(f"{name} = true")


def _border(record: Record, axes: int, what: str = "Padding") -> dict[str, Any]:
    """PaddingMode and PaddingSize as [l r], [t b l r] or [t l f; b r k]; the same for Cropping."""
    mode = record.text(f"{what}Mode", "manual", ("manual", "same", "causal"))
    if mode != "manual":
        return {f"{what}Mode": mode}
    stored = record.get(f"{what}Size", what)
    if stored is None:
        return {f"{what}Size": [0] * (2 * axes) if axes < 3 else [[0] * 3, [0] * 3]}
    sizes = [int(n) for n in np.asarray(stored).ravel(order="C")]
    if len(sizes) == 1:
        sizes *= 2 * axes
    if len(sizes) == axes and axes > 1:  # one number per axis, both sides alike
        sizes = [n for n in sizes for _ in (0, 1)] if axes == 2 else sizes * 2
    if len(sizes) != 2 * axes or min(sizes) < 0:
        raise record.fault(f"{what}Size", f"{2 * axes} whole numbers")
    return {f"{what}Size": sizes if axes < 3 else [sizes[:3], sizes[3:]]}


def _axes(record: Record) -> int:
    return next(n for n in (1, 2, 3) if f"{n}D" in record.kind)


def _declared(record: Record, name: str, axes: int) -> list[int | None]:
    size = record.size(name)
    if size is None or len(size) not in (1, axes):
        return [None] * axes
    return [*size] * (axes if len(size) == 1 else 1)


def _count(record: Record, name: str) -> int | None:
    size = record.size(name)
    return size[0] if size and len(size) == 1 else None


def _bias(record: Record, length: int) -> Array:
    return np.zeros(length, np.float32) if record.get("Bias") is None else record.vector("Bias", length)


def _convolution(record: Record) -> Read:
    axes = _axes(record)
    bank = record.learnable(
        "Weights", [*_declared(record, "FilterSize", axes), _count(record, "NumChannels"), _count(record, "NumFilters")]
    )
    config = {
        "Stride": record.whole("Stride", axes, 1),
        "DilationFactor": record.whole("DilationFactor", axes, 1),
        **_border(record, axes),
        **_padding_value(record, ("symmetric-include-edge", "symmetric-exclude-edge", "replicate")),
    }
    return config, {"Weights": bank, "Bias": _bias(record, bank.shape[-1])}


def _padding_value(record: Record, names: Sequence[str]) -> dict[str, Any]:
    value = record.get("PaddingValue")
    if value is None:
        return {}
    if isinstance(value, str):
        if value not in names:
            raise Unsupported(f"PaddingValue {value!r}")
        return {"PaddingValue": value}
    return {"PaddingValue": float(value.ravel()[0])} if float(value.ravel()[0]) else {}


def _grouped(record: Record) -> Read:
    groups = (_count(record, "NumGroups") or 0) or None
    depth, size = _count(record, "NumChannelsPerGroup"), _count(record, "NumFiltersPerGroup")
    value = record.array("Weights")
    if value is None:
        record.learnable("Weights", [None] * 5)
        raise AssertionError
    if value.ndim == 4 and groups and size and value.shape[-1] == groups * size and groups > 1:
        value = value.reshape(*value.shape[:3], size, groups, order="F")  # saved with the groups side by side
        record = Record(record.class_name, record.name, {**record.properties, "Weights": value})
    bank = record.learnable("Weights", [*_declared(record, "FilterSize", 2), depth, size, groups])
    per, count = bank.shape[3:]
    bias = _bias(record, per * count).reshape(per, count, order="F")
    config = {
        "Stride": record.whole("Stride", 2, 1),
        "DilationFactor": record.whole("DilationFactor", 2, 1),
        **_border(record, 2),
        **_padding_value(record, ("symmetric-include-edge", "symmetric-exclude-edge", "replicate")),
    }
    return config, {"Weights": bank, "Bias": np.ascontiguousarray(bias)}


def _transposed(record: Record) -> Read:
    axes = _axes(record)
    if any(record.numbers("OutputSizeOffset", [0])):
        raise Unsupported("OutputSizeOffset")
    bank = record.learnable(
        "Weights", [*_declared(record, "FilterSize", axes), _count(record, "NumFilters"), _count(record, "NumChannels")]
    )
    config = {"Stride": record.whole("Stride", axes, 1), **_border(record, axes, "Cropping")}
    return config, {"Weights": bank, "Bias": _bias(record, bank.shape[-2])}


def _pooling(record: Record) -> Read:
    axes = _axes(record)
    config: dict[str, Any] = {"PoolSize": record.whole("PoolSize", axes), "Stride": record.whole("Stride", axes, 1)}
    config |= _border(record, axes)
    if "Average" in record.kind:
        config |= _padding_value(record, ("mean",))
    elif record.flag("HasUnpoolingOutputs"):
        config["HasUnpoolingOutputs"] = True
    return config, {}


def _fully_connected(record: Record) -> Read:
    """W of OutputSize x InputSize. Saved objects keep h x w x c x outputs after an image."""
    value = record.array("Weights")
    if value is None:
        record.learnable("Weights", (None, None))
        raise AssertionError
    outputs = int(np.prod(record.size("OutputSize") or [0])) or record.vector("Bias").size
    inputs = value.size // outputs if outputs and value.size % outputs == 0 else 0
    if not inputs:
        raise record.fault("Weights", f"a multiple of {outputs} values")
    if value.ndim == 2 and value.shape == (outputs, inputs):
        weights = value
    else:
        weights = value.reshape((inputs, outputs), order="F").T
    return {}, {"Weights": np.ascontiguousarray(weights), "Bias": _bias(record, outputs)}


def _affine(record: Record, *statistics: str) -> dict[str, Array]:
    scale, offset = (record.array(name) for name in ("Scale", "Offset"))
    count = next((v.size for v in (scale, offset) if v is not None), None)
    if count is None and statistics:
        count = record.vector(statistics[0]).size
    if count is None:
        record.vector("Scale")
        raise AssertionError
    arrays = {
        "Scale": np.ones(count, np.float32) if scale is None else record.vector("Scale", count),
        "Offset": np.zeros(count, np.float32) if offset is None else record.vector("Offset", count),
    }
    return arrays | {name: record.vector(name, count) for name in statistics}


def _batch_normalization(record: Record) -> Read:
    return {"Epsilon": record.number("Epsilon", 1e-5)}, _affine(record, "TrainedMean", "TrainedVariance")


def _layer_normalization(record: Record) -> Read:
    modes = ("auto", "channel-only", "spatial-channel", "batch-excluded")
    return {
        "Epsilon": record.number("Epsilon", 1e-5),
        "OperationDimension": record.text("OperationDimension", "auto", modes),
    }, _affine(record)


def _group_normalization(record: Record) -> Read:
    value = record.get("NumGroups")
    groups = value if isinstance(value, str) else record.whole("NumGroups", 1)[0]
    if isinstance(groups, str) and groups not in ("all-channels", "channel-wise"):
        raise record.fault("NumGroups", "a number, 'all-channels' or 'channel-wise'")
    return {"NumGroups": groups, "Epsilon": record.number("Epsilon", 1e-5)}, _affine(record)


def _cross_channel(record: Record) -> Read:
    config: dict[str, Any] = {"WindowChannelSize": record.whole("WindowChannelSize", 1)[0]}
    for name, default in (("Alpha", 1e-4), ("Beta", 0.75), ("K", 2.0)):
        config[name] = record.number(name, default)
    return config, {}


STATES = {"tanh": "tanh", "softsign": "softsign", "relu": "relu"}


def _recurrent_config(record: Record) -> dict[str, Any]:
    _refuse(record, "HasStateInputs", "HasStateOutputs")
    stored = record.properties.get("ReturnSequence")
    last = stored is not None and not record.flag("ReturnSequence")
    return {
        "OutputMode": "last" if last else record.text("OutputMode", "sequence", ("sequence", "last")),
        "StateActivationFunction": _function(record, "State", ("tanh", "softsign", "relu")),
        "GateActivationFunction": _function(record, "Gate", ("sigmoid", "hard-sigmoid")),
    }


def _function(record: Record, which: str, known: Sequence[str]) -> str:
    found = record.get(f"{which}ActivationFunction", f"{which}Activation")
    if found is None:
        return known[0]
    if found not in known:
        raise Unsupported(f"{which}ActivationFunction {found!r}")
    return str(found)


def _states(record: Record, names: Sequence[str], length: int) -> dict[str, Array]:
    """Initial states that are not zero."""
    found = {name: record.array(name, f"Initial{name}") for name in names}
    return {
        name: value.ravel(order="F")
        for name, value in found.items()
        if value is not None and value.size == length and value.any()
    }


def _recurrent(gates: int, directions: int, states: Sequence[str]) -> Callable[[Record], Read]:
    def read(record: Record) -> Read:
        config = _recurrent_config(record)
        rows = gates * directions
        hidden = _count(record, "NumHiddenUnits") or _count(record, "HiddenSize")
        w = record.learnable("InputWeights", (rows * hidden if hidden else None, None))
        units = w.shape[0] // rows
        arrays = {"InputWeights": w}
        if "Projected" in record.kind:
            arrays["RecurrentWeights"] = record.learnable("RecurrentWeights", (rows * units, None))
            arrays["InputProjector"] = record.learnable("InputProjector", (None, w.shape[1]))
            arrays["OutputProjector"] = record.learnable(
                "OutputProjector", (units, arrays["RecurrentWeights"].shape[1])
            )
        else:
            arrays["RecurrentWeights"] = record.learnable("RecurrentWeights", (rows * units, units))
        if gates == 3:
            modes = ("after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication")
            config["ResetGateMode"] = record.text("ResetGateMode", modes[0], modes)
        doubled = config.get("ResetGateMode") == "recurrent-bias-after-multiplication"
        arrays["Bias"] = _bias(record, rows * units * (2 if doubled else 1))
        return config, arrays | _states(record, states, units * directions)

    return read


def _attention(record: Record) -> Read:
    _refuse(record, "HasPaddingMaskInput", "HasScoresOutput")
    config = {
        "NumHeads": record.whole("NumHeads", 1)[0],
        "AttentionMask": record.text("AttentionMask", "none", ("none", "causal")),
    }
    arrays = {}
    for name in ("Query", "Key", "Value", "Output"):
        arrays[f"{name}Weights"] = record.learnable(f"{name}Weights", (None, None))
        rows = arrays[f"{name}Weights"].shape[0]
        stored = record.array(f"{name}Bias")
        arrays[f"{name}Bias"] = np.zeros(rows, np.float32) if stored is None else record.vector(f"{name}Bias", rows)
    return config, arrays


def _embedding(record: Record) -> Read:
    mode = record.text("OOVMode", "map-to-last", ("map-to-last", "error"))
    return {"OOVMode": mode}, {"Weights": record.learnable("Weights", (_count(record, "Dimension"), None))}


def _resize(record: Record) -> Read:
    _refuse(record, "EnableReferenceInput")
    config: dict[str, Any] = {
        "Method": record.text("Method", "nearest", ("nearest", "bilinear")),
        "GeometricTransformMode": record.text("GeometricTransformMode", "half-pixel", ("half-pixel", "asymmetric")),
        "NearestRoundingMode": record.text("NearestRoundingMode", "round", ("round", "floor", "onnx-10")),
    }
    if record.get("OutputSize") is not None:
        if not np.isfinite(record.numbers("OutputSize")).all():
            raise Unsupported("OutputSize with NaN")
        return config | {"OutputSize": record.whole("OutputSize", 2)}, {}
    scale = record.numbers("Scale")
    return config | {"Scale": scale * 2 if len(scale) == 1 else scale}, {}


def _crop(record: Record) -> Read:
    value = record.get("Mode")
    if isinstance(value, str) and value == "centercrop":
        return {"Mode": "centercrop"}, {}
    location = record.get("Location")
    if isinstance(location, str) or location is None:
        return {"Mode": "centercrop"}, {}
    return {"Mode": "custom", "Location": record.whole("Location", 2)}, {}


STATISTICS = {
    "Mean": ("Mean", "AverageImage"),
    "StandardDeviation": ("StandardDeviation", "Std"),
    "Min": ("Min", "Minimum"),
    "Max": ("Max", "Maximum"),
}
NEEDED = {
    "none": (),
    "zerocenter": ("Mean",),
    "zscore": ("Mean", "StandardDeviation"),
    "rescale-symmetric": ("Min", "Max"),
    "rescale-zero-one": ("Min", "Max"),
}


def _input(record: Record) -> Read:
    stored = record.properties.get("Normalization")
    held: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
    kind = held.get("Type", stored if isinstance(stored, str) else None) or "none"
    if kind not in NEEDED:
        raise Unsupported(f"Normalization {kind!r}")
    _refuse(record, "SplitComplexInputs")
    size = record.size("InputSize") or []
    both = Record(record.class_name, record.name, {**record.properties, **held})
    arrays = {}
    for name in NEEDED[kind]:
        value = both.array(*STATISTICS[name])
        if value is None:
            raise both.fault(name, f"a statistic for the normalisation {kind!r}")
        arrays[name] = _statistic(both, name, value, size)
    return ({"Normalization": kind} if kind != "none" else {}), arrays


def _statistic(record: Record, name: str, value: Array, size: Sequence[int]) -> Array:
    """One value, one per channel, or one per element of the input, h x w x c."""
    channels = size[-1] if size else value.size
    if (value.size in (1, channels) and np.prod(size) != value.size) or len(size) < 3:
        if value.size not in (1, channels):
            raise record.fault(name, f"1 or {channels} values")
        return value.ravel(order="F")
    if value.size != np.prod(size):
        raise record.fault(name, f"1, {channels} or {list(size)} values")
    return np.ascontiguousarray(value.reshape(list(size), order="F"))


def _depth_to_space(record: Record) -> Read:
    return {"BlockSize": record.whole("BlockSize", 2), "Mode": record.text("Mode", "dcr", ("dcr", "crd"))}, {}


def _plain(**defaults: float) -> Callable[[Record], Read]:
    def read(record: Record) -> Read:
        return {name: record.number(name, default) for name, default in defaults.items()}, {}

    return read


def _ceiling(record: Record) -> Read:
    return {"Ceiling": record.number("Ceiling")}, {}


def _prelu(record: Record) -> Read:
    return {}, {"Alpha": record.vector("Alpha")}


def _gelu(record: Record) -> Read:
    return {"Approximation": record.text("Approximation", "none", ("none", "tanh"))}, {}


def _concatenation(record: Record) -> Read:
    return {"Dim": record.whole("Dim", 1)[0]}, {}


def _mapped(record: Record) -> Read:
    gain = record.vector("gain")
    return {"y": record.number("y")}, {"xoffset": record.vector("xoffset", gain.size), "gain": gain}


def _kept(record: Record) -> Read:
    """Features by number from 1: those that are kept and those that are left out are all there are."""
    keep, remove = ([int(n) for n in record.numbers(name, [])] for name in ("keep", "remove"))
    if sorted(keep + remove) != list(range(1, len(keep) + len(remove) + 1)):
        raise record.fault("keep", "with remove each feature once, from 1")
    values = {"value": record.vector("value", len(remove))} if record.kind.endswith("_reverse") else {}
    return {"keep": keep, "remove": remove}, values


INPUTS = ("ImageInputLayer", "Image3DInputLayer", "SequenceInputLayer", "FeatureInputLayer")
OUTPUTS = (
    "ClassificationOutputLayer",
    "RegressionOutputLayer",
    "PixelClassificationLayer",
    "DicePixelClassificationLayer",
    "FocalLossLayer",
)
"""Layers that only matter when a network is trained: identities here, kept for their names."""
TRANSFER = (
    "tansig", "logsig", "poslin", "satlin", "satlins", "radbas", "tribas", "elliotsig", "hardlim", "hardlims",
    "softmax",
)  # fmt: skip
"""Transfer functions of shallow networks, each a layer of that kind; `purelin` is none."""
READERS: Mapping[str, Callable[[Record], Read]] = {
    **dict.fromkeys(INPUTS, _input),
    **dict.fromkeys(OUTPUTS, _plain()),
    "Convolution1DLayer": _convolution,
    "Convolution2DLayer": _convolution,
    "Convolution3DLayer": _convolution,
    "GroupedConvolution2DLayer": _grouped,
    "TransposedConvolution1DLayer": _transposed,
    "TransposedConvolution2DLayer": _transposed,
    "TransposedConvolution3DLayer": _transposed,
    "FullyConnectedLayer": _fully_connected,
    "BatchNormalizationLayer": _batch_normalization,
    "LayerNormalizationLayer": _layer_normalization,
    "GroupNormalizationLayer": _group_normalization,
    "InstanceNormalizationLayer": lambda record: ({"Epsilon": record.number("Epsilon", 1e-5)}, _affine(record)),
    "CrossChannelNormalizationLayer": _cross_channel,
    **{f"{kind}Pooling{n}DLayer": _pooling for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}DLayer": _plain() for kind in ("Max", "Average") for n in (1, 2, 3)},
    "MaxUnpooling2DLayer": _plain(),
    "LSTMLayer": _recurrent(4, 1, ("HiddenState", "CellState")),
    "LSTMProjectedLayer": _recurrent(4, 1, ("HiddenState", "CellState")),
    "BiLSTMLayer": _recurrent(4, 2, ("HiddenState", "CellState")),
    "GRULayer": _recurrent(3, 1, ("HiddenState",)),
    "GRUProjectedLayer": _recurrent(3, 1, ("HiddenState",)),
    "SelfAttentionLayer": _attention,
    "WordEmbeddingLayer": _embedding,
    "ReLULayer": _plain(),
    "LeakyReLULayer": _plain(Scale=0.01),
    "ClippedReLULayer": _ceiling,
    "ELULayer": _plain(Alpha=1.0),
    "PReLULayer": _prelu,
    "TanhLayer": _plain(),
    "SigmoidLayer": _plain(),
    "SwishLayer": _plain(),
    "SoftplusLayer": _plain(),
    "GELULayer": _gelu,
    "SoftmaxLayer": _plain(),
    "AdditionLayer": _plain(),
    "MultiplicationLayer": _plain(),
    "DepthConcatenationLayer": _plain(),
    "ConcatenationLayer": _concatenation,
    "FlattenLayer": _plain(),
    "DropoutLayer": _plain(Probability=0.5),
    "SpatialDropoutLayer": _plain(Probability=0.5),
    "DepthToSpace2DLayer": _depth_to_space,
    "Resize2DLayer": _resize,
    "Crop2DLayer": _crop,
    **dict.fromkeys(TRANSFER, _plain()),
    **{f"{kind}{ending}": _mapped for kind in ("mapminmax", "mapstd") for ending in ("", "_reverse")},
    **{f"removeconstantrows{ending}": _kept for ending in ("", "_reverse")},
}


def read_layer(record: Record) -> Read:
    """Configuration and weights of a stored layer.

    Raises Unsupported for a class or a property value that is not known, NetworkError for a broken layer.
    """
    if record.kind not in READERS or not _is_own(record.class_name):
        raise Unsupported("" if "nnet.cnn.layer" not in record.class_name else "no reader for this class")
    return READERS[record.kind](record)


def _is_own(class_name: str) -> bool:
    """A class of MathWorks: one without a package is somebody's own, whatever it is called."""
    return class_name.startswith(("nnet.cnn.layer.", "nnet.internal.cnn.layer.", "nnet.nlp.")) or class_name in READERS


__all__ = ["INPUTS", "OUTPUTS", "READERS", "TRANSFER", "NetworkError", "Unsupported", "read_layer"]
