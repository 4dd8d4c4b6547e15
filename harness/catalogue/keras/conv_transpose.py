"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from types import MappingProxyType
from typing import Any

from harness.catalogue import SOME, Choice, Choices, Chooser, Draft, Rule, Weight, row, rule, single
from harness.catalogue.keras.conv import (
    FREE,
    OPEN,
    OPEN_SIZE,
    PROFILES,
    bias,
    channel_axis,
    channel_options,
    config,
    fill_sizes,
    has_bias_in_front,
    last_size,
    per_axis,
    placed,
    strides_or_dilation,
)


def _holds_last_window(kernel: Any, dilation: Any, padding: str, extra: Any) -> bool:
    if padding == "valid" or extra is None:
        return True
    spans = [(k - 1) * d + 1 for k, d in zip(per_axis(kernel), per_axis(dilation), strict=True)]
    return all(window % 2 == 1 or e >= 1 for window, e in zip(spans, per_axis(extra), strict=True))


RULES: tuple[Rule, ...] = (
    strides_or_dilation,
    rule("strides", "output_padding", reason="Keras wants output_padding below the stride")(
        lambda strides, extra: (
            extra is None or all(e < s for e, s in zip(per_axis(extra), per_axis(strides), strict=True))
        )
    ),
    rule(
        "kernel",
        "dilation",
        "padding",
        "output_padding",
        reason="an even window with output_padding 0 makes `same` shorter than TensorFlow accepts",
    )(_holds_last_window),
)


def _transposed(kind: str, choice: Choice, fill: Chooser, sizes: tuple[int, ...]) -> Draft:
    """`open_sizes` leaves the spatial sizes to run time: a converter cannot fold the output's shape."""
    kernel = per_axis(choice["kernel"])
    spatial, (channels, filters) = fill_sizes(
        fill, choice["sizes"], [sizes] * len(kernel), channel_options(1, len(kernel)), 2
    )
    if choice.get("open_sizes") and has_bias_in_front(choice):
        filters = min(filters, OPEN_SIZE - 1)  # no output is as narrow: see last_size
    # the output is at least as wide as the input; one of the sizes beyond is always left
    wider = [n for n in (*sizes, sizes[-1] + 1, sizes[-1] + 2) if n > filters]
    spatial[-1] = last_size(choice, fill, wider, spatial, (channels, filters))
    weights = {"kernel": Weight((*kernel, filters, channels), "kernel", fan_in=prod(kernel) * channels)}
    return single(
        "keras",
        kind,
        config(choice, filters=filters, output_padding=choice["output_padding"]),
        [placed(choice, spatial, channels)],
        weights={**weights, **bias(choice, filters)},
        # open sizes become five by five: one sample keeps the case small
        batch=1 if choice.get("open_sizes") or len(kernel) == 3 else 2,
        channel_axis=channel_axis(choice),
    )


def _register(
    kind: str, sizes: tuple[int, ...], axes: dict[str, Any], per_axis_count: int, later: Choices = MappingProxyType({})
) -> Callable[..., Any]:
    @row(
        "keras",
        kind,
        axes=axes,
        profiles=PROFILES,
        rules=RULES,
        second_batches=SOME,
        per_axis=per_axis_count,
        later=later,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """A transposed convolution of that many spatial axes."""
        return _transposed(kind, choice, fill, sizes)

    return build.build


_register(
    "Conv2DTranspose",
    (2, 3, 4, 5, 6, 7),
    {
        **FREE,
        **OPEN,
        "kernel": ((3, 3), (1, 1), (4, 4), (2, 3), (5, 2)),
        "strides": ((1, 1), (2, 2), (3, 3), (1, 2), (3, 2)),
        # Keras documents dilation rates that differ between axes as not supported here
        "dilation": ((1, 1), (2, 2)),
        "output_padding": (None, (0, 0), (1, 1), (0, 1), (2, 1)),
    },
    6,
)
_register(
    "Conv1DTranspose",
    (2, 3, 4, 5, 6, 7),
    {
        **FREE,
        **OPEN,
        "kernel": (3, 1, 2, 4, 5),
        "strides": (1, 2, 3),
        "dilation": (1, 2),
        "output_padding": (None, 0, 1, 2),
    },
    4,
)
_register(
    "Conv3DTranspose",
    (1, 2, 3, 4),
    {
        **FREE,
        **OPEN,
        "kernel": ((2, 3, 2), (1, 1, 1), (3, 1, 2)),
        "strides": ((1, 1, 1), (2, 2, 2), (1, 2, 1)),
        "dilation": ((1, 1, 1),),
        "output_padding": (None, (0, 0, 0), (1, 1, 1), (0, 1, 0)),
    },
    3,
    {"open_sizes": (True,)},
)
