"""Reader of MatConvNet SimpleNN files: a `.mat` in, a Spec and its weights out. No MATLAB, no framework.

It upgrades old networks as MatConvNet's own `vl_simplenn_tidy` does (https://www.vlfeat.org/matconvnet/mfiles/simplenn/vl_simplenn_tidy/):
`filters`/`biases` for `weights`, `net.normalization` for `net.meta.normalization`, defaults for absent fields.

Names in the Spec are MATLAB's, with three exceptions that the Spec needs: `/` and `:` become `_`, a layer without
a name is `layer` and its number, and of equal names the later ones get `_2`, `_3` and so on.

The network's own preprocessing (`meta.normalization.averageImage`) is the caller's task in MatConvNet too
(vl_simplenn: "Doing so is left to the user"); it is returned beside the Spec and is no layer of it.

`harness.matlab.readers.dagnn` reads the graphs of the same library with what is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, MatFileError, StructArray, read_mat
from harness.matlab.readers.records import NetworkError, inside, listed
from harness.matlab.readers.toolbox import Network, spec_names
from harness.spec import Array, Input, Layer, Spec

DIALECT = "matconvnet"
IGNORED = ("loss",)
"""Layer types that do nothing at inference and are left out."""
ALIASES = {"normalize": "lrn", "softmaxloss": "softmax"}
"""Old names, and the training layer that a deployed network has as a softmax."""


Place = Path | str
"""Where a network was found: the file, or the file and the variable."""


class SimpleNNError(NetworkError):
    """A file that is no SimpleNN network, or a broken one; the message names the file and what was expected."""


class UnsupportedLayers(SimpleNNError):
    """A network with layers that this reader does not know: all of them, as (number from 1, type, name)."""

    def __init__(self, where: Place, layers: Sequence[tuple[int, str, str]]) -> None:
        self.layers = tuple(layers)
        listed = ", ".join(f"layer {number} of type {kind!r} (name {name!r})" for number, kind, name in layers)
        known = ", ".join(sorted({*READERS, *ALIASES, *IGNORED}))
        super().__init__(f"{where}: {len(layers)} unsupported: {listed}. Supported types: {known}")


@dataclass(frozen=True)
class SimpleNN:
    """A network read from a file. `average_image` is 1 x 1 x C or H x W x C as stored, None where there is none."""

    spec: Spec
    weights: Mapping[str, Array]
    average_image: Array | None = None


def read_simplenn(path: Path) -> SimpleNN:
    """The network in a `.mat`: as a variable `net`, as the only such struct, or saved with `-struct`.

    Raises SimpleNNError for any other file, UnsupportedLayers for unknown layer types, OSError if it cannot be opened.
    """
    try:
        variables = read_mat(path)
    except MatFileError as error:
        raise SimpleNNError(str(error)) from error
    if not variables:
        raise SimpleNNError(f"{path}: holds no variable; expected a SimpleNN network, of version 4 to 7 or version 7.3")
    return simplenn_of(path, _network(path, variables))


def is_simplenn(value: Any) -> bool:
    """Whether a value is a struct with a cell of layers, each a struct with the field `type`."""
    layers = value.get("layers") if isinstance(value, Mapping) else None
    return isinstance(layers, Cell) and any(isinstance(item, Mapping) and "type" in item for item in layers)


def read_struct(where: str, value: Mapping[str, Any]) -> Network:
    """The network in such a struct. Raises NetworkError, UnsupportedLayers among them."""
    found = simplenn_of(where, value)
    return Network("SimpleNN", found.spec, found.weights, average_note(found.average_image))


def average_note(image: Array | None) -> tuple[str, ...]:
    """What a user of the network has to know about its average image."""
    if image is None:
        return ()
    values = f" ({', '.join(f'{v:g}' for v in image.ravel())})" if image.size <= 4 else ""
    return (
        f"the average image of meta.normalization, {' x '.join(map(str, image.shape))}{values}, is no part of the "
        "network: MatConvNet leaves subtracting it to the caller",
    )


def simplenn_of(where: Place, net: Mapping[str, Any]) -> SimpleNN:
    """The network in a struct with the field `layers`. Raises SimpleNNError."""
    stored = [Fields(where, f"layer {k}", value) for k, value in enumerate(_layers(where, net), start=1)]
    kept = [(k, fields) for k, fields in enumerate(stored, start=1) if fields.text("type") not in IGNORED]
    _refuse_unknown(where, kept)
    if not kept:
        raise SimpleNNError(f"{where}: a network without layers; expected net.layers to hold at least one")
    names = spec_names([fields.text("name", f"layer{k}") for k, fields in kept])
    source = _source(where, net, taken=names)
    layers: list[Layer] = []
    weights: dict[str, Array] = {}
    for name, (_, fields) in zip(names, kept, strict=True):
        kind = _kind(fields)
        config, arrays = READERS[kind](fields)
        layers.append(Layer(kind, name, config, inputs=(layers[-1].name if layers else source.name,)))
        weights.update({f"{name}/{weight}": value for weight, value in arrays.items()})
    spec = Spec(DIALECT, (source,), tuple(layers), (layers[-1].name,))
    return SimpleNN(with_channels(spec, weights), weights, average_image(where, net))


def with_channels(spec: Spec, weights: Mapping[str, Array]) -> Spec:
    """The Spec with the channels of its inputs that no option of the file says, from the weights that read them."""
    inputs = tuple(
        Input(item.name, (first_channels(spec, weights, item.name), *item.shape[1:])) if item.shape[0] is None else item
        for item in spec.inputs
    )
    return Spec(spec.dialect, inputs, spec.layers, spec.outputs)


def first_channels(spec: Spec, weights: Mapping[str, Array], source: str | None = None) -> int | None:
    """Channels that the first layer with weights asks of an input (a convolution taken as one group); None if none
    does."""
    same = {source or spec.inputs[0].name}
    for layer in spec.layers:
        if layer.inputs[0] not in same and not (layer.kind == "sum" and same.intersection(layer.inputs)):
            continue
        if layer.kind == "conv":
            return int(weights[f"{layer.name}/filters"].shape[2])
        if layer.kind == "convt":
            return int(weights[f"{layer.name}/filters"].shape[3])
        if layer.kind == "bnorm" or (layer.kind == "scale" and weights[f"{layer.name}/multipliers"].size > 1):
            return int(weights[f"{layer.name}/multipliers"].size)
        if layer.kind != "concat":
            same.add(layer.name)
    return None


def groups_of(spec: Spec, weights: Mapping[str, Array]) -> dict[str, int]:
    """Groups of every convolution by layer name. In the file they are implicit: channels / size(filters, 3).

    Raises SimpleNNError where a layer does not fit the channels that reach it.
    """
    channels = {item.name: item.shape[0] or first_channels(spec, weights, item.name) for item in spec.inputs}
    found: dict[str, int] = {}
    for layer in spec.layers:
        coming = [channels[tensor] for tensor in layer.inputs]
        leaving = coming[0]
        if layer.kind == "conv":
            _, _, depth, leaving = weights[f"{layer.name}/filters"].shape
            found[layer.name] = _divided(layer, coming[0] or depth, depth, "filters of depth")
            _divided(layer, leaving, found[layer.name], "a number of groups of")
        elif layer.kind == "convt":
            _, _, outputs, depth = weights[f"{layer.name}/filters"].shape
            found[layer.name] = layer.config["numGroups"]
            _equal(layer, coming[0] or depth, depth)
            _divided(layer, depth, found[layer.name], "numGroups")
            leaving = outputs * found[layer.name]
        elif layer.kind == "bnorm" or (layer.kind == "scale" and weights[f"{layer.name}/multipliers"].size > 1):
            leaving = int(weights[f"{layer.name}/multipliers"].size)
            _equal(layer, coming[0] or leaving, leaving)
        elif layer.kind == "concat":
            leaving = None if None in coming else sum(n or 0 for n in coming)
        elif layer.kind == "sum":
            known = {n for n in coming if n is not None}
            if len(known) > 1:
                raise SimpleNNError(f"layer {layer.name!r} (sum): adds {', '.join(map(str, coming))} channels")
            leaving = next(iter(known), None)
        channels[layer.name] = leaving
    return found


def _divided(layer: Layer, channels: int, by: int, what: str) -> int:
    if by < 1 or channels % by:
        raise SimpleNNError(
            f"layer {layer.name!r} ({layer.kind}): {channels} channels cannot be divided by {what} {by}"
        )
    return channels // by


def _equal(layer: Layer, channels: int, size: int) -> None:
    if channels != size:
        raise SimpleNNError(f"layer {layer.name!r} ({layer.kind}): has weights for {size} channels, gets {channels}")


def _network(path: Path, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The struct of the network: the file's own variables, `net`, or the only struct with layers."""
    if "layers" in variables:
        return variables
    nets = [value for value in variables.values() if isinstance(value, Mapping) and "layers" in value]
    found = variables.get("net")
    if isinstance(found, Mapping) and "layers" in found:
        nets = [found]
    if len(nets) != 1:
        raise SimpleNNError(
            f"{path}: expected a SimpleNN network, a struct 'net' with the field 'layers'; "
            f"found {len(nets)} such structs among the variables: {listed(variables)}"
        )
    return nets[0]


