"""Stores well-known architectures as golden cases, `golden/models/<name>.zip`.

    python harness/corpus/architectures.py [NAME ...]

ResNet50, MobileNetV2, EfficientNetB0, DenseNet121 and ConvNeXtTiny come from `keras.applications`, at 32 x 32 pixels
and 10 classes, with random weights; this script reads their layers and wiring from Keras once. An archive of theirs
contains the seed and the law of each weight instead of the weights, which are too many, and a digest that shows
whether they are drawn the same again. An LSTM classifier and a small Transformer are defined below and stored with
their weights.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from harness.catalogue import Weight
from harness.catalogue.excluded import reason_to_omit
from harness.catalogue.keras.graphs import dense, gated
from harness.corpus.store import Store
from harness.draw import with_golden
from harness.draw.weights import draw_weights, drawn_weights
from harness.spec import Array, Case, Drawn, Input, Layer, Sample, Spec

ROOT = Path(__file__).resolve().parents[2]
APPLICATIONS = ("ResNet50", "MobileNetV2", "EfficientNetB0", "DenseNet121", "ConvNeXtTiny")
PIXELS, CLASSES = 32, 10
SEED = 0
LAWS = {
    "gamma": "near_one", "variable": "near_one", "beta": "near_zero", "bias": "near_zero",
    "moving_mean": "near_zero", "moving_variance": "even", "mean": "near_zero", "variance": "even", "count": "count",
}  # fmt: skip
"""Laws of weights by name (`variable` is LayerScale's); the law of a kernel depends on its number of inputs."""


def law_of(name: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], str, int | None]:
    """Shape, law and fan_in of a weight of a convolutional network."""
    last = name.rpartition("/")[2]
    if "kernel" not in last:
        return shape, LAWS[last], None
    return shape, "deep", prod(shape[:-2]) if last == "depthwise_kernel" else prod(shape[:-1])


