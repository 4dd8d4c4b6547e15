"""Read files of arrays with a declared layout: a JSON file that lists the layers and the place of each weight.

docs/matlab.md has an example, `layout.schema.json` the rules. The layout names for each weight its place and its axes:
one letter for each axis of the stored array, in the array's order, from the letters of MATLAB's layout of the weight
(`Kind.axes`). Arrays are variables of a `.mat`, text that MATLAB wrote (`save -ascii`, `writematrix`) or JSON
(`jsonencode`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from math import log10, prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from harness.matlab.layers import TOOLBOX
from harness.matlab.matfile.read import Cell, Limits, read_mat
from harness.matlab.readers.records import NetworkError, Record, class_of, inside, listed
from harness.matlab.readers.toolbox import Network, assemble
from harness.spec import Array

INPUT_KINDS = {
    "image": ("ImageInputLayer", 3),
    "image3d": ("Image3DInputLayer", 4),
    "sequence": ("SequenceInputLayer", 1),
    "features": ("FeatureInputLayer", 1),
}
TAKEN_AT_ITS_WORD = (
    "the layout is taken at its word: a faithful verdict proves the conversion of what it declares, and not that its "
    "layers, their order and the axes of equal size are right. Compare with numbers that MATLAB computed (parity check "
    "--against)"
)
"""A note on each network with a layout."""
DIGITS = 9
"""Significant decimal digits that carry every float32."""


def read_declared(path: Path | None, layout_path: Path, limits: Limits | None = None) -> Network:
    """The network whose arrays are in a `.mat` (None where all of them are in text or JSON) and in the files beside
    the layout.

    Raises NetworkError for a layout that is broken or does not fit the arrays, UnsupportedLayers for classes that are
    not known, MatFileError for a `.mat` that cannot be read, OSError for a file that cannot be opened.
    """
    layout = _layout(layout_path)
    store = _Store(path, layout_path, limits)
    first = layout["input"]
    class_name, axes = INPUT_KINDS[first["kind"]]
    if len(first["size"]) != axes:
        raise NetworkError(
            f"has {len(first['size'])} numbers",
            where=f"{layout_path}: input/size",
            expected=f"{axes} for an input of kind {first['kind']!r}",
        )
    source = {
        "class": class_name,
        "name": first.get("name", "input"),
        "properties": {**first.get("properties", {}), "InputSize": first["size"]},
        "weights": first.get("weights", {}),
    }
    records = [_record(store, item) for item in (source, *layout["layers"])]
    pairs = [(start, end) for start, end in layout["connections"]] if "connections" in layout else None
    network = assemble(str(layout_path), "declared", records, pairs, outputs=layout.get("outputs", ()))
    return replace(network, notes=(*store.notes, *_without_bias(layout), *store.unused(), TAKEN_AT_ITS_WORD))


def _layout(path: Path) -> dict[str, Any]:
    """The layout, which follows the schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    layout = _json(path)
    schema = json.loads((files("harness.matlab.readers") / "layout.schema.json").read_text(encoding="utf-8"))
    fault = best_match(Draft202012Validator(schema).iter_errors(layout))
    if fault is not None:
        place = "/".join(map(str, fault.absolute_path)) or "the whole"
        raise NetworkError(fault.message[:300], where=f"{path}: {place}", advice="docs/matlab.md describes a layout.")
    return dict(layout)


class _Literal(str):
    """The text of a number in JSON, with its digits."""

    __slots__ = ()


def _json(path: Path, *, literal: bool = False) -> Any:
    kinds: dict[str, Any] = {"parse_float": _Literal, "parse_int": _Literal} if literal else {}
    try:
        return json.loads(path.read_text(encoding="utf-8"), **kinds)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"is no JSON ({error})", where=path) from None


