"""Write a Spec of MATLAB layers as a PyTorch program: one class with one submodule per layer, and its `state_dict`.

`parity convert` delivers the text, and the hop runs the same text, so the judged module is the delivered one.
Submodules have the layers' names (`torch_names`). `harness.matlab.layers` writes each layer as a module of PyTorch if
one has the same meaning, otherwise as a class of `blocks.py`, whose source is copied into the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import getsource
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.layers import kind_of
from harness.matlab.readers.card import Card, recipe, sizes_of
from harness.matlab.readers.channels import groups_of
from harness.matlab.torch.text import Body, Program, blocks, identifiers, number, quoted, text_of
from harness.matlab.torch.writers import Site
from harness.oracle import part
from harness.spec import Array, Layer, Spec, source_of

FILES = tuple(Path(__file__).with_name(name) for name in ("blocks.py", "mixins.py"))
"""The classes that a program may carry."""
RESERVED = ("average_image", "classes", "labelled", "places", "predict", "prepare", "scores", "size")
"""Attributes of the classes of `mixins.py`, which no layer may hide."""


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
        state |= {f"{names[layer.name]}.{key}": number(value) for key, value in module.state.items()}
        calls.append(_call(replace(layer, of=""), names, len(kind.outputs(layer.config))))
    inputs = tuple(names[item.name] for item in spec.inputs)
    same = _unchanged(spec, texts)
    outputs = [f"{_tensor(tensor, names)}{'.clone()' * (tensor in same)}" for tensor in spec.outputs]
    submodules = {names[name]: text for name, text in modules.items()}
    usage = _usage(spec, weights, card)
    state |= usage.state
    sources = [
        *blocks(usage.bases, *FILES),
        *blocks(modules.values(), *FILES),
        *(getsource(function) for function in functions),
    ]
    body = Body(submodules, calls, inputs, outputs, usage.bases, usage.attributes, usage.buffers)
    source = text_of(_docstring(spec, inputs, usage), body, sources)
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


def torch_names(spec: Spec) -> dict[str, str]:
    """Names as identifiers; the names of a layer's further outputs (`pool_1`) are in use, too."""
    wanted: dict[str, list[str]] = {item.name: [] for item in spec.inputs}
    for layer in spec.layers:
        wanted[layer.name] = [f"_{k}" for k in range(1, len(kind_of(spec, layer).outputs(layer.config)))]
    return identifiers(wanted, RESERVED)


def _unchanged(spec: Spec, texts: Mapping[str, str]) -> set[str]:
    """Tensors that are an input, unchanged. torch.onnx.export would give such an output the name of the input."""
    same = {item.name for item in spec.inputs}
    for layer in spec.layers:
        if texts[layer.name].startswith(("nn.Identity(", "nn.Dropout(")) and layer.inputs[0] in same:
            same.add(layer.name)
    return same


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


def _docstring(spec: Spec, inputs: Sequence[str], usage: Usage) -> str:
    shapes = "; ".join(f"`{name}` N x {sizes_of(item)}" for name, item in zip(inputs, spec.inputs, strict=True))
    sentences = "".join(f"- {sentence}\n" for sentence in usage.sentences)
    preparation = quoted(f"\nPreparation of the input:\n{sentences}")
    return (
        f"{quoted(usage.title) or 'A network converted from MATLAB'}, for PyTorch.\n\n"
        "Images are N x C x H x W, sequences N x T x C, features N x C. MATLAB's H x W x C x N array `x` is\n"
        "`torch.from_numpy(x.transpose(3, 2, 0, 1))` here, its C x N x T array `x.transpose(1, 2, 0)`.\n"
        f"Inputs: {shapes}.\n{preparation * bool(sentences)}"
    )
