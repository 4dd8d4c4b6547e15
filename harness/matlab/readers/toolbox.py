"""Build Specs from networks of Deep Learning Toolbox: saved objects, or the plain-struct export of the same layers.

An input layer becomes an input of the Spec, `NAME_in`, and a layer that normalises it. SeriesNetwork and arrays of
layers are chains. DAGNetwork, LayerGraph and dlnetwork have a table of connections (`Source`, `Destination`), whose
rows are in no order; the ports (`add/in2`) number the inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from harness.matlab.layers import TOOLBOX, Read, Unsupported, read_layer
from harness.matlab.layers.inputs import image
from harness.matlab.layers.kind import PACKAGES
from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.card import Card, labels_of
from harness.matlab.readers.order import Circle, running_order
from harness.matlab.readers.records import NetworkError, Record, UnsupportedLayers, class_of, inside, strings
from harness.spec import Array, Input, Layer, Spec, source_of

DIALECT = "matlab"
TRAINED = ("SeriesNetwork", "DAGNetwork")
"""Classes of networks that end in output layers."""
NETWORKS = ("SeriesNetwork", "DAGNetwork", "dlnetwork", "nnet.cnn.LayerGraph", "LayerGraph")


@dataclass(frozen=True)
class RecordedSample:
    """Inputs with their formats (`SSCB`, `CBT`, ...) and MATLAB's activations of the layers, all in MATLAB's layout."""

    inputs: tuple[Array, ...]
    formats: tuple[str, ...]
    activations: Mapping[str, Array]


@dataclass(frozen=True)
class Network:
    """A network from a file. `dialect` is its stored form; `notes` are losses and assumptions of the reader; `card` has
    the names of its classes and the preparation of its input."""

    dialect: str
    spec: Spec
    weights: Mapping[str, Array]
    notes: tuple[str, ...] = ()
    samples: tuple[RecordedSample, ...] = ()
    card: Card = field(default_factory=Card)


def is_network(value: Any) -> bool:
    """Whether a variable is a network object, or an array of layer objects."""
    if isinstance(value, Object):
        return value.class_name in NETWORKS
    return isinstance(value, Cell) and len(value) > 0 and all(_is_layer(item) for item in value)


def _is_layer(value: Any) -> bool:
    return isinstance(value, Object) and (
        ".layer." in value.class_name or "Name" in value.fields or "any" in value.fields
    )


def read_objects(where: str, value: Any) -> Network:
    """A saved network object, or an array of layers. Raises NetworkError, UnsupportedLayers among them."""
    if isinstance(value, Cell):
        return assemble(where, "Layer array", [_record(where, item) for item in value], None)
    saved = inside(value, "any") or value.fields
    graph = inside(saved, "LayerGraph")
    holder = saved if graph is None else inside(graph, "any") or graph
    table = inside(holder, "Connections")
    if table is None:
        table = inside(saved, "Connections")
    return assemble(
        where,
        value.class_name,
        [_record(where, item) for item in _layers(where, value, holder)],
        None if table is None else connections_of(where, table),
        outputs=strings(inside(saved, "OutputNames")),
    )


def _layers(where: str, value: Object, holder: Any) -> Cell:
    layers = inside(holder, "Layers")
    if isinstance(layers, Object):
        return Cell((layers,), (1, 1))
    if not isinstance(layers, Cell) or not len(layers):
        raise NetworkError(
            f"a {value.class_name} without layers", where=where, expected="at least one in its property Layers"
        )
    return layers


def _record(where: str, item: Any) -> Record:
    if not isinstance(item, Object):
        raise NetworkError(
            "an element of Layers is no layer", where=where, expected="the object of a layer", came=class_of(item)
        )
    saved = inside(item, "any")
    properties = {**dict(item.fields), **(saved if isinstance(saved, Mapping) else {})}
    name = properties.get("Name")
    return Record(item.class_name, name if isinstance(name, str) else "", properties)


def connections_of(where: str, table: Any) -> list[tuple[str, str]]:
    """Connections as (source, destination), from a table or a struct of two columns. Raises NetworkError."""
    fields = table.fields if isinstance(table, Object) else table
    if not isinstance(fields, Mapping):
        raise NetworkError(
            "the table of connections cannot be read",
            where=where,
            expected="the columns Source and Destination",
            came=class_of(table),
        )
    columns = {name.lower(): strings(value) for name, value in fields.items()}
    sources, destinations = columns.get("source", []), columns.get("destination", [])
    if len(sources) != len(destinations):
        raise NetworkError(
            f"connections have {len(sources)} sources and {len(destinations)} destinations",
            where=where,
            expected="as many of each",
        )
    return list(zip(sources, destinations, strict=True))


def assemble(
    where: str,
    dialect: str,
    records: Sequence[Record],
    connections: Sequence[tuple[str, str]] | None,
    *,
    outputs: Sequence[str] = (),
    inputs: Sequence[str] = (),
) -> Network:
    """A network from stored layers and their connections; without connections they are a chain.

    `outputs` and `inputs` are names of layers in the network's own order, where the file says. Raises NetworkError.
    """
    losses = [] if dialect not in TRAINED else _losses(records, connections)
    ended = _ended(losses, records, connections)
    records = [record for record in records if record not in losses]
    if connections is not None:
        gone = {record.name for record in losses}
        connections = [ends for ends in connections if gone.isdisjoint((ends[1], ends[1].rpartition("/")[0]))]
    known = names_of(records)
    if len(known) != len(records):
        raise NetworkError(
            "layers of the same name", where=where, expected=f"{len(records)} names", came=f"{len(known)}"
        )
    stored = dict(zip(known.values(), records, strict=True))
    read = _read(where, stored)
    wires = _chain(stored) if connections is None else _wires(where, known, stored, read, connections)
    order = _order(where, wires)
    sources = _sources(where, [known[name] for name in inputs if name in known], order, stored, wires)
    spec = Spec(
        DIALECT,
        tuple(Input(item, input_shape(stored[name]), _dtype(name, stored, wires)) for name, item in sources.items()),
        tuple(Layer(stored[name].kind, name, read[name][0], _tensors(name, sources, wires)) for name in order),
        tuple(known[name] for name in outputs if name in known) or _ends(order, wires),
    )
    weights = {f"{name}/{key}": value for name in order for key, value in read[name][1].items()}
    notes = [f"left out: {loss.name} ({loss.class_name}), an output layer of a {dialect}: a loss" for loss in losses]
    named = {
        known[name]: loss for end, loss in ended.items() for name in (end, end.rpartition("/")[0]) if name in known
    }
    return Network(dialect, spec, weights, tuple(notes), card=labels_of(stored, spec.outputs, named))


def _losses(records: Sequence[Record], connections: Sequence[tuple[str, str]] | None) -> list[Record]:
    """Custom layers that no layer reads. In a trained network MATLAB has output layers there and nothing else; a custom
    one defines a loss, and hands on what comes in.
    https://www.mathworks.com/help/deeplearning/ug/define-custom-regression-output-layer.html
    """
    makers = {name for maker, _ in connections or () for name in (maker, maker.rpartition("/")[0])}
    last = records[-1:] if connections is None else [record for record in records if record.name not in makers]
    return [record for record in last if record.kind not in TOOLBOX and not record.class_name.startswith(PACKAGES)]


def _ended(
    losses: Sequence[Record], records: Sequence[Record], connections: Sequence[tuple[str, str]] | None
) -> dict[str, Record]:
    """Each loss by the stored name of the layer that the loss reads, or of a port of this layer."""
    names = [record.name for record in records]
    ends = connections if connections is not None else list(pairwise(names))
    makers = {name: maker for maker, reader in ends for name in (reader, reader.rpartition("/")[0])}
    return {makers[loss.name]: loss for loss in losses if loss.name in makers}


def _read(where: str, stored: Mapping[str, Record]) -> dict[str, Read]:
    """Configuration and weights of each layer. Raises one UnsupportedLayers for all unknown layers."""
    read: dict[str, Read] = {}
    unknown: list[tuple[str, str, str]] = []
    for name, record in stored.items():
        try:
            read[name] = read_layer(record)
        except Unsupported as why:
            unknown.append((record.class_name, record.name, str(why)))
        except NetworkError as error:
            raise error.at(where) from None
    if unknown:
        raise UnsupportedLayers(where, unknown)
    return read


def names_of(records: Sequence[Record]) -> dict[str, str]:
    """The Spec's name of each layer by the stored name; fewer than the records if stored names are equal."""
    names = spec_names([record.name or f"layer{k}" for k, record in enumerate(records, start=1)])
    return {record.name or name: name for record, name in zip(records, names, strict=True)}


