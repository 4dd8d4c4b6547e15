"""What each converter looks like in a program of its own: the lines that a reproducer is made of.

A recipe is plain text and facts. It says the same as the hop, format and runtime it stands for, without the harness.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.spec import Layer, Spec
from harness.workers.pool import COMMON, ENVIRONMENT, WITHOUT

_UNNEEDED = ("PYTHONFAULTHANDLER", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Recipe:
    """Lines of `convert()`, which returns something to run, and of `run(model, inputs)`, which returns arrays.

    `package` is the one to blame, `artifact` the name that the file before the conversion has in the folder.
    """

    package: str
    packages: tuple[str, ...]
    imports: tuple[str, ...]
    artifact: str
    convert: tuple[str, ...]
    run: tuple[str, ...]
    worker: str
    calls: str

    @property
    def environment(self) -> dict[str, str]:
        """Of the worker that the converter has: one thread, no GPU, the backend of Keras."""
        whole = {**COMMON, **ENVIRONMENT.get(self.worker, {})}
        return {key: value for key, value in whole.items() if key not in _UNNEEDED}

    @property
    def blocked(self) -> tuple[str, ...]:
        return WITHOUT.get(self.worker, ())


class NoRecipe(ValueError):
    """A converter that cannot be shown without the harness."""


_CHECK = (
    "if sorted(names) != sorted(inputs):",
    '    raise ValueError(f"the artifact takes the inputs {sorted(names)}, the model has {sorted(inputs)}")',
)


def _keras_run(call: str = "result = model(tensors if len(tensors) > 1 else tensors[0], training=False)") -> Any:
    return (
        "names = [tensor.name for tensor in model.inputs]",
        *_CHECK,
        "tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]",
        call,
        "result = result if isinstance(result, (list, tuple)) else [result]",
        "return [keras.ops.convert_to_numpy(part) for part in result]",
    )


_KERAS_RUN = _keras_run()
_KERAS_TORCH_RUN = _keras_run(
    "with torch.no_grad():\n        result = model(tensors if len(tensors) > 1 else tensors[0], training=False)"
)
_ONNX_OPEN = ('return onnxruntime.InferenceSession(str({path}), providers=["CPUExecutionProvider"])',)
_ONNX_RUN = ("names = [item.name for item in model.get_inputs()]", *_CHECK, "return list(model.run(None, inputs))")
_TORCH_RUN = (
    "with torch.no_grad():",
    "    result = model(*(torch.from_numpy(np.array(value)) for value in inputs.values()))",
    "result = result if isinstance(result, (list, tuple)) else [result]",
    "return [None if part is None else part.numpy() for part in result]",
)
_TFKERAS_RUN = (
    "names = list(model.input_names)",
    *_CHECK,
    "tensors = [tf.constant(inputs[name]) for name in names]",
    "result = model(tensors if len(tensors) > 1 else tensors[0], training=False)",
    "return [part.numpy() for part in (result if isinstance(result, (list, tuple)) else [result])]",
)
_SAVED_RUN = (
    'serving = model.signatures["serving_default"]',
    "names = list(serving.structured_input_signature[1])",
    *_CHECK,
    "result = serving(**{name: tf.constant(value) for name, value in inputs.items()})",
    'return [result[name].numpy() for name in sorted(result, key=lambda name: int(name.rpartition("_")[2]))]',
)
_KERAS = "model.keras"
_LOAD = 'model = keras.saving.load_model(HERE / "model.keras", compile=False)'
_SIGNATURE = (
    "specs = [keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in model.inputs]",
    'model.export(OUT / "model.onnx", format="onnx", verbose=False, '
    "input_signature=specs if len(specs) == 1 else [specs])",
)
_TF = ("keras", "tensorflow", "numpy")
_OPEN_OUT = tuple(line.format(path='OUT / "model.onnx"') for line in _ONNX_OPEN)
_KERAS_ONNX = ("import keras, onnxruntime, tensorflow, tf2onnx",)
_EXAMPLE = (
    'module = torch.load(HERE / "model.pt", weights_only=False, map_location="cpu").eval()',
    "signature = module.parity_signature  # name, shape (None: an open size) and dtype of each input",
    "example = tuple(torch.ones([n or 3 for n in shape], dtype=getattr(torch, d)) for _, shape, d in signature)",
    "names = [name for name, _, _ in signature]",
    "axes = [[k for k, n in enumerate(shape) if n is None] for _, shape, _ in signature]",
)


def _tf2onnx(opset: int | None) -> Recipe:
    return Recipe(
        "tf2onnx",
        (*_TF, "tf2onnx", "onnx", "onnxruntime"),
        _KERAS_ONNX,
        _KERAS,
        (_LOAD, f'tf2onnx.convert.from_keras(model, opset={opset}, output_path=str(OUT / "model.onnx"))', *_OPEN_OUT),
        _ONNX_RUN,
        "tensorflow",
        "tf2onnx.convert.from_keras",
    )


def _backend(name: str, run: tuple[str, ...], framework: str) -> Recipe:
    convert = (_LOAD, 'model.save(OUT / "again.keras")', 'return keras.saving.load_model(OUT / "again.keras")')
    imports = (f"import keras, {framework}",)
    return Recipe("keras", ("keras", framework, "numpy"), imports, _KERAS, convert, run, name, f"Keras on {framework}")


HOPS: Mapping[str, Recipe] = MappingProxyType(
    {
        "tf2onnx": _tf2onnx(None),
        **{f"tf2onnx{opset}": _tf2onnx(opset) for opset in (13, 15, 17, 18)},
        "kerasexport": Recipe(
            "keras",
            (*_TF, "tf2onnx", "onnx", "onnxruntime"),
            _KERAS_ONNX,
            _KERAS,
            (_LOAD, *_SIGNATURE, *_OPEN_OUT),
            _ONNX_RUN,
            "tensorflow",
            'model.export(format="onnx")',
        ),
        "onnx2torch": Recipe(
            "onnx2torch",
            ("onnx", "onnx2torch", "torch", "torchvision", "numpy"),
            ("import onnx2torch, torch",),
            "model.onnx",
            ('return onnx2torch.convert(str(HERE / "model.onnx")).eval()',),
            _TORCH_RUN,
            "torch",
            "onnx2torch.convert",
        ),
        "onnx2pytorch": Recipe(
            "onnx2pytorch",
            ("onnx", "onnx2pytorch", "torch", "torchvision", "numpy"),
            ("import onnx, onnx2pytorch, torch",),
            "model.onnx",
            ('return onnx2pytorch.ConvertModel(onnx.load(HERE / "model.onnx")).eval()',),
            _TORCH_RUN,
            "torch",
            "onnx2pytorch.ConvertModel",
        ),
        "torchonnx": Recipe(
            "torch",
            ("torch", "onnx", "onnxscript", "onnxruntime", "numpy"),
            ("import inspect, onnxruntime, torch",),
            "model.pt",
            (
                *_EXAMPLE,
                "shapes = tuple({k: torch.export.Dim.AUTO for k in own} for own in axes)",
                "takes = [p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()]",
                'torch.onnx.export(module, example, str(OUT / "model.onnx"), input_names=names, dynamo=True,',
                "                  verbose=False, external_data=False,",
                "                  dynamic_shapes=(shapes,) if takes[:1] == [True] else shapes)",
                *_OPEN_OUT,
            ),
            _ONNX_RUN,
            "torch",
            "torch.onnx.export",
        ),
        "torchscript": Recipe(
            "torch",
            ("torch", "onnx", "onnxruntime", "numpy"),
            ("import onnxruntime, torch",),
            "model.pt",
            (
                *_EXAMPLE,
                'torch.onnx.export(module, example, str(OUT / "model.onnx"), input_names=names, dynamo=False,',
                "                  dynamic_axes=dict(zip(names, axes)))",
                *_OPEN_OUT,
            ),
            _ONNX_RUN,
            "torch",
            "torch.onnx.export(dynamo=False)",
        ),
        "kerastorch": _backend("kerastorch", _KERAS_TORCH_RUN, "torch"),
        "kerasjax": _backend("kerasjax", _KERAS_RUN, "jax"),
        "kerastorchexport": Recipe(
            "keras",
            ("keras", "torch", "onnx", "onnxscript", "onnxruntime", "numpy"),
            ("import keras, onnxruntime, torch",),
            _KERAS,
            (_LOAD, *_SIGNATURE, *_OPEN_OUT),
            _ONNX_RUN,
            "kerastorch",
            'model.export(format="onnx") on torch',
        ),
        "h5import": Recipe(
            "keras",
            (*_TF, "h5py"),
            ("import keras, tensorflow",),
            "model.h5",
            (
                'model = keras.saving.load_model(HERE / "model.h5", compile=False)',
                'model.save(OUT / "model.keras")',
                'return keras.saving.load_model(OUT / "model.keras", compile=False)',
            ),
            _KERAS_RUN,
            "tensorflow",
            "keras.saving.load_model of a Keras 2 file",
        ),
    }
)


def _saving(*convert: str, calls: str, run: tuple[str, ...] = _KERAS_RUN) -> Recipe:
    imports = ("import keras", "import tensorflow as tf")
    return Recipe("keras", (*_TF, "h5py"), imports, _KERAS, (_LOAD, *convert), run, "tensorflow", calls)


SOURCES: Mapping[str, Recipe] = MappingProxyType(
    {
        "keras": _saving("return model", calls="the model"),
        "h5": _saving(
            'model.save(OUT / "model.h5")',
            'return keras.saving.load_model(OUT / "model.h5", compile=False)',
            calls='model.save("model.h5")',
        ),
        "savedmodel": _saving(
            'model.export(OUT / "saved", format="tf_saved_model", verbose=False)',
            'return tf.saved_model.load(str(OUT / "saved"))',
            calls='model.export(format="tf_saved_model")',
            run=_SAVED_RUN,
        ),
        "weights": _saving(
            'model.save_weights(OUT / "model.weights.h5")',
            "fresh = type(model).from_config(model.get_config())",
            'fresh.load_weights(OUT / "model.weights.h5")',
            "return fresh",
            calls="model.save_weights",
        ),
        "json": _saving(
            'model.save_weights(OUT / "model.weights.h5")',
            "fresh = keras.models.model_from_json(model.to_json())",
            'fresh.load_weights(OUT / "model.weights.h5")',
            "return fresh",
            calls="model.to_json",
        ),
        "tfkeras": Recipe(
            "tf-keras",
            ("tf-keras", "tensorflow", "h5py", "numpy"),
            ("import tf_keras", "import tensorflow as tf"),
            "model.h5",
            ('return tf_keras.models.load_model(HERE / "model.h5", compile=False)',),
            _TFKERAS_RUN,
            "tfkeras",
            "Keras 2",
        ),
        "onnx": Recipe(
            "onnxruntime",
            ("onnxruntime", "numpy"),
            ("import onnxruntime",),
            "model.onnx",
            tuple(line.format(path='HERE / "model.onnx"') for line in _ONNX_OPEN),
            _ONNX_RUN,
            "onnxruntime",
            "ONNX Runtime",
        ),
    }
)

_OWN = {
    "Scale": """
