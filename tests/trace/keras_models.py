"""Keras models for tests of traces, written and traced in a worker: no process of pytest imports Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.formats.keras_file import KerasFile
from harness.spec import Input, Layer, Spec
from harness.trace import keras_layers


def spec() -> Spec:
    """Over steps: a dense layer a, then b, called on a and on what it gives, a sum, and its mean; two outputs."""
    dense = {"units": 4, "activation": "tanh"}
    inner = Spec("keras", (Input("z", (3, 4)),), (Layer("Rescaling", "half", {"scale": 0.5}, ("z",)),), ("half",))
    layers = (
        Layer("TimeDistributed", "a", {"layer": {"kind": "Dense", "config": dense}}, ("x",)),
        Layer("Dense", "b", dense, ("a",)),
        Layer("Dense", "b2", dense, ("b",), of="b"),
        Layer("Add", "c", {}, ("b", "b2")),
        Layer("Model", "nested", {"spec": inner.to_json()}, ("c",)),
        Layer("GlobalAveragePooling1D", "d", {}, ("nested",)),
    )
    return Spec("keras", (Input("x", (3, 4)),), layers, ("d", "c"))


def numbers() -> dict[str, np.ndarray]:
    draw = np.random.Generator(np.random.PCG64(1))
    shapes = {"a/kernel": (4, 4), "a/bias": (4,), "b/kernel": (4, 4), "b/bias": (4,)}
    return {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def traced(folder: Path, inputs: Any, change: str, disturb: bool = False, ignorant: bool = False) -> dict[str, Any]:
    """The trace of the model with one weight that is wrong in its file.

    `disturb`: watching changes a layer. `ignorant`: the oracle does not know one of the layers.
    """
    from dataclasses import replace

    weights = numbers()
    told = spec()
    if ignorant:
        told = replace(told, layers=(*told.layers[:-1], replace(told.layers[-1], kind="Unknown")))
    wrong = {name: value * (1.01 if name == change else 1) for name, value in weights.items()}
    KerasFile().write(spec(), wrong, folder / "model.keras")
    right = keras_layers._Watch._watched
    if disturb:
        keras_layers._Watch._watched = lambda self, layer, call: (  # type: ignore[method-assign]
            lambda *args, **kwargs: right(self, layer, call)(*args, **kwargs) * 1.5
        )
    try:
        trace = keras_layers.trace(folder / "model.keras", inputs, spec=told, weights=weights)
    finally:
        keras_layers._Watch._watched = right  # type: ignore[method-assign]
    fault = trace.first_fault
    return {**trace.to_plain(), "first": None if fault is None else fault.id}
