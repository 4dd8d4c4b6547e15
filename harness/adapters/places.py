"""The workers on which formats, hops and runtimes run, as classes to inherit from.

TensorFlow and torch cannot share a process; neither can two backends of Keras. So each class names its worker, the
environment that the worker starts with, and the modules that it must not import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import ClassVar

from packaging.requirements import Requirement

from harness.adapters.plugin import ADVICE, Plugin, PluginError

_QUIET_TENSORFLOW = MappingProxyType(
    {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
)


class OnTensorFlow:
    """Keras on TensorFlow."""

    worker: ClassVar[str] = "tensorflow"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "KERAS_BACKEND": "tensorflow",
            "TF_ENABLE_ONEDNN_OPTS": "1",  # TensorFlow's default on most x86 processors, here on all
            **_QUIET_TENSORFLOW,
        }
    )


class OnKeras2:
    """Keras 2, which the package tf-keras keeps alive."""

    worker: ClassVar[str] = "tfkeras"
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({"TF_USE_LEGACY_KERAS": "1", **_QUIET_TENSORFLOW})


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
