"""MATLAB's layers in ONNX files mean what they mean in MATLAB: the same functions under the dialect `onnx`."""

from __future__ import annotations

from harness.matlab.to_onnx import WRITERS
from harness.oracle import alias
from harness.oracle.matlab import convolution, layer_core, layer_normalization, layer_pooling
from harness.oracle.matlab.shapes import DIALECT

__all__ = ["convolution", "layer_core", "layer_normalization", "layer_pooling"]

alias("onnx", DIALECT, *WRITERS)
