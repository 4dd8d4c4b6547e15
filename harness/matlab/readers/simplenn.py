"""Read MatConvNet's SimpleNN files as a Spec and its weights, without MATLAB and without a framework.

It upgrades old networks as MatConvNet's `vl_simplenn_tidy` does (https://www.vlfeat.org/matconvnet/mfiles/simplenn/vl_simplenn_tidy/):
`filters`/`biases` for `weights`, `net.normalization` for `net.meta.normalization`, defaults for absent fields.

Names in the Spec are MATLAB's, with three exceptions that the Spec needs: `/` and `:` become `_`, a layer without
a name is `layer` and its number, and of equal names the later ones get `_2`, `_3` and so on.

Subtracting the average image (`meta.normalization.averageImage`) is the caller's task in MatConvNet too (vl_simplenn:
"Doing so is left to the user"). It is returned beside the Spec and is no layer of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.layers import MATCONVNET
from harness.matlab.matfile.read import Cell, MatFileError, StructArray, read_mat
from harness.matlab.readers.card import matconvnet_card
from harness.matlab.readers.channels import divided_channels, with_channels
from harness.matlab.readers.fields import Fields, Place, SimpleNNError, restored
from harness.matlab.readers.records import UnsupportedLayers, class_of, inside, listed
from harness.matlab.readers.toolbox import Network, spec_names
from harness.spec import Array, Input, Layer, Spec

DIALECT = "matconvnet"
IGNORED = ("loss",)
"""Layer types without effect at inference, which the Spec omits."""
ALIASES = {"normalize": "lrn", "softmaxloss": "softmax", "SubP": "subp"}
"""Old names, the training layer that is a softmax once the network is deployed, and FFDNet's sub-pixel layer."""
TYPES = ("conv", "convt", "bnorm", "pool", "relu", "lrn", "softmax", "sigmoid", "dropout", "subp", "concat")
VALUES = "sigmas"
"""The input of a `concat`: in FFDNet a global variable of this name, whose values stand behind the image's channels,
each over a plane."""
"""Supported types of layers."""


@dataclass(frozen=True)
class SimpleNN:
    """A network read from a file. `average_image` is 1 x 1 x C or H x W x C as stored, None where there is none."""

    spec: Spec
    weights: Mapping[str, Array]
    average_image: Array | None = None
    notes: tuple[str, ...] = ()


def read_simplenn(path: Path) -> SimpleNN:
    """The network in a `.mat`: as a variable `net`, as the only such struct, or saved with `-struct`.

    Raises SimpleNNError for any other file, UnsupportedLayers for unknown layer types, OSError if it cannot be opened.
    """
    try:
        variables = read_mat(path)
    except MatFileError as error:
        raise SimpleNNError(**error.parts) from error
    if not variables:
        raise SimpleNNError(
            "holds no variable", where=path, expected="a SimpleNN network, of version 4 to 7 or version 7.3"
        )
    return simplenn_of(path, _network(path, variables))


def is_simplenn(value: Any) -> bool:
    """Whether a value is a struct with a cell of layers, each a struct with the field `type`."""
    layers = value.get("layers") if isinstance(value, Mapping) else None
    return isinstance(layers, Cell) and any(isinstance(item, Mapping) and "type" in item for item in layers)


def read_struct(where: str, value: Mapping[str, Any]) -> Network:
    """The network in such a struct. Raises NetworkError, UnsupportedLayers among them."""
    network = simplenn_of(where, value)
    card = matconvnet_card(value, network.average_image, network.spec.outputs[0])
    notes = (*average_note(network.average_image), *network.notes)
    return Network("SimpleNN", network.spec, network.weights, notes, card=card)


