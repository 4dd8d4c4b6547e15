"""Edit networks of MATLAB: the base class of faults of their importers, and small changes of weights.

A fault edits the network between reading and building, or the program. Weights are in MATLAB's layout where they are
edited: kernels H x W x C x F, gates one below the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.matlab2torch import MatlabToTorch
from harness.adapters.torch_artifact import Argument, save_module
from harness.oracle import part
from harness.spec import Array, Layer, Spec

Weights = dict[str, Array]


class MatlabFault:
    """The importer, with an edit between reading and building. Each fault sets `name` and `layers`."""

    source: ClassVar[str] = MatlabToTorch.source
    target: ClassVar[str] = MatlabToTorch.target
    requires: ClassVar[tuple[str, ...]] = MatlabToTorch.requires
    worker: ClassVar[str] = MatlabToTorch.worker
    wraps: ClassVar[str] = MatlabToTorch.name
    name: ClassVar[str]
    layers: ClassVar[tuple[str, ...]]
    kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds to edit, if they differ from `layers`: the kinds in a graph."""
    swaps: ClassVar[Mapping[str, str]] = {}
    """Text of the program, and its replacement."""

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.readers.network import read_network
        from harness.matlab.torch.source import program
        from harness.matlab.torch.text import build

        network = read_network(artifact)
        layers: list[Layer] = []
        weights: Weights = {}
        for layer in network.spec.layers:
            arrays = dict(part(network.weights, layer.owner))
            edited = layer.kind in (self.kinds or self.layers)
            arrays = self.edit_weights(arrays, layer) if edited else arrays
            layers.append(self.edit(layer, network.spec) if edited else layer)
            weights |= {f"{layer.owner}/{name}": value for name, value in arrays.items()}
        spec = Spec(network.spec.dialect, network.spec.inputs, tuple(layers), network.spec.outputs)
        right = program(spec, weights)
        text = right.source
        for before, after in self.swaps.items():
            text = text.replace(before, after)
        signature = [Argument(item.name, (None, *item.shape), item.dtype) for item in spec.inputs]
        return save_module(build(replace(right, source=text)), out, signature)

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        """The layer, with the fault."""
        return replace(layer, config={**layer.config, **self.options(layer.config)})

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration that replaces the layer's."""
        return {}

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        """The layer's weights, with the fault."""
        return weights


def transposed(value: Array, a: int = 0, b: int = 1) -> Array:
    """Exchange two axes if they are equally long, so that the shape stays."""
    return value.swapaxes(a, b) if value.shape[a] == value.shape[b] else value


def rows_exchanged(value: Array, gates: int, a: int, b: int) -> Array:
    """Exchange two gates, also in further blocks (a second direction, a second bias)."""
    blocks = np.split(value, gates)
    blocks[a], blocks[b] = blocks[b], blocks[a]
    return np.concatenate(blocks)
