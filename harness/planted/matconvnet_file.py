"""Faults of importers of MatConvNet files. They edit the network between reading it and building the module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.matconvnet2torch import MatConvNetToTorch, read_matconvnet
from harness.adapters.torch_artifact import save_module
from harness.spec import Array, Layer, Spec

Weights = dict[str, Array]


class MatFault:
    """The importer, with `edit` between reading and building."""

    source: ClassVar[str] = MatConvNetToTorch.source
    target: ClassVar[str] = MatConvNetToTorch.target
    requires: ClassVar[tuple[str, ...]] = MatConvNetToTorch.requires
    worker: ClassVar[str] = MatConvNetToTorch.worker
    wraps: ClassVar[str] = MatConvNetToTorch.name

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.torch.source import program
        from harness.matlab.torch.text import build

        network = read_matconvnet(artifact)
        layers = tuple(
            replace(layer, config={**layer.config, **self.edit(layer)}, inputs=self.edit_inputs(layer, network.spec))
            for layer in network.spec.layers
        )
        spec = Spec(network.spec.dialect, network.spec.inputs, layers, network.spec.outputs)
        return save_module(build(program(spec, self.edit_network(spec, dict(network.weights)))), out)

    def edit(self, layer: Layer) -> dict[str, Any]:
        """The configuration that replaces the layer's."""
        return {}

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        """The tensors that the layer reads, with the fault."""
        return layer.inputs

    def edit_network(self, spec: Spec, weights: Weights) -> Weights:
        """The weights of a network, with the fault."""
        return self.edit_weights(weights)

    def edit_weights(self, weights: Weights) -> Weights:
        """The weights, with a fault that needs only their names."""
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
    """A leaky relu without its slope."""

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
        stored = [*(item.name for item in spec.inputs), *(other.name for other in spec.layers)]
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
    """Images cropped at the bottom and at the right only."""

    name = "planted-mat-crop-ignored"
    layers = ("crop",)

    def edit(self, layer: Layer) -> dict[str, Any]:
        return {"crop": [0, 0]} if layer.kind == "crop" else {}


class ScaleBiasDropped(MatFault):
    """A scale without its bias."""

    name = "planted-mat-scale-bias-dropped"
    layers = ("scale",)

    def edit_weights(self, weights: Weights) -> Weights:
        return {name: value for name, value in weights.items() if not name.endswith("/biases")}


class SumOfTwo(MatFault):
    """A sum of the first two inputs only."""

    name = "planted-mat-sum-of-two"
    layers = ("sum",)

    def edit_inputs(self, layer: Layer, spec: Spec) -> tuple[str, ...]:
        return layer.inputs[:2] if layer.kind == "sum" else layer.inputs


class CellsExchanged(MatFault):
    """The first two cells of bnorm's weights, multipliers and biases, taken in the other order."""

    name = "planted-mat-cells-exchanged"
    layers = ("bnorm",)

    def edit_weights(self, weights: Weights) -> Weights:
        other = {"multipliers": "biases", "biases": "multipliers"}
        owners = {name.rpartition("/")[0] for name in weights if name.endswith("/moments")}
        return {
            name: weights[f"{owner}/{other[last]}"] if owner in owners and last in other else value
            for name, value in weights.items()
            for owner, _, last in [name.rpartition("/")]
        }


class SingletonSqueezed(MatFault):
    """Filters of one channel that lose the channel axis, so that their number is read as the number of channels."""

    name = "planted-mat-singleton-squeezed"
    layers = ("conv", "convt")

    def edit_weights(self, weights: Weights) -> Weights:
        return {
            name: value.swapaxes(2, 3) if name.endswith("/filters") and value.shape[2] == 1 else value
            for name, value in weights.items()
        }


class FoldedIntoPadded(MatFault):
    """bnorm folded into the convolution behind it, so that the zeros of its padding are shifted too."""

    name = "planted-mat-bnorm-folded"
    layers = ("SimpleNN",)

    def edit_network(self, spec: Spec, weights: Weights) -> Weights:
        norms = {layer.name for layer in spec.layers if layer.kind == "bnorm"}
        for layer in spec.layers:
            if layer.kind == "conv" and layer.inputs[0] in norms:
                weights |= self._folded(layer.inputs[0], layer.name, weights)
        return weights

    def _folded(self, norm: str, conv: str, weights: Weights) -> Weights:
        filters = weights[f"{conv}/filters"]
        mean, sigma = weights[f"{norm}/moments"].T
        scale = weights[f"{norm}/multipliers"].ravel() / sigma
        shift = weights[f"{norm}/biases"].ravel() - mean * scale
        scales, shifts = (_per_filter(value, filters) for value in (scale, shift))
        bias = weights.get(f"{conv}/biases", np.zeros(filters.shape[3], filters.dtype))
        return {
            f"{conv}/filters": filters * scales,
            f"{conv}/biases": bias + (filters * shifts).sum(axis=(0, 1, 2)).reshape(bias.shape),
            **_identity(norm, scale),
        }


def _per_filter(value: Array, filters: Array) -> Array:
    """A value per channel, laid out as the channels that each filter of its group reads."""
    groups = value.reshape(-1, filters.shape[2])
    return np.repeat(groups, filters.shape[3] // len(groups), axis=0).T


def _identity(name: str, like: Array) -> Weights:
    """Weights of a bnorm that changes nothing."""
    one, zero = np.ones_like(like), np.zeros_like(like)
    moments = np.stack([zero, one], axis=1)
    return {f"{name}/multipliers": one, f"{name}/biases": zero, f"{name}/moments": moments}
