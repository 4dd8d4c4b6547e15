"""Faults of inputs, dense layers, embeddings, activations and joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from harness.planted.matlab_edit import MatlabFault, Weights, transposed
from harness.spec import Layer, Spec

ROW_MAJOR = {"x.permute(0, 1, *range(x.dim() - 1, 1, -1))": "x"}


class LinearRowMajor(MatlabFault):
    """Images flattened in PyTorch's order, not column by column, before a fully connected layer."""

    name = "planted-matlab-linear-row-major"
    layers = ("FullyConnectedLayer",)
    swaps: ClassVar[Mapping[str, str]] = ROW_MAJOR


class LinearTransposed(MatlabFault):
    """Square weights of a fully connected layer taken for inputs x outputs."""

    name = "planted-matlab-linear-transposed"
    layers = ("FullyConnectedLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": transposed(weights["Weights"])}


class FlattenRowMajor(MatlabFault):
    """Images flattened row by row."""

    name = "planted-matlab-flatten-row-major"
    layers = ("FlattenLayer",)
    swaps: ClassVar[Mapping[str, str]] = ROW_MAJOR


class ZeroCenterForgotten(MatlabFault):
    """The mean image not subtracted."""

    name = "planted-matlab-zerocenter-forgotten"
    layers = ("ImageInputLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Normalization": "none"} if config.get("Normalization") == "zerocenter" else {}


class StatisticsTransposed(MatlabFault):
    """Statistics per element with height and width exchanged where they are equal."""

    name = "planted-matlab-zscore-transposed"
    layers: ClassVar[tuple[str, ...]] = ("ImageInputLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        if layer.config.get("Normalization") != "zscore":
            return weights
        return {name: transposed(value) if value.ndim > 2 else value for name, value in weights.items()}


class VolumeStatisticsTransposed(StatisticsTransposed):
    """Statistics per element of a volume with height and width exchanged where they are equal."""

    name = "planted-matlab-volume-zscore-transposed"
    layers = ("Image3DInputLayer",)


class SymmetricTakenForZeroOne(MatlabFault):
    """`rescale-symmetric` done as `rescale-zero-one`."""

    name = "planted-matlab-rescale-zero-one"
    layers = ("ImageInputLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Normalization": "rescale-zero-one"} if config.get("Normalization") == "rescale-symmetric" else {}


class SoftmaxOverWidth(MatlabFault):
    """Softmax of images over their last axis."""

    name = "planted-matlab-softmax-over-width"
    layers = ("SoftmaxLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"nn.Softmax(1)": "nn.Softmax(-1)"}


class SoftmaxOverTime(MatlabFault):
    """Softmax of sequences over time."""

    name = "planted-matlab-softmax-over-time"
    layers = ("SoftmaxLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"nn.Softmax(2)": "nn.Softmax(1)"}


class SlopeDropped(MatlabFault):
    """A leaky relu with the default slope."""

    name = "planted-matlab-leaky-slope-dropped"
    layers = ("LeakyReLULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Scale": 0.01}


class EluAlphaDropped(MatlabFault):
    """An ELU with the default alpha."""

    name = "planted-matlab-elu-alpha-dropped"
    layers = ("ELULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Alpha": 1.0}


class CeilingOfSix(MatlabFault):
    """A clipped relu taken for relu6."""

    name = "planted-matlab-clipped-relu-of-six"
    layers = ("ClippedReLULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Ceiling": 6}


class GeluByTanh(MatlabFault):
    """GELU by its tanh approximation where the error function is meant."""

    name = "planted-matlab-gelu-tanh"
    layers = ("GELULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Approximation": "tanh"}


class SlopesReversed(MatlabFault):
    """The slopes of a PReLU in reverse order of the channels."""

    name = "planted-matlab-prelu-reversed"
    layers = ("PReLULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Alpha": weights["Alpha"][::-1]}


class PortsInOrderOfText(MatlabFault):
    """Ports of a concatenation sorted as text, `in10` before `in2`."""

    name = "planted-matlab-ports-as-text"
    layers = ("DepthConcatenationLayer",)

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        order = sorted(range(len(layer.inputs)), key=lambda k: f"in{k + 1}")
        return replace(layer, inputs=tuple(layer.inputs[k] for k in order))


class ConcatenationInOrderOfTable(MatlabFault):
    """A concatenation's inputs in the order in which their layers were stored, not of its ports."""

    name = "planted-matlab-concatenation-by-table"
    layers = ("Graph",)
    kinds = ("DepthConcatenationLayer", "ConcatenationLayer")

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        stored = [other.name for other in spec.layers]
        return replace(layer, inputs=tuple(sorted(layer.inputs, key=stored.index)))


class DimensionsExchanged(MatlabFault):
    """A concatenation along height computed along width, and vice versa."""

    name = "planted-matlab-concatenation-dimension"
    layers = ("ConcatenationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Dim": {1: 2, 2: 1}.get(config["Dim"], config["Dim"])}


class EmbeddingFromZero(MatlabFault):
    """Words counted from 0."""

    name = "planted-matlab-embedding-from-zero"
    layers = ("WordEmbeddingLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": np.roll(weights["Weights"], -1, axis=1)}


class UnknownWordFirst(MatlabFault):
    """Words out of range mapped to the first vector instead of the last."""

    name = "planted-matlab-embedding-unknown-first"
    layers = ("WordEmbeddingLayer",)
    swaps: ClassVar[Mapping[str, str]] = {
        "(index < 1) | (index >= last), last, index": "(index < 1) | (index >= last), 1, index"
    }
