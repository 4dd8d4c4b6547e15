"""The plain-struct export: any network of layers as one struct, for people, scripts and Octave to read and to write.

One variable `parity` with `format`, `version`, `source`, `layers` (a cell of structs with `class`, `name` and
`properties`), `connections` (`source`, `destination`), `inputs`, `outputs` and, where MATLAB was asked, `samples`.
docs/matlab-export.md describes it field by field; `matlab/export_parity.m` writes it inside MATLAB.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, StructArray
from harness.matlab.matfile.write import as_option, as_stored, column_cell, save_mat
from harness.matlab.readers.records import NetworkError, Record, inside, strings
from harness.matlab.readers.toolbox import DIALECT, SECONDARY, Network, Sample, assemble, names_of
from harness.spec import Array, Layer, Spec

VARIABLE, FORMAT, VERSION = "parity", "parity", 1
PACKAGE = "nnet.cnn.layer."


def is_plain(value: Any) -> bool:
    """Whether a variable is such an export."""
    return isinstance(value, Mapping) and value.get("format") == FORMAT and "layers" in value


def read_plain(where: str, value: Mapping[str, Any]) -> Network:
    """Raises NetworkError for a broken export, UnsupportedLayers for classes that are not known."""
    version = value.get("version")
    told = [] if version is None else np.ravel(version).tolist()
    if not told or told[0] != VERSION:
        raise NetworkError(f"{where}: an export of version {told}; this reader knows {VERSION}")
    stored = value["layers"]
    items = list(stored) if isinstance(stored, Cell | StructArray) else [stored]
    records = [_record(where, k, item) for k, item in enumerate(items, start=1)]
    table = value.get("connections")
    pairs = None
    if isinstance(table, Mapping):
        source, destination = strings(table.get("source")), strings(table.get("destination"))
        if len(source) != len(destination):
            raise NetworkError(f"{where}: connections have {len(source)} sources and {len(destination)} destinations")
        pairs = list(zip(source, destination, strict=True))
    network = assemble(
        where,
        "parity",
        records,
        pairs if pairs or len(records) < 2 else None,
        outputs=strings(value.get("outputs")),
        inputs=strings(value.get("inputs")),
    )
    known = names_of(records)
    samples = value.get("samples")
    held = (
        tuple(samples)
        if isinstance(samples, Cell | StructArray)
        else ((samples,) if isinstance(samples, Mapping) else ())
    )
    return Network("parity", network.spec, network.weights, samples=tuple(_sample(where, item, known) for item in held))


def _record(where: str, k: int, item: Any) -> Record:
    class_name, name = inside(item, "class"), inside(item, "name")
    if not isinstance(class_name, str) or not isinstance(name, str):
        raise NetworkError(f"{where}: layer {k} of the export has no class or no name; expected both as text")
    properties = inside(item, "properties")
    return Record(class_name, name, properties if isinstance(properties, Mapping) else {})


def write_plain(
    spec: Spec, weights: Mapping[str, Array], path: Path, *, source: str = "", compress: bool = True
) -> None:
    """Write a Spec of dialect `matlab` as a `.mat` of version 7, under another name first.

    Raises ValueError for a Spec of another dialect or one that the export cannot hold.
    """
    save_mat(path, {VARIABLE: as_export(spec, weights, source)}, compress=compress)


def as_export(spec: Spec, weights: Mapping[str, Array], source: str = "") -> dict[str, Any]:
    """The struct, with arrays as MATLAB would hold them."""
    if spec.dialect != DIALECT:
        raise ValueError(f"a plain-struct export holds Specs of dialect {DIALECT!r}, this one is {spec.dialect!r}")
    own = {item.name: item for item in spec.inputs}
    records, pairs = [], []
    for layer in spec.layers:
        takes = [tensor for tensor in layer.inputs if tensor not in own]
        properties = _properties(layer, weights)
        if len(takes) < len(layer.inputs):
            shape = own[layer.inputs[0]].shape
            properties["InputSize"] = np.array(
                [[*shape[1:], shape[0]]] if len(shape) > 2 else [[shape[-1]]], dtype=float
            )
        records.append({"class": _class(layer.kind), "name": layer.name, "properties": properties or np.zeros((0, 0))})
        for k, tensor in enumerate(takes, start=1):
            pairs.append((_port_out(tensor), layer.name if len(takes) == 1 else f"{layer.name}/{_port_in(layer, k)}"))
    return {
        "format": FORMAT,
        "version": float(VERSION),
        "source": source or "parity suite",
        "layers": column_cell(records),
        "connections": {
            "source": column_cell([a for a, _ in pairs]),
            "destination": column_cell([b for _, b in pairs]),
        },
        "inputs": column_cell([layer.name for layer in spec.layers if set(layer.inputs) & set(own)]),
        "outputs": column_cell(list(spec.outputs)),
    }


def _class(kind: str) -> str:
    return PACKAGE + kind if kind.endswith("Layer") else kind


def _port_out(tensor: str) -> str:
    name, colon, number = tensor.partition(":")
    return f"{name}/{next(port for port, place in SECONDARY.items() if place == int(number))}" if colon else name


def _port_in(layer: Layer, k: int) -> str:
    if layer.kind == "MaxUnpooling2DLayer":
        return ("in", "indices", "size")[k - 1]
    return ("in", "ref")[k - 1] if layer.kind == "Crop2DLayer" else f"in{k}"


def _properties(layer: Layer, weights: Mapping[str, Array]) -> dict[str, Any]:
    found: dict[str, Any] = {key: as_option(value) for key, value in layer.config.items()}
    for name, value in weights.items():
        owner, _, key = name.rpartition("/")
        if owner == layer.name:
            found[key] = as_stored(value)
    return found


def _sample(where: str, stored: Any, known: Mapping[str, str]) -> Sample:
    inputs, activations = inside(stored, "inputs"), inside(stored, "activations")
    arrays = tuple(np.asarray(a) for a in inputs) if isinstance(inputs, Cell) else (np.asarray(inputs),)
    formats = tuple(strings(inside(stored, "formats")))
    if len(arrays) != len(formats):
        raise NetworkError(f"{where}: a sample has {len(arrays)} inputs and {len(formats)} formats; expected as many")
    named = {
        _tensor(str(inside(item, "layer")), known): np.asarray(inside(item, "value"))
        for item in (activations if isinstance(activations, Cell | StructArray) else [activations])
        if isinstance(inside(item, "layer"), str)
    }
    return Sample(arrays, formats, named)


def _tensor(text: str, known: Mapping[str, str]) -> str:
    """The Spec's name of what an activation is called: a layer, or `layer/port`; as it is where there is no such."""
    if text in known:
        return known[text]
    name, _, port = text.rpartition("/")
    if name not in known or port not in {"out", *SECONDARY}:
        return text
    return f"{known[name]}:{SECONDARY[port]}" if port in SECONDARY else known[name]


__all__ = ["as_export", "is_plain", "read_plain", "write_plain"]
