"""Writes MATLAB's `resnet50`, layer by layer, with weights drawn from a seed, as a `.mat` file.

    python examples/resnet50/build.py resnet50.mat [--pixels 224] [--width 64] [--classes 1000] [--seed 0]

Names, wiring and options are those of Deep Learning Toolbox (177 layers: `input_1`, `conv1`, `bn_conv1`, ...,
`res5c_branch2c`, `add_16`, `avg_pool`, `fc1000`, `fc1000_softmax`, `ClassificationLayer_fc1000`); the network itself is
He et al., 2015, https://arxiv.org/abs/1512.03385. The file is the plain-struct export (docs/matlab-export.md), about
100 MB at full size; `parity convert resnet50.mat --to torch -o folder` reads it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.matlab.readers.plain import write_plain
from harness.spec import Array, Drawn, Input, Layer, Spec

STAGES = ((2, 3), (3, 4), (4, 6), (5, 3))
"""Number of each stage in the layers' names, and the number of its blocks."""
EPSILON = 0.001
CALM = 8
"""Factor by which the variance of a block's last kernel is below He's law, so that sixteen sums do not grow."""
ZSCORE = "input_1"
Law = tuple[tuple[int, ...], str, int | None]


@dataclass
class Plan:
    """The layers and weight laws so far, and the counters in the layers' names."""

    layers: list[Layer] = field(default_factory=list)
    laws: dict[str, Law] = field(default_factory=dict)
    relus: int = 0
    sums: int = 0

    def add(self, kind: str, name: str, inputs: Sequence[str], **config: Any) -> str:
        self.layers.append(Layer(kind, name, config, tuple(inputs)))
        return name

    def conv(
        self, name: str, norm: str, source: str, *, size: int, channels: tuple[int, int], stride: int, calm: int = 1
    ) -> str:
        """A convolution, padded so that only its stride changes the size, and its batch normalisation."""
        pad, (inputs, filters) = size // 2, channels
        options = {"Stride": [stride] * 2, "DilationFactor": [1, 1], "PaddingSize": [pad] * 4}
        self.add("Convolution2DLayer", name, [source], **options)
        self.laws[f"{name}/Weights"] = ((size, size, inputs, filters), "deep", size * size * inputs * calm)
        self.laws[f"{name}/Bias"] = ((filters,), "near_zero", None)
        self.add("BatchNormalizationLayer", norm, [name], Epsilon=EPSILON)
        for key, law in (("TrainedMean", "near_zero"), ("TrainedVariance", "even")):
            self.laws[f"{norm}/{key}"] = ((filters,), law, None)
        for key, law in (("Scale", "near_one"), ("Offset", "near_zero")):
            self.laws[f"{norm}/{key}"] = ((filters,), law, None)
        return norm

    def relu(self, source: str) -> str:
        self.relus += 1
        return self.add("ReLULayer", f"activation_{self.relus}_relu", [source])

    def block(self, name: str, source: str, channels: tuple[int, int], stride: int, shortcut: bool) -> str:
        """Convolutions of 1 x 1, 3 x 3 and 1 x 1, added to the source or, with `shortcut`, to a 1 x 1 convolution
        of it."""
        inputs, width = channels
        res, norm = f"res{name}_branch", f"bn{name}_branch"
        way = self.relu(self.conv(f"{res}2a", f"{norm}2a", source, size=1, channels=(inputs, width), stride=stride))
        way = self.relu(self.conv(f"{res}2b", f"{norm}2b", way, size=3, channels=(width, width), stride=1))
        way = self.conv(f"{res}2c", f"{norm}2c", way, size=1, channels=(width, 4 * width), stride=1, calm=CALM)
        if shortcut:
            source = self.conv(f"{res}1", f"{norm}1", source, size=1, channels=(inputs, 4 * width), stride=stride)
        self.sums += 1
        return self.relu(self.add("AdditionLayer", f"add_{self.sums}", [way, source]))


def resnet50(pixels: int = 224, width: int = 64, classes: int = 1000, seed: int = 0) -> tuple[Spec, dict[str, Array]]:
    """The Spec in the dialect `matlab` and float32 weights; `width` is the filters of the first convolution."""
    from harness.draw.weights import drawn_weights

    plan = Plan()
    image = Input("input_1_in", (3, pixels, pixels))
    end = plan.add("ImageInputLayer", ZSCORE, [image.name], Normalization="zscore")
    end = plan.relu(plan.conv("conv1", "bn_conv1", end, size=7, channels=(3, width), stride=2))
    end = plan.add("MaxPooling2DLayer", "max_pooling2d_1", [end], PoolSize=[3, 3], Stride=[2, 2], PaddingSize=[1] * 4)
    channels, thin = width, width
    for number, count in STAGES:
        for k in range(count):
            stride = 2 if k == 0 and number > 2 else 1
            end = plan.block(f"{number}{'abcdef'[k]}", end, (channels, thin), stride, shortcut=k == 0)
            channels = 4 * thin
        thin *= 2
    end = plan.add("GlobalAveragePooling2DLayer", "avg_pool", [end])
    end = plan.add("FullyConnectedLayer", "fc1000", [end])
    plan.laws["fc1000/Weights"] = ((classes, channels), "kernel", channels)
    plan.laws["fc1000/Bias"] = ((classes,), "near_zero", None)
    end = plan.add("SoftmaxLayer", "fc1000_softmax", [end])
    end = plan.add("ClassificationOutputLayer", "ClassificationLayer_fc1000", [end])
    weights = drawn_weights(Drawn(seed, {**plan.laws, **_statistics()}))
    for name, (mean, spread) in {"Mean": (120, 10), "StandardDeviation": (58, 5)}.items():
        weights[f"{ZSCORE}/{name}"] = mean + spread * weights[f"{ZSCORE}/{name}"]
    return Spec("matlab", (image,), tuple(plan.layers), (end,)), weights


def _statistics() -> dict[str, Law]:
    """Laws of the input layer's statistics, one value per channel, drawn around zero."""
    return {f"{ZSCORE}/{name}": ((3,), "near_zero", None) for name in ("Mean", "StandardDeviation")}


def every_output(spec: Spec) -> Spec:
    """The same network with the output of every layer as an output."""
    return replace(spec, outputs=tuple(layer.name for layer in spec.layers))


def exported(spec: Spec, opset: int) -> Spec:
    """The network as MATLAB's exporter writes it to ONNX, without the classification layer."""
    layers = tuple(layer for layer in spec.layers if layer.kind != "ClassificationOutputLayer")
    first = replace(layers[0], config={**layers[0].config, "Opset": opset})
    names = {layer.name for layer in layers}
    outputs = tuple(name for name in spec.outputs if name in names) or (layers[-1].name,)
    return Spec("onnx", spec.inputs, (first, *layers[1:]), outputs)


def main(arguments: list[str]) -> int:
    """Draw the network and write the file. Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("path", type=Path, metavar="FILE")
    for name, default in (("pixels", 224), ("width", 64), ("classes", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default, help="%(default)s")
    chosen = parser.parse_args(arguments)
    spec, weights = resnet50(chosen.pixels, chosen.width, chosen.classes, chosen.seed)
    write_plain(spec, weights, chosen.path, source="examples/resnet50", compress=False)
    count = sum(value.size for value in weights.values())
    print(f"{chosen.path}: {len(spec.layers)} layers, {count:,} weights, {chosen.path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
