"""MATLAB's layers in ONNX files: the functions of the dialect `matlab` under the dialect `onnx`."""

from __future__ import annotations

from harness.oracle import alias
from harness.oracle.matlab import activation, convolution, dense, inert, inputs, merging, normalization, pooling
from harness.oracle.matlab.shapes import DIALECT

__all__ = ["KINDS", "activation", "convolution", "dense", "inert", "inputs", "merging", "normalization", "pooling"]

KINDS = (
    "ImageInputLayer", "Convolution2DLayer", "FullyConnectedLayer", "BatchNormalizationLayer", "MaxPooling2DLayer",
    "AveragePooling2DLayer", "GlobalAveragePooling2DLayer", "SoftmaxLayer", "CrossChannelNormalizationLayer",
    "ReLULayer", "LeakyReLULayer", "ELULayer", "ClippedReLULayer", "TanhLayer", "SigmoidLayer", "AdditionLayer",
    "DepthConcatenationLayer", "DropoutLayer",
)  # fmt: skip
"""Layers for which MATLAB's exporter has simple forms; `harness.matlab.to_onnx` has a writer for each."""

alias("onnx", DIALECT, *KINDS)
