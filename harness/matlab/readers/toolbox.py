"""Networks of Deep Learning Toolbox as Specs: saved objects, and the plain-struct export that holds the same layers.

An input layer becomes an input of the Spec, `NAME_in`, and a layer that normalises it. What MathWorks' classes are
called differs by release: SeriesNetwork and Layer arrays are chains, DAGNetwork, LayerGraph and dlnetwork have a table
of connections (`Source`, `Destination`), whose rows are in no order: ports (`add/in2`) decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.records import NetworkError, Record, UnsupportedLayers, inside, strings
from harness.matlab.readers.toolbox_layers import INPUTS, Unsupported, read_layer
from harness.spec import Array, Input, Layer, Spec

DIALECT = "matlab"
NETWORKS = ("SeriesNetwork", "DAGNetwork", "dlnetwork", "nnet.cnn.LayerGraph", "LayerGraph")
SECONDARY = {"indices": 1, "size": 2}
"""Outputs of MaxPooling2DLayer by port name; the first output is `out`."""


@dataclass(frozen=True)
class Sample:
    """Inputs with their formats (`SSCB`, `CBT`, ...) and what MATLAB computed for them, by layer; MATLAB's layout."""

    inputs: tuple[Array, ...]
    formats: tuple[str, ...]
    activations: Mapping[str, Array]


@dataclass(frozen=True)
class Network:
    """A network read from a file. `dialect` says in what form it was stored; `notes` what was lost or assumed."""

    dialect: str
    spec: Spec
    weights: Mapping[str, Array]
    notes: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()


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
    holder = (inside(graph, "any") or graph) if graph is not None else saved
    stored = inside(holder, "Layers")
    if isinstance(stored, Object):
        stored = Cell((stored,), (1, 1))
    if not isinstance(stored, Cell) or not len(stored):
        raise NetworkError(f"{where}: a {value.class_name} without layers; expected its property Layers to hold some")
    table = inside(holder, "Connections")
    if table is None:
        table = inside(saved, "Connections")
    outputs = strings(inside(saved, "OutputNames"))
    return assemble(where, value.class_name, [_record(where, item) for item in stored], _pairs(table), outputs=outputs)


def _record(where: str, item: Any) -> Record:
    if not isinstance(item, Object):
        raise NetworkError(f"{where}: an element of Layers is no object but {type(item).__name__}")
    saved = inside(item, "any")
    properties = {**dict(item.fields), **(saved if isinstance(saved, Mapping) else {})}
    name = properties.get("Name")
    return Record(item.class_name, name if isinstance(name, str) else "", properties)


def _pairs(table: Any) -> list[tuple[str, str]] | None:
    """Connections as (source, destination), from a table or a struct of two columns."""
    if table is None:
        return None
    fields = table.fields if isinstance(table, Object) else table
    if not isinstance(fields, Mapping):
        raise NetworkError("the table of connections is not readable; expected the columns Source and Destination")
    columns = {name.lower(): strings(value) for name, value in fields.items()}
    source, destination = columns.get("source", []), columns.get("destination", [])
    if len(source) != len(destination):
        raise NetworkError(
            f"{len(source)} sources and {len(destination)} destinations of connections; expected as many"
        )
    return list(zip(source, destination, strict=True))


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
    known = names_of(records)
    names = list(known.values())
    if len(known) != len(records):
        raise NetworkError(f"{where}: layers of the same name; expected {len(records)} names, found {len(known)}")
    read: dict[str, tuple[dict[str, Any], dict[str, Array]]] = {}
    unknown: list[tuple[str, str, str]] = []
    for record, name in zip(records, names, strict=True):
        try:
            read[name] = read_layer(record)
        except Unsupported as why:
            unknown.append((record.class_name, record.name, str(why)))
        except NetworkError as error:
            raise NetworkError(f"{where}: {error}") from None
    if unknown:
        raise UnsupportedLayers(where, unknown)
    kinds = {name: record.kind for record, name in zip(records, names, strict=True)}
    wires = _wires(where, known, kinds, connections)
    order = _ordered(where, names, wires)
    return _network(
        where,
        dialect,
        order=order,
        kinds=kinds,
        read=read,
        wires=wires,
        records=records,
        known=known,
        outputs=outputs,
        inputs=inputs,
    )


def names_of(records: Sequence[Record]) -> dict[str, str]:
    """The Spec's name of each layer by the stored one; fewer than there are records where stored names are equal."""
    names = spec_names([record.name or f"layer{k}" for k, record in enumerate(records, start=1)])
    return {record.name or name: name for record, name in zip(records, names, strict=True)}


