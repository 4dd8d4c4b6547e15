"""Dense, EinsumDense, Embedding, ReversibleEmbedding and Masking: https://keras.io/api/layers/core_layers/."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.spec import Array, Config


@oracle("keras", "Dense")
def dense(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(x @ kernel + bias)` over the last axis, for every rank.

    https://keras.io/api/layers/core_layers/dense/
    """
    y = np.matmul(x, adapted(config, weights, "kernel"))
    if "bias" in weights:
        y = y + weights["bias"]
    return activate(config.get("activation"), y)


@oracle("keras", "Embedding")
def embedding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Row x of the table. With `mask_zero` id 0 is masked for later layers, but looked up as any other.

    https://keras.io/api/layers/core_layers/embedding/. Ids are whole numbers, be their dtype a float.
    """
    ids = np.rint(x).astype(int) if x.dtype.kind == "f" else x
    return adapted(config, weights, "embeddings")[ids]


def adapted(config: Config, weights: Mapping[str, Array], name: str) -> Array:
    """The weight, plus `lora_alpha / lora_rank * A B` if `lora_rank` is set.

    Hu et al., 2021, https://arxiv.org/abs/2106.09685; `lora_alpha` is the rank by default. `A` has the shape of the
    weight with the rank for the last axis, `B` is (rank, last axis).
    """
    whole = weights[name]
    rank = config.get("lora_rank")
    if rank is None:
        return whole
    scale = (config.get("lora_alpha") or rank) / rank
    return whole + scale * np.matmul(weights[f"lora_{name}_a"], weights[f"lora_{name}_b"])


@oracle("keras", "ReversibleEmbedding")
def reversible_embedding(config: Config, weights: Mapping[str, Array], x: Array, *, reverse: bool = False) -> Array:
    """Row x of the table, or with `reverse` the logits of every row.

    https://keras.io/api/layers/core_layers/reversible_embedding/. Logits are `x @ table.T`, or `x @
    reverse_embeddings` without `tie_weights`, then `cap * tanh(logits / cap)` with a `logit_soft_cap`.
    """
    if not reverse:
        return weights["embeddings"][x]
    table = weights["embeddings"].T if config.get("tie_weights", True) else weights["reverse_embeddings"]
    logits = np.matmul(x, table)
    cap = config.get("logit_soft_cap")
    return logits if cap is None else np.tanh(logits / cap) * cap


@oracle("keras", "Masking")
def masking(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Turns a step whose features all equal `mask_value` into zeros and masks it for later layers.

    https://keras.io/api/layers/core_layers/masking/
    """
    return np.where(seen_steps(config, x)[..., None], x, 0.0)


def seen_steps(config: Config, x: Array) -> Array:
    """The mask of Masking's output: True for steps with a feature other than `mask_value`."""
    return np.any(np.asarray(x) != config.get("mask_value", 0.0), axis=-1)


@oracle("keras", "EinsumDense")
def einsum_dense(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(einsum(equation, x, kernel) + bias)`: https://keras.io/api/layers/core_layers/einsum_dense/."""
    operands, result = config["equation"].replace("...", ".").split("->")
    first, second = operands.split(",")
    y = contract(first, second, result, x, adapted(config, weights, "kernel"))
    if "bias" in weights:
        y = y + weights["bias"]
    return activate(config.get("activation"), y)


def contract(first: str, second: str, result: str, x: Array, y: Array) -> Array:
    """Einstein sum of two arrays. Each letter is an axis; `.` stands for the axes of `x` without a letter.

    Transposes, reshapes and multiplies by one matmul, whose sums the noise scale can see. A letter occurs in both
    arrays and the result (batch), in both arrays only (summed), or in one array and the result (rows and columns).
    """
    rank = x.ndim - len(first.replace(".", ""))
    spare = "0123456789"[:rank]
    first, result = first.replace(".", spare), result.replace(".", spare)
    sizes = dict(zip(first, x.shape, strict=True)) | dict(zip(second, y.shape, strict=True))
    both = [name for name in first if name in second and name in result]
    summed = [name for name in first if name in second and name not in result]
    rows = [name for name in first if name not in second]
    columns = [name for name in second if name not in first]

    def arranged(array: Array, names: str, *groups: list[str]) -> Array:
        order = [names.index(name) for group in groups for name in group]
        shape = [int(np.prod([sizes[name] for name in group])) for group in groups]
        return np.transpose(array, order).reshape(shape)

    product = np.matmul(arranged(x, first, both, rows, summed), arranged(y, second, both, summed, columns))
    names = [*both, *rows, *columns]
    return np.transpose(product.reshape([sizes[name] for name in names]), [names.index(name) for name in result])
