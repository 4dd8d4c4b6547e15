"""Augmentation layers, which models carry along and which must do nothing at inference.

Not drawn with other sizes than the input's: RandomCrop. Keras documents that it resizes at inference; 3.15 hands the
image on as it is. MaxNumBoundingBoxes gets an image alone: boxes come in a dictionary, which is no input of a Spec.
"""

from __future__ import annotations

from typing import Any

from harness.catalogue import Choice, Chooser, Draft, explicit, row, single
from harness.spec import Exactness

FORMAT = {"data_format": ("default", "channels_first")}
RANGE = {"value_range": ("default", (0.0, 1.0))}
FACTOR = {"factor": (0.5, 0.9)}
FILL = {
    "fill_mode": ("default", "constant"),
    "interpolation": ("default", "nearest"),
    "fill_value": ("default", 0.5),
}
TABLE: dict[str, dict[str, tuple[Any, ...]]] = {
    "AugMix": {
        "factor": ("default", 0.6),
        "num_chains": ("default", 2),
        "all_ops": ("default", False),
        **RANGE,
        **FORMAT,
    },
    "CutMix": {"factor": ("default", 0.5), **FORMAT},
    "MaxNumBoundingBoxes": {"max_number": (1, 5)},
    "MixUp": {"alpha": ("default", 0.5), **FORMAT},
    "RandAugment": {"num_ops": ("default", 3), "factor": ("default", 0.9), **RANGE, **FORMAT},
    "RandomBrightness": {**FACTOR, **RANGE},
    "RandomColorDegeneration": {**FACTOR, **RANGE, **FORMAT},
    "RandomColorJitter": {"brightness_factor": ("default", 0.5), "hue_factor": ("default", 0.3), **RANGE, **FORMAT},
    "RandomContrast": {**FACTOR, **RANGE},
    "RandomCrop": {**FORMAT},
    "RandomElasticTransform": {"factor": ("default", 0.5), "scale": ("default", 0.5), **FILL, **RANGE, **FORMAT},
    "RandomErasing": {"factor": ("default", 0.5), "fill_value": ("default", 0.5), **RANGE, **FORMAT},
    "RandomFlip": {"mode": ("default", "horizontal"), **FORMAT},
    "RandomGaussianBlur": {
        "factor": ("default", 0.5),
        "kernel_size": ("default", 5),
        "sigma": ("default", 0.5),
        **RANGE,
        **FORMAT,
    },
    "RandomGrayscale": {"factor": ("default", 1.0), **FORMAT},
    "RandomHue": {**FACTOR, **RANGE, **FORMAT},
    "RandomInvert": {"factor": ("default", 0.5), **RANGE, **FORMAT},
    "RandomPerspective": {
        "factor": ("default", 0.5),
        "scale": ("default", 0.5),
        "interpolation": ("default", "nearest"),
        "fill_value": ("default", 0.5),
        **FORMAT,
    },
    "RandomPosterization": {"factor": (3, 6), **RANGE, **FORMAT},
    "RandomRotation": {**FACTOR, **FILL, **FORMAT},
    "RandomSaturation": {**FACTOR, **RANGE, **FORMAT},
    "RandomSharpness": {**FACTOR, **RANGE, **FORMAT},
    "RandomShear": {"x_factor": ("default", 0.3), "y_factor": ("default", 0.3), **FILL, **FORMAT},
    "RandomTranslation": {"height_factor": (0.2, 0.4), "width_factor": (0.2, 0.4), **FILL, **FORMAT},
    "RandomZoom": {"height_factor": (0.2, 0.4), "width_factor": ("default", 0.4), **FILL, **FORMAT},
    "Solarization": {"addition_factor": ("default", 0.3), "threshold_factor": ("default", 0.4), **RANGE},
}
"""Constructor arguments of each layer, two values each."""


OF_WHOLE_NUMBERS = (
    "AugMix",
    "CutMix",
    "RandAugment",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomPerspective",
    "RandomRotation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
)
"""Layers that return what they declare for an image of whole numbers, which is floats. The rest declare floats and
return whole numbers, or the other way round once they are traced, so that nobody knows what a converter owes."""


def _register(layer: str, arguments: dict[str, tuple[Any, ...]]) -> None:
    @row(
        "keras",
        layer,
        axes={**arguments, "batch": (2, 1, 3)},
        profiles=("main", "special"),
        pins=[{"dtype": "int32"}] if layer in OF_WHOLE_NUMBERS else [],
        exactness=Exactness.MOVES,
        per_axis=0,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """An image of three channels, outside every range of values: whatever clips it shows."""
        height, width = fill.pick(((4, 5), (6, 4)))
        shape = (3, height, width) if choice.get("data_format") == "channels_first" else (height, width, 3)
        config = explicit(choice, *arguments)
        if layer == "RandomCrop":
            config |= {"height": height, "width": width}
        dtype = choice.get("dtype", "float32")
        return single("keras", layer, config, [shape], dtype=dtype, batch=choice["batch"], bounds={"x": 256})


for _layer, _arguments in TABLE.items():
    _register(_layer, _arguments)
