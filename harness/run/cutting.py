"""Cuts a model into smaller cases: its beginning, a window around a layer, the model without a layer.

A tensor that a smaller model reads from a removed layer becomes an input with the values that the oracle computed. Each
smaller case gets goldens of its own. Functions return None for a cut that is no valid model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.draw import with_golden
from harness.oracle import walk, widened
from harness.spec import Array, Case, Input, Layer, Sample, Spec, source_of


def tensors(case: Case) -> tuple[str, ...]:
    """The outputs of all layers, in order."""
    return tuple(name for name in _computed(case, case.samples[0]) if name not in case.inputs)


def beginning(case: Case, count: int) -> Case | None:
    """The first `count` layers. Outputs are the model's outputs among theirs, and tensors that none of them reads."""
    layers = case.spec.layers[:count]
    names = {layer.name for layer in layers}
    read = set(map(source_of, _read(layers)))
    declared = [tensor for tensor in case.spec.outputs if source_of(tensor) in names]
    return cut(case, layers, dict.fromkeys([*declared, *(layer.name for layer in layers if layer.name not in read)]))


def ancestors(spec: Spec, name: str, depth: int) -> set[str]:
    """Names of a layer and of the layers up to `depth` steps before it; empty for the name of an input."""
    layers = {layer.name: layer for layer in spec.layers}
    names = front = {name} & set(layers)
    for _ in range(depth):
        front = {source_of(tensor) for one in front for tensor in layers[one].tensors} & set(layers) - names
        names = names | front
    return names


def cut(case: Case, layers: Sequence[Layer], outputs: Iterable[str]) -> Case | None:
    """The case with only `layers`, and with other outputs."""
    outputs = tuple(outputs)
    read = {*_read(layers), *outputs}
    inputs = tuple(item for item in case.spec.inputs if item.name in read)
    owners = tuple(f"{layer.owner}/" for layer in layers)
    try:
        part = replace(
            case,
            spec=replace(case.spec, inputs=inputs, layers=tuple(layers), outputs=outputs),
            weights={key: value for key, value in case.weights.items() if key.startswith(owners)},
            samples=tuple(
                replace(sample, inputs={item.name: sample.inputs[item.name] for item in inputs})
                for sample in case.samples
            ),
            labels=None,
            drawn=None,
        )
        return with_golden(part)
    except (ValueError, LookupError, TypeError):
        return None


def window(case: Case, keep: set[str], name: str) -> Case | None:
    """The layers named in `keep`, with the outputs of layer `name`; tensors from other layers become inputs."""
    records = [_computed(case, sample) for sample in case.samples]
    layers = [layer for layer in case.spec.layers if layer.name in keep]
    renamed = {tensor: tensor.replace(":", "_") for tensor in _read(layers) if source_of(tensor) not in keep}
    rewired = [_rewired(_adopted(case.spec, layer, keep), renamed) for layer in layers]
    try:
        spec = replace(case.spec, inputs=_inputs(case.spec, renamed, records), layers=tuple(rewired), outputs=(name,))
    except ValueError:
        return None
    samples = tuple(_sampled(sample, renamed, record) for sample, record in zip(case.samples, records, strict=True))
    weights = {**case.weights, **_adopted_weights(case, layers, keep)}
    whole = replace(case, spec=spec, weights=weights, samples=samples)
    return cut(whole, rewired, [tensor for tensor in records[0] if source_of(tensor) == name])


def without(case: Case, name: str) -> Case | None:
    """The case without a layer. In place of its output, other layers read its first input of the same shape and type.

    None if another call shares the layer's weights, or if no input has that shape and type.
    """
    others = [layer for layer in case.spec.layers if layer.name != name]
    if any(layer.of == name for layer in others):
        return None
    outputs = tuple(tensor for tensor in case.spec.outputs if source_of(tensor) != name)
    if outputs and name not in map(source_of, _read(others)):
        return cut(case, others, outputs)
    replacement = _input_like_output(case, name)
    if replacement is None:
        return None
    renamed = {tensor: replacement for tensor in (*case.spec.outputs, *_read(others)) if source_of(tensor) == name}
    rewired = [_rewired(layer, renamed) for layer in others]
    return cut(case, rewired, dict.fromkeys(renamed.get(tensor, tensor) for tensor in case.spec.outputs))


def _input_like_output(case: Case, name: str) -> str | None:
    """The first input of a layer that has the shape and type of the layer's output; None if none has."""
    layer = next(layer for layer in case.spec.layers if layer.name == name)
    values = _computed(case, case.samples[0])
    output = values[name]
    alike = (t for t in layer.inputs if (values[t].shape, values[t].dtype) == (output.shape, output.dtype))
    return next(alike, None)


