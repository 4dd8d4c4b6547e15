"""Faults of pooling, cropping and resizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from harness.planted.matlab_convolution import PadsPermuted, SameOddFirst, StrideReversed
from harness.planted.matlab_edit import MatlabFault


class PoolPadsPermuted(PadsPermuted):
    """Padding [top bottom left right] of a pooling taken for [top left bottom right]."""

    name = "planted-matlab-pool-pads-permuted"
    layers = ("MaxPooling2DLayer", "AveragePooling2DLayer")


class PoolSameOddFirst(SameOddFirst):
    """Padding `same` of a pooling with the odd element first."""

    name = "planted-matlab-pool-same-odd-first"
    layers = ("MaxPooling2DLayer",)


class PoolStrideReversed(StrideReversed):
    """Stride of a pooling taken for [width height]."""

    name = "planted-matlab-pool-stride-reversed"
    layers = ("MaxPooling2DLayer",)


class WindowReversed(MatlabFault):
    """PoolSize taken for [width height]."""

    name = "planted-matlab-pool-window-reversed"
    layers = ("AveragePooling2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"PoolSize": list(config["PoolSize"])[::-1]}


class PaddingNotCounted(MatlabFault):
    """Average pooling that ignores its padding, which should count as zeros."""

    name = "planted-matlab-padding-not-counted"
    layers = ("AveragePooling2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"PaddingValue": "mean"}


class PaddingCounted(MatlabFault):
    """Average pooling that counts its padding as zeros although PaddingValue is `mean`."""

    name = "planted-matlab-padding-counted"
    layers = ("AveragePooling2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"PaddingValue": 0}


class PaddingOfZeros(MatlabFault):
    """Max pooling whose padding is zeros, which win over negative pixels."""

    name = "planted-matlab-max-padding-of-zeros"
    layers = ("MaxPooling2DLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"-torch.inf": "0.0"}


class GlobalMaxTakenForMean(MatlabFault):
    """Global max pooling replaced by a mean."""

    name = "planted-matlab-global-max-as-mean"
    layers = ("GlobalMaxPooling2DLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"GlobalPool('max')": "GlobalPool('average')"}


class UnpoolTransposed(MatlabFault):
    """Places of an unpooling taken for column by column."""

    name = "planted-matlab-unpool-transposed"
    layers = ("MaxUnpooling2DLayer",)
    swaps: ClassVar[Mapping[str, str]] = {
        ".reshape(samples, channels, height, width)": ".reshape(samples, channels, width, height).mT"
    }


class DepthOrderExchanged(MatlabFault):
    """DepthToSpace with `dcr` and `crd` exchanged."""

    name = "planted-matlab-depth-to-space-order"
    layers = ("DepthToSpace2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Mode": "dcr" if config.get("Mode") == "crd" else "crd"}


class BlockReversed(MatlabFault):
    """BlockSize taken for [width height]."""

    name = "planted-matlab-depth-to-space-block"
    layers = ("DepthToSpace2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"BlockSize": list(config["BlockSize"])[::-1]}


class TransformExchanged(MatlabFault):
    """Resizing with `half-pixel` and `asymmetric` exchanged."""

    name = "planted-matlab-resize-transform"
    layers = ("Resize2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        half = config.get("GeometricTransformMode", "half-pixel") == "half-pixel"
        return {"GeometricTransformMode": "asymmetric" if half else "half-pixel"}


class RoundingIgnored(MatlabFault):
    """Resizing that rounds down, whatever NearestRoundingMode says."""

    name = "planted-matlab-resize-rounding"
    layers = ("Resize2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"NearestRoundingMode": "floor"}


class TiesRoundedDown(MatlabFault):
    """Resizing by `round` that rounds halves down, as ONNX rounds."""

    name = "planted-matlab-resize-ties"
    layers = ("Resize2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"NearestRoundingMode": "onnx-10"} if config.get("NearestRoundingMode") == "round" else {}


class LocationReversed(MatlabFault):
    """Location [x y] of a crop taken for [row column]."""

    name = "planted-matlab-crop-location"
    layers = ("Crop2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Location": list(config["Location"])[::-1]} if "Location" in config else {}


class LocationFromZero(MatlabFault):
    """Location of a crop counted from 0."""

    name = "planted-matlab-crop-from-zero"
    layers = ("Crop2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Location": [n + 1 for n in config["Location"]]} if "Location" in config else {}