def _layers(where: Place, net: Mapping[str, Any]) -> list[Any]:
    layers = net["layers"]
    if isinstance(layers, StructArray | Mapping):
        raise SimpleNNError(f"{where}: net.layers is a struct array, as in a DagNN; expected SimpleNN's cell array")
    if not isinstance(layers, Cell):
        if isinstance(layers, np.ndarray) and not layers.size:
            return []
        raise SimpleNNError(f"{where}: net.layers is no cell array; expected one struct per layer in a cell array")
    return list(layers)


def _refuse_unknown(where: Place, layers: Sequence[tuple[int, Fields]]) -> None:
    """All unknown layers in one message: a user wants to hear of them at once."""
    unknown = [
        (k, fields.text("type"), fields.text("name", "")) for k, fields in layers if _kind(fields) not in READERS
    ]
    if unknown:
        raise UnsupportedLayers(where, unknown)


def _kind(fields: Fields) -> str:
    kind = fields.text("type")
    return ALIASES.get(kind, kind)


def _source(where: Place, net: Mapping[str, Any], *, taken: Sequence[str]) -> Input:
    """The input from `meta.inputs` ([H W C N]) or `normalization.imageSize` ([H W C]); sizes not stored are open."""
    name = "x"
    size: list[int | None] = []
    declared = _inside(where, net, "meta", "inputs")
    if declared is not None:
        name = re.sub("[/:]", "_", declared.text("name", "x"))
        size = declared.sizes("size")
    else:
        size = image_size(where, net)
    while name in taken:
        name += "_"
    height, width, channels = [*size, None, None, None][:3]
    return Input(name, (channels, height, width))


