"""Reduces messages to the words that stay the same from case to case."""

from __future__ import annotations

import re

_NOISE: tuple[tuple[str, str], ...] = (
    (r"(?s)\s*(Call a|A)rguments received by .*", ""),  # the arguments of this very call
    (r"(?m)^\s*File \".*\n.*\n?", ""),  # frames of a traceback
    (r"(?s)In Node, .*?, Error", "In Node, Error"),
    (r"(?s)\s*\[Caused by the value .*", ""),  # torch's graph around a node
    (r"(?s)\bWhile executing .*", ""),
)
"""Parts of a message that do not tell what went wrong, and their replacements."""
_MISFITS = (
    r"The size of tensor a \(",
    r"Given (?:groups|transposed)=",
    r"Given input size: \(.*Output size is too small",
    r"Calculated padded input size per channel",
    r"shape '\[[-\d, ]*\]' is invalid for input of size",
    r"permute\(sparse_coo\): number of dimensions",
    r"mat1 and mat2 shapes cannot be multiplied",
)
"""What PyTorch says where shapes do not fit: whichever operator meets first what an earlier one made wrong."""
_ONNXRUNTIME = r"(?s)\b\w+: \[ONNXRuntimeError\] : \d+ : \w+ : "
_RUNTIME_MISFITS = (
    r"Load model from .*? failed:Node \([^()]*\) Op \(\w+\) \[ShapeInferenceError\] (?!Attribute )",
    r"Non-zero status code returned while running \w+ node\..*?(?:BroadcastIterator|[Ii]nvalid input shape|not equal to"
    r"|does not match input rank|must have (?:shape|rank)|[Mm]ismatch|cannot be reshaped|cannot broadcast"
    r"|[Ii]ncompatible dimensions)",
)
"""What ONNX Runtime says where shapes do not fit: while it infers them, or when a node runs."""
_NORMAL: tuple[tuple[str, str], ...] = (
    (r"(?s)In Node, \(\"[^\"]*\", (\w+), .*", r"Node \1"),  # the end may be cut off
    *_NOISE,
    (r"^(runs, but not )?with .*?: (?=\S)", r"\1*: "),  # the sizes of the second inputs
    (r"\b(has no counterpart for ).*", r"\1*"),  # a list of all that the target lacks
    (r"(?s)<class '[\w.]*Functional'> could not be deserialized .*?Exception encountered: ", ""),
    (r"(?s)\b(could not be deserialized)\b(?!.*Exception encountered).*", r"\1"),
    (r"(?s)(deserializing class )'\w+'(.*Exception encountered: )?", r"\1*"),
    (r"(using )?config=\{.*", "config"),
    (r"(?s)(Failed to export a node ).*", r"\1*"),
    (r"\bin user code:\s+(\w+: )?", ""),
    (r"(keyword arguments? |argument not understood:',? )(?:passed to \w+: )?(?:'\w+'|\{.*?\})", r"\1*"),
    (rf"(?s)^RuntimeError: (?:{'|'.join(_MISFITS)}).*", "RuntimeError: shapes that do not fit"),
    (rf"{_ONNXRUNTIME}(?:{'|'.join(_RUNTIME_MISFITS)}).*", "ONNX Runtime: shapes that do not fit"),
    (rf"{_ONNXRUNTIME}.*?\bType Error: Type .*", "ONNX Runtime: types that do not fit"),
    (r"\b(Node input |Name:)'[^']*'", r"\1*"),  # names of tensors and nodes
    (r"\b([Nn]ode |node name |output arg |input parameter )\([^()]*\)", r"\1(*)"),
    (r"\bFused(?=\w+ node\b)", ""),  # what ONNX Runtime makes of an operator and its activation
    (r"[\w.]+(\.__init__\(\))", r"\1"),
    (r"\b(KeyError: |output )(?:'[^']*'|\"[^\"]*\")", r"\1*"),  # the name of a tensor
    (r"\b(calling |for )[\w.]+\.(call|build)\(\)", r"\1\2()"),
    (r"[\[({]'\w+'(?:, ?'\w+')+,?[\])}]", "*"),  # lists of names
    (r"0x[0-9a-f]+", "#"),
    (r"(?:[\w.-]*/)+([\w-]+\.(?:h|hpp|cc|cpp|py))\b", r"\1"),
    (r"'\{\{.*?'", "*"),
    (r"[\"']?[\w.:-]*/[\w./:-]*[\"']?", "*"),  # names of nodes, and paths
    (r"[\w-]+\.(?:onnx|pt|pt2|h5|keras|mat|json)\b", "*"),
    (r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "#"),
    (r"\bNone\b", "#"),
    (r"[\[({]\s*[#?](?:\s*,\s*[#?]?)*\s*[\])}]", "#"),
    (r"#(?:\s*,\s*#)+", "#"),
    (r"\s+", " "),
)
"""Parts of a message that change from case to case, and their replacements, in order."""
_MESSAGE = 240
"""Most characters of a reduced message."""


def family(layer: str) -> str:
    """The name of a layer without its number of dimensions: `ConvTranspose` for `Conv2DTranspose`."""
    return re.sub(r"[123]D", "", layer)


def shown(message: str) -> str:
    """The message on one short line, without frames, arguments and the node's signature."""
    for pattern, instead in _NOISE:
        message = re.sub(pattern, instead, message)
    text = " ".join(message.split())
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 1]}\u2026"


def normalised(message: str, layer: str = "") -> str:
    """The message without numbers, shapes, names of nodes, files and arguments, and without the name of `layer`."""
    text = re.sub(rf"[\w.]*\b{re.escape(layer)}\b(?!' object)", "LAYER", message) if layer else message
    for pattern, instead in _NORMAL:
        text = re.sub(pattern, instead, text)
    return text.strip()[:_MESSAGE]