def spec_names(stored: Iterable[str]) -> list[str]:
    """MATLAB's names in a form allowed in a Spec: `/` and `:` become `_`; later equal names get `_2`, `_3`."""
    names: list[str] = []
    for text in stored:
        base = re.sub("[/:]", "_", text)
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def _is_input(record: Record) -> bool:
    return TOOLBOX[record.kind].shape is not None


Wires = Mapping[str, Sequence[str]]
"""For each layer the tensors it reads, in the order of its ports."""


def _chain(stored: Mapping[str, Record]) -> Wires:
    before = dict(zip(stored, ["", *stored], strict=False))
    return {name: [before[name]] if before[name] and not _is_input(stored[name]) else [] for name in stored}


LAST = 100
"""Ports whose names are not known come after the others, in the order of the file."""


def _wires(
    where: str,
    known: Mapping[str, str],
    stored: Mapping[str, Record],
    read: Mapping[str, Read],
    connections: Sequence[tuple[str, str]],
) -> Wires:
    ports: dict[str, dict[int, str]] = {name: {} for name in stored}
    for source, destination in connections:
        maker, port = _end(where, source, known)
        output = TOOLBOX[stored[maker].kind].output_place(port, read[maker][0])
        if output is None:
            raise NetworkError(f"the port {port!r} is not known", where=f"{where}: connection from {source!r}")
        reader, port = _end(where, destination, known)
        place = TOOLBOX[stored[reader].kind].input_place(port) or LAST + len(ports[reader])
        if place in ports[reader]:
            raise NetworkError(f"two connections go to {destination!r}", where=where, expected="one")
        ports[reader][place] = tensor_of(maker, output)
    return {name: [tensors[place] for place in sorted(tensors)] for name, tensors in ports.items()}


