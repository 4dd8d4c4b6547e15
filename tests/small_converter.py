"""A converter with source in a package of its own, of which a release is on record: what a gate finds changed in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.adapters.registry import HOPS, Registry
from harness.judge.released import Released
from tests.gates import world
from tests.miniatures import Copies, of_numpy, plugin

NAME = "smallconv"
HOP = """\
from smallconv.nodes import dense
from tests.miniatures import Copies


class Reads(Copies):
    name = "reads"

    def convert(self, artifact, out):
        return dense(super().convert(artifact, out))
"""
NODES = """\
def dense(out):
    # what every case needs
    return out


def prelu(out):
    def slope():
        return 0.5
    return slope()
"""


def write(folder: Path) -> Path:
    """The package of the release. Returns its folder."""
    package = folder / NAME
    package.mkdir()
    for name, text in {"__init__": "", "hop": HOP, "nodes": NODES}.items():
        (package / f"{name}.py").write_text(text)
    return package


def record(package: Path, folder: Path) -> None:
    """Put the release on record, the one in `folder`."""
    Released.of(NAME, "1.0", package).save(folder)


def small_world() -> Registry:
    """The world of gates with this converter as the last."""
    known = world()
    reads = replace(
        plugin(Copies, HOPS),
        reference=f"{NAME}.hop:Reads", name="reads", source="mini2", target="mini3", distribution=NAME,
    )  # fmt: skip
    return of_numpy(replace(known, hops=(*known.hops[:-1], reads)))
