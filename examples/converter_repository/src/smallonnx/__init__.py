"""ONNX networks of a handful of operators as PyTorch modules."""

from smallonnx.network import Network, convert

__all__ = ["Network", "convert"]
