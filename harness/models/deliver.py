"""Write and run a converted network: `model.py` with `weights.safetensors`, or `model.onnx`. Needs torch."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import atomic_write
from harness.matlab.readers.card import Card, recipe
from harness.matlab.torch.source import program
from harness.matlab.torch.text import WEIGHTS, Program, build
from harness.models.keras_program.source import program as keras_program
from harness.models.programs import module_of
from harness.spec import Array, Spec

MODEL, ONNX = "model.py", "model.onnx"


def write_torch(spec: Spec, weights: Mapping[str, Array], folder: Path, card: Card | None = None) -> list[Path]:
    """Write a network of MATLAB as `write_program`. Raises ValueError for a network that cannot be written."""
    return write_program(program(spec, weights, card), folder)


def write_program(written: Program, folder: Path) -> list[Path]:
    """Write the two files, each whole or not at all."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / WEIGHTS, save({name: np.ascontiguousarray(value) for name, value in written.state.items()}))
    atomic_write(folder / MODEL, written.source.encode())
    return [folder / MODEL, folder / WEIGHTS]


def load_torch(folder: Path) -> Any:
    """The module of a delivered folder, made by the `load` of its `model.py`."""
    return module_of(folder / MODEL).load()


def run_torch(folder: Path, inputs: Sequence[Array]) -> list[Array]:
    """Outputs of a delivered folder."""
    import torch

    with torch.no_grad():
        result = load_torch(folder)(*(torch.from_numpy(np.array(value)) for value in inputs))
    return [part.numpy() for part in (result if isinstance(result, tuple) else (result,))]


def write_onnx(spec: Spec, weights: Mapping[str, Array], folder: Path, card: Card | None = None) -> list[Path]:
    """Export the PyTorch program to `model.onnx`, with open batch and time. Raises what `torch.onnx.export` raises."""
    import onnx
    import torch

    with tempfile.TemporaryDirectory(prefix="parity-") as scratch:
        write_torch(spec, weights, Path(scratch))
        module = load_torch(Path(scratch))
        parameters = program(spec, weights).inputs
        examples = tuple(
            torch.ones([3, *(7 if n is None else n for n in item.shape)], dtype=getattr(torch, item.dtype))
            for item in spec.inputs
        )
        auto = torch.export.Dim.AUTO
        shapes = {
            name: {axis: auto for axis, n in enumerate((None, *item.shape)) if n is None}
            for name, item in zip(parameters, spec.inputs, strict=True)
        }
        whole = Path(scratch) / ONNX
        torch.onnx.export(
            module,
            examples,
            str(whole),
            dynamo=True,
            external_data=False,
            dynamic_shapes=shapes,
            input_names=onnx_inputs(spec),
            output_names=[tensor.replace(":", "_") for tensor in spec.outputs],
            verbose=False,
        )
        model = onnx.load(str(whole))
        name_axes(model, spec)
        if card is not None:
            describe(model, spec, weights, card)
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / ONNX, model.SerializeToString())
    return [folder / ONNX]


def onnx_inputs(spec: Spec) -> list[str]:
    """The name of each input in ONNX: its input layer's, as MATLAB's exporter has it, where that is free."""
    readers = {item.name: [layer.name for layer in spec.layers if item.name in layer.inputs] for item in spec.inputs}
    return [
        readers[item.name][0]
        if item.name == f"{readers[item.name][0]}_in" and readers[item.name][0] not in spec.outputs
        else item.name
        for item in spec.inputs
    ]


def name_axes(model: Any, spec: Spec) -> None:
    """Call the open axes of the inputs N, then T for steps or by their letters, everywhere in the graph."""
    names: dict[str, str] = {}
    for item, value in zip(spec.inputs, model.graph.input, strict=True):
        letters = {2: "NC", 3: "NTC", 4: "NCHW", 5: "NCHWD"}[len(item.shape) + 1]
        for axis, letter in zip(value.type.tensor_type.shape.dim, letters, strict=True):
            if axis.dim_param:
                names.setdefault(axis.dim_param, letter if letter not in names.values() else axis.dim_param)
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param:
                axis.dim_param = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), axis.dim_param)


def describe(model: Any, spec: Spec, weights: Mapping[str, Array], card: Card) -> None:
    """Write the card into the metadata of an ONNX model: `classes` (JSON), `preprocessing` (lines), `average_image`."""
    facts = {"preprocessing": "\n".join(recipe(spec, weights, card))}
    if card.classes:
        facts["classes"] = json.dumps(card.classes, ensure_ascii=False)
    if card.average is not None:
        image = np.ascontiguousarray(card.average, dtype="<f4")
        data = base64.b64encode(image.tobytes()).decode()
        facts["average_image"] = json.dumps({"shape": image.shape, "order": "h w c", "float32": data})
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def run_onnx(folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of a delivered ONNX file in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / ONNX), providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs.values(), strict=True))))


# --- called in a worker ------------------------------------------------------------------------------------------


def deliver(
    target: str, spec: Spec, weights: Mapping[str, Array], folder: Path, card: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write the files of a target (`torch`, `onnx`) and return their paths; `card` is a `Card` in plain data."""
    write = {"torch": write_torch, "onnx": write_onnx}[target]
    return write(spec, weights, folder, Card.from_json(card) if card else None)


def deliver_keras(spec: Spec, weights: Mapping[str, Array], folder: Path, title: str) -> list[Path]:
    """Write a model of Keras. Raises NoProgramError."""
    return write_program(keras_program(spec, weights, title), folder)


def shapes(
    spec: Spec, weights: Mapping[str, Array], sizes: Sequence[Sequence[Sequence[int]]]
) -> list[dict[str, list[int]] | None]:
    """The shape of each tensor at each of several sizes of the inputs, None where the network does not run.

    Nothing is computed: tensors have shapes only. Input layers do not normalise here, so that their statistics, which
    may have the size of the input, fit every size.
    """
    import torch

    bare, arrays = without_normalization(spec, weights)
    names = tuple(layer.name for layer in bare.layers)
    written = program(replace(bare, outputs=names), arrays)
    answers: list[dict[str, list[int]] | None] = []
    module = build(written).to("meta")
    with torch.no_grad():
        for shape in sizes:
            inputs = [
                torch.zeros(tuple(one), dtype=getattr(torch, item.dtype), device="meta")
                for one, item in zip(shape, spec.inputs, strict=True)
            ]
            try:
                result = module(*inputs)
            except Exception:  # PyTorch raises several kinds where sizes do not fit
                answers.append(None)
                continue
            tensors = result if isinstance(result, tuple) else (result,)
            given = {item.name: list(one) for item, one in zip(spec.inputs, shape, strict=True)}
            answers.append(
                given | {name: [int(n) for n in one.shape] for name, one in zip(names, tensors, strict=True)}
            )
    return answers


def without_normalization(spec: Spec, weights: Mapping[str, Array]) -> tuple[Spec, dict[str, Array]]:
    """The network with input layers that pass on what they get."""
    plain = {layer.name for layer in spec.layers if "Normalization" in layer.config}
    layers = tuple(
        replace(layer, config={k: v for k, v in layer.config.items() if k != "Normalization"})
        if layer.name in plain
        else layer
        for layer in spec.layers
    )
    kept = {name: value for name, value in weights.items() if name.rpartition("/")[0] not in plain}
    return replace(spec, layers=layers), kept


def outputs(target: str, folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of the delivered files."""
    return run_onnx(folder, inputs) if target == "onnx" else run_torch(folder, list(inputs.values()))
