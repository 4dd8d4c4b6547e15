"""A user's own ONNX file in the place of a conversion: whether it computes what the model computes (`check --against`).

The file is put behind the names, and the order of axes, of the model's inputs, and before those of its outputs. Then it
is walked, judged and traced as what any converter makes. If its outputs differ, it is run once more for each way in
which pictures are prepared: where one of them makes it agree, the networks are equal and their preprocessing is not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.places import OnOnnxRuntime
from harness.judge.compare import compare
from harness.models.guard import ModelError
from harness.models.origin import KERAS, ONNX, SAVED, TORCH, Origin, ask
from harness.models.truth import Truth
from harness.spec import Array, Sample
from harness.workers.pool import Workers

FILE = "PARITY_THEIRS"
"""The environment variable with the adapted file's path."""
NAME = "theirs"
ORDERS = ((0, 3, 1, 2), (0, 2, 3, 1), (0, 2, 1), (0, 4, 1, 2, 3), (0, 2, 3, 4, 1))
"""Orders of axes in which other frameworks may have an array: channels first or last."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pixels of ImageNet, from 0 to 1, in RGB."""
BLUE_FIRST = (103.939, 116.779, 123.68)
"""The mean of the pixels of ImageNet, from 0 to 255, in BGR."""
Sizes = Sequence[int | None]


class _Theirs(OnOnnxRuntime):
    """The adapted file, whatever it is to be converted from."""

    name: ClassVar[str] = NAME
    target: ClassVar[str] = ONNX
    requires: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime")
    distribution: ClassVar[str] = "onnx"
    engine: ClassVar[str] = "onnx"
    calls: ClassVar[str] = "the file of --against"

    def convert(self, artifact: Path, out: Path) -> Path:
        return Path(shutil.copyfile(os.environ[FILE], out))


class OfKeras(_Theirs):
    """In the place of a conversion from Keras."""

    source: ClassVar[str] = KERAS


class OfSavedModel(_Theirs):
    """In the place of a conversion from a SavedModel."""

    source: ClassVar[str] = SAVED


class OfTorch(_Theirs):
    """In the place of an export of torch."""

    source: ClassVar[str] = TORCH


HOPS = {kind.source: f"{__name__}:{kind.__name__}" for kind in (OfKeras, OfSavedModel, OfTorch)}
"""The converter that stands for the file, by the format of the model."""


def check_kinds(source: str, other: Path) -> None:
    """Raise ModelError if a file cannot be compared with a model of this format."""
    if other.suffix.lower() != ".onnx" or source not in HOPS:
        raise ModelError(
            "these two cannot be compared",
            where=f"--against {other}",
            expected="an .onnx file beside a .keras, .h5 or .pt2 file or a SavedModel, or any model beside a .mat file",
            came=f"{other.suffix or 'no suffix'} beside a model of {source}",
        )


def put_behind(origin: Origin, truth: Truth, other: Path, workers: Workers, folder: Path) -> Path:
    """Write the other file with the model's inputs and outputs. Raises ModelError where they do not fit."""
    adapted = folder / f"{NAME}.onnx"
    os.environ[FILE] = str(adapted)  # before the worker starts that reads it
    (golden,) = (sample.golden for sample in truth.samples[:1])
    assert golden is not None
    inputs = [(item.name, list(item.shape)) for item in origin.inputs]
    outputs = [list(np.shape(value)[1:]) for value in golden.expected.values()]
    function = "harness.models.counterpart:adapt"
    ask(workers, "onnxruntime", function, other.absolute(), adapted, inputs, outputs, where=other)
    return adapted


