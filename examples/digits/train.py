"""Trains a small classifier of handwritten digits and stores it as a golden case, `golden/models/digits.zip`.

    python examples/digits/train.py

The images come with scikit-learn (`load_digits`: 1797 of 8 x 8 pixels, without a download). Only this program needs
TensorFlow: the suite reads the stored numbers and never trains.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.formats.keras_file import build_model
from harness.corpus.store import Store
from harness.draw import with_golden
from harness.oracle import evaluate
from harness.spec import Array, Case, Input, Layer, Sample, Spec

ROOT = Path(__file__).resolve().parents[2]
SEED = 0
EPOCHS = 12
TEST_IMAGES = 360
"""Number of images that the training never sees, with all classes in equal shares."""
STORED = 60
"""Test images in the case: enough for a confusion table, few enough for a small archive."""
FLOOR = 0.95
"""Least accuracy on the test images; a model below it is not stored."""


def digits_spec() -> Spec:
    """Images (8, 8, 1) to 10 logits, by the layers that converters get wrong most often.

    These are trained statistics of batch normalisation, uneven `same` padding (stride 2 on even sizes), depthwise
    kernels, and Flatten before Dense, where channels-last and channels-first order differ.
    """
    chain = [
        Layer("Conv2D", "conv", {"filters": 16, "kernel_size": [3, 3], "padding": "same", "use_bias": False}),
        Layer("BatchNormalization", "conv_norm"),
        Layer("ReLU", "conv_relu"),
        Layer("MaxPooling2D", "pool", {"pool_size": [2, 2]}),
        Layer("DepthwiseConv2D", "depthwise", {"kernel_size": [3, 3], "padding": "same", "use_bias": False}),
        Layer("BatchNormalization", "depthwise_norm"),
        Layer("ReLU", "depthwise_relu"),
        Layer("SeparableConv2D", "separable", {"filters": 32, "kernel_size": 3, "strides": 2, "padding": "same"}),
        Layer("BatchNormalization", "separable_norm"),
        Layer("ReLU", "separable_relu"),
        Layer("Flatten", "flatten"),
        Layer("Dense", "logits", {"units": 10}),
    ]
    before = ["image", *(layer.name for layer in chain)]
    wired = [
        Layer(layer.kind, layer.name, layer.config, (source,)) for layer, source in zip(chain, before, strict=False)
    ]
    return Spec("keras", (Input("image", (8, 8, 1)),), tuple(wired), ("logits",))


@dataclass(frozen=True)
class Split:
    """Images (n, 8, 8, 1) in 0..1, float32, and their classes, for training and for the test."""

    images: Array
    classes: Array
    test_images: Array
    test_classes: Array


def load_split(seed: int) -> Split:
    """scikit-learn's digits, shuffled and split with equal shares of the classes."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[..., np.newaxis]
    parts = train_test_split(images, digits.target, test_size=TEST_IMAGES, random_state=seed, stratify=digits.target)
    images, test_images, classes, test_classes = parts
    return Split(images, classes, test_images, test_classes)


def train(spec: Spec, split: Split, *, seed: int, epochs: int) -> Any:
    """A `keras.Model` of the Spec, trained on TensorFlow; the same seed gives the same model on one machine."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build_model(spec)
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(split.images, split.classes, batch_size=32, epochs=epochs, verbose=0)
    return model


def weights_of(model: Any, spec: Spec) -> dict[str, Array]:
    """The trained numbers, float32, named `layer/weight` in Keras' order."""
    return {
        f"{layer.name}/{variable.path.rpartition('/')[2]}": np.asarray(variable, dtype=np.float32)
        for layer in spec.layers
        for variable in model.get_layer(layer.name).weights
    }


def digits_case(spec: Spec, weights: dict[str, Array], split: Split) -> Case:
    """The model with the first test images, their true classes, and the golden of the oracle."""
    case = Case(
        spec=spec,
        subject="digits",
        choice={"profile": "main", "data": "scikit-learn digits", "images": f"{STORED} held back", "classes": 10},
        weights=weights,
        samples=(Sample({"image": split.test_images[:STORED]}),),
        labels=tuple(int(label) for label in split.test_classes[:STORED]),
    )
    return with_golden(case)


def oracle_accuracy(spec: Spec, weights: dict[str, Array], split: Split) -> float:
    """Share of the test images whose best class is the true one, computed without a framework."""
    (logits,) = evaluate(spec, weights, {"image": split.test_images}).values()
    return float((logits.argmax(axis=1) == split.test_classes).mean())


def main() -> int:
    """Train, report and store. Returns the exit code, 1 if the model is too weak to be stored."""
    parser = argparse.ArgumentParser(description="Train the digits model and store it as a golden case.")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of split, weights and batches (%(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="passes over the images (%(default)s)")
    parser.add_argument("--golden", type=Path, default=ROOT / "golden", help="folder of the store (%(default)s)")
    options = parser.parse_args()

    spec, split = digits_spec(), load_split(options.seed)
    begun = time.perf_counter()
    model = train(spec, split, seed=options.seed, epochs=options.epochs)
    seconds = time.perf_counter() - begun
    accuracy = float((model.predict(split.test_images, verbose=0).argmax(axis=1) == split.test_classes).mean())
    print(f"trained {model.count_params():,} numbers on {len(split.images)} images in {seconds:.1f} s")
    weights = weights_of(model, spec)
    print(
        f"accuracy on {TEST_IMAGES} test images: {accuracy:.4f} in Keras, "
        f"{oracle_accuracy(spec, weights, split):.4f} by the oracle"
    )
    if accuracy < FLOOR:
        print(f"expected at least {FLOOR}: nothing stored. Train longer with --epochs.", file=sys.stderr)
        return 1
    case = digits_case(spec, weights, split)
    path = Store(options.golden).put("models", "digits", [case], seed=options.seed)
    print(f"stored {case.id} in {path} ({path.stat().st_size:,} bytes)")
    print("next: pytest suites/models --layer digits -n 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
