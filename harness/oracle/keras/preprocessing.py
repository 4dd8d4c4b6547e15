"""Preprocessing of numbers and categories: https://keras.io/api/layers/preprocessing_layers/."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.hashes import CROSS_KEY, crossed, farmhash64, siphash
from harness.spec import Array, Config


@oracle("keras", "Rescaling")
def rescaling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x * scale + offset`, both broadcast: https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/."""
    return x * np.asarray(config["scale"], dtype=float) + np.asarray(config.get("offset", 0.0), dtype=float)


@oracle("keras", "Normalization")
def normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - mean) / sqrt(variance)`, or `mean + x * sqrt(variance)` with `invert`.

    https://keras.io/api/layers/preprocessing_layers/numerical/normalization/. Mean and variance span the axes
    `axis`. They are arguments, or weights of a layer that was adapted to data.
    """
    axis = config.get("axis", -1)
    axes = () if axis is None else tuple(k % x.ndim for k in ((axis,) if isinstance(axis, int) else axis))
    shape = [n if k in axes else 1 for k, n in enumerate(x.shape)]
    values = [
        weights[name] if name in weights else np.asarray(config[name], dtype=float) for name in ("mean", "variance")
    ]
    mean, variance = (value.reshape(shape) if value.ndim else value for value in values)
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return mean + x * deviation if config.get("invert", False) else (x - mean) / deviation


def encoded(index: Array, mode: str, depth: int, dtype: str, amounts: Array | None = None) -> Array:
    """Categories in an `output_mode`: the index itself, or a new or reduced last axis of `depth`.

    `one_hot` adds that axis, in place of a last axis of size 1. `multi_hot` marks the categories of the last axis and
    `count` counts them, weighted by `amounts`. An index outside 0..depth - 1 counts nowhere.
    """
    if mode == "int":
        return index.astype(dtype)
    if mode == "one_hot" and index.shape[-1] == 1:
        index = index[..., 0]
    hot = np.asarray(index)[..., None] == np.arange(depth)
    if mode == "one_hot":
        return hot.astype(dtype)
    if mode == "multi_hot":
        return hot.any(axis=-2).astype(dtype)
    shares = hot.astype(dtype) if amounts is None else hot * amounts[..., None]
    return np.add.reduce(shares, axis=-2)


@oracle("keras", "CategoryEncoding")
def category_encoding(
    config: Config, weights: Mapping[str, Array], x: Array, *, count_weights: Array | None = None
) -> Array:
    """Encodes integers below `num_tokens`, by default `multi_hot`.

    https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding/
    """
    return encoded(x, config.get("output_mode", "multi_hot"), config["num_tokens"], "float64", count_weights)


@oracle("keras", "Discretization")
def discretization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The bin of each number: the number of boundaries at or below it.

    https://keras.io/api/layers/preprocessing_layers/numerical/discretization/
    """
    edges = np.asarray(config["bin_boundaries"], dtype=float)
    index = np.add.reduce(np.asarray(x)[..., None] >= edges, axis=-1, dtype=np.int64)
    mode = config.get("output_mode", "int")
    return encoded(index, mode, len(edges) + 1, "int32" if mode == "int" else "float64")


def _text(value: Any) -> str:
    return str(value)


def _bins(x: Array, count: int, salt: Any) -> Array:
    key = None if salt is None else (salt, salt) if isinstance(salt, int) else tuple(salt)
    bins = [(farmhash64(_text(v)) if key is None else siphash(_text(v), key)) % count for v in x.reshape(-1).tolist()]
    return np.array(bins, dtype=np.int64).reshape(x.shape)


@oracle("keras", "Hashing")
def hashing(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """FarmHash64 of the text of each value, or SipHash under a `salt`, modulo the bins.

    https://keras.io/api/layers/preprocessing_layers/categorical/hashing/. With `mask_value`, bin 0 is for that value
    and the others share the remaining bins.
    """
    count, masked = config["num_bins"], config.get("mask_value")
    if masked is None or count == 1:
        index = _bins(x, count, config.get("salt"))
    else:
        index = np.where(x == masked, 0, _bins(x, count - 1, config.get("salt")) + 1)
    mode = config.get("output_mode", "int")
    return encoded(index, mode, count, "int64" if mode == "int" else "float64")


@oracle("keras", "HashedCrossing")
def hashed_crossing(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """The hash of the values of all inputs together, modulo the bins.

    https://keras.io/api/layers/preprocessing_layers/categorical/hashed_crossing/; an integer is its own hash, a string
    its FarmHash64 (https://www.tensorflow.org/api_docs/python/tf/sparse/cross_hashed).
    """
    bins = []
    for values in zip(*(x.reshape(-1).tolist() for x in inputs), strict=True):
        state = CROSS_KEY
        for value in values:
            state = crossed(state, farmhash64(value) if isinstance(value, str) else value % 2**64)
        bins.append(state % config["num_bins"])
    index = np.array(bins, dtype=np.int64).reshape(inputs[0].shape)
    mode = config.get("output_mode", "int")
    return encoded(index, mode, config["num_bins"], "int64" if mode == "int" else "float64")


def looked_up(config: Config, x: Array, *, mask: Any, unknown: Sequence[Any] = ()) -> Array:
    """Index of each value: 0 for the mask token, then the indices of unknown values, then the vocabulary in order.

    Without the output mode `int` the mask token has the index -1 and the others begin at 0.
    """
    words, spare = list(config["vocabulary"]), config.get("num_oov_indices", 1)
    before = spare + (0 if mask is None or config.get("output_mode", "int") != "int" else 1)
    places = {word: before + k for k, word in enumerate(words)}
    indices = []
    for value in x.reshape(-1).tolist():
        if mask is not None and value == mask:
            indices.append(0 if config.get("output_mode", "int") == "int" else -1)
        elif value in places:
            indices.append(places[value])
        else:
            indices.append(before - spare + _bucket(config, value, spare))
    return np.array(indices, dtype=np.int64).reshape(x.shape)


def _bucket(config: Config, value: Any, count: int) -> int:
    """Which of the `count` indices of unknown values this value has."""
    if count <= 1:
        return 0
    if isinstance(value, int) and config.get("oov_method", "floormod") == "floormod":
        return value % count
    salt = config.get("salt")
    key = None if salt is None else (salt, salt) if isinstance(salt, int) else tuple(salt)
    return (farmhash64(_text(value)) if key is None else siphash(_text(value), key)) % count


def _vocabulary(config: Config, index: Array) -> Array:
    """The indices of a lookup in the layer's output mode."""
    mode = config.get("output_mode", "int")
    depth = len(config["vocabulary"]) + config.get("num_oov_indices", 1)
    if config.get("pad_to_max_tokens", False):
        depth = config["max_tokens"]
    if mode != "tf_idf":
        return encoded(index, mode, depth, "int64" if mode in ("int", "one_hot", "multi_hot", "count") else "float64")
    counts = encoded(index, "count", depth, "float64")
    known = np.asarray(config["idf_weights"], dtype=float)
    spare = config.get("num_oov_indices", 1)
    padded = np.zeros(depth)
    padded[:spare] = np.add.reduce(known) / len(known)
    padded[spare : spare + len(known)] = known
    return counts * padded


@oracle("keras", "IntegerLookup", "StringLookup")
def lookup(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Index of each value in the vocabulary, or with `invert` the value of each index.

    https://keras.io/api/layers/preprocessing_layers/categorical/integer_lookup/ and string_lookup/. In the output mode
    `int` index 0 is the mask token; other modes ignore it. The next `num_oov_indices` are for unknown values, by
    their value modulo that number or by a hash. In `tf_idf` an unknown value has the mean weight of the vocabulary.
    """
    if not config.get("invert", False):
        return _vocabulary(config, looked_up(config, x, mask=config.get("mask_token")))
    words = list(config["vocabulary"])
    mask, missing = config.get("mask_token"), config.get("oov_token", "[UNK]" if isinstance(words[0], str) else -1)
    table = ([] if mask is None else [mask]) + [missing] * config.get("num_oov_indices", 1) + words
    values = [table[k] if 0 <= k < len(table) else missing for k in x.reshape(-1).tolist()]
    return np.array(values, dtype=np.str_ if isinstance(words[0], str) else np.int64).reshape(x.shape)


PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")


@oracle("keras", "TextVectorization")
def text_vectorization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Standardizes text, splits it into tokens, joins these to ngrams, and looks them up.

    https://keras.io/api/layers/preprocessing_layers/text/text_vectorization/. In the output mode `int` index 0 pads
    and 1 is unknown; in other modes index 0 is unknown.
    """
    rows = [_tokens(config, text) for text in x.reshape(x.shape[0]).tolist()]
    longest = max((len(row) for row in rows), default=0)
    places = {word: k for k, word in enumerate(config["vocabulary"])}
    if config.get("output_mode", "int") == "int":
        length = config.get("output_sequence_length") or longest
        return _rectangle([[places.get(token, -1) + 2 for token in row] for row in rows], length, 0)
    index = _rectangle([[places.get(token, -1) + 1 for token in row] for row in rows], longest, -1)
    return _vocabulary({**config, "num_oov_indices": 1}, index)


def _tokens(config: Config, text: str) -> list[str]:
    """Tokens or ngrams of one text, with punctuation and capitals as `standardize` says."""
    standard = config.get("standardize", "lower_and_strip_punctuation")
    plain = text.lower() if standard in ("lower", "lower_and_strip_punctuation") else text
    plain = PUNCTUATION.sub("", plain) if standard and "strip_punctuation" in standard else plain
    tokens = list(plain) if config.get("split", "whitespace") == "character" else plain.split()
    widths = config.get("ngrams")
    if widths is None:
        return tokens
    spans = range(1, widths + 1) if isinstance(widths, int) else widths
    return [" ".join(tokens[k : k + n]) for n in spans for k in range(len(tokens) - n + 1)]


def _rectangle(rows: Sequence[Sequence[int]], length: int, padding: int) -> Array:
    """The rows as int64 (rows, length), cut or padded at their ends."""
    cut = [[*row[:length], *[padding] * (length - len(row))] for row in rows]
    return np.array(cut, dtype=np.int64).reshape(len(rows), length)
