"""Networks as large as people have them, to measure and to test what bounds memory and time: a SegNet, a ResNet-50, a
bidirectional LSTM. Weights are drawn.

`python -m tests.matlab.large FOLDER` writes them as exports: `segnet.mat`, `resnet50.mat`, `bilstm.mat`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from harness.matlab.readers.plain import write_plain
from harness.spec import Array, Input, Layer, Spec

Network = tuple[Spec, dict[str, Array]]


class Chain:
    """Builds a network layer by layer; `end` is the tensor that the next layer reads."""

    def __init__(self, name: str, shape: tuple[int | None, ...], kind: str = "ImageInputLayer", **config: object):
        self.inputs = (Input(f"{name}_in", shape),)
        self.layers = [Layer(kind, name, config, (f"{name}_in",))]
        self.weights: dict[str, Array] = {}
        self.end = name
        self.source = np.random.default_rng(1)

    def draw(self, *shape: int, around: float = 0.0, spread: float = 1.0) -> Array:
        return (around + spread * self.source.uniform(-1, 1, shape)).astype(np.float32)

    def add(self, kind: str, name: str, *inputs: str, weights: dict[str, Array] | None = None, **config: object) -> str:
        self.layers.append(Layer(kind, name, config, inputs or (self.end,)))
        self.weights |= {f"{name}/{key}": value for key, value in (weights or {}).items()}
        self.end = name
        return name

    def conv(self, name: str, size: int, depth: int, filters: int, stride: int = 1, *inputs: str) -> str:
        spread = (6 / (size * size * depth)) ** 0.5
        weights = {"Weights": self.draw(size, size, depth, filters, spread=spread), "Bias": self.draw(filters) / 10}
        pads = [size // 2] * 4
        return self.add("Convolution2DLayer", name, *inputs, weights=weights, Stride=[stride] * 2, PaddingSize=pads)

    def norm(self, name: str, channels: int, scale: float = 1.0) -> str:
        weights = {
            "Scale": self.draw(channels, around=scale, spread=0.3 * scale),
            "TrainedVariance": self.draw(channels, around=1.0, spread=0.3),
        }
        weights |= {key: self.draw(channels, spread=0.1) for key in ("Offset", "TrainedMean")}
        return self.add("BatchNormalizationLayer", name, weights=weights, Epsilon=1e-5)

    def network(self) -> Network:
        return Spec("matlab", self.inputs, tuple(self.layers), (self.end,)), self.weights


def segnet(height: int = 720, width: int = 960, depth: int = 4, filters: int = 64, classes: int = 11) -> Network:
    """Encoders of two convolutions and a pooling that remembers its places, decoders that put the values back."""
    net = Chain("inputImage", (3, height, width), Normalization="zerocenter")
    net.weights["inputImage/Mean"] = net.draw(height, width, 3, around=110.0, spread=20.0)
    channels = 3
    for k in range(1, depth + 1):
        for n in (1, 2):
            net.conv(f"encoder{k}_conv{n}", 3, channels, filters)
            net.norm(f"encoder{k}_bn{n}", filters)
            net.add("ReLULayer", f"encoder{k}_relu{n}")
            channels = filters
        net.add("MaxPooling2DLayer", f"encoder{k}_maxpool", PoolSize=[2, 2], Stride=[2, 2], HasUnpoolingOutputs=True)
    for k in range(depth, 0, -1):
        places = [f"encoder{k}_maxpool:{n}" for n in (1, 2)]
        net.add("MaxUnpooling2DLayer", f"decoder{k}_unpool", net.end, *places)
        for n in (2, 1):
            count = classes if (k, n) == (1, 1) else filters
            net.conv(f"decoder{k}_conv{n}", 3, filters, count)
            net.norm(f"decoder{k}_bn{n}", count)
            net.add("ReLULayer", f"decoder{k}_relu{n}")
    net.add("SoftmaxLayer", "softmax")
    return net.network()


def resnet50(size: int = 224, classes: int = 1000) -> Network:
    """The 50 layers with bottlenecks; the stride is in the first convolution of a block, as in MATLAB's `resnet50`."""
    net = Chain("input_1", (3, size, size), Normalization="zerocenter")
    net.weights["input_1/Mean"] = np.array([123.68, 116.779, 103.939], np.float32)
    net.conv("conv1", 7, 3, 64, 2)
    net.norm("bn_conv1", 64, 0.02)
    net.add("ReLULayer", "activation_1_relu")
    net.add("MaxPooling2DLayer", "max_pooling2d_1", PoolSize=[3, 3], Stride=[2, 2], PaddingSize=[0, 1, 0, 1])
    channels = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        for block in range(blocks):
            name, stride, before = f"res{stage}{'abcdef'[block]}", 2 if block == 0 and stage > 2 else 1, net.end
            for n, (window, count) in enumerate(((1, width), (3, width), (1, 4 * width)), start=1):
                net.conv(f"{name}_branch2{'abc'[n - 1]}", window, channels, count, stride if n == 1 else 1)
                net.norm(f"bn{name}_branch2{'abc'[n - 1]}", count, 0.2 if n == 3 else 0.7)
                if n < 3:
                    net.add("ReLULayer", f"{name}_relu{n}")
                channels = count
            end = net.end
            if block == 0:
                depth = net.weights[f"{name}_branch2a/Weights"].shape[2]
                net.conv(f"{name}_branch1", 1, depth, channels, stride, before)
                before = net.norm(f"bn{name}_branch1", channels, 0.7)
            net.add("AdditionLayer", f"add_{name}", end, before)
            net.add("ReLULayer", f"{name}_relu")
    net.add("GlobalAveragePooling2DLayer", "avg_pool")
    weights = {"Weights": net.draw(classes, channels, spread=0.02), "Bias": net.draw(classes)}
    net.add("FullyConnectedLayer", "fc1000", weights=weights, OutputSize=classes)
    net.add("SoftmaxLayer", "fc1000_softmax")
    return net.network()


def bilstm(channels: int = 12, units: int = 100, classes: int = 9) -> Network:
    """Sequence to label: a bidirectional LSTM that gives its last outputs."""
    net = Chain("sequence", (None, channels), "SequenceInputLayer")
    weights = {
        "InputWeights": net.draw(8 * units, channels, spread=0.3),
        "RecurrentWeights": net.draw(8 * units, units, spread=0.1),
        "Bias": net.draw(8 * units, spread=0.5),
    }
    net.add("BiLSTMLayer", "biLSTM", weights=weights, OutputMode="last")
    weights = {"Weights": net.draw(classes, 2 * units, spread=0.2), "Bias": net.draw(classes)}
    net.add("FullyConnectedLayer", "fc", weights=weights, OutputSize=classes)
    net.add("SoftmaxLayer", "softmax")
    return net.network()


if __name__ == "__main__":
    for made in (segnet, resnet50, bilstm):
        write_plain(*made(), Path(sys.argv[1]) / f"{made.__name__}.mat")
