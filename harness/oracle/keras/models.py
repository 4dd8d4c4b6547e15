"""Models as layers, and the suite's custom layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle, part, semantics, walk
from harness.spec import Array, Config, Spec


@oracle("keras", "Model")
def model(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array | tuple[Array, ...]:
    """A model called as a layer: https://keras.io/guides/functional_api/#all-models-are-callable-just-like-layers."""
    spec = Spec.from_json(config["spec"])
    tensors = walk(spec, weights, dict(zip((item.name for item in spec.inputs), inputs, strict=True)))
    outputs = tuple(tensors[name] for name in spec.outputs)
    return outputs if len(outputs) > 1 else outputs[0]


@oracle("keras", "Sequential")
def sequential(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Applies the layers in order: https://keras.io/guides/sequential_model/."""
    for k, layer in enumerate(config["layers"]):
        y = semantics("keras", layer["kind"])(layer["config"], part(weights, str(k)), x)
        assert not isinstance(y, tuple)
        x = y
    return x


@oracle("keras", "LayerScale")
def layer_scale(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x * gamma` along the last axis: Touvron et al., 2021, https://arxiv.org/abs/2103.17239."""
    return x * weights["variable"]


@oracle("keras", "Scale")
def scale(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x * scale * factor + shift` along the last axis (`harness.adapters.keras_model.custom_layers`)."""
    return x * weights["scale"] * config.get("factor", 1.0) + weights["shift"]


@oracle("keras", "Halves")
def halves(config: Config, weights: Mapping[str, Array], x: Array) -> tuple[Array, ...]:
    """Both halves of an axis (`harness.adapters.keras_model.custom_layers`)."""
    return tuple(np.split(x, 2, axis=config.get("axis", -1)))