def image_size(where: Place, net: Mapping[str, Any]) -> list[int | None]:
    """`normalization.imageSize`, [H W C] as far as it goes."""
    normalization = _normalization(where, net)
    return [] if normalization is None else normalization.sizes("imageSize")


def _inside(where: Place, net: Mapping[str, Any], *names: str) -> Fields | None:
    """The struct at net.a.b, None where it or anything on the way is absent or empty."""
    value = inside(net, *names)
    if isinstance(value, StructArray) and len(value):
        value = value.items[0]
    return Fields(where, ".".join(("net", *names)), value) if isinstance(value, Mapping) else None


def _normalization(where: Place, net: Mapping[str, Any]) -> Fields | None:
    return _inside(where, net, "meta", "normalization") or _inside(where, net, "normalization")


def average_image(where: Place, net: Mapping[str, Any]) -> Array | None:
    """`normalization.averageImage` as stored, 1 x 1 x C or H x W x C; None where there is none."""
    fields = _normalization(where, net)
    value = None if fields is None else fields.get("averageImage")
    if value is None or fields is None:
        return None
    return _restored(fields.single("averageImage", value), 3)


def _restored(array: Array, rank: int) -> Array:
    """The array with the trailing dimensions of size 1 that MATLAB dropped when it saved. Leading and inner ones stay
    in the file, so the rank alone says what is missing."""
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


