"""Random augmentation: https://keras.io/api/layers/preprocessing_layers/image_augmentation/.

Augmentation changes an image in training only. Keras documents nothing about whole numbers: its layers declare an
output of float32 for them. Half of the layers return it; the others return whole numbers, whatever they declared
(docs/variants.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config


def as_float(x: Array) -> Array:
    """Whole numbers as floats; floats as they are."""
    return x if x.dtype.kind == "f" else np.asarray(x, dtype=float)


@oracle(
    "keras",
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
def unchanged_as_float(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The image itself, whole numbers as floats."""
    return as_float(x)


@oracle(
    "keras",
    "Equalization",
    "MaxNumBoundingBoxes",
    "MixUp",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomSaturation",
)
def unchanged(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The image itself. MaxNumBoundingBoxes changes boxes only, which come in a dictionary beside the image."""
    return x