def flattened(case: Case) -> Case:
    """The case with nested Sequentials and Models replaced by their layers; the same case if it has none."""
    parts = {layer.name: written for layer in case.spec.layers if (written := _written_out(layer)) is not None}
    if not parts or any(layer.of for layer in case.spec.layers):
        return case
    layers: list[Layer] = []
    weights = dict(case.weights)
    last: dict[str, str] = {}
    for layer in case.spec.layers:
        inner, outputs = parts.get(layer.name, ((layer,), ()))
        layers += [replace(one, inputs=tuple(last.get(tensor, tensor) for tensor in one.inputs)) for one in inner]
        for one in inner if outputs else ():
            _move_weights(weights, one.name, layer.name)
        last |= {layer.name if k == 0 else f"{layer.name}:{k}": tensor for k, tensor in enumerate(outputs)}
    outputs = tuple(last.get(tensor, tensor) for tensor in case.spec.outputs)
    return cut(replace(case, weights=weights), layers, outputs) or case


def _computed(case: Case, sample: Sample) -> dict[str, Array]:
    """All tensors of the model by name, inputs first, as the oracle computes them."""
    with np.errstate(all="ignore"):
        values = walk(case.spec, widened(case.weights), widened(sample.inputs))
    return {name: np.asarray(value) for name, value in values.items()}


def _read(layers: Iterable[Layer]) -> list[str]:
    """The tensors that the layers read, in order, each once."""
    return list(dict.fromkeys(tensor for layer in layers for tensor in layer.tensors))


def _sampled(sample: Sample, renamed: Mapping[str, str], record: Mapping[str, Array]) -> Sample:
    """The sample with the tensors of `renamed` as inputs, under their new names."""
    return replace(sample, inputs={name: _single(record[tensor]) for tensor, name in renamed.items()})


def _single(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _inputs(spec: Spec, renamed: Mapping[str, str], records: Sequence[Mapping[str, Array]]) -> tuple[Input, ...]:
    """Inputs for the tensors of `renamed`; for an input of the model, the model's own declaration."""
    declared = {item.name: item for item in spec.inputs}
    return tuple(
        declared.get(tensor) or _input(name, [record[tensor] for record in records]) for tensor, name in renamed.items()
    )


def _input(name: str, values: Sequence[Array]) -> Input:
    """An input of a tensor's shape and type; axes whose size differs between samples are open."""
    sizes = zip(*(value.shape[1:] for value in values), strict=True)
    shape = tuple(each[0] if len(set(each)) == 1 else None for each in sizes)
    return Input(name, shape, _single(values[0]).dtype.name)


def _rewired(layer: Layer, renamed: Mapping[str, str]) -> Layer:
    """The layer with its input tensors renamed."""
    return replace(
        layer,
        inputs=tuple(renamed.get(tensor, tensor) for tensor in layer.inputs),
        keywords={key: tuple(renamed.get(tensor, tensor) for tensor in names) for key, names in layer.keywords.items()},
    )


def _is_orphan(layer: Layer, keep: set[str]) -> bool:
    """Whether a layer is a further call of a removed layer."""
    return bool(layer.of) and layer.of not in keep


def _adopted(spec: Spec, layer: Layer, keep: set[str]) -> Layer:
    """The layer; an orphan becomes a layer of its own."""
    if not _is_orphan(layer, keep):
        return layer
    original = next(one for one in spec.layers if one.name == layer.of)
    return replace(layer, of="", config=original.config)


def _adopted_weights(case: Case, layers: Iterable[Layer], keep: set[str]) -> dict[str, Array]:
    """Copies of the weights of removed layers, under the names of the orphans that shared them."""
    return {
        layer.name + key.removeprefix(layer.of): value
        for layer in layers
        for key, value in case.weights.items()
        if _is_orphan(layer, keep) and key.startswith(f"{layer.of}/")
    }


def _move_weights(weights: dict[str, Array], name: str, within: str) -> None:
    """Rename the weights of an inner layer to those of a layer of the model."""
    prefix = f"{within}/{name.removeprefix(f'{within}_')}/"
    for key in [key for key in weights if key.startswith(prefix)]:
        weights[f"{name}/{key.removeprefix(prefix)}"] = weights.pop(key)


def _written_out(layer: Layer) -> tuple[tuple[Layer, ...], tuple[str, ...]] | None:
    """The layers inside a Sequential or a Model, and its output tensors; None for any other layer."""
    config: Any = layer.config
    if layer.kind == "Sequential":
        chain: list[Layer] = []
        for k, one in enumerate(config["layers"]):
            reads = (chain[-1].name,) if chain else layer.inputs
            chain.append(Layer(one["kind"], f"{layer.name}_{k}", one["config"], reads))
        return tuple(chain), (chain[-1].name,)
    if layer.kind != "Model":
        return None
    spec = Spec.from_json(config["spec"])
    taken = {item.name: tensor for item, tensor in zip(spec.inputs, layer.inputs, strict=True)}

    def named(tensor: str) -> str:
        return taken.get(tensor, f"{layer.name}_{tensor}")

    inner = tuple(
        replace(
            one,
            name=f"{layer.name}_{one.name}",
            inputs=tuple(map(named, one.inputs)),
            keywords={key: tuple(map(named, names)) for key, names in one.keywords.items()},
            of=f"{layer.name}_{one.of}" if one.of else "",
        )
        for one in spec.layers
    )
    return inner, tuple(map(named, spec.outputs))
