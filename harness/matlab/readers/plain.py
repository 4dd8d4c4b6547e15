"""Read and write the plain-struct export: any network as one struct, which scripts and Octave can use too.

One variable `parity` with `format`, `version`, `source`, `layers` (a cell of structs with `class`, `name` and
`properties`), `connections` (`source`, `destination`), `inputs`, `outputs` and, where MATLAB was asked, `samples`.
docs/matlab-export.md describes it field by field; `matlab/export_parity.m` writes it inside MATLAB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.layers import TOOLBOX, kind_of
from harness.matlab.matfile.read import Cell, StructArray
from harness.matlab.matfile.write import as_option, as_stored, column_cell, row_cell, save_mat
from harness.matlab.readers.records import NetworkError, Record, inside, strings
from harness.matlab.readers.toolbox import (
    DIALECT,
    Network,
    RecordedSample,
    assemble,
    connections_of,
    names_of,
    tensor_of,
)
from harness.spec import Array, Layer, Spec

VARIABLE, FORMAT, VERSION = "parity", "parity", 1
PACKAGE = "nnet.cnn.layer."


def is_plain(value: Any) -> bool:
    """Whether a variable is such an export."""
    return isinstance(value, Mapping) and value.get("format") == FORMAT and "layers" in value


def read_plain(where: str, value: Mapping[str, Any]) -> Network:
    """Raises NetworkError for a broken export, UnsupportedLayers for classes that are not known."""
    version = np.ravel(value.get("version", ())).tolist()
    if version[:1] != [VERSION]:
        raise NetworkError(
            "the version of the export is not known", where=where, expected=f"{VERSION}", came=f"{version}"
        )
    records = [_record(where, k, item) for k, item in enumerate(_items(value["layers"]), start=1)]
    table = value.get("connections")
    connections = connections_of(where, table) if isinstance(table, Mapping) else None
    network = assemble(
        where,
        "parity",
        records,
        connections if connections or len(records) < 2 else None,
        outputs=strings(value.get("outputs")),
        inputs=strings(value.get("inputs")),
    )
    known, samples = names_of(records), value.get("samples")
    return replace(
        network,
        samples=tuple(
            _sample(where, item, known, network.spec)
            for item in (_items(samples) if isinstance(samples, Cell | StructArray | Mapping) else ())
        ),
    )


def _items(stored: Any) -> list[Any]:
    """Elements of a cell or a struct array; a single struct is its own element."""
    return list(stored) if isinstance(stored, Cell | StructArray) else [stored]


def _record(where: str, k: int, item: Any) -> Record:
    class_name, name = inside(item, "class"), inside(item, "name")
    if not isinstance(class_name, str) or not isinstance(name, str):
        raise NetworkError(f"layer {k} of the export has no class or no name", where=where, expected="both as text")
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
    """The struct, with arrays in MATLAB's form. An unknown kind has ports `in1`, `out1` and so on."""
    if spec.dialect != DIALECT:
        raise ValueError(f"a plain-struct export holds Specs of dialect {DIALECT!r}, this one is {spec.dialect!r}")
    inputs = {item.name: item.shape for item in spec.inputs}
    ends = [end for layer in spec.layers for end in _connections(spec, layer)]
    return {
        "format": FORMAT,
        "version": float(VERSION),
        "source": source or "parity suite",
        "layers": column_cell(
            [
                {
                    "class": _class(layer.kind),
                    "name": layer.name,
                    "properties": _properties(spec, layer, weights) or np.zeros((0, 0)),
                }
                for layer in spec.layers
            ]
        ),
        "connections": {
            "source": column_cell([maker for maker, _ in ends]),
            "destination": column_cell([reader for _, reader in ends]),
        },
        "inputs": column_cell([layer.name for layer in spec.layers if not inputs.keys().isdisjoint(layer.inputs)]),
        "outputs": column_cell(list(spec.outputs)),
    }


def _connections(spec: Spec, layer: Layer) -> list[tuple[str, str]]:
    """Source and destination of each tensor that a layer takes from others, in the order of its ports."""
    names = {item.name for item in spec.inputs}
    tensors = [tensor for tensor in layer.inputs if tensor not in names]
    if len(tensors) == 1:
        return [(_output_port(spec, tensors[0]), layer.name)]
    kind = TOOLBOX.get(layer.kind)
    ports = [kind.input_port(place) if kind else f"in{place}" for place in range(1, len(tensors) + 1)]
    return [(_output_port(spec, tensor), f"{layer.name}/{port}") for tensor, port in zip(tensors, ports, strict=True)]


def _output_port(spec: Spec, tensor: str) -> str:
    """`pool:1` as MATLAB calls it: `pool/indices`."""
    name, colon, place = tensor.partition(":")
    if not colon:
        return name
    maker = next(layer for layer in spec.layers if layer.name == name)
    kind = TOOLBOX.get(maker.kind)
    return f"{name}/{kind.outputs(maker.config)[int(place)] if kind else f'out{int(place) + 1}'}"


def _class(kind: str) -> str:
    return PACKAGE + kind if kind.endswith("Layer") else kind


def _properties(spec: Spec, layer: Layer, weights: Mapping[str, Array]) -> dict[str, Any]:
    """Options, learnables, the size of an input, and the names of ports that are not `in1`, `in2` and so on."""
    properties: dict[str, Any] = {key: as_option(value) for key, value in layer.config.items()}
    for name, value in weights.items():
        owner, _, key = name.rpartition("/")
        if owner == layer.name:
            properties[key] = as_stored(value)
    shape = next((item.shape for item in spec.inputs if item.name in layer.inputs), None)
    if shape is not None:
        size = [*shape[1:], shape[0]] if len(shape) > 2 else [shape[-1]]
        properties["InputSize"] = np.array([size], dtype=float)
    kind = TOOLBOX.get(layer.kind)
    if kind and kind.inputs:
        properties["InputNames"] = row_cell(kind.inputs)
    if kind and len(kind.outputs(layer.config)) > 1:
        properties["OutputNames"] = row_cell(kind.outputs(layer.config))
    return properties


def _sample(where: str, stored: Any, known: Mapping[str, str], spec: Spec) -> RecordedSample:
    inputs, activations = inside(stored, "inputs"), inside(stored, "activations")
    arrays = tuple(np.asarray(a) for a in inputs) if isinstance(inputs, Cell) else (np.asarray(inputs),)
    formats = tuple(strings(inside(stored, "formats")))
    if len(arrays) != len(formats):
        raise NetworkError(
            f"a sample has {len(arrays)} inputs and {len(formats)} formats", where=where, expected="as many of each"
        )
    named = {
        _tensor(str(inside(item, "layer")), known, spec): np.asarray(inside(item, "value"))
        for item in _items(activations)
        if isinstance(inside(item, "layer"), str)
    }
    return RecordedSample(arrays, formats, named)


def _tensor(text: str, known: Mapping[str, str], spec: Spec) -> str:
    """The Spec's name of an activation by MATLAB's, a layer or `layer/port`; unchanged if there is no such tensor."""
    if text in known:
        return known[text]
    name, _, port = text.rpartition("/")
    maker = next((layer for layer in spec.layers if layer.name == known.get(name)), None)
    place = None if maker is None else kind_of(spec, maker).output_place(port, maker.config)
    return text if maker is None or place is None else tensor_of(maker.name, place)
