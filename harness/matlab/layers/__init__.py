"""What the importer knows of each layer: how MATLAB stores it, and how PyTorch says it.

One module per family. Importing this package registers them all in `KINDS`. No framework is imported: what is written
is text.
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
