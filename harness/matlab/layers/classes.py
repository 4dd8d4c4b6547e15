"""The classes of layers that MATLAB saves: which are read, and why the others are not. The data are `classes.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.matlab.layers.kind import TOOLBOX

COMMAND = "parity list matlab --page > docs/matlab-layers.md"


@dataclass(frozen=True)
class LayerClass:
    """A class without its package, the function that makes it, its first release where that is known, and why it is
    not read (empty where it is)."""

    name: str
    function: str
    since: str = ""
    why: str = ""

    @property
    def read(self) -> bool:
        return self.name in TOOLBOX


@cache
def classes() -> tuple[LayerClass, ...]:
    """All classes, by name."""
    table = tomllib.loads(Path(__file__).with_name("classes.toml").read_text(encoding="utf-8"))
    return tuple(LayerClass(name, **row) for name, row in table.items())


def page() -> str:
    """The page of the documentation."""
    count = sum(item.read for item in classes())
    lines = [
        "# Layers that MATLAB saves",
        "",
        f"Written by `{COMMAND}` from `harness/matlab/layers/classes.toml`.",
        "",
        f"Of {len(classes())} classes of layers of Deep Learning Toolbox and the toolboxes beside it, {count} are",
        "read. The others are refused by name, all of a network at once, with the reason below; their classes are",
        "spelled as in the reference pages, not as in files. Some options of a class that is read are refused as well:",
        "[matlab.md](matlab.md) has the meaning of each.",
        "",
        "| class | function | since | read |",
        "|--|--|--|--|",
        *(
            f"| {item.name} | {item.function} | {item.since or '-'} | {'yes' if item.read else f'no: {item.why}'} |"
            for item in classes()
        ),
    ]
    return "\n".join(lines) + "\n"
