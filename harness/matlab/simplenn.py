"""Reader of MatConvNet SimpleNN files: a `.mat` in, a Spec and its weights out. No MATLAB, no framework.

It upgrades old networks as MatConvNet's own `vl_simplenn_tidy` does (https://www.vlfeat.org/matconvnet/mfiles/simplenn/vl_simplenn_tidy/):
`filters`/`biases` for `weights`, `net.normalization` for `net.meta.normalization`, defaults for absent fields.

Names in the Spec are MATLAB's, with three exceptions that the Spec needs: `/` and `:` become `_`, a layer without
a name is `layer` and its number, and of equal names the later ones get `_2`, `_3` and so on.

The network's own preprocessing (`meta.normalization.averageImage`) is the caller's task in MatConvNet too
(vl_simplenn: "Doing so is left to the user"); it is returned beside the Spec and is no layer of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.spec import Array, Input, Layer, Spec

DIALECT = "matconvnet"
IGNORED = ("loss",)
"""Layer types that do nothing at inference and are left out."""
ALIASES = {"normalize": "lrn", "softmaxloss": "softmax"}
"""Old names, and the training layer that a deployed network has as a softmax."""


class SimpleNNError(ValueError):
    """A file that is no SimpleNN network, or a broken one; the message names the file and what was expected."""


class UnsupportedLayers(SimpleNNError):
    """A network with layers that this reader does not know: all of them, as (number from 1, type, name)."""

    def __init__(self, path: Path, layers: Sequence[tuple[int, str, str]]) -> None:
        self.layers = tuple(layers)
        listed = ", ".join(f"layer {number} of type {kind!r} (name {name!r})" for number, kind, name in layers)
        known = ", ".join(sorted({*_READERS, *ALIASES, *IGNORED}))
        super().__init__(f"{path}: {len(layers)} unsupported: {listed}. Supported types: {known}")


@dataclass(frozen=True)
class SimpleNN:
    """A network read from a file. `average_image` is 1 x 1 x C or H x W x C as stored, None where there is none."""

    spec: Spec
    weights: Mapping[str, Array]
    average_image: Array | None = None


def read_simplenn(path: Path) -> SimpleNN:
    """The network in a v4 to v7 `.mat`: as a variable `net`, as the only such struct, or saved with `-struct`.

    Raises SimpleNNError for any other file, UnsupportedLayers for unknown layer types, OSError if it cannot be opened.
    """
    net = _network(path, _variables(path))
    stored = [_Fields(path, f"layer {k}", value) for k, value in enumerate(_layers(path, net), start=1)]
    kept = [(k, fields) for k, fields in enumerate(stored, start=1) if fields.text("type") not in IGNORED]
    _refuse_unknown(path, kept)
    if not kept:
        raise SimpleNNError(f"{path}: a network without layers; expected net.layers to hold at least one")
    names = _names([fields.text("name", f"layer{k}") for k, fields in kept])
    source = _source(path, net, taken=names)
    layers: list[Layer] = []
    weights: dict[str, Array] = {}
    for name, (_, fields) in zip(names, kept, strict=True):
        kind = _kind(fields)
        config, arrays = _READERS[kind](fields)
        layers.append(Layer(kind, name, config, inputs=(layers[-1].name if layers else source.name,)))
        weights.update({f"{name}/{weight}": value for weight, value in arrays.items()})
    spec = Spec(DIALECT, (source,), tuple(layers), (layers[-1].name,))
    if source.shape[0] is None:
        source = Input(source.name, (first_channels(spec, weights), *source.shape[1:]))
        spec = Spec(DIALECT, (source,), spec.layers, spec.outputs)
    return SimpleNN(spec, weights, _average_image(path, net))


def first_channels(spec: Spec, weights: Mapping[str, Array]) -> int | None:
    """Channels that the first layer with weights asks for (a convolution taken as one group); None if none has."""
    for layer in spec.layers:
        if layer.kind == "conv":
            return int(weights[f"{layer.name}/filters"].shape[2])
        if layer.kind == "convt":
            return int(weights[f"{layer.name}/filters"].shape[3])
        if layer.kind == "bnorm":
            return int(weights[f"{layer.name}/multipliers"].size)
    return None


def groups_of(spec: Spec, weights: Mapping[str, Array]) -> dict[str, int]:
    """Groups of every convolution by layer name. In the file they are implicit: channels / size(filters, 3).

    Raises SimpleNNError where a layer does not fit the channels that reach it.
    """
    channels = spec.inputs[0].shape[0] or first_channels(spec, weights)
    found: dict[str, int] = {}
    for layer in spec.layers:
        if layer.kind == "conv":
            _, _, depth, filters = weights[f"{layer.name}/filters"].shape
            found[layer.name] = _divided(layer, channels or depth, depth, "filters of depth")
            _divided(layer, filters, found[layer.name], "a number of groups of")
            channels = filters
        elif layer.kind == "convt":
            _, _, outputs, depth = weights[f"{layer.name}/filters"].shape
            found[layer.name] = layer.config["numGroups"]
            _equal(layer, channels or depth, depth)
            _divided(layer, depth, found[layer.name], "numGroups")
            channels = outputs * found[layer.name]
        elif layer.kind == "bnorm":
            size = weights[f"{layer.name}/multipliers"].size
            _equal(layer, channels or size, size)
            channels = size
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


def _variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    with path.open("rb") as file:
        head = file.read(520)
    if b"\x89HDF\r\n" in (head[:6], head[512:518]):
        raise SimpleNNError(f"{path}: is of version 7.3 (HDF5); expected v4 to v7: in MATLAB, save(..., '-v7')")
    try:
        # squeezing would make a 3x3x1x64 bank the same as a 3x3x64x1 one, and a one-layer net no cell
        found = loadmat(str(path), squeeze_me=False, struct_as_record=True, appendmat=False)
    except Exception as error:  # SciPy raises whatever its parser stumbles over: zlib.error, TypeError, struct.error
        raise SimpleNNError(
            f"{path}: cannot be read as a MAT-file of version 4 to 7 ({type(error).__name__}: {error}); "
            "expected a SimpleNN network, a struct with the field 'layers'"
        ) from error
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _is_struct(value: Any) -> bool:
    # SciPy shows an object of MATLAB's old kind (a shallow `network`) as a struct that knows its class
    return isinstance(value, np.ndarray) and value.dtype.names is not None and not hasattr(value, "classname")


def _class_of(value: Any) -> str:
    """MATLAB's class as far as SciPy tells it. Objects of today's kind are opaque: their class is their third field."""
    if type(value).__name__ == "MatlabOpaque" and value.size and "s2" in value.dtype.names:
        return f"object {bytes(value.ravel()[0]['s2']).decode(errors='replace')}"
    if isinstance(value, np.ndarray) and value.dtype.names and not hasattr(value, "classname"):
        return "struct"
    return str(getattr(value, "classname", None) or getattr(value, "dtype", type(value).__name__))


def _network(path: Path, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields of the network."""
    if "layers" in variables:
        return variables
    nets = [v for v in variables.values() if _is_struct(v) and v.size == 1 and "layers" in v.dtype.names]
    found = variables.get("net")
    if _is_struct(found) and found.size == 1 and "layers" in found.dtype.names:  # type: ignore[union-attr]
        nets = [found]
    if len(nets) != 1:
        held = [f"{name} ({_class_of(value)})" for name, value in sorted(variables.items())]
        raise SimpleNNError(
            f"{path}: expected a SimpleNN network, a struct 'net' with the field 'layers'; "
            f"found {len(nets)} such structs among the variables: {', '.join(held) or 'none'}"
        )
    return _fields_of(nets[0])


