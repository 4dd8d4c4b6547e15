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
    """Augmentation is for training: at inference the image itself."""
    return x
