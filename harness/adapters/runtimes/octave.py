"""Octave runs the plain-struct export with reference layers in the MATLAB language (`suites/matlab/reference`).

An implementation that shares nothing with the oracle or with PyTorch, in double precision. Arrays are turned into
MATLAB's layout on the way in and back on the way out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.places import OnOctave
from harness.adapters.runtimes import InputError, Outputs
from harness.matlab.layouts import TO_MATLAB, from_matlab, to_matlab
from harness.matlab.matfile.write import column_cell, save_mat
from harness.spec import Array


class OctaveRuntime(OnOctave):
    """One Octave serves all calls; it is a program of its own and is never linked."""

    name: ClassVar[str] = "octave"
    format: ClassVar[str] = "matlab"
    requires: ClassVar[tuple[str, ...]] = ("scipy",)
    programs: ClassVar[tuple[str, ...]] = ("octave-cli",)

    def __init__(self) -> None:
        from harness.matlab.octave import Octave

        self.octave = Octave()

    def open(self, artifact: Path) -> Path:
        return artifact

    def run(self, opened: Path, inputs: Mapping[str, Array]) -> Outputs:
        """Raises OctaveError with what Octave says."""
        from scipy.io import loadmat

        if any(value.ndim not in TO_MATLAB for value in inputs.values()):
            raise InputError("inputs are N x C, N x T x C or N x C x H x W (x D)")
        with tempfile.TemporaryDirectory(prefix="parity-octave-") as folder:
            given, made = Path(folder) / "in.mat", Path(folder) / "out.mat"
            values = column_cell([to_matlab(value) for value in inputs.values()])
            save_mat(given, {"values": values}, compress=False)
            self.octave.call("parity_run", opened, given, made)
            found = loadmat(str(made), appendmat=False)
        pairs = zip(found["values"].ravel(), found["formats"].ravel(), strict=True)
        return [self._output(value, str(form[0])) for value, form in pairs], None

    def _output(self, value: Any, form: str) -> Array:
        return from_matlab(np.asarray(value, dtype=np.float32), form)


class OctaveKerasRuntime(OctaveRuntime):
    """The same export made of a Keras model: arrays outside are N x H x W x C, as Keras has them."""

    name: ClassVar[str] = "octave-channels-last"
    format: ClassVar[str] = "matlabkeras"

    def run(self, opened: Path, inputs: Mapping[str, Array]) -> Outputs:
        turned = {name: np.moveaxis(value, -1, 1) if value.ndim > 3 else value for name, value in inputs.items()}
        outputs, names = super().run(opened, turned)
        return [np.ascontiguousarray(np.moveaxis(y, 1, -1)) if y.ndim > 3 else y for y in outputs], names
