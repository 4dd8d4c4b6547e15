"""Faults of importers of MATLAB's networks that mix samples, keep state or drop axes. They wrap the built module."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

from harness.adapters.hops.matlab2torch import MatlabToTorch
from harness.planted.torch_module import BatchDropped, SecondOutputForFirst, StateCarried, TorchFault, wrapped

MOVING = ("FlattenLayer", "Crop2DLayer", "DepthToSpace2DLayer")


class MatlabModuleFault(TorchFault):
    """`edit` on a copy of the module that was built from MATLAB's network."""

    before: ClassVar[tuple[str, ...]] = ()
    wraps: ClassVar[str] = MatlabToTorch.name


class MeanOverBatch(MatlabModuleFault):
    """Global average over the batch too, repeated for every sample."""

    name = "planted-matlab-pooling-over-batch"
    layers = ("GlobalAveragePooling1DLayer", "GlobalAveragePooling2DLayer", "GlobalAveragePooling3DLayer")

    def edit(self, module: Any) -> Any:
        def call(inner: Any, *inputs: Any) -> Any:
            result = inner(*inputs)
            return result.mean(0, keepdim=True).expand_as(result)

        return wrapped(module, call)


class StatisticsOverBatch(MatlabModuleFault):
    """Normalisation whose mean is that of the whole batch."""

    name = "planted-matlab-normalisation-over-batch"
    layers = ("LayerNormalizationLayer", "InstanceNormalizationLayer", "GroupNormalizationLayer")

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, x: inner(x - x.mean(0, keepdim=True)))


class SingletonsDropped(MatlabModuleFault, BatchDropped):
    """Module that drops axes of one element, as MATLAB drops trailing ones."""

    name = "planted-matlab-squeezed"
    layers = ("MaxPooling2DLayer", "Convolution2DLayer")


class StateKept(MatlabModuleFault, StateCarried):
    """Recurrent module that keeps its state between calls, as `predictAndUpdateState` does."""

    name = "planted-matlab-state-carried"
    layers = ("LSTMLayer", "GRULayer", "BiLSTMLayer")


class FirstOutputOnly(MatlabModuleFault, SecondOutputForFirst):
    """Module that returns its first output in place of every output of the same shape."""

    name = "planted-matlab-first-output-only"
    layers = ("Graph",)


class OutputsExchanged(MatlabModuleFault):
    """Two outputs of the same shape exchanged."""

    name = "planted-matlab-outputs-exchanged"
    layers = ("Graph",)

    def edit(self, module: Any) -> Any:
        def call(inner: Any, *inputs: Any) -> Any:
            result = inner(*inputs)
            parts = list(result) if isinstance(result, list | tuple) else [result]
            for k, (one, two) in enumerate(pairwise(parts)):
                if one.shape == two.shape:
                    parts[k : k + 2] = two, one
                    break
            return parts

        return wrapped(module, call)


class SignOfZeroLost(MatlabModuleFault):
    """Layer that adds zero to its input, so that minus zero becomes zero."""

    name = "planted-matlab-minus-zero-lost"
    layers = MOVING

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, x: inner(x + 0.0))


class InfinityTakenForLargest(MatlabModuleFault):
    """Layer that should only move values and replaces infinities by the largest finite numbers."""

    name = "planted-matlab-infinity-clipped"
    layers = MOVING

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, x: inner(x.nan_to_num(nan=float("nan"))))


class NotANumberLost(MatlabModuleFault):
    """Layer that should only move values and replaces NaN by zero."""

    name = "planted-matlab-nan-lost"
    layers = MOVING

    def edit(self, module: Any) -> Any:
        inf = float("inf")
        return wrapped(module, lambda inner, x: inner(x.nan_to_num(nan=0.0, posinf=inf, neginf=-inf)))


class SubnormalsFlushed(MatlabModuleFault):
    """Layer that should only move values and flushes subnormal numbers to zero."""

    name = "planted-matlab-subnormals-flushed"
    layers = MOVING

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, x: inner(x.where(x.isnan() | (x.abs() >= 2.0**-126), x.sign() * 0.0)))
