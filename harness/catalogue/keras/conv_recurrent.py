"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""

from __future__ import annotations

from math import prod
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, explicit, masked, row, rule, single
from harness.catalogue.keras.conv import FORMATS, per_axis, strides_or_dilation
from harness.catalogue.keras.recurrent import DROPS, LATER_DROPS

GEOMETRY: dict[int, dict[str, tuple[Any, ...]]] = {
    1: {"kernel": (2, 3, 1), "strides": (1, 2), "dilation": (1, 2, 3)},
    2: {"kernel": ((2, 3), (1, 1), (3, 2)), "strides": ((1, 1), (2, 1)), "dilation": ((1, 1), (1, 2), (3, 1))},
    3: {
        "kernel": ((2, 1, 2), (1, 2, 1)),
        "strides": ((1, 1, 1), (2, 1, 1)),
        "dilation": ((1, 1, 1), (1, 1, 2), (1, 3, 1)),
    },
}
FLAGS = ("return_sequences", "return_state", "go_backwards", "use_bias", "activation", "recurrent_activation")


def _register(rank: int, count: int) -> None:
    barriers = [
        rule("data_format", reason="tf2onnx writes a call of a function that Keras compiles for these")(
            lambda data_format: data_format == "channels_last"
        )
    ]

    @row(
        "keras",
        f"ConvLSTM{rank}D",
        axes={
            "padding": ("same", "valid"),
            "data_format": FORMATS,
            "return_sequences": (False, True),
            "return_state": (False, True),
            "go_backwards": (False, True),
            "use_bias": (True, False),
            "activation": ("tanh", "relu"),
            "recurrent_activation": ("sigmoid", "hard_sigmoid"),
            "steps": (2, 1, 3),
            "mask": ("none", "ragged"),
            **GEOMETRY[rank],
            **(DROPS if rank == 2 else {}),
        },
        later={"dilation": GEOMETRY[rank]["dilation"][2:], **(LATER_DROPS if rank == 2 else {})},
        barriers=barriers if rank == 3 else [],
        profiles=("main", "negative", "small", "impulse"),
        rules=[
            strides_or_dilation,
            rule("padding", "dilation", reason="no window may be wider than the input")(
                lambda padding, dilation: padding == "same" or max(per_axis(dilation)) < 3
            ),
            rule("steps", "mask", reason="a ragged row has two steps")(lambda steps, mask: mask == "none" or steps > 1),
        ],
        pins=[{"profile": "hidden", "mask": "ragged", "return_sequences": True, "return_state": True}],
        second_batches=SOME,
        per_axis=count,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """Sizes all different, two samples; the last axis longer than a bias, see `conv.last_size`."""
        kernel = (choice["kernel"],) if rank == 1 else tuple(choice["kernel"])
        channels, filters = distinct(fill, 2, (2, 3))
        spatial = distinct(fill, rank, (5, 6, 7) if rank < 3 else (3, 4, 5))
        frame = (channels, *spatial) if choice["data_format"] == "channels_first" else (*spatial, channels)
        weights = {
            "kernel": Weight((*kernel, channels, 4 * filters), "kernel", fan_in=prod(kernel) * channels),
            "recurrent_kernel": Weight((*kernel, filters, 4 * filters), "kernel", fan_in=prod(kernel) * filters),
        }
        if choice["use_bias"]:
            weights["bias"] = Weight((4 * filters,), "bias")
        config = {
            "filters": filters,
            "kernel_size": choice["kernel"],
            "strides": choice["strides"],
            "dilation_rate": choice["dilation"],
            "padding": choice["padding"],
            "data_format": choice["data_format"],
            **{name: choice[name] for name in FLAGS},
            **explicit(choice, *(name for name in DROPS if name in choice)),
        }
        draft = single(
            "keras",
            f"ConvLSTM{rank}D",
            config,
            [(choice["steps"], *frame)],
            weights=weights,
            outputs=3 if choice["return_state"] else 1,
        )
        return draft if choice["mask"] == "none" else masked(draft, (choice["steps"],), choice["mask"], hides=("x",))


_register(1, 4)
_register(2, 4)
_register(3, 0)
