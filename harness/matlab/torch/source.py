"""A Spec of MATLAB layers as a PyTorch program: one class with one submodule per layer, and its `state_dict`.

The text is what `parity convert` delivers, and what the hop runs: the program is written once, and the module that is
judged is the one that a user gets. Submodules carry the layers' names (`torch_name`). PyTorch's own layers are used
wherever one means the same; others come from `harness.matlab.torch.blocks`, whose source goes along. How each layer is
written is told in `torch_toolbox` and `torch_matconvnet`.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.readers.simplenn import groups_of
from harness.matlab.torch import matconvnet as torch_matconvnet
from harness.matlab.torch import toolbox as torch_toolbox
from harness.matlab.torch.writers import Site, Writer
from harness.oracle import part
from harness.spec import Array, Layer, Spec, source_of

CLASS = "Network"
WEIGHTS = "weights.safetensors"
LOADER = f'''


def load(path: str | Path = Path(__file__).with_name("{WEIGHTS}")) -> {CLASS}:
    """The network with its weights, in evaluation mode; the file is a length, a JSON header and the numbers."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    state = {{}}
    for name, entry in header.items():
        if name != "__metadata__":
            dtype = {{"F32": torch.float32, "I64": torch.int64}}[entry["dtype"]]
            first, last = (start + n for n in entry["data_offsets"])
            held = last > first  # frombuffer refuses none at all
            flat = torch.frombuffer(bytearray(data[first:last]), dtype=dtype) if held else torch.zeros(0, dtype=dtype)
            state[name] = flat.reshape(entry["shape"])
    network = {CLASS}()
    network.load_state_dict(state)
    return network.eval()


if __name__ == "__main__":
    print(load())
