"""Normalisations, by statistics of the training data or of the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, layer
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, window_norm_text
from harness.spec import Array

AFFINE = {"Scale": ("c",), "Offset": ("c",)}
TRAINED = {**AFFINE, "TrainedMean": ("c",), "TrainedVariance": ("c",)}


def _affine(record: Record, *statistics: str) -> dict[str, Array]:
    """Scale and Offset, ones and zeros where they are absent, and statistics, all with one value per channel."""
    scale, offset = (record.array(name) for name in ("Scale", "Offset"))
    count = next((v.size for v in (scale, offset) if v is not None), None)
    if count is None:
        count = record.vector(statistics[0] if statistics else "Scale").size
    arrays = {
        "Scale": np.ones(count, np.float32) if scale is None else record.vector("Scale", count),
        "Offset": np.zeros(count, np.float32) if offset is None else record.vector("Offset", count),
    }
    return arrays | {name: record.vector(name, count) for name in statistics}


def _state(site: Site) -> dict[str, Array]:
    return {"weight": site.weights["Scale"], "bias": site.weights["Offset"]}


def _epsilon(site: Site) -> Any:
    return site.config.get("Epsilon", 1e-5)


def _read_batch(record: Record) -> Read:
    return {"Epsilon": record.number("Epsilon", 1e-5)}, _affine(record, "TrainedMean", "TrainedVariance")


@layer("BatchNormalizationLayer", read=_read_batch, axes=TRAINED)
def batch_normalization(site: Site) -> Module:
    """`nn.BatchNorm1d` to `nn.BatchNorm3d`; channels of sequences are last."""
    name = {2: "nn.BatchNorm1d", 3: "SequenceBatchNorm", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}[site.rank]
    mean, variance = site.weights["TrainedMean"], site.weights["TrainedVariance"]
    state = {**_state(site), "running_mean": mean, "running_var": variance, "num_batches_tracked": np.array(0)}
    return Module(f"{name}({mean.size}, eps={_epsilon(site)})", state)


def _read_layer(record: Record) -> Read:
    modes = ("auto", "channel-only", "spatial-channel", "batch-excluded")
    return {
        "Epsilon": record.number("Epsilon", 1e-5),
        "OperationDimension": record.text("OperationDimension", "auto", modes),
    }, _affine(record)


@layer("LayerNormalizationLayer", read=_read_layer, axes=AFFINE)
def layer_normalization(site: Site) -> Module:
    """`nn.LayerNorm` over channels alone; `AxesNorm` where space or time is in the mean."""
    mode, channels = site.config.get("OperationDimension", "auto"), site.weights["Scale"].size
    wide = mode == "batch-excluded" or (mode in ("auto", "spatial-channel") and site.rank > 3)
    name = "AxesNorm" if wide and site.rank > 2 else "ChannelNorm" if site.rank > 3 else "nn.LayerNorm"
    return Module(f"{name}({channels}, eps={_epsilon(site)})", _state(site))


def _read_group(record: Record) -> Read:
    value = record.get("NumGroups")
    groups = value if isinstance(value, str) else record.whole("NumGroups", 1)[0]
    if isinstance(groups, str) and groups not in ("all-channels", "channel-wise"):
        raise record.fault("NumGroups", "a number, 'all-channels' or 'channel-wise'")
    return {"NumGroups": groups, "Epsilon": record.number("Epsilon", 1e-5)}, _affine(record)


@layer("GroupNormalizationLayer", read=_read_group, axes=AFFINE)
def group_normalization(site: Site) -> Module:
    """`nn.GroupNorm`, or an instance normalisation where each channel is a group."""
    channels = site.weights["Scale"].size
    groups = {"all-channels": 1, "channel-wise": channels}.get(site.config["NumGroups"], site.config["NumGroups"])
    if groups == channels:
        return instance_normalization(site)
    name = "SequenceGroupNorm" if site.rank == 3 else "nn.GroupNorm"
    return Module(f"{name}({groups}, {channels}, eps={_epsilon(site)})", _state(site))


def _read_instance(record: Record) -> Read:
    return {"Epsilon": record.number("Epsilon", 1e-5)}, _affine(record)


@layer("InstanceNormalizationLayer", read=_read_instance, axes=AFFINE)
def instance_normalization(site: Site) -> Module:
    """`InstanceNorm`, which also works on one element and on no samples."""
    return Module(f"InstanceNorm({site.weights['Scale'].size}, eps={_epsilon(site)})", _state(site))


def _read_cross_channel(record: Record) -> Read:
    config: dict[str, Any] = {"WindowChannelSize": record.whole("WindowChannelSize", 1)[0]}
    for name, default in (("Alpha", 1e-4), ("Beta", 0.75), ("K", 2.0)):
        config[name] = record.number(name, default)
    return config, {}


@layer("CrossChannelNormalizationLayer", read=_read_cross_channel)
def cross_channel_normalization(site: Site) -> Module:
    """`nn.LocalResponseNorm`, or `ChannelWindowNorm` for windows of an even number of channels."""
    c = site.config
    size, alpha = c["WindowChannelSize"], c.get("Alpha", 1e-4)
    return Module(window_norm_text(size, c.get("K", 2.0), alpha / size, c.get("Beta", 0.75)))
