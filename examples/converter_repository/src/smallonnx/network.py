"""An ONNX graph as a PyTorch module that calls one operator after the other."""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from smallonnx.operators import OPERATORS, UnsupportedError


class Network(torch.nn.Module):
    """The nodes of a graph in order, and its initialisers as buffers."""

    def __init__(self, graph, opset):
        super().__init__()
        self.constants = {}
        for number, item in enumerate(graph.initializer):
            self.constants[item.name] = f"constant{number}"
            self.register_buffer(f"constant{number}", torch.from_numpy(np.array(numpy_helper.to_array(item))))
        self.inputs = [item.name for item in graph.input if item.name not in self.constants]
        self.outputs = [item.name for item in graph.output]
        self.nodes = [
            (
                node.op_type,
                tuple(node.input),
                tuple(node.output),
                {"opset": opset} | {item.name: helper.get_attribute_value(item) for item in node.attribute},
            )
            for node in graph.node
        ]

    def forward(self, *arrays):
        values = dict(zip(self.inputs, arrays, strict=True))
        values |= {name: getattr(self, buffer) for name, buffer in self.constants.items()}
        for kind, inputs, (output,), attributes in self.nodes:
            values[output] = OPERATORS[kind](attributes, *(values[name] if name else None for name in inputs))
        return [values[name] for name in self.outputs]


def convert(model: onnx.ModelProto) -> Network:
    """The network as a module. Raises UnsupportedError, which names every operator that is not known."""
    unknown = sorted({node.op_type for node in model.graph.node} - OPERATORS.keys())
    if unknown:
        raise UnsupportedError(f"unknown operators: {', '.join(unknown)}")
    opset = next(item.version for item in model.opset_import if not item.domain)
    return Network(model.graph, opset).eval()