'''
"""What a delivered program ends with: it needs torch alone."""
WRITERS: Mapping[str, Writer] = {**torch_toolbox.WRITERS, **torch_matconvnet.WRITERS}
"""Writer of each kind of layer, of both dialects."""


@dataclass(frozen=True)
class Program:
    """The text of `model.py`, the weights by `state_dict` key, and the names of inputs and outputs in order."""

    source: str
    state: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    modules: Mapping[str, str]
    """Name of the submodule by layer name."""


def program(spec: Spec, weights: Mapping[str, Array], title: str = "") -> Program:
    """Write the program. Raises ValueError for a layer that cannot be written, or whose weights do not fit."""
    ranks = ranks_of(spec)
    groups = groups_of(spec, weights) if spec.dialect == "matconvnet" else {}
    names = torch_names(spec)
    state: dict[str, Array] = {}
    made, lines = [], []
    for layer in spec.layers:
        site = Site(layer, part(weights, layer.owner), ranks[source_of(layer.inputs[0])], groups.get(layer.name, 1))
        module = WRITERS[layer.kind](site)
        made.append((names[layer.name], module.text))
        state |= {f"{names[layer.name]}.{key}": _number(v) for key, v in module.state.items()}
        lines.append(_call(layer, names))
    taken = tuple(names[item.name] for item in spec.inputs)
    same = _unchanged(spec, {layer.name: text for layer, (_, text) in zip(spec.layers, made, strict=True)})
    given = tuple(f"{_tensor(tensor, names)}{'.clone()' * (tensor in same)}" for tensor in spec.outputs)
    text = _text(title, spec, made, lines, taken=taken, given=given)
    return Program(text, state, taken, tuple(spec.outputs), {layer.name: names[layer.name] for layer in spec.layers})


def _number(value: Array) -> Array:
    """float32, or int64 for a counter; without losing the rank of a scalar."""
    kind = np.int64 if value.dtype.kind == "i" else np.float32
    return np.array(value, dtype=kind, order="C")


def torch_names(spec: Spec) -> dict[str, str]:
    """Names as identifiers: every other character becomes `_`, what is taken or reserved ends in `_`. None begins with
    two of them, which Python would mangle in a class; a layer's further outputs (`pool_1`) are taken, too."""
    taken = {*dir(builtins), *keyword.kwlist, "self", "torch", "nn", "F", "Tensor", *_module_attributes()}
    names: dict[str, str] = {}
    counts = {layer.name: outputs_of(layer) for layer in spec.layers}
    for name in [*(item.name for item in spec.inputs), *(layer.name for layer in spec.layers)]:
        text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
        text = f"_{text}" if not text or text[0].isdigit() else text
        text = f"layer{text}" if text.startswith("__") else text
        more = range(1, counts.get(name, 1))
        while taken & {text, *(f"{text}_{k}" for k in more)}:
            text += "_"
        taken |= {text, *(f"{text}_{k}" for k in more)}
        names[name] = text
    return names


def _unchanged(spec: Spec, texts: Mapping[str, str]) -> set[str]:
    """Tensors that are an input, passed on. torch.onnx.export gives an output that is one the input's own name."""
    same = {item.name for item in spec.inputs}
    for layer in spec.layers:
        if texts[layer.name].startswith(("nn.Identity(", "nn.Dropout(")) and layer.inputs[0] in same:
            same.add(layer.name)
    return same


def _module_attributes() -> set[str]:
    from torch import nn

    return set(dir(nn.Module()))


FLATTENING = ("FullyConnectedLayer", "FlattenLayer")


def outputs_of(layer: Layer) -> int:
    """How many outputs a layer has."""
    return 3 if layer.kind == "MaxPooling2DLayer" and layer.config.get("HasUnpoolingOutputs") else 1


def ranks_of(spec: Spec) -> dict[str, int]:
    """Rank of what each input and layer gives, batch included."""
    ranks = {item.name: len(item.shape) + 1 for item in spec.inputs}
    for layer in spec.layers:
        rank = ranks[source_of(layer.inputs[0])]
        ends = layer.kind in ("LSTMLayer", "LSTMProjectedLayer", "BiLSTMLayer", "GRULayer", "GRUProjectedLayer")
        flat = layer.kind in FLATTENING and rank > 3
        whole = layer.kind.startswith("Global") and rank == 3
        if flat or whole or (ends and layer.config.get("OutputMode") == "last"):
            rank = 2
        elif layer.kind in IMAGES and rank == 2:
            rank = 4
        ranks[layer.name] = rank
    return ranks


IMAGES = ("Convolution2DLayer", "GroupedConvolution2DLayer", "TransposedConvolution2DLayer")


def _tensor(tensor: str, names: Mapping[str, str]) -> str:
    name, colon, number = tensor.partition(":")
    return f"{names[name]}_{number}" if colon else names[name]


def _call(layer: Layer, names: Mapping[str, str]) -> str:
    given = ", ".join(_tensor(tensor, names) for tensor in layer.inputs)
    target = names[layer.name]
    if outputs_of(layer) == 3:
        return f"{target}, {target}_1, {target}_2 = self.{names[layer.name]}({given})"
    return f"{target} = self.{names[layer.name]}({given})"


def _text(
    title: str,
    spec: Spec,
    made: Sequence[tuple[str, str]],
    lines: Sequence[str],
    *,
    taken: Sequence[str],
    given: Sequence[str],
) -> str:
    blocks = _blocks([text for _, text in made])
    shapes = "; ".join(
        f"`{name}` N x {' x '.join('T' if n is None else str(n) for n in item.shape)}"
        for name, item in zip(taken, spec.inputs, strict=True)
    )
    functional = "from torch.nn import functional as F\n" if any("F." in block for block in blocks) else ""
    parts = [
        f'"""{title or "A network converted from MATLAB"}, for PyTorch.\n\n'
        "Images are N x C x H x W, sequences N x T x C, features N x C. MATLAB's H x W x C x N array `x` is\n"
        "`torch.from_numpy(x.transpose(3, 2, 0, 1))` here, its C x N x T array `x.transpose(1, 2, 0)`.\n"
        f'Inputs: {shapes}.\n"""\n',
        "from __future__ import annotations\n",
        f"import json\nfrom pathlib import Path\n\nimport torch\nfrom torch import Tensor, nn\n{functional}\n",
        *(f"{block}\n" for block in blocks),
        f"class {CLASS}(nn.Module):",
        '    """One submodule per layer of the network, under the layer\'s name."""\n',
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        self.{name} = {text}" for name, text in made),
        "",
        f"    def forward(self, {', '.join(f'{name}: Tensor' for name in taken)}):",
        *(f"        {line}" for line in lines),
        f"        return {', '.join(given)}",
    ]
    return "\n".join(parts) + LOADER


@cache
def _sources() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Source of each of our own modules, and the names that it uses; read, not imported."""
    text = Path(__file__).with_name("blocks.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min(item.lineno for item in (node, *node.decorator_list)) - 1
            own = "\n".join(lines[first : node.end_lineno]) + "\n"
            found[node.name] = own, frozenset(_words([own]))
    return found


def _blocks(texts: Sequence[str]) -> list[str]:
    """Source of our own modules that these expressions name, in the order of their module."""
    sources = _sources()
    used, found = set[str](), _words(texts)
    while found - used:
        used |= found
        found = {word for name in used & set(sources) for word in sources[name][1]}
    return [source for name, (source, _) in sources.items() if name in used]


def _words(texts: Iterable[str]) -> set[str]:
    """Names that Python text uses."""
    return {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def build(made: Program) -> Any:
    """The module in evaluation mode, with its weights. Raises what PyTorch raises where they do not fit."""
    import torch

    space: dict[str, Any] = {"__name__": "converted_network", "__file__": "model.py"}
    exec(compile(made.source, "model.py", "exec"), space)  # noqa: S102 - text that this module has just written
    module = space[CLASS]()
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in made.state.items()})
    return module.eval()
