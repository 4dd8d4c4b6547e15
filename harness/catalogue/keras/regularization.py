"""Layers that do something in training only: at inference each hands on its input, bit by bit.

https://keras.io/api/layers/regularization_layers/: what is at stake is that a converter keeps them out of the graph,
or in inference mode.
"""

from __future__ import annotations

from typing import Any

from harness.catalogue import Choice, Chooser, Draft, explicit, row, rule, single, sized
from harness.spec import Exactness

RATES = (0.5, 0.9)
WIDE = 2**33
"""Bound of whole numbers, beyond what 32 bits hold."""
TABLE: dict[str, tuple[tuple[int, ...], dict[str, tuple[Any, ...]]]] = {
    # layer: ranks of its input, constructor arguments
    "Dropout": ((3, 2, 4), {"rate": RATES, "noise_shape": ("default", (None, 1))}),
    "AlphaDropout": ((3, 2, 4), {"rate": RATES, "noise_shape": ("default", (None, 1))}),
    "GaussianDropout": ((3, 2, 4), {"rate": RATES}),
    "GaussianNoise": ((3, 2, 4), {"stddev": (0.5, 0.9)}),
    "SpatialDropout1D": ((3,), {"rate": RATES}),
    "SpatialDropout2D": ((4,), {"rate": RATES, "data_format": ("default", "channels_first")}),
    "SpatialDropout3D": ((5,), {"rate": RATES, "data_format": ("default", "channels_first")}),
    "ActivityRegularization": ((3, 2, 4), {"l1": ("default", 0.1), "l2": ("default", 0.1)}),
    "Identity": ((3, 2, 4, 5), {"dtype": ("float32", "int64")}),
}


def _register(layer: str, ranks: tuple[int, ...], arguments: dict[str, tuple[Any, ...]]) -> None:
    @row(
        "keras",
        layer,
        axes={"rank": ranks, **arguments, "open_sizes": (False, True), "batch": (2, 1, 3)},
        profiles=("main", "special", "integer"),
        rules=[
            rule("dtype", "profile", reason="whole numbers are drawn between bounds")(
                lambda dtype, profile: dtype == "float32" or profile == "main"
            )
        ]
        if "dtype" in arguments
        else [],
        exactness=Exactness.MOVES,
        per_axis=0,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """Any shape will do; the last axis keeps its size."""
        *inner, last = sized("distinct", fill, choice["rank"] - 1, batch=choice["batch"], options=(2, 3, 4, 5, 6))
        shape = [None if choice["open_sizes"] and k == 0 else n for k, n in enumerate(inner)]
        dtype = choice.get("dtype", "float32")
        config = explicit(choice, *(name for name in arguments if name != "dtype"))
        if "noise_shape" in config:  # one entry for each axis, the batch's open
            config["noise_shape"] = (None, *(1,) * (choice["rank"] - 1))
        return single("keras", layer, config, [(*shape, last)], dtype=dtype, batch=choice["batch"], bounds={"x": WIDE})


for _layer, (_ranks, _arguments) in TABLE.items():
    _register(_layer, _ranks, _arguments)
