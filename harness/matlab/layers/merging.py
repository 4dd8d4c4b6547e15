"""Layers of several inputs: sums, products, concatenations."""

from __future__ import annotations

from harness.matlab.layers.kind import Read, layer
from harness.matlab.layouts import axis_of, channel_axis
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, constant

layer("AdditionLayer")(constant("Add()"))
layer("MultiplicationLayer")(constant("Multiply()"))


@layer("DepthConcatenationLayer")
def depth_concatenation(site: Site) -> Module:
    """Along the channels."""
    return Module(f"Concatenate({channel_axis(site.rank)})")


def _read(record: Record) -> Read:
    return {"Dim": record.whole("Dim", 1)[0]}, {}


@layer("ConcatenationLayer", read=_read)
def concatenation(site: Site) -> Module:
    """Along one of MATLAB's dimensions."""
    return Module(f"Concatenate({axis_of(site.config['Dim'], site.rank)})")
