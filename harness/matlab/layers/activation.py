"""Activations: PyTorch has nearly all."""

from __future__ import annotations

from harness.matlab.layers.kind import Read, layer
from harness.matlab.layers.stored import numbers
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, constant, softmax

layer("ReLULayer")(constant("nn.ReLU()"))
layer("TanhLayer")(constant("nn.Tanh()"))
layer("SigmoidLayer")(constant("nn.Sigmoid()"))
layer("SwishLayer")(constant("nn.SiLU()"))
layer("SoftplusLayer")(constant("nn.Softplus()"))
layer("SoftmaxLayer")(softmax)


@layer("LeakyReLULayer", read=numbers(Scale=0.01))
def leaky_relu(site: Site) -> Module:
    """PyTorch's, with one slope for all channels."""
    return Module(f"nn.LeakyReLU({site.config.get('Scale', 0.01)})")


def _read_ceiling(record: Record) -> Read:
    return {"Ceiling": record.number("Ceiling")}, {}


@layer("ClippedReLULayer", read=_read_ceiling)
def clipped_relu(site: Site) -> Module:
    """A hard tanh between 0 and the ceiling."""
    return Module(f"nn.Hardtanh(0.0, {site.config['Ceiling']})")


@layer("ELULayer", read=numbers(Alpha=1.0))
def elu(site: Site) -> Module:
    """PyTorch's."""
    return Module(f"nn.ELU({site.config.get('Alpha', 1.0)})")


def _read_slopes(record: Record) -> Read:
    return {}, {"Alpha": record.vector("Alpha")}


@layer("PReLULayer", read=_read_slopes, axes={"Alpha": ("c",)})
def prelu(site: Site) -> Module:
    """PyTorch's; channels of sequences are last."""
    name = "SequencePReLU" if site.rank == 3 else "nn.PReLU"
    return Module(f"{name}({site.weights['Alpha'].size})", {"weight": site.weights["Alpha"]})


def _read_gelu(record: Record) -> Read:
    return {"Approximation": record.text("Approximation", "none", ("none", "tanh"))}, {}


@layer("GELULayer", read=_read_gelu)
def gelu(site: Site) -> Module:
    """PyTorch's, which has the same names for its two formulas."""
    return Module(f"nn.GELU({site.config.get('Approximation', 'none')!r})")