def adapt(path: Path, out: Path, inputs: Sequence[tuple[str, Sizes]], outputs: Sequence[Sizes]) -> None:
    """Write an ONNX file with other names of inputs, and their and the outputs' axes in another order where only that
    fits; sizes are without the batch. Called in a worker. Raises ValueError where numbers or sizes differ."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    theirs = {item.name: item for item in graph.input if item.name not in constants}
    for name, _ in inputs:  # it may be that of a tensor inside
        _rename(graph, name, f"{NAME}/{name}")
    if len(inputs) != len(theirs):
        raise ValueError(f"the numbers of inputs differ: the model has {len(inputs)}, the file {len(theirs)}")
    if len(outputs) != len(graph.output):
        raise ValueError(f"the numbers of outputs differ: the model has {len(outputs)}, the file {len(graph.output)}")
    by_name = set(theirs) == {name for name, _ in inputs}
    before, after = [], []
    for (name, ours), other in zip(inputs, list(theirs), strict=True):
        item = theirs[name if by_name else other]
        order = _order(ours, _sizes(item), f"input {name if by_name else other!r}")
        before.append(_moved(name, item.name, order))
        item.name = name
        del item.type.tensor_type.shape.dim[:]
        for n in (None, *ours):
            item.type.tensor_type.shape.dim.add(**({"dim_param": "N"} if n is None else {"dim_value": n}))
    for ours, item in zip(outputs, graph.output, strict=True):
        order = _order(_sizes(item), ours, f"output {item.name!r}")
        if order:
            after.append(_moved(item.name, f"{item.name}.{NAME}", order))
            item.name = after[-1].output[0]
            item.type.tensor_type.ClearField("shape")
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*before, *nodes, *after])
    onnx.save(model, str(out))


def _rename(graph: Any, old: str, new: str) -> None:
    """Give a tensor of a graph another name, also in the bodies of its nodes."""
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        item.name = new if item.name == old else item.name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
        for attribute in node.attribute:
            for body in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                _rename(body, old, new)


def _moved(source: str, target: str, order: tuple[int, ...]) -> Any:
    import onnx

    if not order:
        return onnx.helper.make_node("Identity", [source], [target])
    return onnx.helper.make_node("Transpose", [source], [target], perm=list(order))


def _sizes(item: Any) -> Sizes | None:
    """The sizes of a declared tensor without the batch, None for open ones; None where nothing is declared."""
    kind = item.type.tensor_type
    return [axis.dim_value or None for axis in kind.shape.dim][1:] if kind.HasField("shape") else None


def _order(ours: Sizes | None, theirs: Sizes | None, where: str) -> tuple[int, ...]:
    """The order of our axes, with the batch, in which they fit the others; () if they do as they are."""

    def fits(one: Sizes, other: Sizes) -> bool:
        return len(one) == len(other) and all(None in (n, m) or n == m for n, m in zip(one, other, strict=True))

    if ours is None or theirs is None or fits(ours, theirs):
        return ()
    for order in ORDERS:
        if len(order) == len(ours) + 1 and fits([ours[axis - 1] for axis in order[1:]], theirs):
            return order
    raise ValueError(f"the sizes of {where} differ: {_times(ours)} and {_times(theirs)} of a sample")


def _times(sizes: Sizes) -> str:
    return " x ".join("?" if n is None else str(n) for n in sizes)


def equal_if(origin: Origin, truth: Truth, adapted: Path, workers: Workers) -> str:
    """The preparation of the other file's input that makes it agree, in words; '' if none of those tried does."""
    if len(origin.inputs) != 1:
        return ""
    (item,) = origin.inputs
    shape = np.shape(truth.samples[0].inputs[item.name])
    axis = next((at for at in (-1, 1) if len(shape) == 4 and shape[at] == 3), None)
    for words, change in _changes(axis).items():
        if all(_agrees(sample, item.name, change, adapted, workers) for sample in truth.samples):
            return words  # on one sample alone, the outputs may hide a layer
    return ""


def _agrees(sample: Sample, name: str, change: Callable[[Array], Array], adapted: Path, workers: Workers) -> bool:
    """Whether the other file agrees on a sample with its input changed."""
    value = np.asarray(sample.inputs[name])
    changed = {name: np.ascontiguousarray(change(value.astype(np.float64))).astype(value.dtype)}
    function = "harness.models.onnx_graph:tensors"
    try:
        made: Mapping[str, Array] = ask(workers, "onnxruntime", function, adapted, changed, [], False, where=adapted)
    except ModelError:  # a change that this file does not take
        return False
    assert sample.golden is not None
    return compare(sample.golden, list(made.values())).outcome.passes


def _changes(axis: int | None) -> dict[str, Callable[[Array], Array]]:
    """Preparations of pictures, of which one file may hold the first half and the other expect it
    (https://keras.io/api/applications/, `preprocess_input`; torchvision, `transforms`)."""
    changes: dict[str, Callable[[Array], Array]] = {
        "if its input is divided by 255": lambda x: x / 255,
        "if its input is multiplied by 255": lambda x: x * 255,
        "if its input is scaled from 0...255 to -1...1": lambda x: x / 127.5 - 1,
        "if its input is scaled from -1...1 to 0...255": lambda x: (x + 1) * 127.5,
        "if its input is scaled from -1...1 to 0...1": lambda x: (x + 1) / 2,
        "if its input is scaled from 0...1 to -1...1": lambda x: x * 2 - 1,
    }
    if axis is None:
        return changes

    def along(numbers: Sequence[float]) -> Array:
        return np.reshape(numbers, (3, 1, 1) if axis == 1 else (3,))

    changes |= {
        "if its channels are reversed (RGB against BGR)": lambda x: np.flip(x, axis),
        "if its input is normalised by ImageNet's mean and deviation, from 0...255": lambda x: (
            (x / 255 - along(MEAN)) / along(DEVIATION)
        ),
        "if its input is normalised by ImageNet's mean and deviation, from 0...1": lambda x: (
            (x - along(MEAN)) / along(DEVIATION)
        ),
        "if ImageNet's normalisation of its input is undone, to 0...255": lambda x: (
            (x * along(DEVIATION) + along(MEAN)) * 255
        ),
        "if its input is reversed to BGR, less ImageNet's mean": lambda x: np.flip(x, axis) - along(BLUE_FIRST),
    }
    return changes
