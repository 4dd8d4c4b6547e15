"""Inputs of a user's model: drawn to fit what it declares, or the user's own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.draw.inputs import LAWS as CORPUS
from harness.matlab.matfile.read import read_mat
from harness.models.guard import ModelError, check_size
from harness.models.images import images_of
from harness.models.origin import KERAS, SAVED, Origin
from harness.spec import Array, Input, Layer, Spec

BATCHES = (2, 3)
"""Samples of the first and the second inputs."""
OPEN = {1: (10, 16), 2: (10, 16), 3: (64, 96), 4: (24, 32)}
"""Sizes of an open axis in the first and the second inputs, by the rank without the batch: words, sequences, images,
volumes."""
EVERY, ROWS = "so that each whole number is met", 256
"""The law by which a table is read whole, and the largest batch for it."""
LAWS: Mapping[str, Callable[[tuple[int, ...], np.random.Generator], Array]] = {
    "main": CORPUS["main"],
    EVERY: CORPUS["main"],
    "pixels from 0 to 255": lambda shape, source: source.uniform(0, 255, shape),
    "a tenth as large": lambda shape, source: CORPUS["main"](shape, source) * 0.1,
    "a hundredth as large": lambda shape, source: CORPUS["main"](shape, source) * 0.01,
    "ten times as large": lambda shape, source: CORPUS["main"](shape, source) * 10,
}
"""How numbers are drawn: as for the corpus and, where a model's outputs then hide errors, in another way, in words."""
PIXELS, FEWEST = 256, 2
"""How many whole numbers there are, if no layer tells: those of pixels, or 0 and 1, which every table has."""
COUNTED = {"CategoryEncoding": "num_tokens", "Embedding": "input_dim", "ReversibleEmbedding": "input_dim"}
"""The argument that says how many whole numbers a layer takes, by its kind."""
MOVING = (
    "Concatenate", "Cropping1D", "Cropping2D", "Dropout", "Flatten", "Identity", "InputLayer", "Masking", "Permute",
    "RepeatVector", "Reshape", "SpatialDropout1D", "UpSampling1D", "UpSampling2D", "ops.Cast", "ops.ExpandDims",
    "ops.GetItem", "ops.Reshape", "ops.Squeeze", "ops.Stack", "ops.Transpose",
)  # fmt: skip
"""Layers and operators that give numbers that they get, in another order, shape or type."""
WORDS = ("a", "b", "c", "parity")


def drawn(origin: Origin, *, seed: int = 0, law: str = "main", most: int = PIXELS) -> tuple[dict[str, Array], ...]:
    """Two sets of inputs: the second has another batch size, and other sizes along open axes. One if all are fixed.

    Numbers that are no words, classes or pixels have this law, of `LAWS`; whole numbers of which no layer tells how
    many there are go up to `most`, exclusive. Raises ModelError for an input that is too large.
    """
    source = np.random.Generator(np.random.PCG64(seed))
    is_open = any(n is None for item in origin.inputs for n in item.shape)
    batches = BATCHES if origin.batch is None else (origin.batch,) * (1 + is_open)
    if law == EVERY and origin.batch is None:
        batches = (_batch(origin),)
    return tuple(
        {
            item.name: _drawn(item, origin, _shape(item, place, batch), source, law=law, most=most)
            for item in origin.inputs
        }
        for place, batch in enumerate(batches)
    )


