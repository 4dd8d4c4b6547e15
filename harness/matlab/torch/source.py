"""Write a Spec of MATLAB layers as a PyTorch program: one class with one submodule per layer, and its `state_dict`.

`parity convert` delivers the text, and the hop runs the same text, so the judged module is the delivered one.
Submodules have the layers' names (`torch_names`). `harness.matlab.layers` writes each layer as a module of PyTorch if
one has the same meaning, otherwise as a class of `blocks.py`, whose source is copied into the program.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from inspect import getsource
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.layers import kind_of
from harness.matlab.readers.card import Card, recipe, sizes_of
from harness.matlab.readers.channels import groups_of
from harness.matlab.torch.writers import Site
from harness.oracle import part
from harness.spec import Array, Layer, Spec, source_of

CLASS = "Network"
RESERVED = ("average_image", "classes", "labelled", "places", "predict", "prepare", "scores", "size")
"""Attributes of the classes of `mixins.py`, which no layer may hide."""
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
            filled = last > first  # frombuffer refuses an empty buffer
            flat = torch.frombuffer(bytearray(data[first:last]), dtype=dtype) if filled else torch.zeros(0, dtype=dtype)
            state[name] = flat.reshape(entry["shape"])
    network = {CLASS}()
    network.load_state_dict(state)
    return network.eval()


if __name__ == "__main__":
    print(load())
'''
"""What a delivered program ends with: it needs torch alone."""


@dataclass(frozen=True)
class Program:
    """The text of `model.py`, the weights by `state_dict` key, and the names of inputs and outputs in order."""

    source: str
    state: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    modules: Mapping[str, str]
    """Name of the submodule by layer name."""


def program(spec: Spec, weights: Mapping[str, Array], card: Card | None = None) -> Program:
    """Write the program; with a card, it has the names of the classes and prepares its input too.

    Raises ValueError for a layer that cannot be written, or whose weights do not fit.
    """
    ranks = ranks_of(spec)
    groups = groups_of(spec, weights) if spec.dialect == "matconvnet" else {}
    names = torch_names(spec)
    state: dict[str, Array] = {}
    modules: dict[str, str] = {}
    functions: dict[Callable[..., Any], None] = {}
    calls = []
    texts: dict[str, str] = {}
    for layer in spec.layers:
        site = Site(layer, part(weights, layer.owner), ranks[source_of(layer.inputs[0])], groups.get(layer.name, 1))
        kind = kind_of(spec, layer)
        module = kind.write(site)
        texts[layer.name] = module.text
        if layer.of and module.text == modules.get(layer.of):  # the same layer again: its module is called twice
            calls.append(_call(layer, names, len(kind.outputs(layer.config))))
            continue
        modules[layer.name] = module.text
        functions |= dict.fromkeys(module.functions)
        state |= {f"{names[layer.name]}.{key}": _number(value) for key, value in module.state.items()}
        calls.append(_call(replace(layer, of=""), names, len(kind.outputs(layer.config))))
    inputs = tuple(names[item.name] for item in spec.inputs)
    same = _unchanged(spec, texts)
    outputs = [f"{_tensor(tensor, names)}{'.clone()' * (tensor in same)}" for tensor in spec.outputs]
    submodules = {names[name]: text for name, text in modules.items()}
    sources = [*_blocks(modules.values()), *(getsource(function) for function in functions)]
    usage = _usage(spec, weights, card)
    state |= usage.state
    source = _text(spec, submodules, calls, sources=sources, inputs=inputs, outputs=outputs, usage=usage)
    return Program(source, state, inputs, tuple(spec.outputs), {name: names[name] for name in modules})


@dataclass(frozen=True)
class Usage:
    """What a card adds to a program: base classes, class attributes, buffers, title and sentences of its docstring."""

    title: str = ""
    bases: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    state: Mapping[str, Array] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def _usage(spec: Spec, weights: Mapping[str, Array], card: Card | None) -> Usage:
    if card is None:
        return Usage()
    bases, attributes, buffers, state = [], [], [], {}
    if card.classes and card.labelled in spec.outputs:
        bases.append("Labelled")
        attributes += [f"classes = {card.classes!r}", f"labelled = {spec.outputs.index(card.labelled)}"]
    if len(spec.inputs) == 1 and spec.inputs[0].dtype == "float32":
        bases.append("Prepared")
        attributes.append(f"size = {spec.inputs[0].shape!r}")
        if card.average is not None:
            image = np.moveaxis(np.asarray(card.average, np.float32), -1, 0)
            buffers.append(f'self.register_buffer("average_image", torch.zeros({image.shape}))')
            state["average_image"] = np.ascontiguousarray(image)
    return Usage(card.title, tuple(bases), tuple(attributes), tuple(buffers), state, recipe(spec, weights, card))


def _number(value: Array) -> Array:
    """float32, or int64 for a counter; without losing the rank of a scalar."""
    kind = np.int64 if value.dtype.kind == "i" else np.float32
    return np.array(value, dtype=kind, order="C")


def torch_names(spec: Spec) -> dict[str, str]:
    """Names as identifiers. Every other character becomes `_`, and a name that is reserved or in use gets a `_` at its
    end. No name begins with two of them, which Python would mangle in a class. The names of a layer's further outputs
    (`pool_1`) are in use, too."""
    taken = {*dir(builtins), *keyword.kwlist, "self", "torch", "nn", "F", "Tensor", *_module_attributes(), *RESERVED}
    names: dict[str, str] = {}
    counts = {layer.name: len(kind_of(spec, layer).outputs(layer.config)) for layer in spec.layers}
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
    """Tensors that are an input, unchanged. torch.onnx.export would give such an output the name of the input."""
    same = {item.name for item in spec.inputs}
    for layer in spec.layers:
        if texts[layer.name].startswith(("nn.Identity(", "nn.Dropout(")) and layer.inputs[0] in same:
            same.add(layer.name)
    return same


def _module_attributes() -> set[str]:
    from torch import nn

    return set(dir(nn.Module()))


def ranks_of(spec: Spec) -> dict[str, int]:
    """Rank of what each input and layer gives, batch included."""
    ranks = {item.name: len(item.shape) + 1 for item in spec.inputs}
    for layer in spec.layers:
        ranks[layer.name] = kind_of(spec, layer).rank(layer.config, ranks[source_of(layer.inputs[0])])
    return ranks


def _tensor(tensor: str, names: Mapping[str, str]) -> str:
    name, colon, number = tensor.partition(":")
    return f"{names[name]}_{number}" if colon else names[name]


def _call(layer: Layer, names: Mapping[str, str], outputs: int) -> str:
    name = names[layer.name]
    targets = ", ".join([name, *(f"{name}_{k}" for k in range(1, outputs))])
    return f"{targets} = self.{names[layer.owner]}({', '.join(_tensor(tensor, names) for tensor in layer.inputs)})"


def _text(
    spec: Spec,
    modules: Mapping[str, str],
    calls: Sequence[str],
    *,
    sources: Sequence[str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    usage: Usage,
) -> str:
    shapes = "; ".join(f"`{name}` N x {sizes_of(item)}" for name, item in zip(inputs, spec.inputs, strict=True))
    sources = [*_blocks(usage.bases), *sources]
    sentences = "".join(f"- {sentence}\n" for sentence in usage.sentences)
    preparation = _quoted(f"\nPreparation of the input:\n{sentences}")
    functional = "from torch.nn import functional as F\n" if any("F." in source for source in sources) else ""
    callables = "from collections.abc import Callable\n" if any("Callable" in source for source in sources) else ""
    parts = [
        f'"""{_quoted(usage.title) or "A network converted from MATLAB"}, for PyTorch.\n\n'
        "Images are N x C x H x W, sequences N x T x C, features N x C. MATLAB's H x W x C x N array `x` is\n"
        "`torch.from_numpy(x.transpose(3, 2, 0, 1))` here, its C x N x T array `x.transpose(1, 2, 0)`.\n"
        f'Inputs: {shapes}.\n{preparation * bool(sentences)}"""\n',
        "from __future__ import annotations\n",
        f"import json\n{callables}from pathlib import Path\n\n"
        f"import torch\nfrom torch import Tensor, nn\n{functional}\n",
        *(f"{source}\n" for source in sources),
        f"class {CLASS}({', '.join([*usage.bases, 'nn.Module'])}):",
        '    """One submodule per layer of the network, under the layer\'s name."""\n',
        *(f"    {text}" for text in usage.attributes),
        *[""] * bool(usage.attributes),
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {text}" for text in usage.buffers),
        *(f"        self.{name} = {text}" for name, text in modules.items()),
        "",
        f"    def forward(self, {', '.join(f'{name}: Tensor' for name in inputs)}):",
        *(f"        {call}" for call in calls),
        f"        return {', '.join(outputs)}",
    ]
    return "\n".join(parts) + LOADER


