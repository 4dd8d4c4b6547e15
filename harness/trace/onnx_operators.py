"""Operators that `onnx.reference` computes wrongly or slowly, after the specification of ONNX
(https://onnx.ai/onnx/operators). `harness.trace.onnx_nodes.Reference` puts them in its place.

What is wrong there, in onnx 1.23.2:

- Loop joins what each iteration gives along the first axis of that, instead of along a new axis (np.vstack).
- GlobalMaxPool takes the maximum over the wrong axes unless there are two spatial ones.
- LSTM, GRU and RNN ignore `activations`, `sequence_lens` and `clip`.
- MaxPool gives another shape where the pads of an axis differ between begin and end.
- ConvTranspose refuses groups and `output_shape`. LRN ends a window one channel early.
- BatchNormalization raises before opset 9.
- Conv is right, and takes minutes where a matrix product takes a second.

Sums are those of NumPy in float64. Only workers import this module, which imports onnx.
"""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from harness.spec import Array
from harness.trace.onnx_recurrent import GRU, LSTM, RNN


class BatchNormalization(OpRun):  # type: ignore[misc,unused-ignore]
    """The normalisation by statistics that are given: that of inference."""

    def _run(
        self, x: Array, scale: Array, bias: Array, mean: Array, variance: Array, epsilon: Any = None,
        is_test: Any = None, momentum: Any = None, spatial: Any = None, training_mode: Any = None,
    ) -> tuple[Array]:  # fmt: skip
        if training_mode:
            raise NotImplementedError("BatchNormalization with statistics of its batch")
        across = (-1, *[1] * (x.ndim - 2)) if mean.ndim == 1 else mean.shape
        scale, bias, mean, variance = (each.reshape(across) for each in (scale, bias, mean, variance))
        return ((x - mean) / np.sqrt(variance + (1e-5 if epsilon is None else epsilon)) * scale + bias,)


class GlobalMaxPool(OpRun):  # type: ignore[misc,unused-ignore]
    """The maximum over all spatial axes, which stay with size 1."""

    def _run(self, x: Array) -> tuple[Array]:
        return (x.max(axis=tuple(range(2, x.ndim)), keepdims=True),)


