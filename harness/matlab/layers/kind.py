"""One kind of layer, the decorator that registers it, and the tables of all kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Writer
from harness.spec import Array, Config, Layer, Spec

Read = tuple[dict[str, Any], dict[str, Array]]
"""Configuration with the names of MATLAB's properties, and weights in MATLAB's layout: docs/matlab.md has the table."""
Shape = tuple[int | None, ...]
Reader = Callable[[Any], Read]
"""Takes a `Record`; for MatConvNet's layers, `Fields`."""


class Unsupported(Exception):
    """A known layer with an option whose meaning is not known; the message names the option."""


@dataclass(frozen=True)
class Kind:
    """How one kind of layer is read and written, its ports, ranks and shapes."""

    name: str
    read: Reader
    """Turns the stored layer into its configuration and weights."""
    write: Writer
    """Turns the layer at its site into its module in a PyTorch program."""
    axes: Mapping[str, tuple[str, ...]]
    """MATLAB's layouts of each weight, one letter for each axis."""
    rank: Callable[[Config, int], int]
    """Rank of the first output, batch included, by configuration and by the rank of the first input."""
    inputs: tuple[str, ...]
    """Input ports in order, if they have special names; otherwise the ports are `in`, or `in1`, `in2` and so on."""
    outputs: Callable[[Config], tuple[str, ...]]
    """Output ports in order."""
    dtype: str
    """Type of the numbers that it reads."""
    shape: Callable[[Record], Shape] | None
    """Shape of an input layer's input, without the batch: C x H x W (x D), T x C with T open, or C."""

    def input_place(self, port: str) -> int | None:
        """Number of the input at a port, from 1; None for an unknown port. An empty port means the first input."""
        if port in self.inputs:
            return self.inputs.index(port) + 1
        if port in ("", "in", "input"):
            return 1
        numbered = re.fullmatch(r"in(\d+)", port)
        return int(numbered.group(1)) if numbered else None

    def input_port(self, place: int) -> str:
        """The port of an input of several, by its place from 1."""
        return self.inputs[place - 1] if self.inputs else f"in{place}"

    def output_place(self, port: str, config: Config) -> int | None:
        """Number of the output at a port, from 0; None for an unknown port. An empty port means the first output."""
        ports = self.outputs(config)
        if port in ports:
            return ports.index(port)
        return 0 if port in ("", "out", "output", "out1") else None


TOOLBOX: dict[str, Kind] = {}
"""Deep Learning Toolbox: MATLAB's classes without the package, and the functions of shallow networks."""
MATCONVNET: dict[str, Kind] = {}
"""MatConvNet: the types of SimpleNN's layers, which name DagNN's classes in a Spec too."""
KINDS: Mapping[str, Mapping[str, Kind]] = {"matlab": TOOLBOX, "matconvnet": MATCONVNET}
"""All kinds, by the dialect of the Spec."""


def kind_of(spec: Spec, layer: Layer) -> Kind:
    """The kind of a layer of a Spec. Raises ValueError for an unknown kind or dialect."""
    known = KINDS.get(spec.dialect, {})
    if layer.kind not in known:
        raise ValueError(f"layer {layer.name!r}: no {layer.kind} is known in dialect {spec.dialect!r}")
    return known[layer.kind]


def nothing(stored: Any) -> Read:
    """The reader of a layer without options and weights."""
    return {}, {}


def unchanged(config: Config, rank: int) -> int:
    """The rank of a layer's output, equal to the rank of its input."""
    return rank


def single(config: Config) -> tuple[str, ...]:
    """The port of a layer with one output."""
    return ("out",)


def register(
    table: dict[str, Kind],
    *names: str,
    read: Reader = nothing,
    axes: Mapping[str, tuple[str, ...]] | None = None,
    rank: Callable[[Config, int], int] = unchanged,
    inputs: tuple[str, ...] = (),
    outputs: Callable[[Config], tuple[str, ...]] = single,
    dtype: str = "float32",
    shape: Callable[[Record], Shape] | None = None,
) -> Callable[[Writer], Writer]:
    """Register the writer of a layer's PyTorch module with the other fields of its kinds.

    The arguments are the fields of `Kind`. Raises ValueError for a kind that is registered already.
    """

    def decorate(write: Writer) -> Writer:
        for name in names:
            if name in table:
                raise ValueError(f"{name} is registered twice")
            table[name] = Kind(name, read, write, axes or {}, rank, inputs, outputs, dtype, shape)
        return write

    return decorate


layer = partial(register, TOOLBOX)
"""`register` for a layer of Deep Learning Toolbox."""


PACKAGES = ("nnet.cnn.layer.", "nnet.internal.cnn.layer.", "nnet.nlp.")
"""Packages of MathWorks' classes. A class of the same name in another package is not MathWorks'."""


def read_layer(record: Record) -> Read:
    """Configuration and weights of a stored layer.

    Raises Unsupported for a class or a property value that is not known, NetworkError for a broken layer.
    """
    named = record.class_name.startswith(PACKAGES) or record.class_name == record.kind
    if record.kind not in TOOLBOX or not named:
        from harness.matlab.layers.classes import classes

        known = {item.name: item.why for item in classes()} if named else {}
        raise Unsupported(known.get(record.kind) or ("no reader for this class" if named else "a custom class"))
    return TOOLBOX[record.kind].read(record)
