"""Octave runs the plain-struct export in double precision, with reference layers in the MATLAB language.

The reference layers (`suites/matlab/reference`) share no code with the oracle or with PyTorch. Inputs are converted to
MATLAB's layout, outputs back from it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.places import OnOctave
from harness.adapters.runtimes import Outputs
from harness.matlab.layouts import TO_MATLAB, from_matlab, to_matlab
from harness.matlab.matfile.write import column_cell, save_mat
from harness.spec import Array


class OctaveRuntime(OnOctave):
    """One Octave process serves all calls. Octave is never linked, only run."""

    name: ClassVar[str] = "octave"
    format: ClassVar[str] = "matlab"
    requires: ClassVar[tuple[str, ...]] = ("scipy",)
    programs: ClassVar[tuple[str, ...]] = ("octave",)

    def __init__(self) -> None:
        from harness.matlab.octave import Octave

        self.octave = Octave()

    def open(self, artifact: Path) -> Path:
        return artifact

    def run(self, opened: Path, inputs: Mapping[str, Array]) -> Outputs:
        """Call the export once. Raises OctaveError with Octave's message."""
        from scipy.io import loadmat

        if any(value.ndim not in TO_MATLAB for value in inputs.values()):
            raise ValueError("inputs are N x C, N x T x C or N x C x H x W (x D)")
        with tempfile.TemporaryDirectory(prefix="parity-octave-") as folder:
            inputs_file, outputs_file = Path(folder) / "in.mat", Path(folder) / "out.mat"
            values = column_cell([to_matlab(value) for value in inputs.values()])
            save_mat(inputs_file, {"values": values}, compress=False)
            self.octave.call("parity_run", opened, inputs_file, outputs_file)
            outputs = loadmat(str(outputs_file), appendmat=False)
        pairs = zip(outputs["values"].ravel(), outputs["formats"].ravel(), strict=True)
        return [self._output(value, str(form[0])) for value, form in pairs], None

    def _output(self, value: Any, form: str) -> Array:
        return from_matlab(np.asarray(value, dtype=np.float32), form)


class OctaveKerasRuntime(OctaveRuntime):
    """The export of a Keras model, with inputs and outputs in Keras' layout: N x H x W x C."""

    name: ClassVar[str] = "octave-channels-last"
    format: ClassVar[str] = "matlabkeras"

    def run(self, opened: Path, inputs: Mapping[str, Array]) -> Outputs:
        channels_first = {
            name: np.moveaxis(value, -1, 1) if value.ndim > 3 else value for name, value in inputs.items()
        }
        outputs, names = super().run(opened, channels_first)
        return [np.ascontiguousarray(np.moveaxis(y, 1, -1)) if y.ndim > 3 else y for y in outputs], names