def _record(store: _Store, item: Mapping[str, Any]) -> Record:
    """A layer of the layout as a stored layer of MATLAB. An unknown class has no weights, and is refused later."""
    class_name, name = item["class"], item["name"]
    kind = class_name.rpartition(".")[2]
    properties = {key: _property(value) for key, value in item.get("properties", {}).items()}
    declared = TOOLBOX[kind].axes if kind in TOOLBOX else {}
    weights = item.get("weights", {}) if kind in TOOLBOX else {}
    for key, source in sorted(weights.items(), key=lambda pair: pair[0] != "Weights"):  # a bias is checked by them
        if key not in declared:
            known = ", ".join(f"{each} ({' or '.join(ways)})" for each, ways in declared.items()) or "none"
            raise NetworkError(
                f"there is no weight {key!r}",
                where=f"{store.layout}: layer {name!r} ({kind})",
                expected=f"one of {known}",
            )
        array, axes = store.array(f"layer {name!r} ({kind}), {key}", source, declared[key])
        properties[key] = array
        if key == "Bias" and "Weights" in properties:
            _check_bias(f"{store.layout}: layer {name!r} ({kind})", array, properties["Weights"], declared["Weights"])
        if kind == "FullyConnectedLayer" and key == "Weights":
            properties.setdefault("OutputSize", np.array([[float(array.shape[axes.index("o")])]]))
    return Record(class_name, name, properties)


def _check_bias(where: str, bias: Array, weights: Array, ways: Sequence[str]) -> None:
    """Raise NetworkError where the bias has as many values as another axis of the weights than that of the outputs."""
    way = next(each for each in ways if len(each) == weights.ndim)
    sizes = dict(zip(way, weights.shape, strict=True))
    letter = next((each for each in "of" if each in sizes), None)
    if letter is None or bias.size == sizes[letter] or "g" in sizes:
        return
    others = [each for each, size in sizes.items() if size == bias.size]
    if others:
        raise NetworkError(
            f"the axes of Weights seem to be named wrongly: {letter!r}, the outputs, has {sizes[letter]} elements",
            where=where,
            expected=f"{bias.size}, as Bias has",
            came=", ".join(f"{each} {size}" for each, size in sizes.items()),
            advice=f"Exchange the letters {letter} and {others[-1]} in its 'axes'.",
        )


def _without_bias(layout: Mapping[str, Any]) -> list[str]:
    """A note on the layers that could have a bias and have weights only."""
    names = [
        f"{item['name']!r}"
        for item in layout["layers"]
        if (kind := item["class"].rpartition(".")[2]) in TOOLBOX
        and "Bias" in TOOLBOX[kind].axes
        and "Bias" not in item.get("weights", {})
    ]
    return [f"the layout gives no Bias to {', '.join(names)}: zeros are taken"] if names else []


def _property(value: Any) -> Any:
    return value if isinstance(value, str | bool) else np.atleast_2d(np.asarray(value, dtype=np.float64))