@keras.saving.register_keras_serializable(package="parity")
class Scale(keras.layers.Layer):
    def __init__(self, factor=1.0, **more):
        super().__init__(**more)
        self.factor = factor

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        return x * self.scale * self.factor + self.shift

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
""",
    "Halves": """
@keras.saving.register_keras_serializable(package="parity")
class Halves(keras.layers.Layer):
    def __init__(self, axis=-1, **more):
        super().__init__(**more)
        self.axis = axis

    def call(self, x):
        return keras.ops.split(x, 2, axis=self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
""",
}
"""Layer classes of ours, as a script has them; `harness.adapters.keras_model.custom_layers` has the same."""


def custom(spec: Spec) -> list[str]:
    """Lines that make the layers known that Keras has not among its own."""
    text = json.dumps(spec.to_json())
    lines = ["import keras.src.applications.convnext"] if '"kind": "LayerScale"' in text else []
    return lines + [
        line for kind, own in _OWN.items() if f'"kind": "{kind}"' in text for line in ["", *own.splitlines()]
    ]


def program(spec: Spec, package: str) -> list[str]:
    """Lines that build the Spec's model with `keras` or `tf_keras` and return it, weights as initialised."""
    names: dict[str, str] = {}
    lines = []
    several = {tensor.partition(":")[0] for tensor in _read(spec) if ":" in tensor}
    for k, item in enumerate(spec.inputs):
        names[item.name] = f"x{k}"
        lines.append(f"x{k} = {package}.Input({item.shape!r}, dtype={item.dtype!r}, name={item.name!r})")
    for k, layer in enumerate(spec.layers):
        names[layer.name] = f"y{k}"
        lines.append(f"y{k} = {_call(layer, package, lambda tensor: _tensor(tensor, names, several))}")
    given = ", ".join(names[item.name] for item in spec.inputs)
    made = ", ".join(_tensor(tensor, names, several) for tensor in spec.outputs)
    return [*lines, f"return {package}.Model([{given}], [{made}])"]


def _read(spec: Spec) -> list[str]:
    return [*spec.outputs, *(tensor for layer in spec.layers for tensor in layer.tensors)]


def _tensor(tensor: str, names: Mapping[str, str], several: set[str]) -> str:
    name, _, index = tensor.partition(":")
    return f"{names[name]}[{index or 0}]" if name in several else names[name]


def _call(layer: Layer, package: str, tensor: Any) -> str:
    args = ", ".join(map(tensor, layer.inputs))
    keywords = [
        f"{key}=[{', '.join(map(tensor, names))}]"
        if len(names) > 1 or key == "initial_state"
        else f"{key}={tensor(names[0])}"
        for key, names in layer.keywords.items()
    ]
    keywords += [f"{key}={value!r}" for key, value in layer.arguments.items()]
    made = _made(layer.kind, {**layer.config, "name": layer.name}, package)
    return f"{made}({', '.join([args if len(layer.inputs) == 1 else f'[{args}]', *keywords])})"


def _made(kind: str, config: Mapping[str, Any], package: str) -> str:
    if kind in ("Model", "Sequential", "Scale", "LayerScale"):
        raise NoRecipe(f"a program of a layer {kind} is not written")
    given = ", ".join(f"{key}={_value(value, package)}" for key, value in config.items())
    return f"{package}.layers.{kind}({given})"


def _value(value: Any, package: str) -> str:
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return _made(value["kind"], value["config"], package)
    if isinstance(value, list | tuple):
        items = ", ".join(_value(item, package) for item in value)
        return f"[{items}]" if value and isinstance(value[0], Mapping) else f"({items}{',' * (len(value) == 1)})"
    return repr(value)