def tensor_of(layer: str, output: int) -> str:
    """The Spec's name of an output of a layer, counted from 0."""
    return f"{layer}:{output}" if output else layer


def _end(where: str, text: str, known: Mapping[str, str]) -> tuple[str, str]:
    """(layer, port) of one end of a connection; a layer's name may hold slashes, too."""
    if text in known:
        return known[text], ""
    name, slash, port = text.rpartition("/")
    if not slash or name not in known:
        raise NetworkError(
            f"a connection names {text!r}, which is no layer", where=where, expected=f"one of {', '.join(known)}"
        )
    return known[name], port


def _order(where: str, wires: Wires) -> list[str]:
    try:
        return running_order({name: [source_of(tensor) for tensor in tensors] for name, tensors in wires.items()})
    except Circle as circle:
        raise NetworkError(f"the connections of {circle} run in a circle", where=where) from None


def input_shape(record: Record) -> tuple[int | None, ...]:
    """Shape of the network's input that a layer reads; that of an image unless its kind defines another."""
    return (TOOLBOX[record.kind].shape or image)(record)


def _sources(
    where: str, declared: Sequence[str], order: Sequence[str], stored: Mapping[str, Record], wires: Wires
) -> dict[str, str]:
    """The Spec's input for each layer that takes one: the declared ones, or the input layers.

    Raises NetworkError where there is none, or where nothing feeds another layer.
    """
    sources = declared or [name for name in order if _is_input(stored[name])]
    if not sources:
        raise NetworkError(
            "no input layer, so the size of the input is not known",
            where=where,
            expected=f"one of {', '.join(name for name, kind in TOOLBOX.items() if kind.shape)}",
        )
    loose = [name for name in order if not wires[name] and not _is_input(stored[name])]
    if loose:
        raise NetworkError(
            f"no connection goes to {', '.join(loose)}", where=where, expected="one for each layer but the input"
        )
    return input_names(sources, order)


def _tensors(name: str, sources: Mapping[str, str], wires: Wires) -> tuple[str, ...]:
    return (sources[name],) if name in sources else tuple(wires[name])


def _ends(order: Sequence[str], wires: Wires) -> tuple[str, ...]:
    """Layers that no layer reads."""
    read = {source_of(tensor) for tensors in wires.values() for tensor in tensors}
    return tuple(name for name in order if name not in read)


def input_names(sources: Sequence[str], layers: Sequence[str]) -> dict[str, str]:
    """Name of the Spec's input for each input layer: `NAME_in`, with more `_` where a layer has that name."""
    names: dict[str, str] = {}
    for source in sources:
        name = f"{source}_in"
        while name in layers or name in names.values():
            name += "_"
        names[source] = name
    return names


def _dtype(name: str, stored: Mapping[str, Record], wires: Wires) -> str:
    """Type of an input: the common type of all layers that read it, or else float32."""
    dtypes = {TOOLBOX[stored[reader].kind].dtype for reader, tensors in wires.items() if name in tensors}
    return dtypes.pop() if len(dtypes) == 1 else "float32"


def as_table(spec: Spec, weights: Mapping[str, Array]) -> list[dict[str, Any]]:
    """One record per layer for people: name, kind, configuration, shapes of the weights."""
    return [
        {
            "name": layer.name,
            "layer": layer.kind,
            "config": ", ".join(f"{key} {value}" for key, value in layer.config.items()),
            "weights": ", ".join(
                f"{key.rpartition('/')[2]} {'x'.join(map(str, np.shape(value)))}"
                for key, value in weights.items()
                if key.rpartition("/")[0] == layer.name
            ),
        }
        for layer in spec.layers
    ]
