"""Read MatConvNet's DagNN, the struct of `net.saveobj()`, as a Spec and its weights.

`layers` is a struct array with `type` (a class, `dagnn.Conv`), `name`, `inputs`, `outputs`, `params` and `block` (the
properties of the class); `params` has the arrays by name, `vars` the names of the tensors, which connect the layers.
The file lists the layers in the order in which they were added, which need not be an order in which they can run.
https://www.vlfeat.org/matconvnet/mfiles/+dagnn/@DagNN/DagNN/

The Spec omits losses, which `Network.notes` names, and the inputs that only losses read: labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.matlab.layers import MATCONVNET, Read, Unsupported
from harness.matlab.matfile.read import Cell, Object, StructArray
from harness.matlab.readers.card import matconvnet_card
from harness.matlab.readers.channels import with_channels
from harness.matlab.readers.fields import Fields
from harness.matlab.readers.order import Circle, running_order
from harness.matlab.readers.records import NetworkError, UnsupportedLayers, class_of, inside, strings
from harness.matlab.readers.simplenn import DIALECT, average_image, average_note, image_size
from harness.matlab.readers.toolbox import Network, spec_names
from harness.spec import Array, Input, Layer, Spec, canonical

OBJECT = "dagnn.DagNN"


@dataclass(frozen=True)
class Block:
    """One stored layer."""

    where: str
    class_name: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: tuple[Array, ...]
    options: Mapping[str, Any]
    names: tuple[str, ...] = ()
    """Names of the parameters: two layers may share them."""

    @property
    def is_loss(self) -> bool:
        """Whether only training uses it."""
        return re.search(r"(?i)loss$", self.class_name) is not None

    def as_layer(self, kind: str) -> Fields:
        """The block as SimpleNN's struct of the same type."""
        options = {RENAMED.get(name, name): value for name, value in self.options.items()}
        weights = {"weights": Cell(self.params, (len(self.params), 1))} if self.params else {}
        return Fields(self.where, f"layer {self.name!r}", {**options, "type": kind, **weights})


def is_dagnn(value: Any) -> bool:
    """Whether a value is such a struct, or the object itself."""
    if isinstance(value, Object):
        return value.class_name == OBJECT
    layers = value.get("layers") if isinstance(value, Mapping) else None
    first = next(iter(layers), None) if isinstance(layers, StructArray) else layers
    return isinstance(first, Mapping) and {"type", "inputs", "outputs"} <= set(first)


def read_dagnn(where: str, value: Any) -> Network:
    """Raises NetworkError for a broken network, UnsupportedLayers for all blocks that are not known."""
    net = value if isinstance(value, Mapping) else (inside(value, "any") or value.fields)
    blocks = _blocks(where, net)
    active = [block for block in blocks if not block.is_loss]
    if not active:
        raise NetworkError("a DagNN without layers", where=where, expected="at least one in net.layers")
    spec, weights = _graph(where, net, active)
    losses = [f"left out: {block.name} ({block.class_name}), a loss" for block in blocks if block.is_loss]
    average = average_image(where, net)
    card = matconvnet_card(net, average, spec.outputs[0])
    return Network("DagNN", with_channels(spec, weights), weights, (*average_note(average), *losses), card=card)


def _graph(where: str, net: Mapping[str, Any], blocks: Sequence[Block]) -> tuple[Spec, dict[str, Array]]:
    """The blocks, connected by their tensors. A tensor of the Spec has the name of the layer that makes it."""
    stored = [block.name for block in blocks]
    names = dict(zip(stored, spec_names(stored), strict=True))
    read = _read(where, blocks)
    makers = _makers(where, blocks)
    order = _order(where, blocks, makers)
    inputs = _inputs(where, net, blocks, makers, set(names.values()))
    tensors = {var: item.name for var, item in inputs.items()}
    tensors |= {var: names[block.name] for var, block in makers.items()}
    layers = []
    weights: dict[str, Array] = {}
    owners: dict[str, str] = {}
    for block in order:
        kind, (config, arrays) = read[block.name]
        name, inputs_of = names[block.name], tuple(tensors[var] for var in block.inputs)
        shared = canonical([kind, config, list(block.names)]) if block.names else name
        owner = owners.setdefault(shared, name)
        if owner != name:  # the same parameters and options: the same layer once more
            layers.append(Layer(kind, name, config, inputs_of, of=owner))
            continue
        layers.append(Layer(kind, name, config, inputs_of))
        weights |= {f"{name}/{key}": array for key, array in arrays.items()}
    taken = {tensor for layer in layers for tensor in layer.inputs}
    outputs = tuple(layer.name for layer in layers if layer.name not in taken)
    return Spec(DIALECT, tuple(inputs.values()), tuple(layers), outputs), weights


def _items(value: Any) -> list[Mapping[str, Any]]:
    """Elements of a struct array of any size."""
    if isinstance(value, Mapping):
        return [value]
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, StructArray | Cell) else []


def _blocks(where: str, net: Mapping[str, Any]) -> list[Block]:
    params = {str(item.get("name")): item.get("value") for item in _items(net.get("params"))}
    blocks: list[Block] = []
    for k, item in enumerate(_items(net.get("layers")), start=1):
        class_name, name = item.get("type"), item.get("name") or f"layer{k}"
        if not isinstance(class_name, str) or not isinstance(name, str):
            raise NetworkError(
                "'type' or 'name' is no text",
                where=f"{where}: layer {k}",
                expected="texts, such as 'dagnn.Conv' and 'conv1'",
                came=f"{class_of(class_name)} and {class_of(name)}",
            )
        if any(block.name == name for block in blocks):
            raise NetworkError(f"two layers are called {name!r}", where=where, expected="different names")
        block = item.get("block")
        options = block.fields if isinstance(block, Object) else block
        blocks.append(
            Block(
                where,
                class_name,
                name,
                tuple(strings(item.get("inputs"))),
                tuple(strings(item.get("outputs"))),
                tuple(_param(where, name, wanted, params) for wanted in strings(item.get("params")) if wanted),
                options if isinstance(options, Mapping) else {},
                tuple(wanted for wanted in strings(item.get("params")) if wanted),
            )
        )
    return blocks


