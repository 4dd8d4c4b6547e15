"""Faults of importers of MATLAB's networks, made by editing what was read before the module is built, or the program.

Weights are MATLAB's own where they are edited: kernels H x W x C x F, gates one below the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.hops.matlab2torch import MatlabToTorch
from harness.oracle import part
from harness.spec import Array, Layer, Spec
from harness.torch_artifact import Argument, save_module

Weights = dict[str, Array]


class MatlabFault:
    """The importer, with an edit between reading and building. `name` and `layers` are the fault's own."""

    source: ClassVar[str] = MatlabToTorch.source
    target: ClassVar[str] = MatlabToTorch.target
    requires: ClassVar[tuple[str, ...]] = MatlabToTorch.requires
    worker: ClassVar[str] = MatlabToTorch.worker
    wraps: ClassVar[str] = MatlabToTorch.name
    name: ClassVar[str]
    layers: ClassVar[tuple[str, ...]]
    kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds to edit, where they are not `layers`: those of a graph."""
    swaps: ClassVar[Mapping[str, str]] = {}
    """Text of the program, and what stands in its place."""

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.network import read_network
        from harness.matlab.torch_source import build, program

        network = read_network(artifact)
        layers: list[Layer] = []
        weights: Weights = {}
        for layer in network.spec.layers:
            own = dict(part(network.weights, layer.owner))
            edited = layer.kind in (self.kinds or self.layers)
            own = self.edit_weights(own, layer) if edited else own
            layers.append(self.edit(layer, network.spec) if edited else layer)
            weights |= {f"{layer.owner}/{name}": value for name, value in own.items()}
        spec = Spec(network.spec.dialect, network.spec.inputs, tuple(layers), network.spec.outputs)
        made = program(spec, weights)
        text = made.source
        for right, wrong in self.swaps.items():
            text = text.replace(right, wrong)
        signature = [Argument(item.name, (None, *item.shape), item.dtype) for item in spec.inputs]
        return save_module(build(replace(made, source=text)), out, signature)

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        """The layer, with the fault."""
        return replace(layer, config={**layer.config, **self.options(layer.config)})

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Configuration to put in place of the layer's own."""
        return {}

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        """The layer's weights, with the fault."""
        return weights


def _transposed(value: Array, a: int = 0, b: int = 1) -> Array:
    """Two axes exchanged where they are of one size, so that shapes stay as they are."""
    return value.swapaxes(a, b) if value.shape[a] == value.shape[b] else value


def _rows_exchanged(value: Array, gates: int, a: int, b: int) -> Array:
    """Two gates exchanged; further blocks (a second direction, a second bias) alike."""
    blocks = np.split(value, gates)
    blocks[a], blocks[b] = blocks[b], blocks[a]
    return np.concatenate(blocks)


# --- dense -------------------------------------------------------------------------------------------------------

ROW_MAJOR = {"x.permute(0, 1, *range(x.dim() - 1, 1, -1))": "x"}


class LinearRowMajor(MatlabFault):
    """Images flattened as PyTorch holds them before a fully connected layer, not column by column."""

    name = "planted-matlab-linear-row-major"
    layers = ("FullyConnectedLayer",)
    swaps: ClassVar[Mapping[str, str]] = ROW_MAJOR


class LinearTransposed(MatlabFault):
    """Square weights of a fully connected layer taken for inputs x outputs."""

    name = "planted-matlab-linear-transposed"
    layers = ("FullyConnectedLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": _transposed(weights["Weights"])}


class FlattenRowMajor(MatlabFault):
    """Images flattened row by row."""

    name = "planted-matlab-flatten-row-major"
    layers = ("FlattenLayer",)
    swaps: ClassVar[Mapping[str, str]] = ROW_MAJOR


# --- convolutions ------------------------------------------------------------------------------------------------


class KernelTransposed(MatlabFault):
    """Height and width of square kernels exchanged."""

    name = "planted-matlab-kernel-transposed"
    layers: ClassVar[tuple[str, ...]] = ("Convolution2DLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": _transposed(weights["Weights"])}


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
        return {**weights, "Weights": _transposed(weights["Weights"], 0, 2)}


class KernelFlipped(MatlabFault):
    """Kernels flipped, as a convolution in mathematics wants them."""

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
        return {**weights, "Weights": _transposed(weights["Weights"], -1, -2)}


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


class PoolPadsPermuted(PadsPermuted):
    """Padding [top bottom left right] of a pooling taken for [top left bottom right]."""

    name = "planted-matlab-pool-pads-permuted"
    layers = ("MaxPooling2DLayer", "AveragePooling2DLayer")


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


class PoolSameOddFirst(SameOddFirst):
    """Padding `same` of a pooling with the odd element first."""

    name = "planted-matlab-pool-same-odd-first"
    layers = ("MaxPooling2DLayer",)


class SameIgnoresStride(MatlabFault):
    """Padding `same` of window - 1 in all, whatever the stride."""

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
    """DilationFactor left at 1."""

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