def _fields_of(struct: Array) -> dict[str, Any]:
    element = struct.ravel()[0]
    return {name: element[name] for name in struct.dtype.names or ()}


def _layers(path: Path, net: Mapping[str, Any]) -> list[Any]:
    layers = net["layers"]
    if _is_struct(layers):
        raise SimpleNNError(f"{path}: net.layers is a struct array, as in a DagNN; expected SimpleNN's cell array")
    if not isinstance(layers, np.ndarray) or (layers.dtype != object and layers.size):
        raise SimpleNNError(f"{path}: net.layers is no cell array; expected one struct per layer in a cell array")
    return list(layers.ravel(order="F"))


def _refuse_unknown(path: Path, layers: Sequence[tuple[int, _Fields]]) -> None:
    """All unknown layers in one message: a user wants to hear of them at once."""
    unknown = [
        (k, fields.text("type"), fields.text("name", "")) for k, fields in layers if _kind(fields) not in _READERS
    ]
    if unknown:
        raise UnsupportedLayers(path, unknown)


def _kind(fields: _Fields) -> str:
    kind = fields.text("type")
    return ALIASES.get(kind, kind)


def _names(stored: Sequence[str]) -> list[str]:
    names: list[str] = []
    for text in stored:
        base = re.sub("[/:]", "_", text)
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def _source(path: Path, net: Mapping[str, Any], *, taken: Sequence[str]) -> Input:
    """The input from `meta.inputs` ([H W C N]) or `normalization.imageSize` ([H W C]); sizes not stored are open."""
    name = "x"
    size: list[int | None] = []
    declared = _inside(path, net, "meta", "inputs")
    normalization = _normalization(path, net)
    if declared is not None:
        name = re.sub("[/:]", "_", declared.text("name", "x"))
        size = declared.sizes("size")
    elif normalization is not None:
        size = normalization.sizes("imageSize")
    while name in taken:
        name += "_"
    height, width, channels = [*size, None, None, None][:3]
    return Input(name, (channels, height, width))