def _param(where: str, layer: str, name: str, params: Mapping[str, Any]) -> Any:
    if name not in params:
        raise NetworkError(f"its parameter {name!r} is not in net.params", where=f"{where}: layer {layer!r}")
    return params[name]


def _read(where: str, blocks: Sequence[Block]) -> dict[str, tuple[str, Read]]:
    """Kind, configuration and weights by the layer's stored name."""
    unknown: list[tuple[str, str, str]] = []
    read: dict[str, tuple[str, Read]] = {}
    for block in blocks:
        if block.class_name not in CLASSES:
            unknown.append((block.class_name, block.name, ""))
            continue
        kind, count = CLASSES[block.class_name]
        if len(block.outputs) != 1 or (len(block.inputs) != count if count else not block.inputs):
            unknown.append(
                (block.class_name, block.name, f"{len(block.inputs)} inputs and {len(block.outputs)} outputs")
            )
            continue
        try:
            read[block.name] = kind, _read_block(block, kind)
        except Unsupported as why:
            unknown.append((block.class_name, block.name, str(why)))
    if unknown:
        raise UnsupportedLayers(where, unknown)
    return read


def _makers(where: str, blocks: Sequence[Block]) -> dict[str, Block]:
    makers: dict[str, Block] = {}
    for block in blocks:
        if block.outputs[0] in makers:
            both = f"{makers[block.outputs[0]].name!r} and {block.name!r}"
            raise NetworkError(f"layers {both} both make {block.outputs[0]!r}", where=where, expected="one of them")
        makers[block.outputs[0]] = block
    return makers


def _order(where: str, blocks: Sequence[Block], makers: Mapping[str, Block]) -> list[Block]:
    by_name = {block.name: block for block in blocks}
    reads = {block.name: [makers[var].name for var in block.inputs if var in makers] for block in blocks}
    try:
        return [by_name[name] for name in running_order(reads)]
    except Circle as circle:
        raise NetworkError(f"the layers {circle} feed each other", where=where, expected="no circles") from None


def _inputs(
    where: str, net: Mapping[str, Any], blocks: Sequence[Block], makers: Mapping[str, Block], taken: set[str]
) -> dict[str, Input]:
    """The inputs by tensor: tensors that layers read and no layer makes. A single input has the file's image size."""
    free = list(dict.fromkeys(var for block in blocks for var in block.inputs if var not in makers))
    if not free:
        raise NetworkError(
            "has no input", where=where, expected="a layer that reads a tensor which no other layer makes"
        )
    declared = dict(_declared(where, net))
    inputs: dict[str, Input] = {}
    for var, text in zip(free, spec_names(free), strict=True):
        name = text
        while name in taken:
            name += "_"
        taken.add(name)
        size = declared.get(var) or (image_size(where, net) if len(free) == 1 else [])
        height, width, channels = [*size, None, None, None][:3]
        inputs[var] = Input(name, (channels, height, width))
    return inputs


def _declared(where: str, net: Mapping[str, Any]) -> list[tuple[str, list[int | None]]]:
    """`meta.inputs` by name: [H W C N]."""
    structs = [Fields(where, "meta.inputs", item) for item in _items(inside(net, "meta", "inputs"))]
    return [(fields.text("name", ""), fields.sizes("size")) for fields in structs]


# --- blocks ------------------------------------------------------------------------------------------------------

CLASSES: Mapping[str, tuple[str, int]] = {
    "dagnn.Conv": ("conv", 1),
    "dagnn.ConvTranspose": ("convt", 1),
    "dagnn.BatchNorm": ("bnorm", 1),
    "dagnn.Pooling": ("pool", 1),
    "dagnn.ReLU": ("relu", 1),
    "dagnn.LRN": ("lrn", 1),
    "dagnn.SoftMax": ("softmax", 1),
    "dagnn.Sigmoid": ("sigmoid", 1),
    "dagnn.DropOut": ("dropout", 1),
    "dagnn.Sum": ("sum", 0),
    "dagnn.Concat": ("concat", 0),
    "dagnn.Scale": ("scale", 1),
    "dagnn.Crop": ("crop", 2),
}
"""Kind of layer and number of inputs (0: any) of each class."""
RENAMED = {"poolSize": "pool"}
"""SimpleNN's name of an option by the block's, where they differ."""


def _read_block(block: Block, kind: str) -> Read:
    """Configuration and weights, read as SimpleNN's layer of the same kind."""
    if kind not in ("conv", "convt"):
        return MATCONVNET[kind].read(block.as_layer(kind))
    where = f"{block.where}: layer {block.name!r} ({block.class_name})"
    has_bias = block.as_layer(kind).flag("hasBias")
    if not block.params or (has_bias is not None and len(block.params) != 1 + has_bias):
        raise NetworkError(
            f"has {len(block.params)} parameters",
            where=where,
            expected="filters" if has_bias is False else "filters and biases",
        )
    config, arrays = MATCONVNET[kind].read(block.as_layer(kind))
    declared = [int(n) for n in np.ravel(block.options.get("size", ())) if n > 0]
    shape = list(arrays["filters"].shape)
    if len(declared) == 4 and declared != shape:
        raise NetworkError(
            "the filters are not of the size that the block declares",
            where=where,
            expected=str(declared),
            came=str(shape),
        )
    return config, arrays