def average_note(image: Array | None) -> tuple[str, ...]:
    """A note on the average image: the caller has to subtract it."""
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
    active = [(k, fields) for k, fields in enumerate(stored, start=1) if fields.text("type") not in IGNORED]
    _refuse_unknown(where, active)
    if not active:
        raise SimpleNNError("a network without layers", where=where, expected="at least one in net.layers")
    names = spec_names([fields.text("name", f"layer{k}") for k, fields in active])
    source = _source(where, net, taken=names)
    layers: list[Layer] = []
    weights: dict[str, Array] = {}
    for name, (_, fields) in zip(names, active, strict=True):
        kind = _kind(fields)
        config, arrays = MATCONVNET[kind].read(fields)
        before = layers[-1].name if layers else source.name
        if kind == "concat":
            layers.append(Layer("spread", f"{name}_values", {}, inputs=(before, VALUES)))
        inputs = (before, layers[-1].name) if kind == "concat" else (before,)
        layers.append(Layer(kind, name, config, inputs=inputs))
        weights.update({f"{name}/{weight}": value for weight, value in arrays.items()})
    image, outputs = average_image(where, net), (layers[-1].name,)
    if any(layer.kind == "concat" for layer in layers):
        spec = Spec(DIALECT, (source, Input(VALUES, (None,))), tuple(layers), outputs)
        return SimpleNN(_with_values(where, spec, weights), weights, image, (VALUES_NOTE,))
    spec = Spec(DIALECT, (source,), tuple(layers), outputs)
    return SimpleNN(with_channels(spec, weights), weights, image)


VALUES_NOTE = (
    f"the input {VALUES!r} is the global variable of that name, N x values in the units of the image; the file "
    "does not say how many of the channels of the first weights are theirs: as few as can be"
)


def _with_values(where: Place, spec: Spec, weights: Mapping[str, Array]) -> Spec:
    """The Spec with the channels of the image, and with the values that its `concat` joins to it."""
    source = spec.inputs[0]
    counts = divided_channels(spec, weights, source.shape[0])
    if counts is None or sum(layer.kind == "concat" for layer in spec.layers) > 1:
        raise UnsupportedLayers(where, [("concat", "", "what it joins cannot be told from the weights behind it")])
    inputs = (Input(source.name, (counts[0], *source.shape[1:])), Input(VALUES, (counts[1],)))
    return Spec(spec.dialect, inputs, spec.layers, spec.outputs)


def _network(path: Path, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The struct of the network: the file's own variables, `net`, or the only struct with layers."""
    if "layers" in variables:
        return variables
    nets = [value for value in variables.values() if isinstance(value, Mapping) and "layers" in value]
    net = variables.get("net")
    if isinstance(net, Mapping) and "layers" in net:
        nets = [net]
    if len(nets) != 1:
        raise SimpleNNError(
            f"holds {len(nets)} SimpleNN networks" if nets else "holds no SimpleNN network",
            where=path,
            expected="one struct 'net' with the field 'layers'",
            came=f"the variables {listed(variables)}",
        )
    return nets[0]


def _layers(where: Place, net: Mapping[str, Any]) -> list[Any]:
    layers = net["layers"]
    if isinstance(layers, StructArray | Mapping):
        raise SimpleNNError(
            "net.layers is a struct array, as in a DagNN", where=where, expected="SimpleNN's cell array"
        )
    if not isinstance(layers, Cell):
        if isinstance(layers, np.ndarray) and not layers.size:
            return []
        raise SimpleNNError(
            "net.layers is no cell array",
            where=where,
            expected="one struct per layer in a cell array",
            came=class_of(layers),
        )
    return list(layers)


def _refuse_unknown(where: Place, layers: Sequence[tuple[int, Fields]]) -> None:
    """Raise one error that names all unknown layers."""
    unknown = [(k, fields.text("type"), fields.text("name", "")) for k, fields in layers if _kind(fields) not in TYPES]
    if unknown:
        places = ", ".join(f"layer {k} of type {kind!r} (name {name!r})" for k, kind, name in unknown)
        supported = ", ".join(sorted({*TYPES, *ALIASES, *IGNORED}))
        raise UnsupportedLayers(
            where,
            [(kind, name, f"layer {k}") for k, kind, name in unknown],
            description=places,
            advice=f"Supported types: {supported}",
        )


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
    """The struct at net.a.b; None if it or a struct around it is absent or empty."""
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
    return restored(fields.single("averageImage", value), 3)
