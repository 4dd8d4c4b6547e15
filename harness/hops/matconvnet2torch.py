"""Our own converter: a MatConvNet SimpleNN `.mat` to a PyTorch module."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.torch_artifact import Argument, save_module


class MatConvNetToTorch:
    """Reads the network without MATLAB, builds an `nn.Sequential` in evaluation mode and saves it whole.

    The module takes and returns N x C x H x W. Its submodules carry MATLAB's layer names; the rule for names that
    PyTorch forbids is at `harness.matlab.torch_layers.torch_name`. The network's average image is not subtracted:
    MatConvNet leaves that to the caller.
    """

    name: ClassVar[str] = "matconvnet2torch"
    source: ClassVar[str] = "matconvnet"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("scipy", "torch")
    worker: ClassVar[str] = "torch"

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.simplenn import read_simplenn
        from harness.matlab.torch_layers import build_simplenn

        network = read_simplenn(artifact)
        taken = network.spec.inputs[0]
        signature = [Argument(taken.name, (None, *taken.shape), taken.dtype)]
        return save_module(build_simplenn(network.spec, network.weights), out, signature)
