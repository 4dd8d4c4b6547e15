"""Keras on the backend of its worker; TensorFlow for a SavedModel; Keras 2."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.adapters.gpu import (
    CUDA,
    NVML,
    TF32,
    Opened,
    gpu,
    jax_gpu,
    jax_operators,
    set_torch,
    torch_gpu,
    torch_operators,
    torch_settings,
)
from harness.adapters.keras_model import load_model, nested, rebuilt
from harness.adapters.places import (
    OnKeras2,
    OnKerasJax,
    OnKerasJaxCuda,
    OnKerasJaxCudaTf32,
    OnKerasTorch,
    OnKerasTorchCuda,
    OnKerasTorchCudaTf32,
    OnTensorFlow,
)
from harness.adapters.runtimes import Outputs, check_names
from harness.spec import Array


class KerasRuntime(OnTensorFlow):
    """`keras.saving.load_model`, and a call with `training=False`."""

    name: ClassVar[str] = "keras"
    format: ClassVar[str] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow")
    distribution: ClassVar[str] = "keras"
    calls: ClassVar[str] = "Keras"
    open_recipe: ClassVar[str] = """
        import keras
        return keras.saving.load_model(ARTIFACT, compile=False)
    """
    run_recipe: ClassVar[str] = """
        import keras
        names = [tensor.name for tensor in model.inputs]
        check_names(names, inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        result = model(tensors if len(tensors) > 1 else tensors[0], training=False)
        return [keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(result)]
    """

    def open(self, artifact: Path) -> Any:
        return load_model(artifact)

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import keras

        names = [tensor.name for tensor in opened.inputs]
        check_names(names, inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        result = opened(nested(opened, tensors), training=False)
        return [keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(result)], None


class KerasH5Runtime(KerasRuntime):
    """The runtime of the legacy `.h5` file."""

    name = "kerash5"
    format = "h5"


class KerasTorchRuntime(OnKerasTorch, KerasRuntime):
    """On the torch backend, in a process that cannot import TensorFlow."""

    name = "kerastorch"
    format = "kerastorch"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch")
    file: ClassVar[str] = "model.keras"
    calls = "Keras on torch"
    run_recipe = """
        import keras, torch
        names = [tensor.name for tensor in model.inputs]
        check_names(names, inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        with torch.no_grad():
            result = model(tensors if len(tensors) > 1 else tensors[0], training=False)
        return [keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(result)]
    """

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import torch

        with torch.no_grad():
            return super().run(opened, inputs)


class KerasJaxRuntime(OnKerasJax, KerasRuntime):
    """On the jax backend, in a process that cannot import TensorFlow."""

    name = "kerasjax"
    format = "kerasjax"
    requires: ClassVar[tuple[str, ...]] = ("keras", "jax")
    file: ClassVar[str] = "model.keras"
    calls = "Keras on jax"


class KerasWeightsRuntime(KerasRuntime):
    """Builds the model again and loads its weights."""

    name = "kerasweights"
    format = "weights"

    def open(self, artifact: Path) -> Any:
        return rebuilt(artifact / "spec.json", artifact / "model.weights.h5")


class KerasJsonRuntime(KerasRuntime):
    """`keras.models.model_from_json` and `load_weights`."""

    name = "kerasjson"
    format = "json"

    def open(self, artifact: Path) -> Any:
        import keras

        model = keras.models.model_from_json((artifact / "model.json").read_text(encoding="utf-8"))
        model.load_weights(artifact / "model.weights.h5")
        return model


def in_order(outputs: Iterable[str]) -> list[str]:
    """The names of a signature's outputs, which have no order of their own: output_2 before output_10."""
    return sorted(outputs, key=lambda name: (len(name), name))


class SavedModelRuntime(OnTensorFlow):
    """`tf.saved_model.load`, and a call of the serving function by argument names."""

    name: ClassVar[str] = "savedmodel"
    format: ClassVar[str] = "savedmodel"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow",)
    distribution: ClassVar[str] = "tensorflow"
    calls: ClassVar[str] = "TensorFlow"
    open_recipe: ClassVar[str] = """
        import tensorflow as tf
        return tf.saved_model.load(str(ARTIFACT))
    """
    run_recipe: ClassVar[str] = """
        import tensorflow as tf
        serving = model.signatures["serving_default"]
        names = list(serving.structured_input_signature[1])
        check_names(names, inputs)
        result = serving(**{name: tf.constant(value) for name, value in inputs.items()})
        return [result[name].numpy() for name in sorted(result, key=lambda name: (len(name), name))]
    """

    def open(self, artifact: Path) -> Any:
        import tensorflow as tf

        return tf.saved_model.load(str(artifact))  # the signature alone would not keep its variables alive

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import tensorflow as tf

        serving = opened.signatures["serving_default"]
        check_names(list(serving.structured_input_signature[1]), inputs)
        result = serving(**{name: tf.constant(value) for name, value in inputs.items()})
        return [result[name].numpy() for name in in_order(result)], None


class TfKerasRuntime(OnKeras2):
    """Keras 2, of the package tf-keras."""

    name: ClassVar[str] = "tfkeras"
    format: ClassVar[str] = "tfkeras"
    requires: ClassVar[tuple[str, ...]] = ("tf-keras", "tensorflow", "h5py")
    distribution: ClassVar[str] = "tf-keras"
    calls: ClassVar[str] = "Keras 2"
    open_recipe: ClassVar[str] = """
        import tf_keras
        return tf_keras.models.load_model(ARTIFACT, compile=False)
    """
    run_recipe: ClassVar[str] = """
        import tensorflow as tf
        names = list(model.input_names)
        check_names(names, inputs)
        tensors = [tf.constant(inputs[name]) for name in names]
        result = model(tensors if len(tensors) > 1 else tensors[0], training=False)
        return [part.numpy() for part in tf.nest.flatten(result)]
    """

    def open(self, artifact: Path) -> Any:
        import tf_keras

        return tf_keras.models.load_model(artifact, compile=False)

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import tensorflow as tf

        names = list(opened.input_names)
        check_names(names, inputs)
        tensors = [tf.constant(inputs[name]) for name in names]
        result = opened(tensors if len(tensors) > 1 else tensors[0], training=False)
        return [part.numpy() for part in tf.nest.flatten(result)], None


class KerasTorchCudaRuntime(OnKerasTorchCuda, KerasTorchRuntime):
    """Keras on torch on the GPU, in a process that cannot import TensorFlow."""

    name = "kerastorch-cuda"
    format = "kerastorch"
    device: ClassVar[str] = CUDA
    tf32: ClassVar[bool] = False
    requires = ("keras", "torch", NVML)
    engine: ClassVar[str] = "kerastorch"
    file: ClassVar[str] = "model.keras"
    calls = "Keras on torch on CUDA"

    def probe(self) -> Mapping[str, str]:
        """The facts of the GPU. Raises NoGpu."""
        return torch_gpu()

    def open(self, artifact: Path) -> Opened:
        set_torch(tf32=self.tf32)
        return Opened(super().open(artifact))  # Keras takes the GPU where torch has one

    def run(self, opened: Opened, inputs: Mapping[str, Array]) -> Outputs:
        operators = torch_operators()
        with operators:
            outputs = super().run(opened.model, inputs)
        opened.operators += operators.counts
        return outputs

    def ran_on(self, opened: Opened) -> dict[str, Any]:
        """Settings and counts of the calls so far."""
        return {**gpu(), **torch_settings(), "operators": dict(opened.operators), "reason": ""}


class KerasTorchCudaTf32Runtime(OnKerasTorchCudaTf32, KerasTorchCudaRuntime):
    """With TF32."""

    name = "kerastorch-cuda-tf32"
    device = TF32
    tf32 = True


class KerasJaxCudaRuntime(OnKerasJaxCuda, KerasJaxRuntime):
    """Keras on jax on the GPU, in a process that cannot import TensorFlow."""

    name = "kerasjax-cuda"
    format = "kerasjax"
    device: ClassVar[str] = CUDA
    tf32: ClassVar[bool] = False
    requires = ("keras", "jax", "jax-cuda13-plugin", NVML)
    engine: ClassVar[str] = "kerasjax"
    file: ClassVar[str] = "model.keras"
    calls = "Keras on jax on CUDA"

    def probe(self) -> Mapping[str, str]:
        """The facts of the GPU. Raises NoGpu."""
        return jax_gpu()

    def open(self, artifact: Path) -> Opened:
        return Opened(super().open(artifact))

    def run(self, opened: Opened, inputs: Mapping[str, Array]) -> Outputs:
        import keras

        names = [tensor.name for tensor in opened.model.inputs]
        check_names(names, inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        result = opened.model(nested(opened.model, tensors), training=False)
        parts = keras.tree.flatten(result)
        opened.operators += jax_operators(parts)
        return [keras.ops.convert_to_numpy(part) for part in parts], None

    def ran_on(self, opened: Opened) -> dict[str, Any]:
        """jax' precision of products, and the outputs by where they lie."""
        import jax

        config: Any = jax.config
        return {
            **gpu(),
            "provider": jax.devices()[0].client.platform_version.splitlines()[0],
            "tf32": config.jax_default_matmul_precision != "highest",
            "deterministic": "--xla_gpu_deterministic_ops=true" in os.environ.get("XLA_FLAGS", ""),
            "benchmark": "--xla_gpu_autotune_level=0" not in os.environ.get("XLA_FLAGS", ""),
            "operators": dict(opened.operators),
            "reason": "",
        }


class KerasJaxCudaTf32Runtime(OnKerasJaxCudaTf32, KerasJaxCudaRuntime):
    """With TF32."""

    name = "kerasjax-cuda-tf32"
    device = TF32
    tf32 = True
