"""What the importer knows of each layer: how MATLAB stores it, and how PyTorch says it.

One module per family, with the family's name in the catalogue and in the oracle. A layer is the writer of its PyTorch
module; the decorator `layer` registers it in `KINDS` with its reader and all else that is known of it. Where PyTorch
has no module that means the same, a function of tensors stands beside the writer and goes along in the program
(`Module.functions`), or the module is a class of `harness.matlab.torch.blocks`.

Importing this package registers all layers. It imports no framework: what is written is text.
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
