"""The layers of the importer: how MATLAB stores each, and how it is written for PyTorch.

One module per family, with the family's name in the catalogue and in the oracle. A layer is the writer of its PyTorch
module; the decorator `layer` registers it in `KINDS` with its reader and the other fields of `Kind`. If PyTorch has no
module with the same meaning, a function of tensors stands beside the writer and is copied into the program
(`Module.functions`), or the module is a class of `harness.matlab.torch.blocks`.

Importing this package registers all layers. It imports no framework, as the program is text.
"""

from importlib import import_module
from pkgutil import iter_modules

from harness.matlab.layers.inputs import INPUTS
from harness.matlab.layers.kind import KINDS, MATCONVNET, TOOLBOX, Kind, Read, Unsupported, kind_of, read_layer
from harness.matlab.layers.shallow import TRANSFER

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "INPUTS",
    "KINDS",
    "MATCONVNET",
    "TOOLBOX",
    "TRANSFER",
    "Kind",
    "Read",
    "Unsupported",
    "kind_of",
    "read_layer",
]
