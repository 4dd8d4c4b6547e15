"""A miniature world whose last converter asks `minipkg`, a package with releases; `minidep` is what it needs besides.

What is installed here lies in a folder of its own, before everything else; the releases lie in an index.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.registry import RUNTIMES, Registry
from harness.spec import Array
from tests.bisection.miniature import NAME, release
from tests.gates import world
from tests.miniatures import Copies, MiniTwoRuntime, plugin

DEPENDENCY = "minidep"


class Asks(Copies):
    """Copies the file if `minipkg` gives 1, and refuses else."""

    requires: ClassVar[tuple[str, ...]] = (NAME, DEPENDENCY)
    distribution: ClassVar[str] = NAME

    def convert(self, artifact: Path, out: Path) -> Path:
        import minipkg

        if minipkg.answer() != 1.0:
            raise NotImplementedError(f"minipkg gives {minipkg.answer()}")
        return super().convert(artifact, out)


class Elsewhere(MiniTwoRuntime):
    """A device that is wrong where the first weight is negative, whatever made the artifact."""

    name: ClassVar[str] = "fake"
    device: ClassVar[str] = "fake"
    format: ClassVar[str] = "mini3"
    worker: ClassVar[str] = "mini-fake"

    def probe(self) -> dict[str, str]:
        return {"name": "Stand-in", "capability": "1.0"}

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> tuple[list[Any], None]:
        outputs, names = super().run(opened, inputs)
        first = next(iter(opened[1].values())).flat[0]
        return [value + np.float32(first < 0) for value in outputs], names

    def ran_on(self, opened: Any) -> dict[str, Any]:
        return {**self.probe(), "operators": {"fake": 1}}


def asking() -> Registry:
    """The world. Its plugins count as those of an installed distribution, so that their steps are kept."""
    small = world(Asks, reference=f"{__name__}:Asks")
    runtimes = (*small.runtimes, plugin(Elsewhere, RUNTIMES))
    kinds = {"formats": small.formats, "hops": small.hops, "runtimes": runtimes}
    return replace(
        small, **{kind: tuple(replace(each, origin=DEPENDENCY) for each in own) for kind, own in kinds.items()}
    )


def install(site: Path, version: str, source: str, *, name: str = NAME) -> None:
    """Have this version of a package, with this source, and no other in a folder."""
    for old in [*site.glob(f"{name}-*"), *site.glob(f"{name}.py")]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    release(site / "wheels", version, source, name=name)
    zipfile.ZipFile(site / "wheels" / f"{name}-{version}-py3-none-any.whl").extractall(site)