def spec_names(stored: Iterable[str]) -> list[str]:
    """MATLAB's names as a Spec may have them: `/` and `:` become `_`, later ones of equal names end in `_2`, `_3`."""
    names: list[str] = []
    for text in stored:
        base = re.sub("[/:]", "_", text)
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def _wires(
    where: str,
    known: Mapping[str, str],
    kinds: Mapping[str, str],
    connections: Sequence[tuple[str, str]] | None,
) -> dict[str, list[str]]:
    """For each layer the tensors it reads, in the order of its ports."""
    names = list(known.values())
    if connections is None:
        return {name: [names[k - 1]] if k and kinds[name] not in INPUTS else [] for k, name in enumerate(names)}
    ports: dict[str, dict[float, str]] = {name: {} for name in names}
    for source, destination in connections:
        maker, port = _end(where, source, known)
        tensor = f"{maker}:{SECONDARY[port]}" if port in SECONDARY else maker
        if port not in (*SECONDARY, "", "out", "output", "out1"):
            raise NetworkError(f"{where}: connection from {source!r}: the port {port!r} is not known")
        reader, port = _end(where, destination, known)
        place = _place(port, ports[reader])
        if place in ports[reader]:
            raise NetworkError(f"{where}: two connections go to {destination!r}")
        ports[reader][place] = tensor
    return {name: [taken[place] for place in sorted(taken)] for name, taken in ports.items()}


PORTS = {"": 1, "in": 1, "input": 1, "ref": 2, "indices": 2, "size": 3}


def _place(port: str, taken: Mapping[float, str]) -> float:
    if port in PORTS:
        return PORTS[port]
    found = re.fullmatch(r"in(\d+)", port)
    return float(found.group(1)) if found else 100.0 + len(taken)


def _end(where: str, text: str, known: Mapping[str, str]) -> tuple[str, str]:
    """(layer, port) of one end of a connection; layer names may hold slashes."""
    if text in known:
        return known[text], ""
    name, slash, port = text.rpartition("/")
    if not slash or name not in known:
        raise NetworkError(f"{where}: a connection names {text!r}, which is no layer; there are {', '.join(known)}")
    return known[name], port


def _ordered(where: str, names: Sequence[str], wires: Mapping[str, Sequence[str]]) -> list[str]:
    """An order in which the layers can run, the file's where it can be."""
    done: list[str] = []
    left = list(names)
    while left:
        ready = [name for name in left if all(tensor.partition(":")[0] in done for tensor in wires[name])]
        if not ready:
            raise NetworkError(f"{where}: the connections of {', '.join(left)} run in a circle")
        done.append(ready[0])
        left.remove(ready[0])
    return done


def input_shape(record: Record) -> tuple[int | None, ...]:
    """Shape without batch of what an input layer takes: C x H x W (x D), T x C with T open, or C."""
    size = record.size("InputSize")
    if not size or min(size) < 1:
        raise record.fault("InputSize", "positive whole numbers")
    if record.kind == "SequenceInputLayer":
        if len(size) != 1:
            raise record.fault("InputSize", "one number: sequences of images are not supported")
        return (None, size[0])
    if record.kind == "FeatureInputLayer":
        return (size[0],)
    if len(size) not in (3, 4):
        raise record.fault("InputSize", "[h w c] or [h w d c]")
    return (size[-1], *size[:-1])


def _network(
    where: str,
    dialect: str,
    *,
    order: Sequence[str],
    kinds: Mapping[str, str],
    read: Mapping[str, tuple[dict[str, Any], dict[str, Array]]],
    wires: Mapping[str, Sequence[str]],
    records: Sequence[Record],
    known: Mapping[str, str],
    outputs: Sequence[str],
    inputs: Sequence[str],
) -> Network:
    by_name = {known[record.name or name]: record for record, name in zip(records, known.values(), strict=True)}
    sources = [known[name] for name in inputs if name in known] or [name for name in order if kinds[name] in INPUTS]
    if not sources:
        raise NetworkError(
            f"{where}: no input layer, so the size of the input is not known; expected one of {', '.join(INPUTS)}"
        )
    loose = [name for name in order if not wires[name] and kinds[name] not in INPUTS]
    if loose:
        raise NetworkError(f"{where}: no connection goes to {', '.join(loose)}")
    given = input_names(sources, order)
    taken = [Input(given[name], input_shape(by_name[name]), _dtype(name, kinds, wires)) for name in sources]
    layers = [
        Layer(kinds[name], name, read[name][0], tuple([given[name]] if name in sources else wires[name]))
        for name in order
    ]
    weights = {f"{name}/{key}": value for name in order for key, value in read[name][1].items()}
    used = {tensor.partition(":")[0] for tensors in wires.values() for tensor in tensors}
    wanted = [known[name] for name in outputs if name in known] or [name for name in order if name not in used]
    return Network(dialect, Spec(DIALECT, tuple(taken), tuple(layers), tuple(wanted)), weights)


def input_names(sources: Sequence[str], layers: Sequence[str]) -> dict[str, str]:
    """Name of the Spec's input for each input layer: `NAME_in`, with more `_` where a layer has that name."""
    names: dict[str, str] = {}
    for source in sources:
        name = f"{source}_in"
        while name in layers or name in names.values():
            name += "_"
        names[source] = name
    return names


def _dtype(name: str, kinds: Mapping[str, str], wires: Mapping[str, Sequence[str]]) -> str:
    """int64 for what only an embedding reads: its indices."""
    readers = [kinds[reader] for reader, tensors in wires.items() if name in tensors]
    return "int64" if readers and set(readers) == {"WordEmbeddingLayer"} else "float32"


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
