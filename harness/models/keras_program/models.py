"""Models within a model, written out: their layers stand among those of the whole, under names with the model's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.adapters.keras_model import MODEL, SEQUENTIAL
from harness.spec import Layer, Spec


def unfolded(spec: Spec) -> Spec:
    """The same model without models in it. Its weights have the same names: those within a model have its path."""
    if not any(_is_model(layer) for layer in spec.layers):
        return spec
    layers: list[Layer] = []
    tensors: dict[str, str] = {}
    for layer in spec.layers:
        here = _reading(layer, tensors)
        if not _is_model(here):
            layers.append(here)
            continue
        inner, outputs = _of_model(here) if here.kind == MODEL else _of_sequential(here)
        layers += inner
        tensors |= {f"{here.name}{f':{place}' * (place > 0)}": name for place, name in enumerate(outputs)}
    given = tuple(tensors.get(name, name) for name in spec.outputs)
    return unfolded(Spec(spec.dialect, spec.inputs, tuple(layers), given))


def _is_model(layer: Layer) -> bool:
    """Whether a layer is a model that is called with its inputs alone."""
    return layer.kind in (MODEL, SEQUENTIAL) and not layer.keywords and not layer.arguments


def _reading(layer: Layer, tensors: Mapping[str, str]) -> Layer:
    """A layer that reads other tensors."""
    keywords = {key: tuple(tensors.get(each, each) for each in names) for key, names in layer.keywords.items()}
    return replace(layer, inputs=tuple(tensors.get(each, each) for each in layer.inputs), keywords=keywords)


def _of_model(model: Layer) -> tuple[list[Layer], list[str]]:
    """The layers of a model that is a layer, and its output tensors."""
    spec = Spec.from_json(model.config["spec"])
    tensors = dict(zip((item.name for item in spec.inputs), model.inputs, strict=True))

    def named(tensor: str) -> str:
        return tensors.get(tensor, f"{model.name}/{tensor}")

    layers = []
    for layer in spec.layers:
        read = {tensor: named(tensor) for tensor in layer.tensors}
        again = f"{model.of}/{layer.owner}" if model.of else layer.of and f"{model.name}/{layer.of}"
        layers.append(replace(_reading(layer, read), name=f"{model.name}/{layer.name}", of=again))
    return layers, [named(tensor) for tensor in spec.outputs]


def _of_sequential(model: Layer) -> tuple[list[Layer], list[str]]:
    """The layers of a Sequential that is a layer, and its output tensor."""
    layers = list(_in_a_row(model))
    return layers, [layers[-1].name if layers else model.inputs[0]]


def _in_a_row(model: Layer) -> Iterator[Layer]:
    tensors = model.inputs
    for place, each in enumerate(model.config["layers"]):
        again = model.of and f"{model.of}/{place}"
        yield Layer(each["kind"], f"{model.name}/{place}", each["config"], tensors, of=again)
        tensors = (f"{model.name}/{place}",)
