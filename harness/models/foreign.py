"""Opens SavedModels and exported programs of torch inside workers, and measures what they give.

Nothing is known of their layers: they are judged by themselves, in double precision where that can be had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.runtimes.keras import in_order
from harness.adapters.torch_artifact import Argument, open_module, save_module
from harness.models.perturbed import Rig
from harness.spec import Array
from harness.trace.trace import unique


def savedmodel(path: Path, folder: Path, trust: bool) -> dict[str, Any]:
    """Inputs, as name, shape without the batch axis and dtype, names of outputs, and the only batch of a SavedModel.

    Raises what TensorFlow raises, and ValueError for one without the function `serving_default`.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    if "serving_default" not in loaded.signatures:
        raise ValueError("the SavedModel has no signature 'serving_default'")
    serving = loaded.signatures["serving_default"]
    specs = serving.structured_input_signature[1]
    inputs = [(name, tuple(item.shape)[1:], item.dtype.name) for name, item in specs.items()]
    batches = [item.shape[0] for item in specs.values() if item.shape.rank and item.shape[0] is not None]
    return {
        "file": path,
        "inputs": inputs,
        "outputs": in_order(serving.structured_outputs),
        "batch": min(batches, default=None),
    }


def savedmodel_rig(path: Path, trust: bool) -> Rig:
    """The SavedModel as TensorFlow runs it. A variable's layer is its name before the last `/`."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serving = loaded.signatures["serving_default"]
    names = in_order(serving.structured_outputs)
    floating = [each for each in serving.variables if each.dtype.is_floating]
    variables = dict(zip(unique(each.name.partition(":")[0] for each in floating), floating, strict=True))

    def run(sample: Mapping[str, Array]) -> list[Array]:
        result = serving(**{name: tf.constant(value) for name, value in sample.items()})
        return [result[name].numpy() for name in names]

    def put(changed: Mapping[str, Array]) -> None:
        for name, value in changed.items():
            variables[name].assign(value)

    values = {name: each.numpy() for name, each in variables.items()}
    return Rig(run, values, _by_layer(values, "/"), put)


def torch(path: Path, folder: Path, trust: bool) -> dict[str, Any]:
    """As `savedmodel`, for a program that `torch.export` saved. The module of it is written to the folder.

    Raises what torch raises.
    """
    import torch as library

    program = library.export.load(str(path))
    wanted = set(program.graph_signature.user_inputs)
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in wanted]
    arguments = [
        Argument(
            node.name,
            tuple(int(n) if isinstance(n, int) else None for n in node.meta["val"].shape),
            str(node.meta["val"].dtype).removeprefix("torch."),
        )
        for node in placeholders
    ]
    module = program.module(check_guards=False)  # its guards cannot be written
    plain = library.fx.GraphModule(module, module.graph)  # the exported class refuses `eval()`
    file = save_module(plain, folder / "model.pt", arguments)
    batches = [item.shape[0] for item in arguments if item.shape and item.shape[0] is not None]
    return {
        "file": file,
        "inputs": [(item.name, item.shape[1:], item.dtype) for item in arguments],
        "outputs": list(program.graph_signature.user_outputs),
        "batch": min(batches, default=None),
    }


def torch_rig(path: Path, trust: bool) -> Rig:
    """The module as torch runs it in double precision. A parameter's layer is the module that has it."""
    import torch as library

    module = open_module(path).eval().double()
    state = module.state_dict()
    values = {name: value.detach().clone().numpy() for name, value in state.items()}

    def run(sample: Mapping[str, Array]) -> list[Array]:
        with library.no_grad():
            result = module(*(library.from_numpy(np.array(_wide(value))) for value in sample.values()))
        return [part.numpy() for part in (result if isinstance(result, list | tuple) else [result])]

    def put(changed: Mapping[str, Array]) -> None:
        for name, value in changed.items():
            state[name].copy_(library.from_numpy(np.asarray(value)))

    floats = {name: value for name, value in values.items() if value.dtype.kind == "f"}
    return Rig(run, floats, _by_layer(floats, "."), put)


def _by_layer(names: Iterable[str], separator: str) -> dict[str, list[str]]:
    """Names by what stands before their last separator."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition(separator)[0] or name, []).append(name)
    return found


def _wide(value: Array) -> Array:
    return value.astype(np.float64) if value.dtype.kind == "f" else value
