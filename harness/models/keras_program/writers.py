"""What every writer of a layer shares: the layer where it is called, its module, and the writers by kind of layer.

A writer takes the site of a layer and returns the expression that makes its module: of PyTorch where a module there has
the same meaning, otherwise of a class of `blocks.py`. Formulas and weights are those of https://keras.io/api/layers/
and https://docs.pytorch.org/docs/stable/nn.html.

A program is run, and a file may be anybody's: only whole numbers, `real` ones and names that are known here get into an
expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.spec import Array, Config


class Unwritten(Exception):
    """A layer, or an option of one, that no program has; the message says which option, '' if the layer itself."""


@dataclass(frozen=True)
class Site:
    """A layer where it is called: its kind, options and weights, and whether what it reads has a mask."""

    kind: str
    config: Config
    weights: Mapping[str, Array] = field(default_factory=dict)
    masked: bool = False

    @property
    def axes(self) -> int:
        """The spatial axes of a layer that has their number in its name: 2 for Conv2D."""
        return next(int(letter) for letter in self.kind if letter.isdigit())


@dataclass(frozen=True)
class Part:
    """A module: the expression that makes it, its parameters and buffers, and the number of tensors that it gives."""

    text: str
    state: Mapping[str, Array] = field(default_factory=dict)
    outputs: int = 1

    def under(self, name: str) -> dict[str, Array]:
        """Its parameters as those of a submodule of this name."""
        return {f"{name}.{key}": value for key, value in self.state.items()}


Writer = Callable[[Site], Part]
WRITERS: dict[str, Writer] = {}
"""The writer of each kind of layer that a program can have; models within a model are written out before."""


def layer(*kinds: str) -> Callable[[Writer], Writer]:
    """Register the writer of some kinds of layers."""

    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return register


def written(site: Site) -> Part:
    """A layer as a module. Raises Unwritten."""
    if site.kind not in WRITERS:
        raise Unwritten("")
    if site.config.get("data_format") == "channels_first":
        raise Unwritten("channels_first")
    for option in ("lora_rank", "stateful", "quantization_config"):
        if site.config.get(option):
            raise Unwritten(option)
    return WRITERS[site.kind](site)


def wrapped(inner: Mapping[str, Any], weights: Mapping[str, Array], *, masked: bool = False) -> Part:
    """A layer within another as a module: kind and configuration. Raises Unwritten with its kind."""
    try:
        return written(Site(inner["kind"], inner["config"], weights, masked))
    except Unwritten as why:
        raise Unwritten(f"around {inner['kind']}" + (f", {why}" if str(why) else "")) from None


def chain(*parts: Part) -> Part:
    """Modules one after the other. Raises Unwritten where one within gives several tensors."""
    if any(each.outputs > 1 for each in parts):
        raise Unwritten("several outputs")
    if len(parts) == 1:
        return parts[0]
    state = {key: value for place, each in enumerate(parts) for key, value in each.under(str(place)).items()}
    return Part(f"nn.Sequential({', '.join(each.text for each in parts)})", state)


def around(template: str, inner: Part) -> Part:
    """A module within `inner=` of another, whose expression is `template` with the module's at `{}`."""
    return Part(template.format(inner.text), inner.under("inner"), inner.outputs)


def real(config: Config, name: str, default: float) -> str:
    """An option that is a number, as Python text: whatever else a file has there must not get into a program.

    Raises Unwritten.
    """
    return text_of(name, default if config.get(name) is None else config[name])


def text_of(name: str, value: Any) -> str:
    """A finite number as Python text. Raises Unwritten with the name of the option for anything else."""
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise Unwritten(f"{name} {value!r}")
    return repr(value)


def many(config: Config, name: str, axes: int, default: Any = 1) -> tuple[int, ...]:
    """An option that is one number for all axes or one for each, as one for each."""
    value = config.get(name, default)
    return (int(value),) * axes if isinstance(value, int) else tuple(int(n) for n in value)


def axes_of(config: Config) -> list[int]:
    """The option `axis`, which is one or several."""
    axis = config.get("axis", -1)
    return [axis] if isinstance(axis, int) else [int(n) for n in axis]