# --- pooling -----------------------------------------------------------------------------------------------------


class PaddingNotCounted(MatlabFault):
    """Average pooling over the pixels of the image alone, where padding counts as zeros."""

    name = "planted-matlab-padding-not-counted"
    layers = ("AveragePooling2DLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"PaddingValue": "mean"}


class PaddingCounted(MatlabFault):
    """Average pooling whose padding counts as zeros, where PaddingValue is `mean`."""

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
    """Global max pooling done as a mean."""

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


# --- normalisation -----------------------------------------------------------------------------------------------


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
    """Layer normalisation over the channels alone, whatever OperationDimension says."""

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
    """K of the normalisation across channels left at PyTorch's default of 1."""

    name = "planted-matlab-lrn-k"
    layers = ("CrossChannelNormalizationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"K": 1.0}


# --- recurrent ---------------------------------------------------------------------------------------------------

GATED = ("InputWeights", "RecurrentWeights", "Bias")


class ResetAndUpdateExchanged(MatlabFault):
    """GRU gates read as update, reset, candidate."""

    name = "planted-matlab-gru-gates"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        units = weights["RecurrentWeights"].shape[0] // 3
        return {
            name: np.concatenate([_rows_exchanged(b, 3, 0, 1) for b in np.split(value, len(value) // (3 * units))])
            if name in GATED
            else value
            for name, value in weights.items()
        }


class ResetTooEarly(MatlabFault):
    """The reset gate put before the multiplication where it comes after."""

    name = "planted-matlab-gru-reset-before"
    layers = ("GRULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"ResetGateMode": "before-multiplication"}


class ResetTooLate(MatlabFault):
    """The reset gate put after the multiplication where it comes before, as PyTorch has it."""

    name = "planted-matlab-gru-reset-after"
    layers = ("GRULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        before = config.get("ResetGateMode") == "before-multiplication"
        return {"ResetGateMode": "after-multiplication"} if before else {}


class RecurrentBiasDropped(MatlabFault):
    """The second of a GRU's two biases left out."""

    name = "planted-matlab-gru-recurrent-bias-dropped"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        rows = weights["RecurrentWeights"].shape[0]
        return {**weights, "Bias": weights["Bias"][:rows]}


class RecurrentBiasAdded(MatlabFault):
    """A GRU's two biases added up, as though neither were within the reset."""

    name = "planted-matlab-gru-biases-added"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        rows, bias = weights["RecurrentWeights"].shape[0], weights["Bias"]
        return {**weights, "Bias": bias[:rows] + bias[rows:] if bias.size > rows else bias}


class ForgetAndCellExchanged(MatlabFault):
    """LSTM gates read as input, candidate, forget, output."""

    name = "planted-matlab-lstm-gates-forget-cell"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: _rows_exchanged(value, 4, 1, 2) if n in GATED else value for n, value in weights.items()}


class OutputAndCellExchanged(MatlabFault):
    """LSTM gates read as input, forget, output, candidate."""

    name = "planted-matlab-lstm-gates-output-cell"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: _rows_exchanged(value, 4, 2, 3) if n in GATED else value for n, value in weights.items()}


class HardSigmoidOfPyTorch(MatlabFault):
    """Hard-sigmoid gates with PyTorch's slope of 1/6."""

    name = "planted-matlab-lstm-hard-sigmoid"
    layers = ("LSTMLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"torch.clamp(0.2 * x + 0.5, 0.0, 1.0)": "F.hardsigmoid(x)"}


class LastOfBothTakenAtTheEnd(MatlabFault):
    """The last output of a BiLSTM taken at the last step, where its backward half has seen one step."""

    name = "planted-matlab-bilstm-last"
    layers = ("BiLSTMLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"return torch.cat(tuple(hidden), 1)": "return y[:, -1]"}


class DirectionsExchanged(MatlabFault):
    """Rows of a BiLSTM read backward direction first."""

    name = "planted-matlab-bilstm-directions"
    layers = ("BiLSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: _rows_exchanged(value, 2, 0, 1) if n in GATED else value for n, value in weights.items()}


class DirectionsTakenInTurns(MatlabFault):
    """Rows of a BiLSTM read gate by gate, both directions of each."""

    name = "planted-matlab-bilstm-gates-in-turns"
    layers = ("BiLSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        def in_turns(value: Array) -> Array:
            blocks = np.split(value, 8)
            return np.concatenate([blocks[k] for k in (0, 2, 4, 6, 1, 3, 5, 7)])

        return {n: in_turns(value) if n in GATED else value for n, value in weights.items()}


class StateNotInitialised(MatlabFault):
    """Stored states left out: the network starts at zero."""

    name = "planted-matlab-state-not-initialised"
    layers: ClassVar[tuple[str, ...]] = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {name: value for name, value in weights.items() if not name.endswith("State")}


class GruStateNotInitialised(StateNotInitialised):
    """A GRU's stored state left out: the network starts at zero."""

    name = "planted-matlab-gru-state-not-initialised"
    layers = ("GRULayer",)


class StatesExchanged(MatlabFault):
    """Hidden state and cell state exchanged."""

    name = "planted-matlab-states-exchanged"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        other = {"HiddenState": "CellState", "CellState": "HiddenState"}
        return {other.get(name, name): value for name, value in weights.items()}


class ProjectorTransposed(MatlabFault):
    """A square projector of a projected LSTM transposed."""

    name = "planted-matlab-projector-transposed"
    layers = ("LSTMProjectedLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {name: _transposed(value) if name.endswith("Projector") else value for name, value in weights.items()}


class HeadsInTurns(MatlabFault):
    """Heads of self-attention taken in turns from the queries' rows."""

    name = "planted-matlab-attention-heads-in-turns"
    layers = ("SelfAttentionLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        heads = layer.config["NumHeads"]

        def in_turns(value: Array) -> Array:
            return value.reshape(-1, heads, *value.shape[1:]).swapaxes(0, 1).reshape(value.shape)

        turned = ("QueryWeights", "QueryBias", "KeyWeights", "KeyBias")
        return {name: in_turns(value) if name in turned else value for name, value in weights.items()}


class MaskIgnored(MatlabFault):
    """The causal mask of self-attention left out."""

    name = "planted-matlab-attention-mask-ignored"
    layers = ("SelfAttentionLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"AttentionMask": "none"}


# --- inputs ------------------------------------------------------------------------------------------------------


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
        return {name: _transposed(value) if value.ndim > 2 else value for name, value in weights.items()}


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


# --- activations -------------------------------------------------------------------------------------------------


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
    """The slope of a leaky relu left at its default."""

    name = "planted-matlab-leaky-slope-dropped"
    layers = ("LeakyReLULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Scale": 0.01}


class EluAlphaDropped(MatlabFault):
    """Alpha of an ELU left at its default."""

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


# --- merges and moves --------------------------------------------------------------------------------------------


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
        stored = [found.name for found in spec.layers]
        return replace(layer, inputs=tuple(sorted(layer.inputs, key=stored.index)))


class DimensionsExchanged(MatlabFault):
    """A concatenation along height done along width, and the other way round."""

    name = "planted-matlab-concatenation-dimension"
    layers = ("ConcatenationLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"Dim": {1: 2, 2: 1}.get(config["Dim"], config["Dim"])}


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
    """Resizing by `round` that rounds halves down, as ONNX's own rounding does."""

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


class EmbeddingFromZero(MatlabFault):
    """Words counted from 0."""

    name = "planted-matlab-embedding-from-zero"
    layers = ("WordEmbeddingLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "Weights": np.roll(weights["Weights"], -1, axis=1)}


class UnknownWordFirst(MatlabFault):
    """Words out of range given the first vector, not the last."""

    name = "planted-matlab-embedding-unknown-first"
    layers = ("WordEmbeddingLayer",)
    swaps: ClassVar[Mapping[str, str]] = {
        "(index < 1) | (index >= last), last, index": "(index < 1) | (index >= last), 1, index"
    }


# --- shallow networks --------------------------------------------------------------------------------------------


class ReverseForgotten(MatlabFault):
    """Outputs of a shallow network left as mapminmax made them."""

    name = "planted-matlab-mapminmax-reverse-forgotten"
    layers = ("mapminmax_reverse",)

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        return replace(layer, kind="DropoutLayer", config={})


class OffsetForgotten(MatlabFault):
    """ymin of mapminmax taken for 0."""

    name = "planted-matlab-mapminmax-offset"
    layers = ("mapminmax",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": 0}


class DeviationTakenForGain(MatlabFault):
    """gain of mapstd divided by, as though it were the deviation."""

    name = "planted-matlab-mapstd-gain"
    layers = ("mapstd",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "gain": 1 / weights["gain"]}


class RowsFromZero(MatlabFault):
    """Rows to keep counted from 0, the one too many taken for the first."""

    name = "planted-matlab-rows-from-zero"
    layers = ("removeconstantrows",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        count = len(config["keep"]) + len(config["remove"])
        return {"keep": [n % count + 1 for n in config["keep"]]}


class ConstantsLast(MatlabFault):
    """Constant rows put behind the others, not back at their places."""

    name = "planted-matlab-constant-rows-last"
    layers = ("removeconstantrows_reverse",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        kept, count = len(config["keep"]), len(config["keep"]) + len(config["remove"])
        return {"keep": list(range(1, kept + 1)), "remove": list(range(kept + 1, count + 1))}


class SaturationExchanged(MatlabFault):
    """satlin done as satlins, down to -1."""

    name = "planted-matlab-satlin-as-satlins"
    layers = ("satlin",)
    swaps: ClassVar[Mapping[str, str]] = {"nn.Hardtanh(0.0, 1.0)": "nn.Hardtanh()"}
