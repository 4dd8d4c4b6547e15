"""Layers that do nothing at inference: they stay in a program for their names."""

from __future__ import annotations

from harness.matlab.layers.kind import layer
from harness.matlab.layers.stored import numbers
from harness.matlab.torch.writers import constant

NOTHING = constant("nn.Identity()")

layer("IdentityLayer")(NOTHING)
layer("DropoutLayer", "SpatialDropoutLayer", read=numbers(Probability=0.5))(NOTHING)
layer(
    "ClassificationOutputLayer",
    "RegressionOutputLayer",
    "PixelClassificationLayer",
    "DicePixelClassificationLayer",
    "FocalLossLayer",
)(NOTHING)
