"""What the faults of importers of MATLAB's networks share: the base class, and small changes to weights.

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
    """The importer, with an edit between reading and building. `name` and `layers` are the fault's own."""

    source: ClassVar[str] = MatlabToTorch.source
    target: ClassVar[str] = MatlabToTorch.target
    requires: ClassVar[tuple[str, ...]] = MatlabToTorch.requires
    worker: ClassVar[str] = MatlabToTorch.worker
    wraps: ClassVar[str] = MatlabToTorch.name
    name: ClassVar[str]
    layers: ClassVar[tuple[str, ...]]
    kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds to edit, where they are not `layers`: those of a graph."""
    swaps: ClassVar[Mapping[str, str]] = {}
    """Text of the program, and what stands in its place."""

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.readers.network import read_network
        from harness.matlab.torch.source import build, program

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
        """Configuration to put in place of the layer's own."""
        return {}

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        """The layer's weights, with the fault."""
        return weights


def transposed(value: Array, a: int = 0, b: int = 1) -> Array:
    """Two axes exchanged where they are of one size, so that shapes stay as they are."""
    return value.swapaxes(a, b) if value.shape[a] == value.shape[b] else value


def rows_exchanged(value: Array, gates: int, a: int, b: int) -> Array:
    """Two gates exchanged; further blocks (a second direction, a second bias) alike."""
    blocks = np.split(value, gates)
    blocks[a], blocks[b] = blocks[b], blocks[a]
    return np.concatenate(blocks)
