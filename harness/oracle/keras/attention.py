"""Attention layers: https://keras.io/api/layers/attention_layers/.

Masks are True where attention is allowed. The documentation demands one such position in each row and defines no
result for a row without any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import sigmoid, softmax
from harness.spec import Array, Config


def allowed(scores: Array, mask: Array | None) -> Array:
    """Scores with minus infinity where the mask, broadcast to their shape, is False."""
    return scores if mask is None else np.where(mask, scores, -np.inf)


def positions(queries: int, keys: int, *, causal: bool, window: int | None) -> Array | None:
    """Which of `keys` positions each of `queries` may attend to, as (queries, keys); None if all.

    With `causal` a query attends to no later position, with `window` only to positions at a smaller distance.
    """
    row, column = np.arange(queries)[:, None], np.arange(keys)[None, :]
    mask = None
    if causal:
        mask = row >= column
    if window is not None:
        near = np.abs(row - column) < window
        mask = near if mask is None else mask & near
    return mask


def merged(*masks: Array | None) -> Array | None:
    """The conjunction of the masks that are not None; None if all are."""
    present = [np.asarray(mask, dtype=bool) for mask in masks if mask is not None]
    return None if not present else np.logical_and.reduce(np.broadcast_arrays(*present))


def _weighed(
    scores: Array,
    value: Array,
    mask: tuple[Array, Array] | None,
    *,
    use_causal_mask: bool,
    return_attention_scores: bool,
) -> Array | tuple[Array, Array]:
    """Softmax of the scores (batch, queries, keys) times the values; zeros for masked queries."""
    order = positions(*scores.shape[-2:], causal=use_causal_mask, window=None)
    seen = merged(order, None if mask is None else np.asarray(mask[1])[:, None, :])
    shares = softmax(allowed(scores, seen))
    output = np.matmul(shares, value)
    if mask is not None:
        output = np.where(np.asarray(mask[0])[:, :, None], output, 0.0)
    return (output, shares) if return_attention_scores else output


@oracle("keras", "Attention")
def attention(
    config: Config,
    weights: Mapping[str, Array],
    query: Array,
    value: Array,
    key: Array | None = None,
    *,
    mask: tuple[Array, Array] | None = None,
    use_causal_mask: bool = False,
    return_attention_scores: bool = False,
) -> Array | tuple[Array, Array]:
    """Luong et al., 2015: `softmax(query @ key.T) @ value`, https://keras.io/api/layers/attention_layers/attention/.

    `score_mode="concat"` scores by `w * sum(tanh(scale * (query + key)))`; `use_scale` multiplies by a learned scalar.
    """
    key = value if key is None else key
    if config.get("score_mode", "dot") == "dot":
        scores = np.matmul(query, np.swapaxes(key, -2, -1))
        if "scale" in weights:
            scores = scores * weights["scale"]
    else:
        sums = query[:, :, None, :] + key[:, None, :, :]
        if "scale" in weights:
            sums = weights["scale"] * sums
        scores = weights["concat_score_weight"] * np.add.reduce(np.tanh(sums), axis=-1)
    return _weighed(
        scores,
        value,
        mask,
        use_causal_mask=use_causal_mask,
        return_attention_scores=return_attention_scores,
    )


@oracle("keras", "AdditiveAttention")
def additive_attention(
    config: Config,
    weights: Mapping[str, Array],
    query: Array,
    value: Array,
    key: Array | None = None,
    *,
    mask: tuple[Array, Array] | None = None,
    use_causal_mask: bool = False,
    return_attention_scores: bool = False,
) -> Array | tuple[Array, Array]:
    """Bahdanau et al., 2014: scores are `sum(scale * tanh(query + key))`, the scale a learned vector.

    https://keras.io/api/layers/attention_layers/additive_attention/
    """
    key = value if key is None else key
    sums = np.tanh(query[:, :, None, :] + key[:, None, :, :])
    scores = np.add.reduce(sums * weights["scale"] if "scale" in weights else sums, axis=-1)
    return _weighed(
        scores,
        value,
        mask,
        use_causal_mask=use_causal_mask,
        return_attention_scores=return_attention_scores,
    )


def projected(weights: Mapping[str, Array], name: str, x: Array) -> Array:
    """`x @ kernel + bias` of the projection `name`, from features to (heads, size)."""
    kernel = weights[f"{name}/kernel"]
    flat = np.matmul(x, kernel.reshape(kernel.shape[0], int(np.prod(kernel.shape[1:]))))
    y = flat.reshape(*x.shape[:-1], *kernel.shape[1:])
    return y + weights[f"{name}/bias"] if f"{name}/bias" in weights else y


def returned(weights: Mapping[str, Array], y: Array) -> Array:
    """The last projection, from (heads, size) to the output features."""
    kernel = weights["attention_output/kernel"]
    rows = kernel.shape[0] * kernel.shape[1]
    flat = np.matmul(y.reshape(*y.shape[:-2], rows), kernel.reshape(rows, int(np.prod(kernel.shape[2:]))))
    output = flat.reshape(*y.shape[:-2], *kernel.shape[2:])
    return output + weights["attention_output/bias"] if "attention_output/bias" in weights else output


def heads_first(x: Array, axes: Sequence[int]) -> Array:
    """(batch, positions..., heads, size) as (batch, other positions..., heads, attended positions, size).

    `axes` are the attended positions, which become one axis.
    """
    rank = x.ndim
    others = [k for k in range(1, rank - 2) if k not in axes]
    y = np.transpose(x, [0, *others, rank - 2, *axes, rank - 1])
    keep = 2 + len(others)
    return y.reshape(*y.shape[:keep], int(np.prod(y.shape[keep:-1])), y.shape[-1])


def _attended(query: Array, key: Array, value: Array, mask: Array | None, axes: Sequence[int]) -> tuple[Array, Array]:
    """Scaled dot-product attention of each head, and the softmax shares: Vaswani et al., 2017, section 3.2.1.

    The mask (batch, queries, keys) applies to every head.
    """
    q, k, v = (heads_first(x, axes) for x in (query / np.sqrt(float(query.shape[-1])), key, value))
    scores = np.matmul(q, np.swapaxes(k, -2, -1))
    if mask is not None:
        mask = mask.reshape(mask.shape[0], *(1,) * (scores.ndim - 3), *mask.shape[1:])
    shares = softmax(allowed(scores, mask))
    output = np.matmul(shares, v)
    others = [k for k in range(1, query.ndim - 2) if k not in axes]
    spread = output.reshape(*output.shape[:-2], *(query.shape[k] for k in axes), output.shape[-1])
    order = [0, *others, query.ndim - 2, *axes, query.ndim - 1]
    places = (*(query.shape[axis] for axis in axes), *(key.shape[axis] for axis in axes))
    return np.transpose(spread, np.argsort(order)), shares.reshape(*shares.shape[:-2], *places)


def _masks(
    config: Config,
    query: Array,
    value: Array,
    masks: Sequence[Array | None],
    *,
    causal: bool,
) -> Array | None:
    """The conjunction of `masks`, causality and window as (batch, queries, keys); None if nothing is masked.

    Masks without the axis of queries, (batch, keys), apply to every query.
    """
    sides = [mask if mask is None or np.ndim(mask) == 3 else np.asarray(mask)[:, None, :] for mask in masks]
    window = config.get("sliding_window")
    order = positions(query.shape[1], value.shape[1], causal=causal, window=window)
    return merged(*sides, None if order is None else order[None])


@oracle("keras", "MultiHeadAttention")
def multi_head_attention(
    config: Config,
    weights: Mapping[str, Array],
    query: Array,
    *,
    value: Array,
    key: Array | None = None,
    value_mask: Array | None = None,
    key_mask: Array | None = None,
    attention_mask: Array | None = None,
    use_causal_mask: bool = False,
    return_attention_scores: bool = False,
) -> Array | tuple[Array, Array]:
    """Vaswani et al., 2017: https://keras.io/api/layers/attention_layers/multi_head_attention/.

    Attention runs over `attention_axes`, by default all but batch and features. `use_gate` multiplies by the sigmoid
    of a further projection of the query.
    """
    mask = _masks(config, query, value, (value_mask, key_mask, attention_mask), causal=use_causal_mask)
    axes = config.get("attention_axes") or tuple(range(1, query.ndim - 1))
    axes = [axis % query.ndim for axis in ((axes,) if isinstance(axes, int) else axes)]
    q = projected(weights, "query", query)
    k = projected(weights, "key", value if key is None else key)
    v = projected(weights, "value", value)
    output, shares = _attended(q, k, v, mask, axes)
    if config.get("use_gate", False):
        output = output * sigmoid(projected(weights, "gate", query))
    output = returned(weights, output)
    return (output, shares) if return_attention_scores else output


@oracle("keras", "GroupQueryAttention")
def grouped_query_attention(
    config: Config,
    weights: Mapping[str, Array],
    query: Array,
    *,
    value: Array,
    key: Array | None = None,
    value_mask: Array | None = None,
    attention_mask: Array | None = None,
    use_causal_mask: bool = False,
    return_attention_scores: bool = False,
) -> Array | tuple[Array, Array]:
    """Ainslie et al., 2023: consecutive query heads share one key and value head.

    https://keras.io/api/layers/attention_layers/group_query_attention/
    """
    mask = _masks(config, query, value, (value_mask, attention_mask), causal=use_causal_mask)
    times = config["num_query_heads"] // config["num_key_value_heads"]
    q = projected(weights, "query", query)
    k = np.repeat(projected(weights, "key", value if key is None else key), times, axis=2)
    v = np.repeat(projected(weights, "value", value), times, axis=2)
    output, shares = _attended(q, k, v, mask, [1])
    if config.get("use_gate", False):
        output = output * sigmoid(projected(weights, "gate", query))
    output = returned(weights, output)
    return (output, shares) if return_attention_scores else output
