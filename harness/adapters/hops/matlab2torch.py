"""Our own converter: a `.mat` with a network of MATLAB to a PyTorch module."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTorch
from harness.adapters.torch_artifact import Argument, save_module


class MatlabToTorch(OnTorch):
    """Read the network without MATLAB, write a PyTorch program, run it, and save the module whole.

    The file may have any form that `harness.matlab.readers.network` reads. The first lines of the program state the
    layout of the inputs.
    """

    name: ClassVar[str] = "matlab2torch"
    source: ClassVar[str] = "matlab"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("mat-io", "scipy", "torch")

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.readers.network import read_network
        from harness.matlab.torch.source import program
        from harness.matlab.torch.text import build

        network = read_network(artifact)
        signature = [Argument(item.name, (None, *item.shape), item.dtype) for item in network.spec.inputs]
        return save_module(build(program(network.spec, network.weights)), out, signature)