class _Store:
    """The arrays of a layout, from the `.mat` file and the files beside the layout."""

    def __init__(self, path: Path | None, layout: Path, limits: Limits | None) -> None:
        self.path, self.layout, self.limits = path, layout, limits
        self.notes: list[str] = []
        self._variables: dict[Path, Mapping[str, Any]] = {}
        self._used: set[str] = set()
        self._json: dict[str, Any] = {}

    def array(self, what: str, source: Mapping[str, Any], ways: Sequence[str]) -> tuple[Array, str]:
        """The array in MATLAB's layout, and the letters of this layout."""
        axes = source["axes"]
        way = next((each for each in ways if sorted(each) == sorted(axes)), None)
        if way is None:
            raise NetworkError(
                "the letters of the axes do not fit",
                where=f"{self.layout}: {what}",
                expected=f"{' or '.join(repr(each) for each in ways)}, in any order",
                came=repr(axes),
            )
        if "variable" in source:
            pieces = [(self.variable(what, each, source.get("file")), each) for each in _several(source["variable"])]
        elif "text" in source:
            pieces = [(self.text(what, each), each) for each in _several(source["text"])]
        else:
            pieces = [(self.json(what, source), source["json"])]
        if len(pieces) > 1:
            return self._together(what, source, pieces, way)
        ((array, place),) = pieces
        shape = _fitted(array.shape, len(axes))
        if "size" in source:
            shape = tuple(source["size"])
            if prod(shape) != array.size:
                raise NetworkError(
                    f"{place} has {array.size} values",
                    where=f"{self.layout}: {what}",
                    expected=f"{prod(shape)}, for the size {list(shape)}",
                )
        if len(shape) != len(axes):
            raise NetworkError(
                f"{place} has {len(shape)} axes, {list(shape)}",
                where=f"{self.layout}: {what}",
                expected=f"{len(axes)}, for the letters {axes!r}",
                advice="Give one letter for each axis, or say by 'size' how the axes are split.",
            )
        order = [axes.index(letter) for letter in way]
        return np.ascontiguousarray(array.reshape(shape, order="F").transpose(order)), way

    def _together(
        self, what: str, source: Mapping[str, Any], pieces: Sequence[tuple[Array, str]], way: str
    ) -> tuple[Array, str]:
        """Several arrays side by side along one axis, in the order of the list: a bank of gates kept one by one."""
        axes = source["axes"]
        along = source.get("along", way[0])
        if along not in axes:
            raise NetworkError(
                f"there is no axis {along!r} to put {len(pieces)} arrays together along",
                where=f"{self.layout}: {what}",
                expected=f"one of the letters {axes!r} as 'along'",
            )
        fitted = [array.reshape(_fitted(array.shape, len(axes)), order="F") for array, _ in pieces]
        place = axes.index(along)
        rest = {(*array.shape[:place], *array.shape[place + 1 :]) for array in fitted if array.ndim == len(axes)}
        if len(rest) != 1 or any(array.ndim != len(axes) for array in fitted):
            sizes = ", ".join(f"{name} {list(array.shape)}" for array, (_, name) in zip(fitted, pieces, strict=True))
            raise NetworkError(
                f"the arrays cannot be put together along {along!r}",
                where=f"{self.layout}: {what}",
                expected=f"{len(axes)} axes, of equal size but for {along!r}",
                came=sizes,
            )
        joined = np.concatenate(fitted, axis=place)
        order = [axes.index(letter) for letter in way]
        return np.ascontiguousarray(joined.transpose(order)), way

    def unused(self) -> list[str]:
        """A note on the arrays of the `.mat` files that no weight is taken from."""
        names = [
            f"{name} ({' x '.join(map(str, value.shape))})"
            for variables in self._variables.values()
            for name, value in _arrays("", variables)
            if name not in self._used
        ]
        shown = ", ".join(names[:8]) + ", ..." * (len(names) > 8)
        return [f"the layout does not use {shown}"] if names else []

    def variable(self, what: str, path: str, beside: str | None = None) -> Array:
        """The array at a path of variables, fields and elements: `conv1_w`, `model.weight{3}`."""
        file = self.path if beside is None else self.beside(what, beside)
        if file is None:
            raise NetworkError(
                f"there is no .mat file with the variable {path!r}",
                where=f"{self.layout}: {what}",
                advice="Name the .mat file too, as FILE or by 'file', or keep the array in text or JSON.",
            )
        if file not in self._variables:
            self._variables[file] = read_mat(file, self.limits)
        value: Any = self._variables[file]
        self._used.add(path)
        for name, number in re.findall(r"([A-Za-z]\w*)|\{(\d+)\}", path):
            if name:
                value = inside(value, name)
            else:
                items = value.items if isinstance(value, Cell) else ()
                value = items[int(number) - 1] if 0 < int(number) <= len(items) else None
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            problem = f"{path!r} is absent" if value is None else f"{path!r} is no array of real numbers"
            raise NetworkError(
                problem,
                where=f"{self.layout}: {what}",
                expected="real numbers",
                came="" if value is None else class_of(value),
                advice=f"{file} has {listed(self._variables[file])}.",
            )
        return value

    def text(self, what: str, name: str) -> Array:
        """A matrix as text, one row in a line."""
        path = self.beside(what, name)
        try:
            lines = [re.split(r"[\s,;]+", line.strip().strip(",;")) for line in path.read_text("utf-8").splitlines()]
        except UnicodeDecodeError:
            raise NetworkError("is no text", where=path) from None
        rows = [line for line in lines if line != [""]]
        if not rows or len({len(row) for row in rows}) > 1:
            lengths = sorted({len(row) for row in rows})
            raise NetworkError(
                "is no matrix",
                where=path,
                expected="lines of equal length",
                came=f"lines of {' and '.join(map(str, lengths[:4])) or 'no'} numbers",
            )
        return self.parsed(path, np.array(rows, dtype=object))

    def json(self, what: str, source: Mapping[str, Any]) -> Array:
        """Nested lists, in MATLAB's index order, as `jsonencode` writes them."""
        path = self.beside(what, source["json"])
        if source["json"] not in self._json:
            self._json[source["json"]] = _json(path, literal=True)
        value = self._json[source["json"]]
        for key in source.get("key", "").split(".") if source.get("key") else ():
            value = value.get(key) if isinstance(value, Mapping) else None
        shape = _nested(value)
        if shape is None:
            key = f" at {source['key']!r}" if "key" in source else ""
            raise NetworkError(
                "is no array of numbers", where=f"{path}{key}", expected="lists of lists of equal length"
            )
        flat = np.empty(prod(shape), dtype=object)
        flat[:] = list(_leaves(value))
        return self.parsed(path, flat.reshape(shape))

    def beside(self, what: str, name: str) -> Path:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name:
            raise NetworkError(
                f"{name!r} is not beside the layout",
                where=f"{self.layout}: {what}",
                expected="a file in the layout's folder",
            )
        return self.layout.parent / parts

    def parsed(self, path: Path, literals: Array) -> Array:
        """Numbers of literals, with a note where their digits do not carry a float32."""
        texts = [str(text) for text in literals.ravel()]
        try:
            values = np.array([float(text) for text in texts])
        except ValueError as error:
            raise NetworkError(f"holds something that is no number ({error})", where=path) from None
        if not np.isfinite(values).all():
            raise NetworkError("holds numbers that are not finite", where=path, expected="finite numbers")
        note = digits_note(texts, values)
        if note and (text := f"{path.name}: {note}") not in self.notes:
            self.notes.append(text)
        return values.reshape(literals.shape)


