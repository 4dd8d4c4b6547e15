"""Whether `parity check NET.mat` names the right layer: faults planted in one layer of a ResNet-50 of MATLAB.

    python benchmarks/planted_matlab.py [--fault GLOB]

The network is that of examples/resnet50 with 16 channels instead of 64, on 64 x 64 pixels: 177 layers, 16 additions.
A fault is in the importer: the layer reaches the writer of the PyTorch program with one setting or weight changed, and
reaches the oracle as it is in the file. The answer counts how often that layer is named. Without a fault none may be.
"""

from __future__ import annotations

import argparse
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.readers.toolbox import Network
from harness.models import conversion
from harness.models.check import check_network
from harness.oracle import part
from harness.run.session import Session
from harness.spec import Array, Layer, Spec

BUILD = Path(__file__).resolve().parents[1] / "examples" / "resnet50" / "build.py"
SIZES = {"pixels": 64, "width": 16, "classes": 10}
Weights = Mapping[str, Array]
Edit = Callable[[Layer, Weights], tuple[Layer, Weights]]


def setting(**config: Any) -> Edit:
    """Other settings of the layer."""
    return lambda layer, weights: (replace(layer, config={**layer.config, **config}), weights)


def weight(name: str, change: Callable[[Array], Array]) -> Edit:
    """Another value of one weight."""
    return lambda layer, weights: (layer, {**weights, name: change(weights[name]).astype(np.float32)})


def kind(name: str, **config: Any) -> Edit:
    """A layer of another kind."""
    return lambda layer, weights: (replace(layer, kind=name, config=config), weights)


def reads(*places: int) -> Edit:
    """Other ones of its inputs."""
    return lambda layer, weights: (replace(layer, inputs=tuple(layer.inputs[k] for k in places)), weights)


FAULTS: Mapping[str, tuple[str, Edit]] = {
    "none": ("", setting()),
    "not_normalized": ("input_1", setting(Normalization="zerocenter")),
    "mean_of_input": ("input_1", weight("Mean", lambda w: w * 1.01)),
    "kernel_transposed": ("conv1", weight("Weights", lambda w: np.swapaxes(w, 0, 1))),
    "kernel_flipped": ("res3b_branch2b", weight("Weights", lambda w: w[::-1, ::-1])),
    "channels_reversed": ("res4c_branch2a", weight("Weights", lambda w: w[:, :, ::-1])),
    "bias_lost": ("res2b_branch2a", weight("Bias", lambda w: w * 0)),
    "bias_rolled": ("res5a_branch1", weight("Bias", lambda w: np.roll(w, 1))),
    "half_precision": ("res2c_branch2b", weight("Weights", lambda w: w.astype(np.float16))),
    "padding": ("res4a_branch2b", setting(PaddingSize=[2, 0, 1, 1])),
    "dilation": ("res3c_branch2b", setting(DilationFactor=[2, 2], PaddingSize=[2, 2, 2, 2])),
    "epsilon": ("bn3a_branch2b", setting(Epsilon=0.0101)),
    "variance_for_deviation": ("bn4b_branch2c", weight("TrainedVariance", lambda w: w**2)),
    "mean_lost": ("bn2a_branch1", weight("TrainedMean", lambda w: w * 0)),
    "scale_rolled": ("bn5b_branch2a", weight("Scale", lambda w: np.roll(w, 1))),
    "offset": ("bn_conv1", weight("Offset", lambda w: w + 0.001)),
    "leaky": ("activation_9_relu", kind("LeakyReLULayer", Scale=0.01)),
    "clipped": ("activation_1_relu", kind("ClippedReLULayer", Ceiling=1.0)),
    "average_for_maximum": ("max_pooling2d_1", kind("AveragePooling2DLayer", PoolSize=[3, 3], Stride=[2, 2],
                                                    PaddingSize=[1, 1, 1, 1])),
    "pool_padding": ("max_pooling2d_1", setting(PaddingSize=[0, 2, 0, 2])),
    "residual_twice": ("add_7", reads(0, 0)),
    "shortcut_twice": ("add_16", reads(1, 1)),
    "maximum_for_average": ("avg_pool", kind("GlobalMaxPooling2DLayer")),
    "classes_rolled": ("fc1000", weight("Weights", lambda w: np.roll(w, 1, axis=0))),
    "classes_bias": ("fc1000", weight("Bias", lambda w: w[::-1])),
    "sigmoid_for_softmax": ("fc1000_softmax", kind("SigmoidLayer")),
}  # fmt: skip
"""The layer with the fault, and the edit, by name."""


def edited(spec: Spec, weights: Weights, name: str, edit: Edit) -> tuple[Spec, dict[str, Array]]:
    """The network with one layer edited."""
    layers, others = [], {key: value for key, value in weights.items() if not key.startswith(f"{name}/")}
    for layer in spec.layers:
        if layer.name != name:
            layers.append(layer)
            continue
        made, own = edit(layer, part(weights, name))
        layers.append(made)
        others |= {f"{name}/{key}": np.ascontiguousarray(value) for key, value in own.items()}
    return replace(spec, layers=tuple(layers)), others


def checked(session: Session, network: Network, fault: str) -> str:
    """What a check says where the layer of a fault reaches PyTorch edited: the verdict, and its message."""
    name, edit = FAULTS[fault]
    right = conversion._call

    def call(workers: Any, worker: str, function: str, *arguments: Any) -> Any:
        changed = list(arguments)
        for at, each in enumerate(changed[:-1]):
            if isinstance(each, Spec) and name:
                changed[at], changed[at + 1] = edited(each, changed[at + 1], name, edit)
        return right(workers, worker, function, *changed)

    conversion._call = call
    try:
        comparison = check_network(network, session.workers).comparison
    finally:
        conversion._call = right
    assert comparison is not None, "not judged"
    named = comparison.message.partition("the first layer that deviates is ")[2].partition("'")[2].partition("'")[0]
    verdict = "right" if named == name else "WRONG"
    return f"{verdict:6} {comparison.outcome!s:10} {named or '-':18} {comparison.units or 0:.3g} noise units"


def main() -> int:
    """Check every fault that fits. Returns 1 if a layer was not named, or one was that is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", default="*")
    options = parser.parse_args()
    spec, weights = runpy.run_path(str(BUILD))["resnet50"](**SIZES)
    network = Network("matlab", spec, weights)
    chosen = [fault for fault in FAULTS if fnmatchcase(fault, options.fault)]
    right = 0
    with Session() as session:
        for fault in chosen:
            began = time.perf_counter()
            said = checked(session, network, fault)
            right += said.startswith("right")
            print(f"{fault:24} {FAULTS[fault][0]:18} {said}  {time.perf_counter() - began:.1f} s", flush=True)
    print(f"{right} of {len(chosen)} right")
    return int(right < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