def _inside(path: Path, net: Mapping[str, Any], *names: str) -> _Fields | None:
    """The struct at net.a.b, None where it or anything on the way is absent or empty."""
    value: Any = None
    fields: Mapping[str, Any] = net
    for name in names:
        value = fields.get(name)
        if not _is_struct(value) or value.size == 0:
            return None
        fields = _fields_of(value)
    return _Fields(path, ".".join(("net", *names)), value)


def _normalization(path: Path, net: Mapping[str, Any]) -> _Fields | None:
    return _inside(path, net, "meta", "normalization") or _inside(path, net, "normalization")


def _average_image(path: Path, net: Mapping[str, Any]) -> Array | None:
    fields = _normalization(path, net)
    value = None if fields is None else fields.get("averageImage")
    if value is None or fields is None:
        return None
    return _restored(fields.single("averageImage", value), 3)


def _restored(array: Array, rank: int) -> Array:
    """The array with the trailing dimensions of size 1 that MATLAB dropped when it saved. Leading and inner ones stay
    in the file, so the rank alone says what is missing."""
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


class _Fields:
    """One struct of the file, with readers that say where a value was not what it should be."""

    def __init__(self, path: Path, where: str, value: Any) -> None:
        if not _is_struct(value) or value.size < 1:
            raise SimpleNNError(f"{path}: {where} is no struct; expected one with the fields 'type' and 'name'")
        self.path, self.where = path, where
        self._fields = _fields_of(value)

    def fault(self, name: str, expected: str) -> SimpleNNError:
        value = self._fields.get(name)
        found = f"of class {value.dtype} and size {value.shape}" if isinstance(value, np.ndarray) else "absent"
        kind = self._fields.get("type")
        what = f" ({kind.ravel()[0]})" if isinstance(kind, np.ndarray) and kind.dtype.kind == "U" and kind.size else ""
        return SimpleNNError(f"{self.path}: {self.where}{what}: field {name!r} is {found}; expected {expected}")

    def get(self, name: str) -> Any:
        """The stored value; None where the field is absent or empty ([] is MATLAB's word for absent)."""
        value = self._fields.get(name)
        return None if value is None or np.size(value) == 0 else value

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name)
        if value is None and default is not None:
            return default
        if value is None or value.dtype.kind != "U" or value.size != 1:
            raise self.fault(name, "one line of text")
        return str(value.ravel()[0])

    def numbers(self, name: str, lengths: Sequence[int], default: Sequence[float] | None = None) -> list[float]:
        """A real vector of one of the lengths."""
        value = self.get(name)
        if value is None and default is not None:
            return list(default)
        if value is None or value.dtype.kind not in "biuf" or value.size not in lengths or not np.isfinite(value).all():
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
        if value is None or value.dtype.kind not in "biuf":
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
        elif cell.dtype == object:
            values = [("weights", value) for value in cell.ravel(order="F")]
        else:
            raise self.fault("weights", "a cell array")
        found = [None if value is None or np.size(value) == 0 else self.single(name, value) for name, value in values]
        return found + [None] * (3 - len(found))


Read = tuple[dict[str, Any], dict[str, Array]]


def _bank(fields: _Fields, outputs_axis: int, groups: int = 1) -> dict[str, Array]:
    filters, biases, _ = fields.weights()[:3]
    if filters is None or filters.ndim > 4:
        raise fields.fault("weights", "a filter bank of at most four dimensions, then biases or []")
    filters = _restored(filters, 4)
    if biases is None:
        return {"filters": filters}
    if biases.size != filters.shape[outputs_axis] * groups:
        raise fields.fault("weights", f"{filters.shape[outputs_axis] * groups} biases, found {biases.size}")
    return {"filters": filters, "biases": biases.ravel(order="F")}


def _conv(fields: _Fields) -> Read:
    config = {
        "pad": fields.whole("pad", 4, 0, least=0),
        "stride": fields.whole("stride", 2, 1),
        "dilate": fields.whole("dilate", 2, 1),
    }
    return config, _bank(fields, 3)


def _convt(fields: _Fields) -> Read:
    groups = fields.whole("numGroups", 1, 1)[0]
    config = {
        "upsample": fields.whole("upsample", 2, 1),
        "crop": fields.whole("crop", 4, 0, least=0),
        "numGroups": groups,
    }
    return config, _bank(fields, 2, groups)


def _pool(fields: _Fields) -> Read:
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


def _bnorm(fields: _Fields) -> Read:
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


def _lrn(fields: _Fields) -> Read:
    size, *rest = fields.numbers("param", (4,), (5, 1, 0.0001 / 5, 0.75))
    if size != int(size) or size < 1:
        raise fields.fault("param", f"[N kappa alpha beta] with a whole window N, found {size:g}")
    return {"param": [int(size), *rest]}, {}


_READERS: Mapping[str, Callable[[_Fields], Read]] = {
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