def _several(source: str | list[str]) -> list[str]:
    return [source] if isinstance(source, str) else source


def _arrays(prefix: str, value: Any) -> Iterator[tuple[str, Array]]:
    """The arrays of real numbers in variables, structs and cells, by the paths that a layout calls them by."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _arrays(f"{prefix}.{name}" if prefix else str(name), item)
    elif isinstance(value, Cell):
        for number, item in enumerate(value, start=1):
            yield from _arrays(f"{prefix}{{{number}}}", item)
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        yield prefix, value


def _fitted(shape: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """A stored shape with `axes` axes. MATLAB drops sizes of 1 at the end, and saves a vector as a matrix."""
    if axes == 1 and prod(shape) == max(shape, default=1):
        return (prod(shape),)
    while len(shape) > axes and shape[-1] == 1:
        shape = shape[:-1]
    return shape + (1,) * (axes - len(shape))


def _nested(value: Any) -> tuple[int, ...] | None:
    """Shape of nested lists of numbers; None for any other value."""
    if isinstance(value, _Literal):
        return ()
    if not isinstance(value, list) or not value:
        return None
    shapes = {_nested(item) for item in value}
    shape = shapes.pop()
    return None if shapes or shape is None else (len(value), *shape)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


_NUMBER = re.compile(r"[+-]?0*(\d*)(?:\.(\d*))?(?:[eEdD]([+-]?\d+))?$")


def digits_note(texts: Sequence[str], values: Array) -> str:
    """A note on the possible loss in numbers with too few digits; empty without a loss.

    Some writers drop zeros at the end (`writematrix`), so the longest number shows how many digits were written.
    Numbers with equally many decimals and no exponent count as rounded to these decimals.
    """
    split = [match.groups(default="") for text in texts if (match := _NUMBER.match(text))]
    if not split:
        return ""
    digits = max(len(f"{whole}{part}".lstrip("0")) for whole, part, _ in split)
    decimals = {len(part) for _, part, _ in split}
    sizes = np.abs(values[values != 0])
    if not sizes.size:
        return ""
    if len(decimals) == 1 and decimals != {0} and not any(exponent for _, _, exponent in split):
        places = decimals.pop()
        digits = max(0, int(np.floor(log10(float(sizes.min())))) + 1 + places)
        lost, how = (
            0.5 * 10.0**-places / sizes,
            f"{places} decimals, {digits} significant digits of the smallest number",
        )
    else:
        lost = 0.5 * 10.0 ** (np.floor(np.log10(sizes)) + 1 - digits) / sizes
        how = f"{digits} significant digits"
    if digits >= DIGITS:
        return ""
    units = float(lost.max()) * 2.0**24
    return (
        f"written with {how}, where {DIGITS} carry a float32: a weight may be off by up to {units:.3g} units of "
        "float32 rounding (2^-24 relative)"
    )
