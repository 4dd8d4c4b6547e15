"""The text of a PyTorch program: one class with one submodule per layer, the classes that these are of, and a loader.

A delivered program needs torch alone: it carries the source of what PyTorch has no layer for. Who writes a network says
which submodules it has and what its `forward` does; the names, the order of the text and the file of the weights are
the same for all.
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

from harness.spec import Array

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


@dataclass(frozen=True)
class Body:
    """What the class of a program consists of; all but `modules` is text, line by line.

    `parameters` of `forward` are names, `modules` maps names of submodules to the expressions that make them.
    """

    modules: Mapping[str, str]
    calls: Sequence[str]
    parameters: Sequence[str]
    outputs: Sequence[str]
    bases: Sequence[str] = ()
    attributes: Sequence[str] = ()
    buffers: Sequence[str] = ()


def text_of(docstring: str, body: Body, sources: Sequence[str]) -> str:
    """The text of `model.py`; `sources` are those of the classes and functions that it carries."""
    functional = "from torch.nn import functional as F\n" if any("F." in source for source in sources) else ""
    callables = "from collections.abc import Callable\n" if any("Callable" in source for source in sources) else ""
    parts = [
        f'"""{docstring}"""\n',
        "from __future__ import annotations\n",
        f"import json\n{callables}from pathlib import Path\n\n"
        f"import torch\nfrom torch import Tensor, nn\n{functional}\n",
        *(f"{source}\n" for source in sources),
        f"class {CLASS}({', '.join([*body.bases, 'nn.Module'])}):",
        '    """One submodule per layer of the network, under the layer\'s name."""\n',
        *(f"    {text}" for text in body.attributes),
        *[""] * bool(body.attributes),
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {text}" for text in body.buffers),
        *(f"        self.{name} = {text}" for name, text in body.modules.items()),
        "",
        f"    def forward(self, {', '.join(f'{name}: Tensor' for name in body.parameters)}):",
        *(f"        {call}" for call in body.calls),
        f"        return {', '.join(body.outputs)}",
    ]
    return "\n".join(parts) + LOADER


def identifiers(wanted: Mapping[str, Sequence[str]], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Names as identifiers. Every other character becomes `_`, and a name that is reserved or in use gets a `_` at its
    end. No name begins with two of them, which Python would mangle in a class. A name is in use with each of the ends
    that it is wanted with (`pool` and `pool_1`), too."""
    taken = {*dir(builtins), *keyword.kwlist, "self", "torch", "nn", "F", "Tensor", *_module_attributes(), *reserved}
    names: dict[str, str] = {}
    for name, ends in wanted.items():
        text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
        text = f"_{text}" if not text or text[0].isdigit() else text
        text = f"layer{text}" if text.startswith("__") else text
        while taken & {text, *(f"{text}{end}" for end in ends)}:
            text += "_"
        taken |= {text, *(f"{text}{end}" for end in ends)}
        names[name] = text
    return names


def _module_attributes() -> set[str]:
    from torch import nn

    return set(dir(nn.Module()))


def number(value: Array) -> Array:
    """float32, or int64 for a counter; without losing the rank of a scalar."""
    kind = np.int64 if value.dtype.kind == "i" else np.float32
    return np.array(value, dtype=kind, order="C")


def quoted(text: str) -> str:
    """Text of a file in a form that cannot end a docstring or begin an escape in it."""
    return text.replace("\\", "/").replace('"', "'")


@cache
def _sources(files: tuple[Path, ...]) -> Mapping[str, tuple[str, frozenset[str]]]:
    """Source of each class of these files, and the names that it uses; read, not imported."""
    sources = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                first = min(item.lineno for item in (node, *node.decorator_list)) - 1
                source = "\n".join(lines[first : node.end_lineno]) + "\n"
                sources[node.name] = source, frozenset(_words([source]))
    return sources


def blocks(texts: Iterable[str], *files: Path) -> list[str]:
    """Source of the classes of these files that the expressions name, in their order."""
    sources = _sources(files)
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