class Fields:
    """One struct of the file, with readers that say where a value was not what it should be."""

    def __init__(self, where: Place, what: str, value: Any) -> None:
        if isinstance(value, StructArray) and len(value):
            value = value.items[0]
        if not isinstance(value, Mapping):
            raise SimpleNNError(f"{where}: {what} is no struct; expected one with the fields 'type' and 'name'")
        self.where, self.what, self._fields = where, what, value

    def fault(self, name: str, expected: str) -> SimpleNNError:
        value, kind = self._fields.get(name), self._fields.get("type")
        if isinstance(value, np.ndarray):
            found = f"of class {value.dtype} and size {value.shape}"
        else:
            found = "absent" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
        what = f" ({kind})" if isinstance(kind, str) else ""
        return SimpleNNError(f"{self.where}: {self.what}{what}: field {name!r} is {found}; expected {expected}")

    def get(self, name: str) -> Any:
        """The stored value; None where the field is absent or empty ([] is MATLAB's word for absent)."""
        value = self._fields.get(name)
        empty = len(value) == 0 if isinstance(value, str | Cell) else isinstance(value, np.ndarray) and not value.size
        return None if value is None or empty else value

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.fault(name, "one line of text")
        return value

    def numbers(self, name: str, lengths: Sequence[int], default: Sequence[float] | None = None) -> list[float]:
        """A real vector of one of the lengths."""
        value = self.get(name)
        if value is None and default is not None:
            return list(default)
        if (
            not isinstance(value, np.ndarray)
            or value.dtype.kind not in "biuf"
            or value.size not in lengths
            or not np.isfinite(value).all()
        ):
            raise self.fault(name, f"{' or '.join(map(str, lengths))} finite numbers")
        return [float(number) for number in value.ravel(order="F")]

    def whole(self, name: str, length: int, default: int | None = None, *, least: int = 1) -> list[int]:
        """`length` whole numbers; a scalar stands for all of them, as in every MatConvNet option."""
        found = self.numbers(name, (1, length), None if default is None else (default,))
        if any(number != int(number) or number < least for number in found):
            raise self.fault(name, f"whole numbers of at least {least}")
        return [int(number) for number in found] * (length if len(found) == 1 else 1)

    def sizes(self, name: str) -> list[int | None]:
        """A size vector; sizes that are not positive whole numbers (NaN, 0) are open."""
        value = self.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            return []
        return [int(n) if np.isfinite(n) and n >= 1 else None for n in value.ravel(order="F")]

    def single(self, name: str, value: Any) -> Array:
        """Numbers as float32: MatConvNet's networks are single, whatever a script saved."""
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.fault(name, "real numbers (a gpuArray must be gathered before it is saved)")
        return np.array(value, dtype=np.float32, order="C")

    def weights(self, old: Sequence[str] = ("filters", "biases")) -> list[Array | None]:
        """The cell `weights`, or before MatConvNet 1.0-beta10 the fields of the `old` names; [] is None."""
        cell = self.get("weights")
        if cell is None:
            values = [(name, self.get(name)) for name in old]
        elif isinstance(cell, Cell):
            values = [("weights", value) for value in cell]
        else:
            raise self.fault("weights", "a cell array")
        found = [
            None if value is None or (isinstance(value, np.ndarray) and not value.size) else self.single(name, value)
            for name, value in values
        ]
        return found + [None] * (3 - len(found))