def _quoted(text: str) -> str:
    """Text of a file in a form that cannot end a docstring or begin an escape in it."""
    return text.replace("\\", "/").replace('"', "'")


@cache
def _sources() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Source of each class of `blocks.py` and `mixins.py`, and the names that it uses; read, not imported."""
    sources = {}
    for module in ("blocks.py", "mixins.py"):
        text = Path(__file__).with_name(module).read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                first = min(item.lineno for item in (node, *node.decorator_list)) - 1
                source = "\n".join(lines[first : node.end_lineno]) + "\n"
                sources[node.name] = source, frozenset(_words([source]))
    return sources


def _blocks(texts: Iterable[str]) -> list[str]:
    """Source of the classes that these expressions name, in the order of their modules."""
    sources = _sources()
    used, names = set[str](), _words(texts)
    while names - used:
        used |= names
        names = {word for name in used & set(sources) for word in sources[name][1]}
    return [source for name, (source, _) in sources.items() if name in used]


def _words(texts: Iterable[str]) -> set[str]:
    """Names that Python text uses."""
    return {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def build(converted: Program) -> Any:
    """The module in evaluation mode, with its weights. Raises what PyTorch raises where they do not fit."""
    import torch

    space: dict[str, Any] = {"__name__": "converted_network", "__file__": "model.py"}
    exec(compile(converted.source, "model.py", "exec"), space)  # noqa: S102 - text that this module has just written
    module = space[CLASS]()
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in converted.state.items()})
    return module.eval()
