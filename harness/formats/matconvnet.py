"""The MatConvNet SimpleNN file: `net.layers`, a cell array of structs, in a `.mat` of version 7.

Cases of this dialect are N x C x H x W; the network in the file works on H x W x C x N,
`hwcn = nchw.transpose(2, 3, 1, 0)`. Weights are stored as they are: they are MATLAB's own in the Spec too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.matlab.simplenn import DIALECT, SimpleNNError, UnsupportedLayers, read_simplenn
from harness.spec import Array, Layer, Spec

__all__ = ["MatConvNetFile", "SimpleNNError", "UnsupportedLayers"]

WEIGHTS = {
    "conv": ("filters", "biases"),
    "convt": ("filters", "biases"),
    "bnorm": ("multipliers", "biases", "moments"),
    "pool": (),
    "relu": (),
    "lrn": (),
    "softmax": (),
    "sigmoid": (),
    "dropout": (),
}
"""Layer types, and the order of their weights in the file."""


class MatConvNetFile:
    """A SimpleNN network as MATLAB saves it: single weights, double options, no trailing singleton dimensions."""

    name: ClassVar[str] = "matconvnet"
    suffix: ClassVar[str] = ".mat"
    dialect: ClassVar[str | None] = DIALECT
    worker: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("mat-io", "scipy")

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the file, under another name first. Raises ValueError for a Spec that is no SimpleNN chain."""
        from scipy.io import savemat

        _check(spec)
        net = {
            "layers": _cell([_struct(layer, weights) for layer in spec.layers]),
            "meta": {"inputs": {"name": spec.inputs[0].name, "size": _size(spec)}},
        }
        partial = path.with_name(path.name + ".part")
        try:
            savemat(str(partial), {"net": net}, appendmat=False, do_compression=True, oned_as="row")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Spec and weights. Raises SimpleNNError (a ValueError) for any other file, UnsupportedLayers among them."""
        network = read_simplenn(path)
        return network.spec, dict(network.weights)


def _check(spec: Spec) -> None:
    if spec.dialect != DIALECT:
        raise ValueError(f"a SimpleNN file holds Specs of dialect {DIALECT!r}, this one is {spec.dialect!r}")
    if len(spec.inputs) != 1 or not spec.layers or len(spec.inputs[0].shape) != 3:
        raise ValueError("a SimpleNN network has one input of shape (C, H, W) and at least one layer")
    unknown = [f"{layer.name} ({layer.kind})" for layer in spec.layers if layer.kind not in WEIGHTS]
    if unknown:
        raise ValueError(f"SimpleNN has no layers of these types: {', '.join(unknown)}; it has {', '.join(WEIGHTS)}")
    before = spec.inputs[0].name
    for layer in spec.layers:
        if layer.tensors != (before,):
            raise ValueError(f"SimpleNN is a chain: layer {layer.name!r} must read {before!r}, reads {layer.tensors}")
        before = layer.name
    if spec.outputs != (before,):
        raise ValueError(f"SimpleNN returns its last layer {before!r}, the Spec returns {spec.outputs}")


def _cell(values: list[Any]) -> Array:
    """A 1 x n cell array."""
    cell = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        cell[0, k] = value
    return cell


def _struct(layer: Layer, weights: Mapping[str, Array]) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": layer.kind, "name": layer.name}
    if WEIGHTS[layer.kind]:
        arrays = [weights.get(f"{layer.name}/{name}") for name in WEIGHTS[layer.kind]]
        fields["weights"] = _cell([_stored(array) for array in arrays])
    return fields | {key: _option(value) for key, value in layer.config.items()}


def _stored(array: Array | None) -> Array:
    """single, at least two dimensions, none of size 1 at the end: what MATLAB would hold. Absent biases are []."""
    if array is None:
        return np.zeros((0, 0), dtype=np.float32)
    shape = list(array.shape) if array.ndim > 1 else [1, *array.shape]
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    return np.asarray(array, dtype=np.float32).reshape(shape)


def _option(value: Any) -> Any:
    return value if isinstance(value, str) else np.atleast_2d(np.asarray(value, dtype=np.float64))


def _size(spec: Spec) -> Array:
    """[H W C N]; open sizes are NaN."""
    channels, height, width = (np.nan if n is None else n for n in spec.inputs[0].shape)
    return np.array([[height, width, channels, 1.0]])
