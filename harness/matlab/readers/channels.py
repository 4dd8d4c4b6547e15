"""Count the channels that reach each layer of MatConvNet.

A file says neither how many channels an input has, nor how many groups a convolution: channels / size(filters, 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from harness.matlab.readers.fields import SimpleNNError
from harness.oracle import part
from harness.spec import Array, Input, Layer, Spec

Weights = Mapping[str, Array]
Coming = Sequence[int | None]
"""Channels of each input of a layer; None where they are not known."""
Leaving = tuple[int | None, int | None]
"""Channels of a layer's output, and its groups if it is a convolution."""


def with_channels(spec: Spec, weights: Weights) -> Spec:
    """The Spec with the channels of each input that the file leaves open, by the first weights that read it."""
    inputs = tuple(
        Input(item.name, (first_channels(spec, weights, item.name), *item.shape[1:])) if item.shape[0] is None else item
        for item in spec.inputs
    )
    return Spec(spec.dialect, inputs, spec.layers, spec.outputs)


def first_channels(spec: Spec, weights: Weights, source: str | None = None) -> int | None:
    """Channels of an input by the first layer with weights that reads it (a convolution counts as one group); None
    without such a layer."""
    same = {source or spec.inputs[0].name}
    for layer in spec.layers:
        if layer.inputs[0] not in same and not (layer.kind == "sum" and same.intersection(layer.inputs)):
            continue
        wanted = _wanted(layer, part(weights, layer.owner))
        if wanted is not None:
            return wanted
        if layer.kind not in ("concat", "subp"):
            same.add(layer.name)
    return None


def divided_channels(spec: Spec, weights: Weights, image: int | None) -> tuple[int, int] | None:
    """Channels of the image, and of the values that the first concatenation puts behind it; None where no weights tell.

    Without those of the image, it has as many as leave at least one for the values.
    """
    coming, joined = Fraction(1), False
    for layer in spec.layers:
        if layer.kind == "subp":
            coming /= Fraction(layer.config["scale"]).limit_denominator(1000) ** 2
        joined = joined or layer.kind == "concat"
        wanted = _wanted(layer, part(weights, layer.name))
        if wanted is not None and not joined:
            return None
        if wanted is not None:
            count = image or int((wanted - 1) / coming)
            rest = wanted - count * coming
            return (count, int(rest)) if count >= 1 and rest >= 1 and rest.denominator == 1 else None
    return None


def _wanted(layer: Layer, weights: Weights) -> int | None:
    """Channels that a layer's weights ask for; None where any number will do."""
    if layer.kind in ("conv", "convt"):
        return int(weights["filters"].shape[2 if layer.kind == "conv" else 3])
    if layer.kind == "bnorm" or (layer.kind == "scale" and weights["multipliers"].size > 1):
        return int(weights["multipliers"].size)
    return None


def groups_of(spec: Spec, weights: Weights) -> dict[str, int]:
    """Groups of every convolution by layer name.

    Raises SimpleNNError where a layer does not fit the channels that reach it.
    """
    channels = {item.name: item.shape[0] or first_channels(spec, weights, item.name) for item in spec.inputs}
    groups: dict[str, int] = {}
    for layer in spec.layers:
        coming = [channels[tensor] for tensor in layer.inputs]
        rule = RULES.get(layer.kind, _passed_on)
        channels[layer.name], count = rule(layer, part(weights, layer.owner), coming)
        if count is not None:
            groups[layer.name] = count
    return groups


def _passed_on(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    return coming[0], None


def _conv(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    _, _, depth, filters = weights["filters"].shape
    groups = _divided(layer, coming[0] or depth, depth, "filters of depth")
    _divided(layer, filters, groups, "a number of groups of")
    return filters, groups


def _convt(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    _, _, outputs, depth = weights["filters"].shape
    groups = layer.config["numGroups"]
    _equal(layer, coming[0] or depth, depth)
    _divided(layer, depth, groups, "numGroups")
    return outputs * groups, groups


def _per_channel(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    size = _wanted(layer, weights)
    if size is None:
        return coming[0], None
    _equal(layer, coming[0] or size, size)
    return size, None


def _concat(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    known = [count for count in coming if count is not None]
    return (sum(known) if len(known) == len(coming) else None), None


def _subp(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    scale = layer.config["scale"]
    if coming[0] is None:
        return None, None
    if scale < 1:
        return coming[0] * round(1 / scale) ** 2, None
    return _divided(layer, coming[0], int(scale) ** 2, "blocks of"), None


def _spread(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    return coming[1], None


def _sum(layer: Layer, weights: Weights, coming: Coming) -> Leaving:
    known = {count for count in coming if count is not None}
    if len(known) > 1:
        raise SimpleNNError(
            "adds tensors of different depths",
            where=_place(layer),
            expected="as many channels in each",
            came=", ".join(map(str, coming)),
        )
    return next(iter(known), None), None


RULES: Mapping[str, Callable[[Layer, Weights, Coming], Leaving]] = {
    "conv": _conv,
    "convt": _convt,
    "bnorm": _per_channel,
    "scale": _per_channel,
    "concat": _concat,
    "sum": _sum,
    "subp": _subp,
    "spread": _spread,
}
"""Channels of the output of each kind of layer; other kinds keep the channels of the first input."""


def _divided(layer: Layer, channels: int, by: int, what: str) -> int:
    if by < 1 or channels % by:
        raise SimpleNNError(f"{channels} channels cannot be divided by {what} {by}", where=_place(layer))
    return channels // by


def _equal(layer: Layer, channels: int, size: int) -> None:
    if channels != size:
        raise SimpleNNError(
            "the weights do not fit the input", where=_place(layer), expected=f"{size} channels", came=f"{channels}"
        )


def _place(layer: Layer) -> str:
    return f"layer {layer.name!r} ({layer.kind})"