class Loop(OpRun):  # type: ignore[misc,unused-ignore]
    """Iterates a body; its scan outputs are stacked along a new first axis."""

    def need_context(self) -> bool:
        return True

    def _run(
        self, count: Any, condition: Any, *carried: Any, context: Any = None, body: Any = None, attributes: Any = None,
        bindings: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        body = self.body  # type: ignore[attr-defined]
        names = body.input_names
        # an omitted trip count or condition does not end the loop
        values = list(carried)
        scanned: list[list[Any]] = [[] for _ in range(len(body.output_names) - 1 - len(carried))]
        going, number = condition is None or bool(np.all(condition)), 0
        while going and (count is None or number < int(np.asarray(count).reshape(-1)[0])):
            feeds = {**(context or {}), names[0]: np.array(number, np.int64), names[1]: np.array(going)}
            feeds |= dict(zip(names[2:], values, strict=True))
            keep, *results = body.run(None, feeds, attributes=attributes)
            going = bool(np.all(keep))
            values = results[: len(values)]
            for series, value in zip(scanned, results[len(values) :], strict=True):
                series.append(value)
            number += 1
        return (*values, *(np.stack(series) if series else np.zeros((0,)) for series in scanned))


class Conv(OpRun):  # type: ignore[misc,unused-ignore]
    """A convolution as one matrix product for each place of the kernel."""

    def _run(
        self, x: Array, w: Array, b: Any = None, auto_pad: Any = None, dilations: Any = None, group: Any = None,
        kernel_shape: Any = None, pads: Any = None, strides: Any = None,
    ) -> tuple[Array]:  # fmt: skip
        kernel = w.shape[2:]
        rank, groups = len(kernel), group or 1
        strides, dilations = list(strides or [1] * rank), list(dilations or [1] * rank)
        extents = [(n - 1) * d + 1 for n, d in zip(kernel, dilations, strict=True)]
        begins, ends = _padding(auto_pad, x.shape[2:], extents, strides, pads)
        x = np.pad(x, [(0, 0), (0, 0), *zip(begins, ends, strict=True)])
        sizes = [(n - e) // s + 1 for n, e, s in zip(x.shape[2:], extents, strides, strict=True)]
        batch, inside, outside = x.shape[0], x.shape[1] // groups, w.shape[0] // groups
        total = np.zeros((batch, groups, outside, int(np.prod(sizes))), x.dtype)
        for place in product(*map(range, kernel)):
            part = _at(x, place, sizes, strides, dilations).reshape(batch, groups, inside, -1)
            total += _of_kernel(w, place).reshape(groups, outside, inside) @ part
        result = total.reshape(batch, w.shape[0], *sizes)
        return (result if b is None else result + b.reshape(-1, *[1] * rank),)


class ConvTranspose(OpRun):  # type: ignore[misc,unused-ignore]
    """Each input element adds its multiple of the kernel to the output, which is cut by the pads."""

    def _run(
        self, x: Array, w: Array, b: Any = None, auto_pad: Any = None, dilations: Any = None, group: Any = None,
        kernel_shape: Any = None, output_padding: Any = None, output_shape: Any = None, pads: Any = None,
        strides: Any = None,
    ) -> tuple[Array]:  # fmt: skip
        kernel = w.shape[2:]
        rank, groups = len(kernel), group or 1
        strides, dilations = list(strides or [1] * rank), list(dilations or [1] * rank)
        more, sizes = list(output_padding or [0] * rank), x.shape[2:]
        extents = [(n - 1) * d + 1 for n, d in zip(kernel, dilations, strict=True)]
        whole = [(n - 1) * s + e + m for n, s, e, m in zip(sizes, strides, extents, more, strict=True)]
        wanted = list(output_shape or [])[-rank:]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER") and not wanted:
            wanted = [n * s for n, s in zip(sizes, strides, strict=True)]
        if wanted:
            totals = [max(n - size, 0) for n, size in zip(whole, wanted, strict=True)]
            less, rest = [n // 2 for n in totals], [n - n // 2 for n in totals]
            begins, ends = (less, rest) if auto_pad == "SAME_UPPER" else (rest, less)
        else:
            given = list(pads or [0] * 2 * rank)
            begins, ends = given[:rank], given[rank:]
        batch, inside, outside = x.shape[0], x.shape[1] // groups, w.shape[1]
        total = np.zeros((batch, groups * outside, *whole), x.dtype)
        grouped = x.reshape(batch, groups, inside, -1)
        for place in product(*map(range, kernel)):
            at = _of_kernel(w, place).reshape(groups, inside, outside)
            part = (np.swapaxes(at, 1, 2) @ grouped).reshape(batch, groups * outside, *sizes)
            _at(total, place, sizes, strides, dilations)[...] += part
        cut = tuple(slice(a, n - z) for a, n, z in zip(begins, whole, ends, strict=True))
        result = total[(slice(None), slice(None), *cut)]
        return (result if b is None else result + b.reshape(-1, *[1] * rank),)


class LRN(OpRun):  # type: ignore[misc,unused-ignore]
    """Divides by a power of the sum of squares over `size` channels around each."""

    def _run(self, x: Array, alpha: Any = None, beta: Any = None, bias: Any = None, size: Any = None) -> tuple[Array]:
        before, behind = (size - 1) // 2, size // 2
        squares = np.square(x)
        sums = np.stack(
            [squares[:, max(c - before, 0) : c + behind + 1].sum(axis=1) for c in range(x.shape[1])], axis=1
        )
        return (x / (bias + alpha / size * sums) ** beta,)


class MaxPool(OpRun):  # type: ignore[misc,unused-ignore]
    """The maximum of each window; what pads is never the maximum."""

    def _run(
        self, x: Array, auto_pad: Any = None, ceil_mode: Any = None, dilations: Any = None, kernel_shape: Any = None,
        pads: Any = None, storage_order: Any = None, strides: Any = None,
    ) -> tuple[Array]:  # fmt: skip
        if len(self.onnx_node.output) > 1:
            raise NotImplementedError("the indices of MaxPool")
        rank = len(kernel_shape)
        strides, dilations = list(strides or [1] * rank), list(dilations or [1] * rank)
        extents = [(n - 1) * d + 1 for n, d in zip(kernel_shape, dilations, strict=True)]
        begins, ends = _padding(auto_pad, x.shape[2:], extents, strides, pads)
        sizes = []
        for n, begin, end, extent, stride in zip(x.shape[2:], begins, ends, extents, strides, strict=True):
            size = (n + begin + end - extent) / stride + 1
            size = int(np.ceil(size) if ceil_mode else np.floor(size))
            sizes.append(size - 1 if ceil_mode and (size - 1) * stride >= n + begin else size)
        ends = [
            max(end, (size - 1) * stride + extent - n - begin)
            for n, begin, end, extent, stride, size in zip(
                x.shape[2:], begins, ends, extents, strides, sizes, strict=True
            )
        ]
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        x = np.pad(x, [(0, 0), (0, 0), *zip(begins, ends, strict=True)], constant_values=least)
        parts = (_at(x, place, sizes, strides, dilations) for place in product(*map(range, kernel_shape)))
        return (reduce(np.maximum, parts),)


def _at(x: Array, place: tuple[int, ...], sizes: Any, strides: Any, dilations: Any) -> Array:
    """What the element at one place of the kernel meets, for each output."""
    window = (
        slice(at * d, at * d + (n - 1) * s + 1, s) for at, d, n, s in zip(place, dilations, sizes, strides, strict=True)
    )
    return x[(slice(None), slice(None), *window)]


def _of_kernel(w: Array, place: tuple[int, ...]) -> Array:
    """The weights at one place of the kernel."""
    index: tuple[Any, ...] = (slice(None), slice(None), *place)
    return w[index]


def _padding(auto: Any, sizes: Any, extents: list[int], strides: list[int], pads: Any) -> tuple[list[int], list[int]]:
    rank = len(extents)
    if auto in (None, "NOTSET"):
        pads = list(pads or [0] * 2 * rank)
        return pads[:rank], pads[rank:]
    if auto == "VALID":
        return [0] * rank, [0] * rank
    whole = [max((-(-n // s) - 1) * s + e - n, 0) for n, s, e in zip(sizes, strides, extents, strict=True)]
    less, more = [n // 2 for n in whole], [n - n // 2 for n in whole]
    return (less, more) if auto == "SAME_UPPER" else (more, less)


MENDED: tuple[type[Any], ...] = (
    BatchNormalization,
    Conv,
    ConvTranspose,
    GlobalMaxPool,
    GRU,
    Loop,
    LRN,
    LSTM,
    MaxPool,
    RNN,
)
