"""Faults of converters that misread a normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.keras_edit import KerasFault, assign


class EpsilonOfAnother(KerasFault):
    """Batch normalisation with another framework's default epsilon, 1e-5."""

    name = "planted-batchnorm-epsilon-default"
    layers = ("BatchNormalization",)

    def misread(self, layer: Any) -> None:
        layer.epsilon = 1e-5


class EpsilonOutside(KerasFault):
    """Batch normalisation that adds epsilon to the root instead of under it."""

    name = "planted-batchnorm-epsilon-outside"
    layers = ("BatchNormalization",)

    def misread(self, layer: Any) -> None:
        epsilon = layer.epsilon
        assign(layer.moving_variance, lambda v: (np.sqrt(v) + epsilon) ** 2 - epsilon)


class StatisticsExchanged(KerasFault):
    """Batch normalisation with mean and beta exchanged."""

    name = "planted-batchnorm-mean-beta-exchanged"
    layers = ("BatchNormalization",)

    def misread(self, layer: Any) -> None:
        if layer.center:
            mean, beta = np.asarray(layer.moving_mean), np.asarray(layer.beta)
            layer.moving_mean.assign(beta)
            layer.beta.assign(mean)


class AxisTakenForAnother(KerasFault):
    """Batch normalisation along the last axis instead of another axis of the same size."""

    name = "planted-batchnorm-axis"
    layers = ("BatchNormalization",)

    def misread(self, layer: Any) -> None:
        shape = layer.input.shape
        if shape[-1] == shape[layer.axis]:
            layer.axis = len(shape) - 1


class FoldedIntoPadded(KerasFault):
    """Batch normalisation folded into the convolution behind it, so that the zeros of its padding are shifted too."""

    name = "planted-batchnorm-folded"
    layers = ("Model", "Graph")

    def edit(self, model: Any) -> None:
        for conv in model._flatten_layers():
            if type(conv).__name__ in ("Conv1D", "Conv2D") and conv.padding == "same":
                before = getattr(conv.input, "_keras_history", (None,))[0]
                if type(before).__name__ == "BatchNormalization" and conv.groups == 1 and conv.use_bias:
                    self._fold(before, conv)

    def _fold(self, norm: Any, conv: Any) -> None:
        gamma = np.asarray(norm.gamma) if norm.scale else 1.0
        scale = gamma / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        shift = (np.asarray(norm.beta) if norm.center else 0.0) - np.asarray(norm.moving_mean) * scale
        kernel = np.asarray(conv.kernel)
        spatial = tuple(range(kernel.ndim - 2))
        assign(conv.bias, lambda b: b + (kernel.sum(axis=spatial) * shift[:, None]).sum(axis=0))
        assign(conv.kernel, lambda w: w * scale[:, None])
        norm.call = lambda inputs, **_: inputs


class GroupsDefault(KerasFault):
    """Group normalisation over one group fewer: all channels together."""

    name = "planted-groupnorm-groups"
    layers = ("GroupNormalization",)

    def misread(self, layer: Any) -> None:
        layer.groups = 1


class ChannelsDealt(KerasFault):
    """Root mean square of the values minus their mean, as layer normalisation computes it."""

    name = "planted-rms-centred"
    layers = ("RMSNormalization",)

    def misread(self, layer: Any) -> None:
        import keras

        call, axis = layer.call, layer.axis
        layer.call = lambda x: call(x - keras.ops.mean(x, axis=axis, keepdims=True))


class NormOverAll(KerasFault):
    """Unit normalisation over all axes but the batch."""

    name = "planted-unit-normalisation-axes"
    layers = ("UnitNormalization",)

    def misread(self, layer: Any) -> None:
        layer.axis = list(range(1, len(layer.input.shape)))


class VarianceForDeviation(KerasFault):
    """Normalization that divides by the variance instead of its root."""

    name = "planted-normalization-variance"
    layers = ("Normalization",)

    def misread(self, layer: Any) -> None:
        layer.variance = layer.variance**2


class InverseIgnored(KerasFault):
    """Normalization with `invert` that is not inverted."""

    name = "planted-normalization-invert-ignored"
    layers = ("Normalization",)

    def misread(self, layer: Any) -> None:
        layer.invert = False


class OverTheBatch(KerasFault):
    """Layer normalisation whose statistics are those of the whole batch."""

    name = "planted-layernorm-over-batch"
    layers = ("LayerNormalization", "GroupNormalization")

    def misread(self, layer: Any) -> None:
        import keras

        call = layer.call
        layer.call = lambda x: call(x - keras.ops.mean(x, axis=0, keepdims=True))
