"""Opens model files inside workers, for `parity check MODEL`. Frameworks are imported in the functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.keras_model import load_model, nested
from harness.adapters.torch_artifact import onnx_signature
from harness.models.keras_reader import shapes_of, spec_of, tensors_of, values_of
from harness.models.perturbed import Rig, measured
from harness.spec import Array
from harness.trace.noise import HALF
from harness.units import UNIT

NOISY_RUNS = 8
"""Perturbed runs that measure the noise of one layer."""


def keras(path: Path, folder: Path, trust: bool) -> dict[str, Any]:
    """Spec and weights of a Keras file, and the `.keras` file that the ways start from; shapes, and the only batch.

    Raises what Keras raises, and ValueError for a model without a graph.
    """
    model = load_model(path, trust=trust)
    spec, weights = spec_of(model)
    notes, file = [], path
    if path.suffix.lower() != ".keras":
        file = folder / f"{path.stem}.keras"
        model.save(file)
        notes.append("Keras 3 read the .h5 file and saved it as .keras: the ways start from that")
    batches = [tensor.shape[0] for tensor in model.inputs if tensor.shape[0] is not None]
    return {
        "spec": spec,
        "weights": weights,
        "shapes": shapes_of(model),
        "file": file,
        "notes": notes,
        "batch": min(batches, default=None),
    }


def onnx(path: Path) -> dict[str, Any]:
    """Inputs of an ONNX file, as name, shape without the batch axis and dtype, names of outputs, and the batch size.

    The batch size is None where it is open. `counts` says of each input of whole numbers how many a table has that they
    index, as far as tables are seen.

    Raises what reading or checking the file raises.
    """
    import onnx as library

    model = library.load(str(path))
    library.checker.check_model(str(path))
    signature = onnx_signature(model)
    batches = [item.shape[0] for item in signature if item.shape and item.shape[0] is not None]
    return {
        "inputs": [(item.name, item.shape[1:], item.dtype) for item in signature],
        "outputs": [item.name for item in model.graph.output],
        "batch": min(batches, default=None),
        "counts": {item.name: n for item in signature if (n := _count(model.graph, item.name)) is not None},
    }


KEPT = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that give the numbers of their first input as they are."""


def _count(graph: Any, name: str) -> int | None:
    """How many entries the smallest table has that a tensor indexes, also behind operators of `KEPT`; None if none
    does."""
    tables = {item.name: list(item.dims) for item in graph.initializer}
    met, counts = {name}, []
    for node in graph.node:
        if node.op_type in KEPT and node.input[0] in met:
            met.update(node.output)
        elif node.op_type == "Gather" and node.input[1] in met and node.input[0] in tables:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
            counts.append(tables[node.input[0]][axis])
    return min(counts, default=None)


