"""The `.mat` file of a network of Deep Learning Toolbox layers, as the plain-struct export.

Cases of this dialect are N x C x H x W (x D), N x T x C and N x C; MATLAB holds the same numbers as H x W x C x N,
C x N x T and C x N. Weights keep MATLAB's layout, in the Spec and in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTorch
from harness.spec import Array, Spec


class MatlabFile(OnTorch):
    """The export that docs/matlab-export.md describes. Files with saved objects can be read too, but not written."""

    name: ClassVar[str] = "matlab"
    suffix: ClassVar[str] = ".mat"
    dialect: ClassVar[str | None] = "matlab"
    requires: ClassVar[tuple[str, ...]] = ("mat-io", "scipy")

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the file. Raises ValueError for a Spec that the export cannot hold."""
        from harness.matlab.readers.plain import write_plain

        write_plain(spec, weights, path)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Read Spec and weights. Raises NetworkError or MatFileError (both ValueErrors) for any other file."""
        from harness.matlab.readers.network import read_network

        network = read_network(path)
        return network.spec, dict(network.weights)
