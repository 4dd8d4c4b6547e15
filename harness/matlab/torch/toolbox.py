"""Writers of the layers of Deep Learning Toolbox and of shallow networks: `harness.matlab.torch.writers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.matlab.torch.writers import (
    Module,
    Sides,
    Site,
    Writer,
    constant,
    convolution_text,
    filter_bank,
    pairs,
    pool_text,
    softmax,
    transposed_text,
    window_norm_text,
)
from harness.oracle.matlab.layer_core import INERT, concatenation_axis
from harness.oracle.matlab.shapes import as_sides, channel_axis
from harness.spec import Array


def _sides(config: Mapping[str, Any], axes: int, what: str = "Padding") -> Sides | None:
    if config.get(f"{what}Mode", "manual") == "same":
        return None
    return pairs(as_sides(config.get(f"{what}Size", [0] * (2 * axes) if axes < 3 else [[0] * 3] * 2)))


def _convolution(site: Site) -> Module:
    bank = filter_bank(site.weights["Weights"])
    axes = bank.ndim - 2
    ones = [1] * axes
    stride, dilation = site.config.get("Stride", ones), site.config.get("DilationFactor", ones)
    if site.config.get("PaddingMode") == "causal":
        pads: Any = (((bank.shape[2] - 1) * dilation[0], 0),)
    else:
        pads = _sides(site.config, axes)
    text = convolution_text(bank, stride, dilation, pads, value=site.config.get("PaddingValue", 0))
    if site.rank == 2:
        text = f"nn.Sequential(nn.Unflatten(1, (-1, 1, 1)), {text})"
        return Module(text, {"1.weight": bank, "1.bias": site.weights["Bias"]})
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})


def _grouped(site: Site) -> Module:
    stored = site.weights["Weights"]
    flat = np.moveaxis(stored, -1, -2).reshape(*stored.shape[:-2], -1)
    bank = filter_bank(flat)
    stride, dilation = site.config.get("Stride", (1, 1)), site.config.get("DilationFactor", (1, 1))
    pads, value = _sides(site.config, 2), site.config.get("PaddingValue", 0)
    text = convolution_text(bank, stride, dilation, pads, groups=stored.shape[-1], value=value)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"].T.reshape(-1)})


def _transposed(site: Site) -> Module:
    bank = filter_bank(site.weights["Weights"])
    axes = bank.ndim - 2
    crops = _sides(site.config, axes, "Cropping")
    text = transposed_text(bank, site.config.get("Stride", [1] * axes), crops, 1, True)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})


def _pooling(site: Site) -> Module:
    window = site.config["PoolSize"]
    stride = site.config.get("Stride", [1] * len(window))
    pads = _sides(site.config, len(window))
    if site.config.get("HasUnpoolingOutputs"):
        return Module(f"PoolWithIndices({tuple(window)}, {tuple(stride)}, {pads})")
    how = "max"
    if site.layer.kind.startswith("Average"):
        how = "inside" if site.config.get("PaddingValue") == "mean" else "average"
    return Module(pool_text(how, window, stride, pads))


def _linear(site: Site) -> Module:
    weights = site.weights["Weights"]
    name = "ColumnMajorLinear" if site.rank > 3 else "nn.Linear"
    state = {"weight": weights, "bias": site.weights["Bias"]}
    return Module(f"{name}({weights.shape[1]}, {weights.shape[0]})", state)


def _spatial_shape(values: Array, rank: int) -> Array:
    """A statistic ready to be combined with an array of that rank, the batch left out."""
    if values.size == 1:
        return values.reshape([1] * (rank - 1))
    if values.ndim > 1:
        return np.moveaxis(values, -1, 0)
    return values.reshape(-1, *[1] * (rank - 2)) if rank > 3 else values.reshape([1] * (rank - 2) + [-1])


def _input(site: Site) -> Module:
    kind = site.config.get("Normalization", "none")
    if kind == "none":
        return Module("nn.Identity()")
    own = {name: _spatial_shape(value.astype(np.float64), site.rank) for name, value in site.weights.items()}
    if kind == "zerocenter":
        return Module(f"Normalize({own['Mean'].shape})", {"shift": own["Mean"]})
    if kind == "zscore":
        shapes = f"{own['Mean'].shape}, {own['StandardDeviation'].shape}"
        return Module(f"Normalize({shapes})", {"shift": own["Mean"], "scale": own["StandardDeviation"]})
    scale = own["Max"].astype(np.float32) - own["Min"].astype(np.float32)
    more = ", factor=2.0, offset=-1.0" if kind == "rescale-symmetric" else ""
    return Module(f"Normalize({own['Min'].shape}, {scale.shape}{more})", {"shift": own["Min"], "scale": scale})


def _affine(site: Site) -> dict[str, Array]:
    return {"weight": site.weights["Scale"], "bias": site.weights["Offset"]}


def _batch_norm(site: Site) -> Module:
    name = {2: "nn.BatchNorm1d", 3: "SequenceBatchNorm", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}[site.rank]
    mean, variance = site.weights["TrainedMean"], site.weights["TrainedVariance"]
    state = {**_affine(site), "running_mean": mean, "running_var": variance, "num_batches_tracked": np.array(0)}
    return Module(f"{name}({mean.size}, eps={site.config.get('Epsilon', 1e-5)})", state)


def _layer_norm(site: Site) -> Module:
    mode, channels = site.config.get("OperationDimension", "auto"), site.weights["Scale"].size
    wide = mode == "batch-excluded" or (mode in ("auto", "spatial-channel") and site.rank > 3)
    name = "AxesNorm" if wide and site.rank > 2 else "ChannelNorm" if site.rank > 3 else "nn.LayerNorm"
    return Module(f"{name}({channels}, eps={site.config.get('Epsilon', 1e-5)})", _affine(site))


def _group_norm(site: Site) -> Module:
    channels = site.weights["Scale"].size
    groups = {"all-channels": 1, "channel-wise": channels}.get(site.config["NumGroups"], site.config["NumGroups"])
    if groups == channels:
        return _instance_norm(site)
    name = "SequenceGroupNorm" if site.rank == 3 else "nn.GroupNorm"
    return Module(f"{name}({groups}, {channels}, eps={site.config.get('Epsilon', 1e-5)})", _affine(site))


def _instance_norm(site: Site) -> Module:
    text = f"InstanceNorm({site.weights['Scale'].size}, eps={site.config.get('Epsilon', 1e-5)})"
    return Module(text, _affine(site))


def _cross_channel(site: Site) -> Module:
    c = site.config
    size, alpha = c["WindowChannelSize"], c.get("Alpha", 1e-4)
    return Module(window_norm_text(size, c.get("K", 2.0), alpha / size, c.get("Beta", 0.75)))


def _effective(site: Site) -> tuple[Array, Array]:
    w, r = (site.weights[name].astype(np.float64) for name in ("InputWeights", "RecurrentWeights"))
    if "InputProjector" in site.weights:
        w = w @ site.weights["InputProjector"].astype(np.float64).T
        r = r @ site.weights["OutputProjector"].astype(np.float64).T
    return w, r


def _states(site: Site, ways: int) -> dict[str, Array]:
    return {
        ours: site.weights[name].reshape(ways, -1)
        for ours, name in (("hidden", "HiddenState"), ("cell", "CellState"))
        if name in site.weights
    }


def _both_states(site: Site, ways: int, units: int) -> dict[str, Array]:
    """Both states or none: one alone leaves the other at zero."""
    found = _states(site, ways)
    return {name: np.zeros((ways, units), np.float32) for name in ("hidden", "cell")} | found if found else {}


def _is_default(site: Site) -> bool:
    return (
        site.config.get("StateActivationFunction", "tanh") == "tanh"
        and site.config.get("GateActivationFunction", "sigmoid") == "sigmoid"
    )


def _lstm(site: Site) -> Module:
    w, r = _effective(site)
    ways = 2 if site.layer.kind == "BiLSTMLayer" else 1
    units, bias, last = r.shape[0] // (4 * ways), site.weights["Bias"], site.config.get("OutputMode") == "last"
    states = _both_states(site, ways, units)
    if not _is_default(site):
        state, gate = site.config["StateActivationFunction"], site.config["GateActivationFunction"]
        zeros = {name: np.zeros((ways, units), np.float32) for name in ("hidden", "cell")}
        split = {name: value.reshape(ways, 4 * units, -1) for name, value in (("weight_ih", w), ("weight_hh", r))}
        text = f"CellLSTM({w.shape[1]}, {units}, {last=}, both_ways={ways == 2}, {state=}, {gate=})"
        return Module(text, {**split, "bias": bias.reshape(ways, -1), **zeros, **states})
    found: dict[str, Array] = {}
    for way, ending in enumerate(("", "_reverse")[:ways]):
        rows = slice(way * 4 * units, (way + 1) * 4 * units)
        found |= _gates(w[rows], r[rows], bias[rows], np.zeros(4 * units), ending)
    text = f"LastOrAll('LSTM', {w.shape[1]}, {units}, last={last}, both_ways={ways == 2}, states={len(states)})"
    return Module(text, {**found, **states})


def _gates(w: Array, r: Array, b: Array, rb: Array, ending: str = "") -> dict[str, Array]:
    named = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
    return {f"rnn.{name}_l0{ending}": value for name, value in named.items()}


def _gru(site: Site) -> Module:
    w, r = _effective(site)
    units, bias, last = r.shape[0] // 3, site.weights["Bias"], site.config.get("OutputMode") == "last"
    mode = site.config.get("ResetGateMode", "after-multiplication")
    b, rb = (bias, np.zeros(3 * units, np.float32)) if bias.size == 3 * units else np.split(bias, 2)
    states = _states(site, 1)
    if mode == "before-multiplication" or not _is_default(site):
        state = site.config.get("StateActivationFunction", "tanh")
        gate = site.config.get("GateActivationFunction", "sigmoid")
        early = mode == "before-multiplication"
        text = f"CellGRU({w.shape[1]}, {units}, {last=}, {early=}, {state=}, {gate=})"
        own = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
        return Module(text, {**own, "hidden": np.zeros((1, units), np.float32), **states})
    text = f"LastOrAll('GRU', {w.shape[1]}, {units}, last={last}, states={len(states)})"
    return Module(text, {**_gates(w, r, b, rb), **states})


def _attention(site: Site) -> Module:
    own = site.weights
    keys, inputs = own["KeyWeights"].shape
    outputs, values = own["OutputWeights"].shape
    causal = site.config.get("AttentionMask") == "causal"
    state: dict[str, Array] = {}
    for name in ("Query", "Key", "Value", "Output"):
        state |= {f"{name.lower()}.weight": own[f"{name}Weights"], f"{name.lower()}.bias": own[f"{name}Bias"]}
    text = f"SelfAttention({inputs}, {keys}, {values}, {outputs}, heads={site.config['NumHeads']}, causal={causal})"
    return Module(text, state)


def _embedding(site: Site) -> Module:
    table = site.weights["Weights"].T
    unknown = site.config.get("OOVMode", "map-to-last") == "map-to-last"
    return Module(f"WordEmbedding({table.shape[0]}, {table.shape[1]}, unknown={unknown})", {"weight": table})


def _prelu(site: Site) -> Module:
    name = "SequencePReLU" if site.rank == 3 else "nn.PReLU"
    return Module(f"{name}({site.weights['Alpha'].size})", {"weight": site.weights["Alpha"]})


def _depth_to_space(site: Site) -> Module:
    rows, columns = site.config["BlockSize"]
    mode = site.config.get("Mode", "dcr")
    if mode == "crd" and rows == columns:
        return Module(f"nn.PixelShuffle({rows})")
    return Module(f"DepthToSpace({rows}, {columns}, {mode!r})")


def _resize(site: Site) -> Module:
    c = site.config
    size, scale = c.get("OutputSize"), c.get("Scale")
    half = c.get("GeometricTransformMode", "half-pixel") == "half-pixel"
    return Module(
        f"Resize({tuple(size) if size else None}, {tuple(scale) if not size and scale else None}, "
        f"{c.get('Method', 'nearest')!r}, {half}, {c.get('NearestRoundingMode', 'round')!r})"
    )


def _crop(site: Site) -> Module:
    if site.config.get("Mode", "centercrop") == "centercrop":
        return Module("Crop(None)")
    left, top = (int(n) - 1 for n in site.config["Location"])
    return Module(f"Crop(({top}, {left}))")


def _concatenate(site: Site) -> Module:
    dim = (
        channel_axis(site.rank)
        if site.layer.kind.startswith("Depth")
        else concatenation_axis(site.config["Dim"], site.rank)
    )
    return Module(f"Concatenate({dim})")


def _mapping(reverse: bool) -> Writer:
    def write(site: Site) -> Module:
        own = {name: site.weights[name] for name in ("xoffset", "gain")}
        return Module(f"Mapping({own['gain'].size}, {site.config['y']}, {reverse})", own)

    return write


def _rows(site: Site, name: str) -> tuple[int, ...]:
    return tuple(int(n) - 1 for n in site.config[name])


WRITERS: Mapping[str, Writer] = {
    **dict.fromkeys(("ImageInputLayer", "Image3DInputLayer", "SequenceInputLayer", "FeatureInputLayer"), _input),
    **dict.fromkeys(INERT, constant("nn.Identity()")),
    **{f"Convolution{n}DLayer": _convolution for n in (1, 2, 3)},
    "GroupedConvolution2DLayer": _grouped,
    **{f"TransposedConvolution{n}DLayer": _transposed for n in (1, 2, 3)},
    **{f"{kind}Pooling{n}DLayer": _pooling for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}DLayer": constant("GlobalPool('average')") for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}DLayer": constant("GlobalPool('max')") for n in (1, 2, 3)},
    "MaxUnpooling2DLayer": constant("Unpool()"),
    "FullyConnectedLayer": _linear,
    "FlattenLayer": constant("ColumnMajorFlatten()"),
    "BatchNormalizationLayer": _batch_norm,
    "LayerNormalizationLayer": _layer_norm,
    "GroupNormalizationLayer": _group_norm,
    "InstanceNormalizationLayer": _instance_norm,
    "CrossChannelNormalizationLayer": _cross_channel,
    "LSTMLayer": _lstm,
    "LSTMProjectedLayer": _lstm,
    "BiLSTMLayer": _lstm,
    "GRULayer": _gru,
    "GRUProjectedLayer": _gru,
    "SelfAttentionLayer": _attention,
    "WordEmbeddingLayer": _embedding,
    "ReLULayer": constant("nn.ReLU()"),
    "LeakyReLULayer": lambda site: Module(f"nn.LeakyReLU({site.config.get('Scale', 0.01)})"),
    "ClippedReLULayer": lambda site: Module(f"nn.Hardtanh(0.0, {site.config['Ceiling']})"),
    "ELULayer": lambda site: Module(f"nn.ELU({site.config.get('Alpha', 1.0)})"),
    "PReLULayer": _prelu,
    "TanhLayer": constant("nn.Tanh()"),
    "SigmoidLayer": constant("nn.Sigmoid()"),
    "SwishLayer": constant("nn.SiLU()"),
    "SoftplusLayer": constant("nn.Softplus()"),
    "GELULayer": lambda site: Module(f"nn.GELU({site.config.get('Approximation', 'none')!r})"),
    "SoftmaxLayer": softmax,
    "AdditionLayer": constant("Add()"),
    "MultiplicationLayer": constant("Multiply()"),
    "DepthConcatenationLayer": _concatenate,
    "ConcatenationLayer": _concatenate,
    "DepthToSpace2DLayer": _depth_to_space,
    "Resize2DLayer": _resize,
    "Crop2DLayer": _crop,
    "tansig": constant("nn.Tanh()"),
    "logsig": constant("nn.Sigmoid()"),
    "poslin": constant("nn.ReLU()"),
    "satlin": constant("nn.Hardtanh(0.0, 1.0)"),
    "satlins": constant("nn.Hardtanh()"),
    "elliotsig": constant("nn.Softsign()"),
    **{name: constant(f"Transfer({name!r})") for name in ("radbas", "tribas", "hardlim", "hardlims")},
    **{name: _mapping(False) for name in ("mapminmax", "mapstd")},
    **{name: _mapping(True) for name in ("mapminmax_reverse", "mapstd_reverse")},
    "removeconstantrows": lambda site: Module(f"KeepRows({_rows(site, 'keep')})"),
    "removeconstantrows_reverse": lambda site: Module(
        f"RestoreRows({_rows(site, 'keep')}, {_rows(site, 'remove')})", {"value": site.weights["value"]}
    ),
    "softmax": softmax,
}