def keras_tensors(path: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What every layer of a Keras file gives in Keras, by the names of its Spec."""
    return values_of(load_model(path), inputs)


def keras_rig(path: Path, trust: bool) -> Rig:
    """A Keras file as Keras runs it. The layers are those of the whole model, not those within them."""
    import keras as library

    model = load_model(path, trust=trust)
    variables = {
        f"{layer.name}/{place}": variable for layer in model.layers for place, variable in enumerate(layer.weights)
    }
    values = {name: np.asarray(variable) for name, variable in variables.items()}
    own = {layer.name: [f"{layer.name}/{place}" for place, _ in enumerate(layer.weights)] for layer in model.layers}

    def put(changed: Mapping[str, Array]) -> None:
        for name, value in changed.items():
            variables[name].assign(np.asarray(value, values[name].dtype))

    computes = {getattr(layer, "compute_dtype", None) for layer in model._flatten_layers()}
    unit = max([UNIT, *(HALF[name] for name in computes if name in HALF)])
    return Rig(lambda sample: _call(library, model, sample), values, own, put, unit)


def _call(library: Any, model: Any, sample: Mapping[str, Array]) -> list[Array]:
    names = [tensor.name for tensor in model.inputs]
    tensors = [library.ops.convert_to_tensor(sample[name]) for name in names]
    result = model(nested(model, tensors), training=False)
    return [np.asarray(library.ops.convert_to_numpy(part)) for part in library.tree.flatten(result)]


def keras_alone(
    path: Path, name: str, names: Mapping[str, str], inputs: Mapping[str, Array], out: Path
) -> list[tuple[Array, Array]]:
    """Write one layer of a Keras file as a model, and give its outputs on these inputs with their noise.

    `names` are those of the new inputs, by the names that the Spec has for the tensors that the layer gets.
    """
    import keras as library

    tensors = tensors_of(load_model(path))
    node = next(node for node in tensors.nodes if node.operation.name == name)
    fresh = {
        id(tensor): library.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=names[tensors.names[id(tensor)]])
        for tensor in node.arguments.keras_tensors
    }
    args, keywords = node.arguments.fill_in(fresh)
    library.Model(list(fresh.values()), node.operation(*args, **keywords)).save(out)
    (outputs,) = measured(keras_rig(out, False), [inputs], NOISY_RUNS)
    return outputs


def onnx_rig(path: Path, trust: bool) -> Rig:
    """An ONNX file as ONNX Runtime runs it without optimisations.

    A layer is the first node that reads a constant; a bias is of the node to whose output it is added. A constant of
    one number is a setting, such as an epsilon, and no weight.
    """
    import onnx as library

    from harness.trace.onnx_nodes import session_of
    from harness.trace.trace import unique

    model = library.load(str(path))
    graph = model.graph
    values = {item.name: library.numpy_helper.to_array(item) for item in graph.initializer}
    values = {name: value for name, value in values.items() if value.dtype.kind == "f" and value.size > 1}
    own: dict[str, list[str]] = {}
    met: set[str] = set()
    makers: dict[str, str] = {}
    names = unique(node.name or next(filter(None, node.output), node.op_type) for node in graph.node)
    for name, node in zip(names, graph.node, strict=True):
        here = [each for each in dict.fromkeys(node.input) if each in values and each not in met]
        owner = next((makers[each] for each in node.input if each in makers), name) if node.op_type == "Add" else name
        own |= {owner: [*own.get(owner, ()), *here]} if here else {}
        makers |= dict.fromkeys(node.output, name) if here else {}
        met |= set(here)
    # a constant that is an input, too, can be given another value in each run (ONNX, IR.md, "Graphs")
    given = {item.name for item in graph.input}
    for item in graph.initializer:
        if item.name in values and item.name not in given:
            graph.input.append(library.helper.make_tensor_value_info(item.name, item.data_type, list(item.dims)))
    session = session_of(model.SerializeToString(), optimised=False)
    outputs = [item.name for item in session.get_outputs()]
    changes: dict[str, Array] = {}

    def put(changed: Mapping[str, Array]) -> None:
        for name, value in changed.items():
            changes[name] = np.asarray(value, values[name].dtype)

    return Rig(lambda sample: session.run(outputs, {**changes, **sample}), values, own, put)


def onnx_truth(path: Path, samples: Sequence[Mapping[str, Array]]) -> dict[str, Any]:
    """What an ONNX file means in double precision for each sample: its outputs, each with its noise unit.

    `fault` says which node could not be evaluated, and then ONNX Runtime without optimisations gives the outputs;
    `apart` is how far that witness is from the evaluation, in noise units, where both exist.
    """
    import onnx as library

    from harness.trace import noise
    from harness.trace.onnx_evaluation import Evaluation
    from harness.trace.onnx_nodes import session_of

    model = library.load(str(path))
    session = session_of(model.SerializeToString(), optimised=False)
    names = [item.name for item in model.graph.output]
    results: list[list[tuple[Array, Array]]] = []
    faults: dict[str, None] = {}
    apart = 0.0
    for sample in samples:
        witness = dict(zip(names, session.run(names, dict(sample)), strict=True))
        evaluated: dict[str, Any] = {}
        for step in Evaluation(model, sample).steps():
            evaluated |= {name: each for name, each in step.values.items() if name in witness}
            if step.fault:
                faults[step.fault] = None
        outputs = []
        for name in names:
            each = evaluated.get(name)
            if each is None or each.unit is None:
                unit = noise.unit_of(np.asarray(witness[name], np.float64), [], 1)
                outputs.append((np.asarray(witness[name]), unit))
                continue
            apart = max(apart, noise.units(witness[name], each.value, each.unit))
            outputs.append((np.asarray(each.value), np.asarray(each.unit)))
        results.append(outputs)
    return {"outputs": results, "fault": next(iter(faults), ""), "apart": apart}


def refused_nodes(path: Path, hop: str, layers: Sequence[str]) -> list[tuple[str, str, str]]:
    """The nodes of an ONNX file that a converter refuses even alone, as layer or name, operator and exception.

    `hop` is the converter's class, as `module:Class`. A node goes to it as a model with the node's constants, and the
    types and shapes that ONNX infers. Nodes with the same attributes and shapes are tried once.
    """
    import tempfile

    import onnx as library

    from harness.adapters.registry import resolve
    from harness.trace.names import layers_of_nodes
    from harness.trace.onnx_evaluation import short
    from harness.trace.trace import unique

    model = library.shape_inference.infer_shapes(library.load(str(path)))
    graph = model.graph
    known = {item.name: item for item in (*graph.input, *graph.value_info, *graph.output)}
    constants = {tensor.name: tensor for tensor in graph.initializer} | _made(graph)
    names = unique(node.name or next(filter(None, node.output), node.op_type) for node in graph.node)
    owners = layers_of_nodes(graph.node, names, constants, layers)
    converter = resolve(hop)()
    tried: dict[bytes, str] = {}
    refused: dict[str, tuple[str, str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, owner, node in zip(names, owners, graph.node, strict=True):
            single = library.helper.make_model(
                library.helper.make_graph(
                    [node],
                    "node",
                    [known[each] for each in dict.fromkeys(node.input) if each in known and each not in constants],
                    [known.get(each, library.helper.make_empty_tensor_value_info(each)) for each in node.output],
                    [constants[each] for each in dict.fromkeys(node.input) if each in constants],
                ),
                opset_imports=model.opset_import,
                functions=model.functions,
            )
            single.ir_version = model.ir_version
            likeness = _likeness(node, known, constants)
            if likeness not in tried:
                file = Path(folder) / "node.onnx"
                library.save(single, str(file))
                try:
                    converter.convert(file, Path(folder) / "out")
                    tried[likeness] = ""
                except Exception as error:
                    tried[likeness] = short(error)
            if tried[likeness]:
                refused.setdefault(owner or name, (owner or name, node.op_type, tried[likeness]))
    return list(refused.values())


def _made(graph: Any) -> dict[str, Any]:
    """The tensors of nodes that are constants."""
    made = {}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                made[node.output[0]] = type(attribute.t).FromString(attribute.t.SerializeToString())
                made[node.output[0]].name = node.output[0]
    return made


def _likeness(node: Any, known: Mapping[str, Any], constants: Mapping[str, Any]) -> bytes:
    """What is the same of nodes that a converter treats alike: operator, attributes, types and shapes."""
    parts = [node.op_type.encode(), node.domain.encode(), *(each.SerializeToString() for each in node.attribute)]
    for name in node.input:
        if name in constants:
            parts.append(str((constants[name].data_type, list(constants[name].dims))).encode())
        elif name in known:
            parts.append(known[name].type.SerializeToString())
    return b"|".join(parts)
