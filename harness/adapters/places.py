"""The workers on which formats, hops and runtimes run, as classes to inherit from.

TensorFlow and torch cannot share a process; neither can two backends of Keras. So each class names its worker, the
environment that the worker starts with, and the modules that it must not import.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import ClassVar

from packaging.requirements import Requirement

from harness.adapters.plugin import ADVICE, Plugin, PluginError

_TENSORFLOW = MappingProxyType(
    {
        "TF_ENABLE_ONEDNN_OPTS": "1",  # TensorFlow's default on most x86 processors, here on all
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }
)


class OnTensorFlow:
    """Keras on TensorFlow."""

    worker: ClassVar[str] = "tensorflow"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({"KERAS_BACKEND": "tensorflow", **_TENSORFLOW})


class OnKeras2:
    """Keras 2, which the package tf-keras keeps alive."""

    worker: ClassVar[str] = "tfkeras"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({"TF_USE_LEGACY_KERAS": "1", **_TENSORFLOW})


class OnKerasTorch:
    """Keras on torch, without TensorFlow: its users may not have it, and Keras imports it if it is installed."""

    worker: ClassVar[str] = "kerastorch"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({"KERAS_BACKEND": "torch"})
    without: ClassVar[tuple[str, ...]] = ("tensorflow",)


class OnKerasJax:
    """Keras on jax, without TensorFlow for the same reason."""

    worker: ClassVar[str] = "kerasjax"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}
    )
    without: ClassVar[tuple[str, ...]] = ("tensorflow",)


class OnTorch:
    """torch, and the converters to it."""

    worker: ClassVar[str] = "torch"


class OnOnnxRuntime:
    """ONNX Runtime."""

    worker: ClassVar[str] = "onnxruntime"


_CUDA = MappingProxyType(
    {
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it, cuBLAS may sum in another order in each call
    }
)
_WITHOUT_TF32 = MappingProxyType({**_CUDA, "NVIDIA_TF32_OVERRIDE": "0"})
"""Keeps every library of NVIDIA's from TF32, whatever a framework asks for."""
_JAX_CUDA = MappingProxyType(
    {
        "JAX_PLATFORMS": "cuda,cpu",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # it would take three quarters of the GPU's memory
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0",
    }
)


class OnTorchCuda:
    """torch on the GPU, in float32 throughout."""

    worker: ClassVar[str] = "torch-cuda"
    environment: ClassVar[Mapping[str, str]] = _WITHOUT_TF32


class OnTorchCudaTf32:
    """torch on the GPU; products of matrices, and convolutions, in TF32."""

    worker: ClassVar[str] = "torch-cuda-tf32"
    environment: ClassVar[Mapping[str, str]] = _CUDA


class OnOnnxRuntimeCuda:
    """ONNX Runtime on the GPU, in float32 throughout."""

    worker: ClassVar[str] = "onnxruntime-cuda"
    environment: ClassVar[Mapping[str, str]] = _WITHOUT_TF32


class OnOnnxRuntimeCudaTf32:
    """ONNX Runtime on the GPU, with TF32."""

    worker: ClassVar[str] = "onnxruntime-cuda-tf32"
    environment: ClassVar[Mapping[str, str]] = _CUDA


class OnKerasTorchCuda(OnKerasTorch):
    """Keras on torch on the GPU, in float32 throughout."""

    worker = "kerastorch-cuda"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({**OnKerasTorch.environment, **_WITHOUT_TF32})


class OnKerasTorchCudaTf32(OnKerasTorch):
    """Keras on torch on the GPU, with TF32."""

    worker = "kerastorch-cuda-tf32"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({**OnKerasTorch.environment, **_CUDA})


class OnKerasJaxCuda(OnKerasJax):
    """Keras on jax on the GPU, in float32 throughout."""

    worker = "kerasjax-cuda"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType(
        {**OnKerasJax.environment, **_WITHOUT_TF32, **_JAX_CUDA, "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    )


class OnKerasJaxCudaTf32(OnKerasJax):
    """Keras on jax on the GPU, with TF32."""

    worker = "kerasjax-cuda-tf32"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType(
        {**OnKerasJax.environment, **_CUDA, **_JAX_CUDA, "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}
    )


class OnOctave:
    """No framework: Octave is a program of its own."""

    worker: ClassVar[str] = "octave"


@dataclass(frozen=True)
class Place:
    """The environment of one worker, and the modules that it must not import."""

    environment: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, worker: str, plugins: Iterable[Plugin]) -> Place:
        """The place of a worker, as its installed plugins declare it.

        Raises PluginError, which names both, if two of them contradict each other.
        """
        inside = [plugin for plugin in plugins if plugin.worker == worker and not plugin.missing]
        for one, other in combinations(inside, 2):
            if clash := _clash(one, other) or _clash(other, one):
                raise PluginError(
                    f"they cannot share the worker {worker!r}: {clash}",
                    where=f"{one.reference} and {other.reference}",
                    advice=f"Give one of them another worker; {ADVICE}",
                )
        return cls(
            {key: value for plugin in inside for key, value in plugin.environment},
            tuple(dict.fromkeys(name for plugin in inside for name in plugin.without)),
        )


def _clash(one: Plugin, other: Plugin) -> str:
    """The reason why two plugins cannot share a process; '' if they can."""
    others = dict(other.environment)
    for key, value in one.environment:
        if others.get(key, value) != value:
            return f"{one.name} sets {key} to {value!r}, {other.name} to {others[key]!r}"
    needed = {Requirement(text).name.replace("-", "_") for text in other.requires}
    hidden = ", ".join(sorted(needed & set(one.without)))
    return f"{one.name} runs without {hidden}, which {other.name} requires" if hidden else ""
