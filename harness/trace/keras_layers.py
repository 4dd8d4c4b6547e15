"""Traces a Keras model: its layers as they are called, beside what the float64 oracle gives for the same call.

The layers are those of the model itself: a nested model or a wrapper is one of them, a shared layer comes once for each
call. Where the oracle does not know every layer of the model, there is a graph without errors.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.keras_model import load_model, nested
from harness.results.evidence import Node
from harness.spec import Array, Layer, Spec
from harness.trace import noise
from harness.trace.noise import Measured
from harness.trace.trace import INPUT, Trace, measured
from harness.trace.truth import measured_truth, outputs_of

SHOWN = (str, int, float, bool, list, tuple)
"""Types of arguments that are shown; layers, initialisers and the like are not."""
HIDDEN = ("name", "trainable", "dtype", "build_config")


def trace(
    artifact: Path,
    inputs: Mapping[str, Array],
    *,
    spec: Spec | None = None,
    weights: Mapping[str, Array] | None = None,
) -> Trace:
    """Trace a model in the worker's Keras on these inputs; `spec` with these weights says what is right.

    *local* is the error of a layer called on the reference's inputs, *propagated* that of what it gives in the model's
    own run. Raises whatever loading and calling the model raises.
    """
    import keras

    model = load_model(artifact)
    truth = {} if spec is None else measured_truth(spec, weights or {}, inputs)
    recorder = _Recorder(() if spec is None else spec.layers, truth)
    names = [tensor.name for tensor in model.inputs]

    def call(know: Callable[[Any, str], None] = lambda tensor, name: None) -> list[Array]:
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        for tensor, name in zip(tensors, names, strict=True):
            know(tensor, name)
        result = model(nested(model, tensors), training=False)
        return [np.asarray(keras.ops.convert_to_numpy(each)) for each in _tensors(result)]

    plain = call()
    with recorder.watching(model):
        watched = call(lambda tensor, name: recorder.know(tensor, name, f"{INPUT}{name}"))
    notes = [] if truth or spec is None else ["the oracle does not know every layer"]
    if [each.tobytes() for each in plain] != [each.tobytes() for each in watched]:
        notes.append("while layers are watched the outputs are others")
    return Trace("keras", tuple(recorder.nodes), "; ".join(notes))


def answer(
    artifact: Path,
    inputs: Mapping[str, Array],
    spec: Spec | None = None,
    weights: Mapping[str, Array] | None = None,
) -> dict[str, Any]:
    """A trace as plain data, the answer of a worker."""
    return trace(artifact, inputs, spec=spec, weights=weights).to_plain()


class _Recorder:
    """Records the calls of layers."""

    def __init__(self, layers: Sequence[Layer], truth: Mapping[str, Measured]) -> None:
        self.layers = list(layers)
        self.truth = truth
        self.nodes: list[Node] = []
        self._known: dict[int, tuple[Any, str, str]] = {}
        self._calls: dict[str, int] = {}
        self._is_measuring = False

    def know(self, tensor: Any, name: str, ident: str) -> None:
        """Remember that a tensor is the reference's tensor of a name, made by a node."""
        self._known[id(tensor)] = weakref.ref(tensor), name, ident

    def _recall(self, tensor: Any) -> tuple[str, str] | None:
        reference, name, ident = self._known.get(id(tensor), (None, "", ""))
        return (name, ident) if reference is not None and reference() is tensor else None

    def watching(self, model: Any) -> _Watch:
        """A context in which each call of a layer of the model is recorded."""
        return _Watch(model, self)

    def record(self, layer: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a layer, and add its node. What the layer calls within itself is no call of its own."""
        if self._is_measuring:
            return call(*args, **kwargs)
        self._is_measuring = True
        try:
            result = call(*args, **kwargs)
            self._add(layer, call, args, kwargs, list(_tensors(result)))
        finally:
            self._is_measuring = False
        return result

    def _add(self, layer: Any, call: Callable[..., Any], args: Any, kwargs: Any, outputs: list[Any]) -> None:
        count = self._calls[layer.name] = self._calls.get(layer.name, 0) + 1
        ident = layer.name if count == 1 else f"{layer.name}#{count}"
        made = [found for each in _tensors((args, kwargs)) if (found := self._recall(each)) is not None]
        of = self._call_of(layer.name, [name for name, _ in made])
        names = [] if of is None else outputs_of(of, {name: each.value for name, each in self.truth.items()})
        true = [self.truth.get(name) for name in names]
        node = Node(
            id=ident,
            op=type(layer).__name__,
            layer=layer.name if of is None else of.name,
            sources=tuple(dict.fromkeys(maker for _, maker in made)),
            attributes=_attributes(layer),
            shape=tuple(int(n) for n in outputs[0].shape) if outputs else None,
        )
        errors = [
            noise.units(_array(value), each.value, each.unit)
            for value, each in zip(outputs, true, strict=False)
            if each is not None and each.unit is not None
        ]
        local = self._local(call, args, kwargs, true)
        self.nodes.append(measured(node, local=local, propagated=max(errors, default=None)))
        for number, value in enumerate(outputs):
            self.know(value, names[number] if number < len(names) else f"{ident}:{number}", ident)

    def _call_of(self, name: str, sources: Sequence[str]) -> Layer | None:
        """The call of a layer in the Spec: the one that reads these tensors, else the only one; None if none is."""
        calls = [layer for layer in self.layers if layer.owner == name]
        exact = [layer for layer in calls if list(dict.fromkeys(layer.tensors)) == list(dict.fromkeys(sources))]
        return exact[0] if exact else calls[0] if len(calls) == 1 else None

    def _local(self, call: Callable[..., Any], args: Any, kwargs: Any, true: Sequence[Measured | None]) -> float | None:
        """The error of a layer on the reference's inputs; None where some are not known, or it does not run alone."""
        if not any(true):
            return None
        try:
            given = list(_tensors(call(*self._fed(args), **self._fed(kwargs))))
        except Exception:
            return None
        errors = [
            noise.units(_array(value), each.value, each.own)
            for value, each in zip(given, true, strict=False)
            if each is not None and each.own is not None
        ]
        return max(errors, default=None)

    def _fed(self, value: Any) -> Any:
        """Arguments with the reference's values; masks stay. Raises KeyError for another tensor that is not known."""
        import keras

        if isinstance(value, list | tuple):
            return type(value)(self._fed(each) for each in value)
        if isinstance(value, dict):
            return {key: self._fed(each) for key, each in value.items()}
        if not keras.ops.is_tensor(value):
            return value
        dtype = keras.backend.standardize_dtype(value.dtype)
        known = self._recall(value)
        if known is None and dtype == "bool":
            return value
        with np.errstate(all="ignore"):
            return keras.ops.convert_to_tensor(self.truth[known[0] if known else ""].value.astype(dtype))


class _Watch:
    """Replaces the method `call` of a model's layers meanwhile."""

    def __init__(self, model: Any, recorder: _Recorder) -> None:
        self.layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        self.recorder = recorder

    def __enter__(self) -> None:
        for layer in self.layers:
            object.__setattr__(layer, "call", self._watched(layer, layer.call))  # beside Keras' tracking of attributes

    def __exit__(self, *error: object) -> None:
        for layer in self.layers:
            object.__delattr__(layer, "call")

    def _watched(self, layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            return self.recorder.record(layer, call, args, kwargs)

        return watched


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors in arguments or results."""
    import keras

    if isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif keras.ops.is_tensor(value):
        yield value


def _array(value: Any) -> Array:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(value))


def _attributes(layer: Any) -> dict[str, str]:
    """Short texts of a layer's arguments."""
    try:
        config = layer.get_config()
    except Exception:  # custom layers need not have one
        return {}
    shown = {key: value for key, value in config.items() if isinstance(value, SHOWN) and key not in HIDDEN}
    return {key: str(value) for key, value in shown.items() if len(str(value)) <= 80}
