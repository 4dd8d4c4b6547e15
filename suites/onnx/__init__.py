"""ONNX as MATLAB writes it."""
