"""A network that MATLAB and Octave run by themselves: `model.mat`, `run_model.m`, and the layers that it calls."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.matlab.matfile.read import read_mat
from harness.matlab.matfile.write import save_mat
from harness.matlab.octave import NO_DUMPS, REFERENCE, OctaveError, executable
from harness.optional import absence
from harness.spec import Array

FUNCTION, LAYERS = "run_model", "layers"
OURS = ("parity_*.m", f"{FUNCTION}.m")
"""Files of the reference that are no layers: they serve the suite."""
LIMIT = 600.0
"""Seconds that Octave may take."""


def add_program(folder: Path) -> None:
    """Put the function and the layers beside the `model.mat` of a folder."""
    shutil.copyfile(REFERENCE / f"{FUNCTION}.m", folder / f"{FUNCTION}.m")
    shutil.copytree(REFERENCE, folder / LAYERS, ignore=shutil.ignore_patterns(*OURS), dirs_exist_ok=True)


def run_program(folder: Path, inputs: Sequence[Array], outputs: int) -> list[Array]:
    """What Octave gives for some inputs, with nothing but this folder on its path; axes are in Keras' order, those of
    size 1 at the end dropped.

    Raises OctaveError with Octave's last lines.
    """
    program = executable()
    if program is None:
        raise OctaveError(absence("octave"))
    ins = [f"x{place}" for place in range(1, len(inputs) + 1)]
    outs = [f"y{place}" for place in range(1, outputs + 1)]
    with tempfile.TemporaryDirectory(prefix="parity-octave-") as scratch:
        save_mat(Path(scratch) / "in.mat", dict(zip(ins, inputs, strict=True)), compress=False)
        code = (
            f"{NO_DUMPS}addpath({_text(folder)}); load('in.mat'); [{', '.join(outs)}] = {FUNCTION}({', '.join(ins)}); "
            f"save('-v7', 'out.mat', {', '.join(map(repr, outs))});"
        )
        try:
            ended = subprocess.run(  # noqa: S603 - a program of the path, on files of this process
                [program, "--quiet", "--no-init-file", "--no-gui", "--eval", code],
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OctaveError(f"no answer from Octave within {LIMIT:g} s") from None
        if ended.returncode:
            raise OctaveError(ended.stderr.decode(errors="replace").strip()[-500:])
        results: Mapping[str, Array] = read_mat(Path(scratch) / "out.mat")
        return [results[name] for name in outs]


def _text(path: Path) -> str:
    """A path as text of the language."""
    return "'" + str(path.absolute()).replace("'", "''") + "'"
