"""Faults of importers of MatConvNet files, made by editing what was read before the module is built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.hops.matconvnet2torch import MatConvNetToTorch, read_matconvnet
from harness.spec import Array, Layer, Spec
from harness.torch_artifact import save_module

Weights = dict[str, Array]


class MatFault:
    """The importer, with `edit` between reading and building."""

    source: ClassVar[str] = MatConvNetToTorch.source
    target: ClassVar[str] = MatConvNetToTorch.target
    requires: ClassVar[tuple[str, ...]] = MatConvNetToTorch.requires
    worker: ClassVar[str] = MatConvNetToTorch.worker
    wraps: ClassVar[str] = MatConvNetToTorch.name

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.torch_source import build, program

        network = read_matconvnet(artifact)
        layers = tuple(
            replace(layer, config={**layer.config, **self.edit(layer)}, inputs=self.edit_inputs(layer, network.spec))
            for layer in network.spec.layers
        )
        spec = Spec(network.spec.dialect, network.spec.inputs, layers, network.spec.outputs)
        return save_module(build(program(spec, self.edit_weights(dict(network.weights)))), out)

    def edit(self, layer: Layer) -> dict[str, Any]:
        """Configuration to put in place of the layer's own."""
        return {}

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        """The tensors that the layer reads, with the fault."""
        return layer.inputs

    def edit_weights(self, weights: Weights) -> Weights:
        """The weights, with the fault."""
        return weights


class FiltersTransposed(MatFault):
    """Square filters read row by row: height and width exchanged."""

    name = "planted-mat-row-major"
    layers = ("conv", "convt")

    def edit_weights(self, weights: Weights) -> Weights:
        return {
            name: value.swapaxes(0, 1) if name.endswith("/filters") and value.shape[0] == value.shape[1] else value
            for name, value in weights.items()
        }


class PadsPermuted(MatFault):
    """Pads [top bottom left right] taken for [top left bottom right]."""

    name = "planted-mat-pads-permuted"
    layers = ("conv", "pool")

    def edit(self, layer: Layer) -> dict[str, Any]:
        if "pad" not in layer.config:
            return {}
        top, bottom, left, right = layer.config["pad"]
        return {"pad": [top, left, bottom, right]}


class LeakDropped(MatFault):
    """The slope of a leaky relu left out."""

    name = "planted-mat-leak-dropped"
    layers = ("relu",)

    def edit(self, layer: Layer) -> dict[str, Any]:
        return {"leak": 0.0} if "leak" in layer.config else {}


class SigmaTakenForVariance(MatFault):
    """bnorm's stored deviation taken for a variance."""

    name = "planted-mat-sigma-as-variance"
    layers = ("bnorm",)

    def edit_weights(self, weights: Weights) -> Weights:
        return {
            name: np.stack([value[:, 0], np.sqrt(value[:, 1] + 1e-5)], axis=1).astype(value.dtype)
            if name.endswith("/moments")
            else value
            for name, value in weights.items()
        }


class AlphaPerWindow(MatFault):
    """lrn's alpha, which is per element, divided by the window."""

    name = "planted-mat-lrn-alpha"
    layers = ("lrn",)

    def edit(self, layer: Layer) -> dict[str, Any]:
        if layer.kind != "lrn":
            return {}
        size, kappa, alpha, beta = layer.config["param"]
        return {"param": [size, kappa, alpha / size, beta]}


class ConcatByTable(MatFault):
    """Inputs of a concatenation in the order in which their layers are stored."""

    name = "planted-mat-concat-by-table"
    layers = ("DagNN",)

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        stored = [*(item.name for item in spec.inputs), *(found.name for found in spec.layers)]
        return tuple(sorted(layer.inputs, key=stored.index)) if layer.kind == "concat" else layer.inputs


class ConcatInOrderOfText(MatFault):
    """Inputs of a concatenation sorted by name."""

    name = "planted-mat-concat-sorted"
    layers = ("concat",)

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        return tuple(sorted(layer.inputs)) if layer.kind == "concat" else layer.inputs


class CropReversed(MatFault):
    """crop [top left] taken for [left top]."""

    name = "planted-mat-crop-reversed"
    layers = ("crop",)

    def edit(self, layer: Layer) -> dict[str, Any]:
        return {"crop": list(layer.config["crop"])[::-1]} if layer.kind == "crop" else {}


class CropIgnored(MatFault):
    """Images cropped at their bottom and right alone."""

    name = "planted-mat-crop-ignored"
    layers = ("crop",)

    def edit(self, layer: Layer) -> dict[str, Any]:
        return {"crop": [0, 0]} if layer.kind == "crop" else {}


class ScaleBiasDropped(MatFault):
    """The bias of a scale left out."""

    name = "planted-mat-scale-bias-dropped"
    layers = ("scale",)

    def edit_weights(self, weights: Weights) -> Weights:
        return {name: value for name, value in weights.items() if not name.endswith("/biases")}


class SumOfTwo(MatFault):
    """A sum that adds its first two inputs alone."""

    name = "planted-mat-sum-of-two"
    layers = ("sum",)

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        return layer.inputs[:2] if layer.kind == "sum" else layer.inputs
