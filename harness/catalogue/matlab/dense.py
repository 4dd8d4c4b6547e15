"""Rows of fully connected layers, flattening and embeddings of Deep Learning Toolbox."""

from __future__ import annotations

from dataclasses import replace

from harness.catalogue import Choice, Chooser, Draft, Weight, row
from harness.catalogue.matlab.toolbox import (
    DIALECT,
    MOVED,
    after_inputs,
    shape_of,
)
from harness.spec import Exactness


@row(
    DIALECT,
    "FullyConnectedLayer",
    axes={
        "shape": ("image", "features", "sequence", "volume", "equal_image", "one_channel", "point"),
        "outputs": ("distinct", "one", "equal"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
    per_axis=4,
)
def fully_connected(choice: Choice, fill: Chooser) -> Draft:
    """Images are flattened column by column; sequences go through step by step. `equal`: as many outputs as inputs."""
    kind = choice["shape"]
    shape = shape_of(kind.removeprefix("equal_"), fill, equal=kind.startswith("equal_"))
    inputs = 1
    for size in shape:
        inputs *= size or 1
    outputs = {"distinct": fill.pick((7, 11)), "one": 1, "equal": inputs}[choice["outputs"]]
    weights = {"Weights": Weight((outputs, inputs), "kernel", fan_in=inputs), "Bias": Weight((outputs,), "bias")}
    rank = 3 if kind == "sequence" else 2
    return after_inputs("FullyConnectedLayer", {}, [shape], weights, choice, rank=rank)


@row(
    DIALECT,
    "FlattenLayer",
    axes={"shape": ("image", "features", "sequence", "volume", "one_channel", "point"), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def flatten(choice: Choice, fill: Chooser) -> Draft:
    """Images to features, column by column."""
    shape = shape_of(choice["shape"], fill)
    return after_inputs("FlattenLayer", {}, [shape], {}, choice, rank=3 if choice["shape"] == "sequence" else 2)


@row(
    DIALECT,
    "WordEmbeddingLayer",
    axes={"OOVMode": ("map-to-last", "default", "error"), "Dimension": (3, 1, 5), "words": (7, 2), "batch": (2, 1)},
    profiles=("main",),
    exactness=Exactness.MOVES,
    per_axis=2,
)
def word_embedding(choice: Choice, fill: Chooser) -> Draft:
    """Indices from 1. With a vector for unknown words there are indices 0 and above the last word; `error` has none."""
    words, width, mode = choice["words"], choice["Dimension"], choice["OOVMode"]
    config = {} if mode == "default" else {"OOVMode": mode}
    columns = words if mode == "error" else words + 1
    weights = {"Weights": Weight((width, columns), "embedding")}
    draft = after_inputs("WordEmbeddingLayer", config, [(None, 1)], weights, choice, dtype="int64")
    if mode == "error":
        return replace(draft, bounds={"in_in": words + 1}, least={"in_in": 1})
    return replace(draft, bounds={"in_in": words + 4})
