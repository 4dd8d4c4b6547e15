"""Layers of shallow networks: transfer functions, and the processing of inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.matlab.layers.kind import Read, layer
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, Writer, constant, softmax

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TRANSFER = {
    "tansig": constant("nn.Tanh()"),
    "logsig": constant("nn.Sigmoid()"),
    "poslin": constant("nn.ReLU()"),
    "satlin": constant("nn.Hardtanh(0.0, 1.0)"),
    "satlins": constant("nn.Hardtanh()"),
    "elliotsig": constant("nn.Softsign()"),
    "softmax": softmax,
    **{name: constant(f"Transfer({name!r})") for name in ("radbas", "tribas", "hardlim", "hardlims")},
}
"""Transfer functions, each the kind of a layer; `purelin` is no layer."""
for _name, _write in TRANSFER.items():
    layer(_name)(_write)


def _read_mapping(record: Record) -> Read:
    gain = record.vector("gain")
    return {"y": record.number("y")}, {"xoffset": record.vector("xoffset", gain.size), "gain": gain}


def _mapping(reverse: bool) -> Writer:
    def write(site: Site) -> Module:
        state = {name: site.weights[name] for name in ("xoffset", "gain")}
        return Module(f"Mapping({state['gain'].size}, {site.config['y']}, {reverse})", state)

    return write


layer("mapminmax", "mapstd", read=_read_mapping)(_mapping(False))
layer("mapminmax_reverse", "mapstd_reverse", read=_read_mapping)(_mapping(True))


def _read_rows(record: Record) -> Read:
    """Numbers of the features to keep and to remove, from 1; each feature is in one of both lists."""
    keep, remove = ([int(n) for n in record.numbers(name, [])] for name in ("keep", "remove"))
    if sorted(keep + remove) != list(range(1, len(keep) + len(remove) + 1)):
        raise record.fault("keep", "with remove each feature once, from 1")
    values = {"value": record.vector("value", len(remove))} if record.kind.endswith("_reverse") else {}
    return {"keep": keep, "remove": remove}, values


def _rows(site: Site, name: str) -> tuple[int, ...]:
    return tuple(int(n) - 1 for n in site.config[name])


@layer("removeconstantrows", read=_read_rows)
def keep_rows(site: Site) -> Module:
    """`KeepRows`: the features to keep."""
    return Module(f"KeepRows({_rows(site, 'keep')})")


@layer("removeconstantrows_reverse", read=_read_rows)
def restore_rows(site: Site) -> Module:
    """`RestoreRows`: the constant features return to their places."""
    text = f"RestoreRows({_rows(site, 'keep')}, {_rows(site, 'remove')})"
    return Module(text, {"value": site.weights["value"]})


def tapped(delays: Sequence[int], longest: int) -> Callable[[Tensor], Tensor]:
    """The steps of a sequence that lie so many steps back, one behind the other, from the step `longest` on."""

    def taken(x: Tensor) -> Tensor:
        steps = x.shape[1] - longest
        return torch.cat([x[:, longest - delay : longest - delay + steps] for delay in delays], dim=2)

    return taken


@layer("tapdelay")
def tapdelay(site: Site) -> Module:
    """`tapped`: PyTorch has no delay line."""
    delays = [int(n) for n in site.config["delays"]]
    return Module(f"Call(tapped({delays}, {int(site.config['longest'])}))", functions=(tapped,))
