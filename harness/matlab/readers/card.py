"""What a user of a network needs beside its layers: the names of its classes, and how its input is prepared.

A MATLAB file holds both in several places: the names in the `Categories` or `Classes` of an output layer or in
MatConvNet's `meta.classes`, the preparation in the input layer and in MatConvNet's `meta.normalization`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.matlab.readers.records import Record, inside, strings
from harness.spec import Array, Input, Spec

RANGES = (1, 255)
"""Where the numbers of pictures end that begin at 0. A mean tells the first of these ranges that holds all of it."""
NORMALIZATIONS: Mapping[str, str] = {
    "zerocenter": "subtracts the mean",
    "zscore": "subtracts the mean and divides by the standard deviation",
    "rescale-symmetric": "rescales to -1 to 1",
    "rescale-zero-one": "rescales to 0 to 1",
}


@dataclass(frozen=True)
class Card:
    """`classes` are the names of the channels of the output `labelled`. `average` is what the caller subtracts from an
    image, 1 x 1 x C or H x W x C; `hints` are further steps of the file that the caller takes. `title` says of what
    file it is."""

    title: str = ""
    classes: tuple[str, ...] = ()
    labelled: str = ""
    average: Array | None = None
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, arrays aside."""
        return {
            "title": self.title,
            "classes": list(self.classes),
            "labelled": self.labelled,
            "average": self.average,
            "hints": list(self.hints),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Card:
        return cls(data["title"], tuple(data["classes"]), data["labelled"], data["average"], tuple(data["hints"]))


def sizes_of(item: Input) -> str:
    """The size of an input without the batch; an open size is `?`."""
    return " x ".join("?" if n is None else str(n) for n in item.shape)


def names_in(value: Any) -> tuple[str, ...]:
    """The names of a categorical, a cell of texts or a text array; none for any other value."""
    categories = inside(value, "categories")
    items: Iterable[Any] = categories if isinstance(categories, Sequence) else strings(value)
    return tuple(str(item) for item in items)


def labels_of(
    records: Mapping[str, Record], outputs: Sequence[str], losses: Mapping[str, Record] | None = None
) -> Card:
    """The names of the classes of the first output layer that has some; `records` are by the Spec's names.

    `losses` are output layers that are no layers of the Spec, each by the layer that it reads.
    """
    ends = [(name, records[name]) for name in outputs if name in records]
    for name, record in (*ends, *(losses or {}).items(), *records.items()):
        for key in ("Categories", "Classes", "ClassNames"):
            classes = names_in(record.properties.get(key))
            if len(classes) > 1:
                return Card(classes=classes, labelled=name)
    return Card()


def matconvnet_card(net: Mapping[str, Any], average: Array | None, output: str) -> Card:
    """What MatConvNet's `meta` says: classes with description or name, the average image, how pictures are cut."""
    stored = inside(net, "meta", "classes") or inside(net, "classes")
    classes = names_in(inside(stored, "description")) or names_in(inside(stored, "name"))
    normalization = inside(net, "meta", "normalization") or inside(net, "normalization")
    hints = []
    for key in ("interpolation", "keepAspect", "border", "cropSize"):
        value = inside(normalization, key)
        if isinstance(value, str):
            hints.append(f"meta.normalization.{key} is {value}")
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind in "biuf":
            hints.append(f"meta.normalization.{key} is {' '.join(f'{n:g}' for n in value.ravel())}")
    labelled = output if classes else ""
    return Card(classes=classes, labelled=labelled, average=average, hints=tuple(hints))


def recipe(spec: Spec, weights: Mapping[str, Array], card: Card) -> tuple[str, ...]:
    """How an input is prepared, and what the network does itself, one sentence each."""
    lines = [line for item in spec.inputs for line in _of_input(item, spec, weights, card)]
    if card.average is not None:
        values = f" ({', '.join(f'{v:g}' for v in card.average.ravel())})" if card.average.size <= 4 else ""
        size = " x ".join(map(str, card.average.shape))
        lines.append(
            f"subtract the average image, {size}{values}, from the picture: the network itself does not "
            "(`prepare` of model.py does)"
        )
    return (*lines, *card.hints)


def _of_input(item: Input, spec: Spec, weights: Mapping[str, Array], card: Card) -> list[str]:
    own = _own_processing(item, spec)
    kinds = {4: "volume", 3: "picture", 2: "sequence", 1: "vector of features"}
    shape = item.shape
    size = (
        " x ".join("?" if n is None else str(n) for n in (*shape[1:], shape[0])) if len(shape) > 2 else sizes_of(item)
    )
    order = {4: " (h, w, d, c)", 3: " (h, w, c)", 2: " (steps, features)", 1: ""}[len(shape)]
    lines = [f"{item.name if len(spec.inputs) > 1 else 'the input'} is a {kinds[len(shape)]} of {size}{order}"]
    reader = next((layer for layer in spec.layers if item.name in layer.inputs), None)
    how = NORMALIZATIONS.get(str(reader.config.get("Normalization", ""))) if reader else None
    if how and reader:
        lines[0] += f"; the network itself {how} of layer {reader.name}: do not do so again"
    if own:
        lines[0] += f"; the network itself applies {' and '.join(own)}: give it the numbers as they are"
    mean = card.average if card.average is not None else weights.get(f"{reader.name}/Mean") if reader else None
    if len(shape) > 2 and mean is not None and mean.size:
        lines.append(_reach(mean))
    return lines


def _reach(mean: Array) -> str:
    """The range of a picture's numbers, as far as their mean shows it."""
    least, most = float(np.min(mean)), float(np.max(mean))
    top = next((end for end in RANGES if least >= 0 and most <= end), None)
    if top is not None:
        return f"its numbers are from 0 to {top}, as far as the mean ({np.mean(mean):.3g}) shows"
    came = f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
    return f"the file does not say what range its numbers have: the mean ({came}) is not within 0 to {RANGES[-1]}"


def _own_processing(item: Input, spec: Spec) -> list[str]:
    """The functions that a shallow network applies to its input before the first weights."""
    kinds, tensor = [], item.name
    for layer in spec.layers:
        if layer.inputs == (tensor,) and layer.kind in ("mapminmax", "mapstd", "removeconstantrows"):
            kinds.append(layer.kind)
            tensor = layer.name
    return kinds
