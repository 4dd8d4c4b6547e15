"""DCFNet: a network and the activations that MATLAB computed with it, as cases.

The two files are https://github.com/foolwood/DCFNet (DCFNet-net-7-125-2.mat: the SimpleNN network) and
https://github.com/foolwood/DCFNet_pytorch (track/net_param.mat: `res{1}` the input, `res{k+1}` the output of layer k).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness.matlab.readers.simplenn import read_simplenn
from harness.oracle.noise import measure
from harness.spec import Array, Case, Exactness, Golden, Sample, Spec

NETWORK = "dcfnet_simplenn.mat"
RECORDED = "dcfnet_params_and_matlab_activations.mat"


def recorded(path: Path) -> list[Array]:
    """The input and every layer's output, each 1 x C x H x W float32."""
    from scipy.io import loadmat

    cells = loadmat(str(path))["res"].ravel(order="F")
    # MATLAB dropped the batch of one: H x W x C
    return [np.ascontiguousarray(cell.transpose(2, 0, 1)[None]) for cell in cells]


def prefix(spec: Spec, weights: Mapping[str, Array], depth: int) -> tuple[Spec, dict[str, Array]]:
    """The first `depth` layers of a chain as a network, with their weights."""
    layers = spec.layers[:depth]
    names = {layer.name for layer in layers}
    prefix_weights = {name: value for name, value in weights.items() if name.rpartition("/")[0] in names}
    return Spec(spec.dialect, spec.inputs, layers, (layers[-1].name,)), prefix_weights


def dcfnet_cases(folder: Path) -> list[Case]:
    """One case per layer: the network up to it, with MATLAB's numbers instead of the oracle's as golden.

    The noise scale is the oracle's, measured from MATLAB's own float32 numbers. Raises OSError if a file is missing.
    """
    network = read_simplenn(folder / NETWORK)
    source, *outputs = recorded(folder / RECORDED)
    cases = []
    for depth, output in enumerate(outputs, start=1):
        spec, weights = prefix(network.spec, network.weights, depth)
        inputs = {spec.inputs[0].name: source}
        expected = {spec.outputs[0]: output.astype(np.float64)}
        golden = Golden(expected, measure(spec, weights, inputs, expected), Exactness.COMPUTES, channel_axis=1)
        cases.append(
            Case(spec, "SimpleNN", {"file": NETWORK, "layer": spec.outputs[0]}, weights, (Sample(inputs, golden),))
        )
    return cases