Read = tuple[dict[str, Any], dict[str, Array]]


def _bank(fields: Fields, outputs_axis: int, groups: int = 1) -> dict[str, Array]:
    filters, biases, _ = fields.weights()[:3]
    if filters is None or filters.ndim > 4:
        raise fields.fault("weights", "a filter bank of at most four dimensions, then biases or []")
    filters = _restored(filters, 4)
    if biases is None:
        return {"filters": filters}
    if biases.size != filters.shape[outputs_axis] * groups:
        raise fields.fault("weights", f"{filters.shape[outputs_axis] * groups} biases, found {biases.size}")
    return {"filters": filters, "biases": biases.ravel(order="F")}


def _conv(fields: Fields) -> Read:
    config = {
        "pad": fields.whole("pad", 4, 0, least=0),
        "stride": fields.whole("stride", 2, 1),
        "dilate": fields.whole("dilate", 2, 1),
    }
    return config, _bank(fields, 3)


def _convt(fields: Fields) -> Read:
    groups = fields.whole("numGroups", 1, 1)[0]
    config = {
        "upsample": fields.whole("upsample", 2, 1),
        "crop": fields.whole("crop", 4, 0, least=0),
        "numGroups": groups,
    }
    return config, _bank(fields, 2, groups)


def _pool(fields: Fields) -> Read:
    method = fields.text("method", "max")
    if method not in ("max", "avg"):
        raise fields.fault("method", f"'max' or 'avg', found {method!r}")
    config = {
        "method": method,
        "pool": fields.whole("pool", 2),
        "stride": fields.whole("stride", 2, 1),
        "pad": fields.whole("pad", 4, 0, least=0),
    }
    return config, {}


def _bnorm(fields: Fields) -> Read:
    """Where the moments are absent, tidy puts zeros there, and the network divides by zero: that is no conversion."""
    multipliers, biases, moments = fields.weights()[:3]
    if moments is None and fields.get("moments") is not None:
        moments = fields.single("moments", fields.get("moments"))
    if multipliers is None or biases is None or biases.size != multipliers.size:
        raise fields.fault("weights", "multipliers and as many biases")
    if moments is None or moments.shape != (multipliers.size, 2):
        raise fields.fault(
            "weights", f"the moments [mu sigma] of training, {multipliers.size} x 2, as its third element"
        )
    arrays = {"multipliers": multipliers.ravel(order="F"), "biases": biases.ravel(order="F"), "moments": moments}
    return {"epsilon": fields.numbers("epsilon", (1,), (1e-5,))[0]}, arrays


def _lrn(fields: Fields) -> Read:
    size, *rest = fields.numbers("param", (4,), (5, 1, 0.0001 / 5, 0.75))
    if size != int(size) or size < 1:
        raise fields.fault("param", f"[N kappa alpha beta] with a whole window N, found {size:g}")
    return {"param": [int(size), *rest]}, {}


READERS: Mapping[str, Callable[[Fields], Read]] = {
    "conv": _conv,
    "convt": _convt,
    "pool": _pool,
    "bnorm": _bnorm,
    "lrn": _lrn,
    "relu": lambda fields: ({"leak": fields.numbers("leak", (1,), (0,))[0]}, {}),
    "dropout": lambda fields: ({"rate": fields.numbers("rate", (1,), (0.5,))[0]}, {}),
    "softmax": lambda fields: ({}, {}),
    "sigmoid": lambda fields: ({}, {}),
}
"""Reader of each type of layer: its configuration and weights."""


def read_layer(kind: str, fields: Fields) -> Read:
    """Configuration and weights of a layer of a known type. Raises SimpleNNError for a broken one."""
    return READERS[kind](fields)
