"""Faults of converters that misread an attention layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.keras_edit import KerasFault, assign
from harness.spec import Array

HEADED = ("MultiHeadAttention",)


class ScaleDropped(KerasFault):
    """Scores not divided by the root of the key's size."""

    name = "planted-attention-scale-dropped"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        layer._inverse_sqrt_key_dim = 1.0


class ScaleByValueSize(KerasFault):
    """Scores divided by the root of the value's size instead of the key's."""

    name = "planted-attention-scale-by-value"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        layer._inverse_sqrt_key_dim = 1.0 / layer._value_dim**0.5


class HeadsInterleaved(KerasFault):
    """Query split into heads along the wrong axis: (size, heads) instead of (heads, size)."""

    name = "planted-attention-heads-interleaved"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        assign(layer._query_dense.kernel, _interleaved)


class HeadsJoinedInterleaved(KerasFault):
    """Heads joined in the wrong order of axes before the last projection."""

    name = "planted-attention-heads-joined"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        assign(layer._output_dense.kernel, lambda w: w.reshape(w.shape[1], w.shape[0], -1).swapaxes(0, 1))


class ProjectionsExchanged(KerasFault):
    """Projections of query and key exchanged where they have one shape."""

    name = "planted-attention-projections-exchanged"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        query, key = layer._query_dense.get_weights(), layer._key_dense.get_weights()
        if all(one.shape == two.shape for one, two in zip(query, key, strict=True)):
            layer._query_dense.set_weights(key)
            layer._key_dense.set_weights(query)


class MaskIgnored(KerasFault):
    """Attention that ignores every mask."""

    name = "planted-attention-mask-ignored"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        layer._compute_attention_mask = lambda *_, **__: None


class MaskInverted(KerasFault):
    """Attention with its mask inverted."""

    name = "planted-attention-mask-inverted"
    layers = HEADED

    def misread(self, layer: Any) -> None:
        import keras

        real = layer._compute_attention_mask

        def inverted(*arguments: Any, **rest: Any) -> Any:
            mask = real(*arguments, **rest)
            return None if mask is None else keras.ops.logical_not(mask)

        layer._compute_attention_mask = inverted


class GroupsInterleaved(KerasFault):
    """Query heads of grouped attention numbered by place in the group, then by group."""

    name = "planted-grouped-attention-order"
    layers = ("GroupQueryAttention",)

    def misread(self, layer: Any) -> None:
        groups = layer.num_key_value_heads
        for variable in (layer._query_dense.kernel, layer._query_dense.bias):
            assign(variable, lambda w: _regrouped(w, groups))


class LearnedScaleDropped(KerasFault):
    """Attention without its learned scale."""

    name = "planted-attention-learned-scale"
    layers = ("Attention", "AdditiveAttention")

    def misread(self, layer: Any) -> None:
        assign(layer.scale, np.ones_like)


class ScoreModeIgnored(KerasFault):
    """Attention with the score `concat` computed as a product."""

    name = "planted-attention-score-mode"
    layers = ("Attention",)

    def misread(self, layer: Any) -> None:
        layer.score_mode = "dot"


def _interleaved(w: Array) -> Array:
    return w.reshape(w.shape[0], w.shape[2], w.shape[1]).swapaxes(1, 2)


def _regrouped(w: Array, groups: int) -> Array:
    """The head axis, last but one, from (groups, each) to (each, groups)."""
    *before, heads, size = w.shape
    return w.reshape(*before, groups, heads // groups, size).swapaxes(-3, -2)
