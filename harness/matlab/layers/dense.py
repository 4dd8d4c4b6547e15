"""Fully connected layers, flattening, and embeddings."""

from __future__ import annotations

import numpy as np

from harness.matlab.layers.kind import Read, layer
from harness.matlab.layers.stored import bias, count
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, constant
from harness.spec import Config


def flattened(config: Config, rank: int) -> int:
    """Images become features; sequences stay sequences."""
    return 2 if rank > 3 else rank


def _read(record: Record) -> Read:
    """W of OutputSize x InputSize. Saved objects keep h x w x c x outputs after an image."""
    value = record.needed("Weights")
    outputs = int(np.prod(record.size("OutputSize") or [0])) or record.vector("Bias").size
    inputs = value.size // outputs if outputs and value.size % outputs == 0 else 0
    if not inputs:
        raise record.fault("Weights", f"a multiple of {outputs} values")
    if value.ndim == 2 and value.shape == (outputs, inputs):
        weights = value
    else:
        weights = value.reshape((inputs, outputs), order="F").T
    return {}, {"Weights": np.ascontiguousarray(weights), "Bias": bias(record, outputs)}


@layer("FullyConnectedLayer", read=_read, axes={"Weights": ("oi", "hwco", "hwdco"), "Bias": ("o",)}, rank=flattened)
def fully_connected(site: Site) -> Module:
    """`nn.Linear`; images are flattened in MATLAB's order first."""
    weights = site.weights["Weights"]
    name = "ColumnMajorLinear" if site.rank > 3 else "nn.Linear"
    state = {"weight": weights, "bias": site.weights["Bias"]}
    return Module(f"{name}({weights.shape[1]}, {weights.shape[0]})", state)


layer("FlattenLayer", rank=flattened)(constant("ColumnMajorFlatten()"))


def _read_embedding(record: Record) -> Read:
    mode = record.text("OOVMode", "map-to-last", ("map-to-last", "error"))
    return {"OOVMode": mode}, {"Weights": record.learnable("Weights", (count(record, "Dimension"), None))}


@layer("WordEmbeddingLayer", read=_read_embedding, axes={"Weights": ("dn",)}, dtype="int64")
def word_embedding(site: Site) -> Module:
    """`WordEmbedding`: words are counted from 1, and one row serves all unknown words."""
    table = site.weights["Weights"].T
    unknown = site.config.get("OOVMode", "map-to-last") == "map-to-last"
    return Module(f"WordEmbedding({table.shape[0]}, {table.shape[1]}, unknown={unknown})", {"weight": table})
