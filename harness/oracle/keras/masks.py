"""Masks that Keras passes from layer to layer: https://keras.io/guides/understanding_masking_and_padding/."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.oracle import mask_rule
from harness.oracle.keras.core import seen_steps
from harness.spec import Array, Config


@mask_rule("keras", "Masking")
def masking(config: Config, inputs: Sequence[Array], mask: Array | None) -> Array | None:
    """True for steps with a feature other than `mask_value`."""
    return seen_steps(config, inputs[0])


@mask_rule("keras", "Embedding", "ReversibleEmbedding")
def embedding(config: Config, inputs: Sequence[Array], mask: Array | None) -> Array | None:
    """True for ids other than 0, with `mask_zero`."""
    return np.asarray(inputs[0] != 0) if config.get("mask_zero", False) else None


@mask_rule(
    "keras",
    "Activation",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "TimeDistributed",
)
def unchanged(config: Config, inputs: Sequence[Array], mask: Array | None) -> Array | None:
    """The mask of the input, for layers that compute each step alone."""
    return mask


@mask_rule("keras", "SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional")
def sequences(config: Config, inputs: Sequence[Array], mask: Array | None) -> Array | None:
    """A sequence has the mask of the input, a single output none."""
    layer_config = config["layer"]["config"] if "layer" in config else config
    return mask if layer_config.get("return_sequences", False) else None
