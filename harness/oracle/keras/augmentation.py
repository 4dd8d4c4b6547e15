"""Random augmentation: https://keras.io/api/layers/preprocessing_layers/image_augmentation/."""

from __future__ import annotations

from collections.abc import Mapping

from harness.oracle import oracle
from harness.spec import Array, Config


@oracle(
    "keras",
    "AugMix",
    "CutMix",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
)
def unchanged(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The image itself: augmentation changes it in training only."""
    return x
