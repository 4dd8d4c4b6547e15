"""Faults of normalisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from harness.planted.matlab_edit import MatlabFault, Weights
from harness.spec import Layer


class VarianceTakenForDeviation(MatlabFault):
    """TrainedVariance taken for a deviation, and squared."""

    name = "planted-matlab-variance-as-deviation"
    layers = ("BatchNormalizationLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "TrainedVariance": np.square(weights["TrainedVariance"])}


class BatchEpsilon(MatlabFault):
    """Another framework's default epsilon in batch normalisation."""

    name = "planted-matlab-batch-epsilon"
    layers: ClassVar[tuple[str, ...]] = ("BatchNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Epsilon": 1e-3}


class LayerEpsilon(BatchEpsilon):
    """Another framework's default epsilon in layer normalisation."""

    name = "planted-matlab-layer-epsilon"
    layers = ("LayerNormalizationLayer",)


class GroupEpsilon(BatchEpsilon):
    """Another framework's default epsilon in group normalisation."""

    name = "planted-matlab-group-epsilon"
    layers = ("GroupNormalizationLayer",)


class InstanceEpsilon(BatchEpsilon):
    """Another framework's default epsilon in instance normalisation."""

    name = "planted-matlab-instance-epsilon"
    layers = ("InstanceNormalizationLayer",)


class ChannelsOnly(MatlabFault):
    """Layer normalisation over the channels only, whatever OperationDimension says."""

    name = "planted-matlab-layer-norm-channels-only"
    layers = ("LayerNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"OperationDimension": "channel-only"}


class GroupsTakenForOne(MatlabFault):
    """Group normalisation with all channels in one group."""

    name = "planted-matlab-group-norm-as-one"
    layers = ("GroupNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {} if config["NumGroups"] == "channel-wise" else {"NumGroups": "all-channels"}


class AlphaPerElement(MatlabFault):
    """Alpha of the normalisation across channels not divided by the window."""

    name = "planted-matlab-lrn-alpha"
    layers = ("CrossChannelNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Alpha": config.get("Alpha", 1e-4) * config["WindowChannelSize"]}


class WindowMirrored(MatlabFault):
    """Even windows across channels with their longer side before the channel."""

    name = "planted-matlab-lrn-window-mirrored"
    layers = ("CrossChannelNormalizationLayer",)
    swaps: ClassVar[Mapping[str, str]] = {
        "(self.size - 1) // 2, self.size // 2": "self.size // 2, (self.size - 1) // 2"
    }


class KappaOfPyTorch(MatlabFault):
    """Normalisation across channels with PyTorch's default K of 1."""

    name = "planted-matlab-lrn-k"
    layers = ("CrossChannelNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"K": 1.0}
