"""Faults of convolutions: kernels, strides, pads and crops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from harness.planted.matlab_edit import MatlabFault, Weights, transposed
from harness.spec import Layer


class KernelTransposed(MatlabFault):
    """Height and width of square kernels exchanged."""

    name = "planted-matlab-kernel-transposed"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": transposed(weights["Weights"])}


class GroupedKernelTransposed(KernelTransposed):
    """Height and width of square kernels exchanged in a grouped convolution."""

    name = "planted-matlab-grouped-kernel-transposed"
    layers = ("GroupedConvolution2DLayer",)


class SpreadKernelTransposed(KernelTransposed):
    """Height and width of square kernels exchanged in a transposed convolution."""

    name = "planted-matlab-transposed-kernel-transposed"
    layers = ("TransposedConvolution2DLayer",)


class VolumeDepthFirst(MatlabFault):
    """Kernels of volumes read as depth x width x height where they are as deep as high."""

    name = "planted-matlab-volume-depth-first"
    layers = ("Convolution3DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": transposed(weights["Weights"], 0, 2)}


class KernelFlipped(MatlabFault):
    """Kernels flipped, as in the mathematical convolution."""

    name = "planted-matlab-kernel-flipped"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": np.flip(weights["Weights"], tuple(range(weights["Weights"].ndim - 2)))}


class SequenceKernelFlipped(KernelFlipped):
    """Kernels over time flipped."""

    name = "planted-matlab-sequence-kernel-flipped"
    layers = ("Convolution1DLayer",)


class SpreadKernelFlipped(KernelFlipped):
    """Kernels of a transposed convolution flipped."""

    name = "planted-matlab-transposed-kernel-flipped"
    layers = ("TransposedConvolution2DLayer",)


class ChannelsExchanged(MatlabFault):
    """Input channels and filters of a convolution exchanged where there are as many."""

    name = "planted-matlab-channels-exchanged"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": transposed(weights["Weights"], -1, -2)}


class SpreadChannelsExchanged(ChannelsExchanged):
    """A transposed convolution's bank read as H x W x C x F where both are as many."""

    name = "planted-matlab-transposed-channels-exchanged"
    layers = ("TransposedConvolution2DLayer",)


class PadsPermuted(MatlabFault):
    """Padding [top bottom left right] taken for [top left bottom right]."""

    name = "planted-matlab-pads-permuted"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if "PaddingSize" not in config:
            return {}
        top, bottom, left, right = config["PaddingSize"]
        return {"PaddingSize": [top, left, bottom, right]}


class VolumePadsByRow(MatlabFault):
    """Padding [top left front; bottom right back] read row by row, as pairs."""

    name = "planted-matlab-volume-pads-by-row"
    layers = ("Convolution3DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if "PaddingSize" not in config:
            return {}
        flat = np.ravel(config["PaddingSize"]).reshape(3, 2).T
        return {"PaddingSize": flat.tolist()}


class SameOddFirst(MatlabFault):
    """Padding `same` with the odd element before the image."""

    name = "planted-matlab-same-odd-first"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"(total // 2, total - total // 2)": "(total - total // 2, total // 2)"}


class SequenceSameOddFirst(SameOddFirst):
    """Padding `same` over time with the odd element first."""

    name = "planted-matlab-sequence-same-odd-first"
    layers = ("Convolution1DLayer",)


class SameIgnoresStride(MatlabFault):
    """Padding `same` of window - 1 elements in total, whatever the stride."""

    name = "planted-matlab-same-ignores-stride"
    layers = ("Convolution2DLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"(n - 1) // s * s + (k - 1) * d + 1 - n": "(k - 1) * d"}


class CausalTakenForSame(MatlabFault):
    """Padding `causal` split evenly between both sides."""

    name = "planted-matlab-causal-as-same"
    layers = ("Convolution1DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"PaddingMode": "same"} if config.get("PaddingMode") == "causal" else {}


class MirrorWithoutEdge(MatlabFault):
    """Borders mirrored with the edge mirrored without it."""

    name = "planted-matlab-mirror-without-edge"
    layers = ("Convolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        with_edge = config.get("PaddingValue") == "symmetric-include-edge"
        return {"PaddingValue": "symmetric-exclude-edge"} if with_edge else {}


class DilationIgnored(MatlabFault):
    """DilationFactor ignored."""

    name = "planted-matlab-dilation-ignored"
    layers = ("Convolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"DilationFactor": [1] * len(config["DilationFactor"])} if "DilationFactor" in config else {}


class DilationReversed(MatlabFault):
    """DilationFactor taken for [width height]."""

    name = "planted-matlab-dilation-reversed"
    layers = ("Convolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"DilationFactor": list(config["DilationFactor"])[::-1]} if "DilationFactor" in config else {}


class StrideReversed(MatlabFault):
    """Stride taken for [width height]."""

    name = "planted-matlab-stride-reversed"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Stride": list(config["Stride"])[::-1]} if "Stride" in config else {}


class GroupsInterleaved(MatlabFault):
    """Filters of a grouped convolution taken in turns from the groups."""

    name = "planted-matlab-groups-interleaved"
    layers = ("GroupedConvolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        bank = weights["Weights"]
        *sizes, filters, groups = bank.shape
        return {**weights, "Weights": bank.reshape(*sizes, groups, filters).swapaxes(-1, -2)}


class GroupedBiasByRow(MatlabFault):
    """The bias of a grouped convolution, filters x groups, read row by row."""

    name = "planted-matlab-grouped-bias-by-row"
    layers = ("GroupedConvolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        filters, groups = weights["Bias"].shape
        return {**weights, "Bias": weights["Bias"].reshape(groups, filters).T}


class CroppingSwapped(MatlabFault):
    """Cropping [top bottom left right] taken for [bottom top right left]."""

    name = "planted-matlab-cropping-swapped"
    layers = ("TransposedConvolution2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if "CroppingSize" not in config:
            return {}
        top, bottom, left, right = config["CroppingSize"]
        return {"CroppingSize": [bottom, top, right, left]}


class CroppingSameOddFirst(MatlabFault):
    """Cropping `same` with the odd element taken off first."""

    name = "planted-matlab-cropping-same-odd-first"
    layers = ("TransposedConvolution2DLayer", "TransposedConvolution1DLayer")
    swaps: ClassVar[Mapping[str, str]] = {"(t // 2, t - t // 2)": "(t - t // 2, t // 2)"}