def slim(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor arguments that matter at inference, as JSON values."""
    return {key: _plain(value) for key, value in config.items() if reason_to_omit(kind, key) is None}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def application(name: str) -> tuple[Spec, dict[str, tuple[tuple[int, ...], str, int | None]]]:
    """Spec and weight laws of a network of `keras.applications`, as Keras wires it."""
    import keras

    from harness.adapters.keras_model import read_model, weight_name

    keras.backend.clear_session()
    build = getattr(keras.applications, name)
    model = build(weights=None, classes=CLASSES, input_shape=(PIXELS, PIXELS, 3), classifier_activation=None)
    read, _ = read_model(model)
    layers, laws = [], {}
    for layer in read.layers:
        operation = next(operation for operation in model.operations if operation.name == layer.name)
        config = slim(layer.kind, layer.config)
        parts = {"": operation}
        if layer.kind == "Sequential":
            parts = {f"{k}/": part for k, part in enumerate(operation.layers)}
            kinds = [(type(part).__name__, part.get_config()) for part in operation.layers]
            config = {"layers": [{"kind": kind, "config": slim(kind, arguments)} for kind, arguments in kinds]}
        layers.append(Layer(layer.kind, layer.name, config, layer.inputs))
        for place, part in parts.items():
            depthwise = type(part).__name__ == "DepthwiseConv2D"
            for variable in getattr(part, "weights", ()):
                last = weight_name(variable)
                _, law, fan_in = law_of(
                    "depthwise_kernel" if depthwise and last == "kernel" else last, tuple(variable.shape)
                )
                laws[f"{layer.name}/{place}{last}"] = (tuple(variable.shape), law, fan_in)
    (source,) = read.inputs
    return Spec("keras", (source,), tuple(layers), read.outputs), laws


def image_case(name: str) -> Case:
    """The network with two images, and one other image as the second batch."""
    spec, laws = application(name)
    drawn = Drawn(SEED, laws)
    source = np.random.Generator(np.random.PCG64(SEED + 1))
    (image,) = spec.inputs
    wide = 255.0 if name in ("EfficientNetB0", "ConvNeXtTiny") else 1.0  # these two rescale pixels themselves

    def images(count: int) -> dict[str, Array]:
        return {image.name: (source.uniform(0, wide, (count, PIXELS, PIXELS, 3))).astype(np.float32)}

    return Case(
        spec=spec,
        subject=name,
        choice={"profile": "main", "pixels": PIXELS, "classes": CLASSES},
        weights=drawn_weights(drawn),
        samples=(Sample(images(2)), Sample(images(1))),
        drawn=drawn,
    )


WORDS, STEPS, WIDTH = 12, 7, 8


def lstm_classifier() -> tuple[Spec, dict[str, Weight]]:
    """Words to classes: embedding with a mask, LSTM in both directions, dense layers."""
    lstm = {"kind": "LSTM", "config": {"units": 5}}
    layers = (
        Layer("Embedding", "embedding", {"input_dim": WORDS, "output_dim": WIDTH, "mask_zero": True}, ("words",)),
        Layer("Bidirectional", "both", {"layer": lstm}, ("embedding",)),
        Layer("Dense", "hidden", {"units": 6, "activation": "relu"}, ("both",)),
        Layer("Dropout", "dropout", {"rate": 0.5}, ("hidden",)),
        Layer("Dense", "classes", {"units": 4, "activation": "softmax"}, ("dropout",)),
    )
    weights = {"embedding/embeddings": Weight((WORDS, WIDTH), "embedding")}
    weights |= {f"both/{side}/{k}": w for side in ("forward", "backward") for k, w in gated(WIDTH, 5, 4).items()}
    weights |= {f"hidden/{k}": w for k, w in dense(10, 6).items()} | {f"classes/{k}": w for k, w in dense(6, 4).items()}
    return Spec("keras", (Input("words", (None,), "int32"),), layers, ("classes",)), weights


def transformer() -> tuple[Spec, dict[str, Weight]]:
    """Words and their positions to classes: two blocks of attention and dense layers with residuals."""
    layers = [
        Layer("Embedding", "words_in", {"input_dim": WORDS, "output_dim": WIDTH}, ("words",)),
        Layer("Embedding", "places_in", {"input_dim": STEPS, "output_dim": WIDTH}, ("places",)),
        Layer("Add", "stream", {}, ("words_in", "places_in")),
    ]
    weights = {
        "words_in/embeddings": Weight((WORDS, WIDTH), "embedding"),
        "places_in/embeddings": Weight((STEPS, WIDTH), "embedding"),
    }
    stream = "stream"
    for k in (1, 2):
        heads = {"num_heads": 2, "key_dim": 4}
        layers += [
            Layer(
                "MultiHeadAttention", f"attend{k}", heads, (stream,), {"value": (stream,)}, {"use_causal_mask": k == 2}
            ),
            Layer("Add", f"attended{k}", {}, (stream, f"attend{k}")),
            Layer("LayerNormalization", f"norm{k}", {"epsilon": 1e-6}, (f"attended{k}",)),
            Layer("Dense", f"wide{k}", {"units": 16, "activation": "relu"}, (f"norm{k}",)),
            Layer("Dense", f"narrow{k}", {"units": WIDTH}, (f"wide{k}",)),
            Layer("Add", f"thought{k}", {}, (f"norm{k}", f"narrow{k}")),
            Layer("LayerNormalization", f"block{k}", {"epsilon": 1e-6}, (f"thought{k}",)),
        ]
        for name in ("query", "key", "value"):
            weights[f"attend{k}/{name}/kernel"] = Weight((WIDTH, 2, 4), "kernel", fan_in=WIDTH)
            weights[f"attend{k}/{name}/bias"] = Weight((2, 4), "bias")
        weights[f"attend{k}/attention_output/kernel"] = Weight((2, 4, WIDTH), "kernel", fan_in=8)
        weights[f"attend{k}/attention_output/bias"] = Weight((WIDTH,), "bias")
        for name in (f"norm{k}", f"block{k}"):
            weights |= {f"{name}/gamma": Weight((WIDTH,), "gamma"), f"{name}/beta": Weight((WIDTH,), "beta")}
        weights |= {f"wide{k}/{n}": w for n, w in dense(WIDTH, 16).items()}
        weights |= {f"narrow{k}/{n}": w for n, w in dense(16, WIDTH).items()}
        stream = f"block{k}"
    layers += [
        Layer("GlobalAveragePooling1D", "mean", {}, (stream,)),
        Layer("Dense", "classes", {"units": 4, "activation": "softmax"}, ("mean",)),
    ]
    weights |= {f"classes/{n}": w for n, w in dense(WIDTH, 4).items()}
    inputs = (Input("words", (STEPS,), "int32"), Input("places", (STEPS,), "int32"))
    return Spec("keras", inputs, tuple(layers), ("classes",)), weights


def text_case(name: str) -> Case:
    """A text model with three sentences, and a second batch of one sentence, which is longer if the time is open."""
    spec, laws = {"LSTMClassifier": lstm_classifier, "Transformer": transformer}[name]()
    source = np.random.Generator(np.random.PCG64(SEED))
    weights = draw_weights(laws, source)

    def sentences(count: int, steps: int) -> dict[str, Array]:
        words = source.integers(1, WORDS, (count, steps)).astype(np.int32)
        words[:, steps - 2 :] = 0  # padding, which the first model masks
        places = np.broadcast_to(np.arange(steps, dtype=np.int32), (count, steps)).copy()
        both = {"words": words, "places": places}
        return {item.name: both[item.name] for item in spec.inputs}

    longer = 9 if spec.inputs[0].shape[0] is None else STEPS
    return Case(
        spec=spec,
        subject=name,
        choice={"profile": "main"},
        weights=weights,
        samples=(Sample(sentences(3, STEPS)), Sample(sentences(1, longer))),
    )


def main(arguments: list[str]) -> int:
    """Build the architectures named, compute their goldens and store them. Returns the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    every = (*APPLICATIONS, "LSTMClassifier", "Transformer")
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", default=list(every), metavar="NAME", help=f"one of {', '.join(every)}")
    parser.add_argument("--golden", type=Path, default=ROOT / "golden", help="folder of the store")
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in every:
            parser.error(f"no architecture {name!r}; there are {', '.join(every)}")
        began = time.perf_counter()
        case = with_golden(image_case(name) if name in APPLICATIONS else text_case(name))
        path = Store(chosen.golden).put("models", name, [case], seed=SEED)
        count = sum(value.size for value in case.weights.values())
        spent, size = time.perf_counter() - began, path.stat().st_size
        print(f"{case.id}: {len(case.spec.layers)} layers, {count:,} weights, {size:,} bytes, {spent:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