def _batch(origin: Origin) -> int:
    """How many samples meet every whole number of each table, at most `ROWS`."""
    needed = [
        -(-min(bounds) // max(1, math.prod(_shape(item, 0, 1))))
        for item in origin.inputs
        if (bounds := _bounds(item, origin))
    ]
    return min(ROWS, max((*BATCHES, *needed)))


def _bounds(item: Input, origin: Origin) -> list[int]:
    """How many whole numbers each reader of an input takes, of those that tell."""
    bounds = [count for layer in readers_of(item, origin.spec) if isinstance(count := _count(layer), int)]
    return [*bounds, origin.counts[item.name]] if item.name in origin.counts else bounds


def unread(origin: Origin, samples: Sequence[Mapping[str, Array]]) -> tuple[str, ...]:
    """The inputs whose whole numbers do not meet every row of a table: the other rows may hold anything."""
    found = []
    for item in origin.inputs:
        bounds = _bounds(item, origin)
        if "int" in item.dtype and bounds:
            met = np.concatenate([np.ravel(sample[item.name]) for sample in samples])
            if set(range(min(bounds))) - set(met.tolist()):
                found.append(item.name)
    return tuple(found)


def _shape(item: Input, place: int, batch: int) -> tuple[int, ...]:
    sizes = OPEN.get(len(item.shape), OPEN[4])[place]
    return (batch, *(sizes if n is None else n for n in item.shape))


def _drawn(
    item: Input, origin: Origin, shape: tuple[int, ...], source: np.random.Generator, *, law: str, most: int
) -> Array:
    check_size(item, shape, origin.path)
    readers = readers_of(item, origin.spec)
    if item.dtype == "string":
        words = [word for layer in readers for word in _vocabulary(layer)] or list(WORDS)
        return source.choice(np.array([*words, "unknown"]), shape)
    if item.dtype == "bool":
        return source.integers(0, 2, shape).astype(bool)
    if "int" in item.dtype:
        if words := [word for layer in readers for word in _vocabulary(layer)]:
            numbers = [int(word) for word in words]  # and one that the table does not have
            return source.choice(np.array([*numbers, max(numbers) + 1]), shape).astype(item.dtype)
        bounds = _bounds(item, origin)
        if law == EVERY and bounds:
            return np.resize(source.permutation(min(bounds)), shape).astype(item.dtype)
        low = 1 if any(layer.config.get("mask_zero") for layer in readers) else 0  # no step is hidden at first
        return source.integers(low, max(min(bounds, default=most), low + 1), shape).astype(item.dtype)
    if any(layer.kind in ("Rescaling", "Normalization") for layer in readers):
        return source.uniform(0, 255, shape).astype(item.dtype)  # pixels, which the model scales itself
    return LAWS[law](shape, source).astype(item.dtype)


def readers_of(item: Input, spec: Spec) -> list[Layer]:
    """The layers that get the numbers of an input as they are, also behind layers that only move them."""
    met, found = {item.name}, []
    for layer in spec.layers:
        if not met.isdisjoint(layer.tensors):
            found.append(layer)
            if layer.kind in MOVING:
                met.add(layer.name)
    return found


def _count(layer: Layer) -> int | None:
    """How many whole numbers from 0 on a layer takes; None if it says nothing of that."""
    key = COUNTED.get(layer.kind)
    return None if key is None else layer.config.get(key)


def _vocabulary(layer: Layer) -> list[str]:
    words = layer.config.get("vocabulary")
    return [str(word) for word in words] if isinstance(words, list | tuple) else []


def read_inputs(path: Path, origin: Origin) -> tuple[tuple[dict[str, Array], ...], str]:
    """The user's inputs, and what is to be said of them: a folder of images, an .npz or .mat file with an array for
    each input, or an .npy file for the only one.

    Arrays have the batch axis first. Raises ModelError if names, sizes or types do not fit.
    """
    if path.is_dir():
        images, said = images_of(path, origin.inputs, channels_last=origin.source in (KERAS, SAVED))
        return (images,), said
    arrays = _arrays(path)
    names = [item.name for item in origin.inputs]
    if len(arrays) == len(names) == 1:
        arrays = {names[0]: next(iter(arrays.values()))}
    if sorted(arrays) != sorted(names):
        raise ModelError(
            "the arrays are not the model's inputs", where=path, expected=", ".join(names), came=", ".join(arrays)
        )
    return ({item.name: _fitted(item, arrays[item.name], path) for item in origin.inputs},), ""


def _arrays(path: Path) -> dict[str, Any]:
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return {"x": np.load(path, allow_pickle=False)}
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        if suffix == ".mat":
            return {name: value for name, value in read_mat(path).items() if isinstance(value, np.ndarray)}
    except (OSError, ValueError) as error:
        raise ModelError(f"it cannot be read: {error}", where=path, expected="arrays of numbers") from None
    raise ModelError(
        "no inputs are read from this", where=path, expected="an .npz, .npy or .mat file, or a folder of images"
    )


def _fitted(item: Input, value: Any, path: Path) -> Array:
    array = np.asarray(value)
    fits = array.ndim == len(item.shape) + 1 and all(
        n in (None, m) for n, m in zip(item.shape, array.shape[1:], strict=True)
    )
    if not fits:
        expected = " x ".join(["N", *("?" if n is None else str(n) for n in item.shape)])
        came = " x ".join(map(str, array.shape)) or "a number"
        raise ModelError("its size does not fit", where=f"{path}, {item.name}", expected=expected, came=came)
    if item.dtype == "string":
        return array.astype(str)
    return array.astype(item.dtype)


def labels_of(path: Path, count: int) -> tuple[int, ...]:
    """The true classes of as many samples: whole numbers in an .npy file, a .json list, or one a line of a text file.

    Raises ModelError.
    """
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False).reshape(-1).tolist()
        elif path.suffix.lower() == ".json":
            values = json.loads(path.read_text(encoding="utf-8"))
        else:
            values = path.read_text(encoding="utf-8").split()
        labels = tuple(int(value) for value in values)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"it holds no labels: {error}", where=path, expected="whole numbers") from None
    if len(labels) != count:
        raise ModelError("it has not one label for each sample", where=path, expected=str(count), came=str(len(labels)))
    return labels


def described(samples: tuple[Mapping[str, Array], ...]) -> Iterator[str]:
    """Each set of inputs in words."""
    for sample in samples:
        yield ", ".join(
            f"{name} {' x '.join(map(str, value.shape))} {'string' if value.dtype.kind == 'U' else value.dtype}"
            for name, value in sample.items()
        )
