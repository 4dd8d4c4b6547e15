"""Our own converter: a `.mat` with a network of MatConvNet to a PyTorch module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.adapters.places import OnTorch
from harness.adapters.torch_artifact import Argument, save_module

if TYPE_CHECKING:
    from harness.matlab.readers.toolbox import Network


def read_matconvnet(path: Path) -> Network:
    """The network of MatConvNet in a file.

    Raises NetworkError for a network of another library, and whatever `read_network` raises.
    """
    from harness.matlab.readers.network import NetworkError, read_network

    network = read_network(path)
    if network.spec.dialect != MatConvNetToTorch.source:
        raise NetworkError(f"this is a {network.dialect}", where=path, expected="a network of MatConvNet")
    return network


class MatConvNetToTorch(OnTorch):
    """Read a SimpleNN or a DagNN without MATLAB, write a PyTorch program, run it, and save the module whole.

    The module takes and returns N x C x H x W. Its submodules have MATLAB's layer names;
    `harness.matlab.torch.source.torch_names` changes names that PyTorch forbids. The module does not subtract the
    network's average image: MatConvNet leaves that to the caller.
    """

    name: ClassVar[str] = "matconvnet2torch"
    source: ClassVar[str] = "matconvnet"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("mat-io", "scipy", "torch")

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.torch.source import program
        from harness.matlab.torch.text import build

        network = read_matconvnet(artifact)
        signature = [Argument(item.name, (None, *item.shape), item.dtype) for item in network.spec.inputs]
        return save_module(build(program(network.spec, network.weights)), out, signature)
