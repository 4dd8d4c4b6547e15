"""Inputs of a network of MATLAB that the user gives, in place of drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.matlab.readers.toolbox import Network
from harness.models.guard import ModelError
from harness.models.origin import Origin
from harness.models.samples import read_inputs
from harness.spec import Array


@dataclass(frozen=True)
class Given:
    """The arrays by the names of the network's inputs, and what was done to them, in words."""

    arrays: Mapping[str, Array]
    said: str = ""

    def __str__(self) -> str:
        return f"as given: {self.said}" if self.said else "as given"


def given(path: Path, network: Network, file: Path) -> Given:
    """The inputs in an .npz or .mat file, in an .npy file (for an only input), or in a folder of images.

    Arrays have the axes of the PyTorch program: N x C x H x W (x D), N x T x C or N x C. Raises ModelError where they
    are not those of the network in `file`.
    """
    try:
        (arrays,), said = read_inputs(path, Origin(file, "matlab", file, network.spec))
    except (TypeError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"it holds no numbers: {error}", where=path, expected="arrays of numbers") from None
    counts = {name: len(value) for name, value in arrays.items()}
    if set(counts.values()) != {count := max(counts.values())} or not count:
        came = ", ".join(f"{name} {n}" for name, n in counts.items())
        raise ModelError("the numbers of samples do not fit", where=path, expected="as many of each input", came=came)
    return Given(arrays, said)
