"""Facts that follow from a case's configuration and sizes, by which expectations can tell cases apart.

A converter's limit is often not an argument but what it comes to: padding `same` is refused only where it is
lopsided. Conditions name these facts as they name arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.spec import Array, Case, Config, Layer


def facts(case: Case) -> dict[str, Any]:
    """Derived facts: `infinity` of the inputs; of the subject's first call `input_rank` (batch included),
    `same_pad` and `crop`."""
    found = {"infinity": infinity(case.inputs)}
    own = next((layer for layer in case.spec.layers if layer.kind == case.subject), None)
    if own is None or not own.inputs or own.inputs[0] not in case.inputs:
        return found
    shape = case.inputs[own.inputs[0]].shape
    answers = list(case.golden.expected.values()) if case.golden else []
    made = answers[0].shape if answers and case.spec.outputs[0] == own.name else None
    return {**found, "input_rank": len(shape), "same_pad": same_pad(own, shape), "crop": crop(own, shape, made)}


def infinity(inputs: Mapping[str, Array]) -> str:
    """Which infinities the inputs hold: `none`, `positive`, `negative` or `both`."""
    floats = [value for value in inputs.values() if value.dtype.kind == "f"]
    positive, negative = (any(bool(test(value).any()) for value in floats) for test in (np.isposinf, np.isneginf))
    if positive and negative:
        return "both"
    return "positive" if positive else "negative" if negative else "none"


def same_pad(layer: Layer, shape: Sequence[int]) -> str | None:
    """What padding `same` comes to for an input of this shape, batch first: `none`, `symmetric` or `lopsided`.

    None where the layer does not pad so. The total of an axis is max(0, (ceil(n/s) - 1) s + (k - 1) d + 1 - n)
    (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2); an odd total puts one more at the end.
    """
    config = layer.config
    window = config.get("kernel_size", config.get("pool_size"))
    other = "Transpose" in layer.kind or layer.kind.startswith("ConvLSTM")  # the second has time among its axes
    if config.get("padding") != "same" or window is None or other:
        return None
    spatial = _spatial(config, shape)
    totals = [
        max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        for n, k, s, d in zip(
            spatial,
            _per_axis(window, spatial),
            _per_axis(config.get("strides") or _default_stride(config, window), spatial),
            _per_axis(config.get("dilation_rate", 1), spatial),
            strict=True,
        )
    ]
    return _told(totals)


def crop(layer: Layer, shape: Sequence[int], made: Sequence[int] | None) -> str | None:
    """What a transposed convolution cuts off its full output (n - 1) s + (k - 1) d + 1 to give the shape `made`:
    `none`, `symmetric`, `lopsided`, or `beyond` where an axis is longer than the full output. None for others.
    """
    if "Transpose" not in layer.kind or made is None:
        return None
    spatial, out = _spatial(layer.config, shape), _spatial(layer.config, made)
    config = layer.config
    totals = [
        (n - 1) * s + (k - 1) * d + 1 - m
        for n, m, k, s, d in zip(
            spatial,
            out,
            _per_axis(config["kernel_size"], spatial),
            _per_axis(config.get("strides", 1), spatial),
            _per_axis(config.get("dilation_rate", 1), spatial),
            strict=True,
        )
    ]
    return "beyond" if any(total < 0 for total in totals) else _told(totals)


def _told(totals: Sequence[int]) -> str:
    if not any(totals):
        return "none"
    return "lopsided" if any(total % 2 for total in totals) else "symmetric"


def _spatial(config: Config, shape: Sequence[int]) -> Sequence[int]:
    first = 2 if config.get("data_format") == "channels_first" else 1
    return shape[first : first + len(shape) - 2]


def _default_stride(config: Config, window: Any) -> Any:
    """A pooling layer steps by its window, a convolution by one."""
    return window if "pool_size" in config else 1


def _per_axis(value: Any, spatial: Sequence[int]) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,) * len(spatial)
