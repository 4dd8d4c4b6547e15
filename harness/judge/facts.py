"""Facts derived from a case's configuration and sizes. Conditions of expectations name them as they name arguments.

A converter's limit often depends on such a fact, not on an argument alone. For example, a converter refuses padding
`same` only if it is lopsided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.spec import Array, Case, Config, Layer


def facts(case: Case) -> dict[str, Any]:
    """The derived facts of a case, by name.

    `infinity` is about the inputs; `kinds` names the layers of a model of several, each once; `input_rank` (with the
    batch axis), `same_pad`, `crop` and `axes` are about the subject's first call, if an input of the model is its
    input.
    """
    of_inputs: dict[str, Any] = {"infinity": infinity(case.inputs)}
    if len(case.spec.layers) > 1:
        of_inputs["kinds"] = sorted({layer.kind for layer in case.spec.layers})
    layer = next((layer for layer in case.spec.layers if layer.kind == case.subject), None)
    if layer is None or not layer.inputs or layer.inputs[0] not in case.inputs:
        return of_inputs
    shape = case.inputs[layer.inputs[0]].shape
    expected = list(case.golden.expected.values()) if case.golden else []
    out = expected[0].shape if expected and case.spec.outputs[0] == layer.name else None
    return {
        **of_inputs,
        "input_rank": len(shape),
        "same_pad": same_pad(layer, shape),
        "crop": crop(layer, shape, out),
        "bias_as_wide": bias_as_wide(layer, out),
        "axes": axes(layer),
    }


def infinity(inputs: Mapping[str, Array]) -> str:
    """The infinities in the inputs: `none`, `positive`, `negative` or `both`."""
    floats = [value for value in inputs.values() if value.dtype.kind == "f"]
    positive, negative = (any(bool(test(value).any()) for value in floats) for test in (np.isposinf, np.isneginf))
    if positive and negative:
        return "both"
    return "positive" if positive else "negative" if negative else "none"


def same_pad(layer: Layer, shape: Sequence[int]) -> str | None:
    """How padding `same` pads an input of this shape (with the batch axis): `none`, `symmetric` or `lopsided`.

    None for a layer that does not pad in this way. An axis of n elements, with stride s, window k and dilation d, gets
    max(0, (ceil(n/s) - 1) s + (k - 1) d + 1 - n) elements; of an odd number, one more at the end
    (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
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
    return _symmetry(totals)


def crop(layer: Layer, shape: Sequence[int], out: Sequence[int] | None) -> str | None:
    """How a transposed convolution crops its full output of (n - 1) s + (k - 1) d + 1 elements to the shape `out`.

    `none`, `symmetric`, `lopsided`, or `beyond` if an axis of `out` is longer than the full output. None for other
    layers. Both shapes have the batch axis.
    """
    if "Transpose" not in layer.kind or out is None:
        return None
    spatial, cropped = _spatial(layer.config, shape), _spatial(layer.config, out)
    config = layer.config
    totals = [
        (n - 1) * s + (k - 1) * d + 1 - m
        for n, m, k, s, d in zip(
            spatial,
            cropped,
            _per_axis(config["kernel_size"], spatial),
            _per_axis(config.get("strides", 1), spatial),
            _per_axis(config.get("dilation_rate", 1), spatial),
            strict=True,
        )
    ]
    return "beyond" if any(total < 0 for total in totals) else _symmetry(totals)


def bias_as_wide(layer: Layer, out: Sequence[int] | None) -> bool | None:
    """Whether a channels_first convolution adds a bias that is as long as the width of its output.

    `out` is the shape of the output, with the batch axis. None for other layers.
    """
    config = layer.config
    if out is None or "kernel_size" not in config or "LSTM" in layer.kind:
        return None
    return config.get("data_format") == "channels_first" and config.get("use_bias", True) and out[1] == out[-1]


def axes(layer: Layer) -> str | None:
    """How many axes the argument `axis` names: `none`, `one` or `several`. None for a layer that is not given it."""
    if "axis" not in layer.config:
        return None
    axis = layer.config["axis"]
    if axis is None:
        return "none"
    return "several" if isinstance(axis, list | tuple) and len(axis) > 1 else "one"


def _symmetry(totals: Sequence[int]) -> str:
    """Whether totals of elements, one for each axis, can be halved between the two ends."""
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
