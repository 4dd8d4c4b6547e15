"""A miniature world for the harness's tests: a format, a runtime and hops that need NumPy alone.

Mocks, and they say so: real frameworks take ten seconds to start, and misbehave only when they like. The
format is the Spec and its weights in a file, the runtime is the oracle in float32; each hop copies the file and
does one thing wrong. Workers, walk and comparator are the real ones.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.registry import Plugin, Registry, facts_of
from harness.catalogue import find
from harness.draw import seeded_case
from harness.oracle import evaluate
from harness.spec import Array, Case, Spec
from harness.workers.wire import pack_all, unpack_all
from tests.naps import FOREVER, nap

SLOW = 300.0
"""Seconds that `SlowOnSome` says it sleeps."""


class MiniFormat:
    name: ClassVar[str] = "mini"
    suffix: ClassVar[str] = ".mini"
    dialect: ClassVar[str | None] = "keras"
    worker: ClassVar[str] = "mini"
    requires: ClassVar[tuple[str, ...]] = ("numpy",)

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        packed = {name: (d, s, b.hex()) for name, (d, s, b) in pack_all(weights).items()}
        path.write_text(json.dumps({"spec": spec.to_json(), "weights": packed}))

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        data = json.loads(path.read_text())
        packed = {name: (d, tuple(s), bytes.fromhex(b)) for name, (d, s, b) in data["weights"].items()}
        return Spec.from_json(data["spec"]), unpack_all(packed)


class WritesNoSource(MiniFormat):
    """A framework that cannot save any model, as with a package of another version than it needs."""

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        raise ImportError("the framework is broken")


class MiniRuntime:
    name: ClassVar[str] = "oracle32"
    format: ClassVar[str] = "mini"
    worker: ClassVar[str] = "mini"
    requires: ClassVar[tuple[str, ...]] = ("numpy",)

    def open(self, artifact: Path) -> Any:
        return MiniFormat().read(artifact)

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> tuple[list[Any], None]:
        outputs = evaluate(*opened, inputs)
        return [v.astype(np.float32) if v.dtype.kind == "f" else v for v in outputs.values()], None


class MiniTwoRuntime(MiniRuntime):
    name: ClassVar[str] = "oracle32two"
    format: ClassVar[str] = "mini2"

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> tuple[list[Any], None]:
        spec, weights = opened
        baked = weights.get("baked/batch")
        if baked is not None and any(len(value) != baked for value in inputs.values()):
            raise ValueError(f"the graph is for a batch of {int(baked)}")
        return super().run((spec, weights), inputs)


class Copies:
    name: ClassVar[str] = "copies"
    source: ClassVar[str] = "mini"
    target: ClassVar[str] = "mini2"
    worker: ClassVar[str] = "mini"
    requires: ClassVar[tuple[str, ...]] = ("numpy",)

    def convert(self, artifact: Path, out: Path) -> Path:
        out.write_bytes(artifact.read_bytes())
        return out


class Refuses(Copies):
    name: ClassVar[str] = "refuses"

    def convert(self, artifact: Path, out: Path) -> Path:
        raise NotImplementedError("no converter for Dense")


class LacksPackage(Copies):
    name: ClassVar[str] = "lackspackage"

    def convert(self, artifact: Path, out: Path) -> Path:
        import no_such_package.part

        return Path(no_such_package.part.convert(artifact, out))


class LacksModule(Copies):
    name: ClassVar[str] = "lacksmodule"

    def convert(self, artifact: Path, out: Path) -> Path:
        import numpy.no_such_module

        return Path(numpy.no_such_module.convert(artifact, out))


class WritesNothing(Copies):
    name: ClassVar[str] = "writesnothing"

    def convert(self, artifact: Path, out: Path) -> Path:
        return out


class WritesRubbish(Copies):
    name: ClassVar[str] = "writesrubbish"

    def convert(self, artifact: Path, out: Path) -> Path:
        out.write_bytes(artifact.read_bytes()[:40])
        return out


class Exits(Copies):
    name: ClassVar[str] = "exits"

    def convert(self, artifact: Path, out: Path) -> Path:
        print("about to leave", flush=True)
        os._exit(7)


class KillsItself(Copies):
    name: ClassVar[str] = "killsitself"

    def convert(self, artifact: Path, out: Path) -> Path:
        signal.raise_signal(signal.SIGKILL)
        return out


class Sleeps(Copies):
    name: ClassVar[str] = "sleeps"

    def convert(self, artifact: Path, out: Path) -> Path:
        nap(FOREVER)
        return out


class WritesIntoInputs(MiniTwoRuntime):
    """A runtime that leaves its outputs in the first input, as in-place operators do."""

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> tuple[list[Any], Any]:
        outputs, names = super().run(opened, inputs)
        next(iter(inputs.values()))[...] = 0
        return outputs, names


class AnswersOddly(MiniTwoRuntime):
    """A runtime whose output names are no plain data."""

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> tuple[list[Any], Any]:
        outputs, _ = super().run(opened, inputs)
        return outputs, [object()]


class Doubles(Copies):
    name: ClassVar[str] = "doubles"

    def convert(self, artifact: Path, out: Path) -> Path:
        spec, weights = MiniFormat().read(artifact)
        MiniFormat().write(spec, {name: value * 2 for name, value in weights.items()}, out)
        return out


class Bakes(Copies):
    """Keeps the batch that `dense_case` has."""

    name: ClassVar[str] = "bakes"

    def convert(self, artifact: Path, out: Path) -> Path:
        spec, weights = MiniFormat().read(artifact)
        MiniFormat().write(spec, {**weights, "baked/batch": np.array(2)}, out)
        return out


def _trips(artifact: Path) -> bool:
    """On what the next four stumble: strides and a kernel of a Conv2D that are both large."""
    config: Any = MiniFormat().read(artifact)[0].layers[0].config
    return max(config["strides"]) >= 2 and max(config["kernel_size"]) >= 3


class DoublesSome(Copies):
    name: ClassVar[str] = "doublessome"

    def convert(self, artifact: Path, out: Path) -> Path:
        spec, weights = MiniFormat().read(artifact)
        factor = 2 if _trips(artifact) else 1
        MiniFormat().write(spec, {name: value * factor for name, value in weights.items()}, out)
        return out


class SegfaultsOnSome(Copies):
    name: ClassVar[str] = "segfaultsonsome"

    def convert(self, artifact: Path, out: Path) -> Path:
        if _trips(artifact):
            ctypes.string_at(0)
        return super().convert(artifact, out)


class HangsOnSome(Copies):
    name: ClassVar[str] = "hangsonsome"

    def convert(self, artifact: Path, out: Path) -> Path:
        if _trips(artifact):
            nap(FOREVER)
        return super().convert(artifact, out)


class SlowOnSome(Copies):
    """Takes longer than a walk in a hurry has, and hangs where the kernel is large besides."""

    name: ClassVar[str] = "slowonsome"

    def convert(self, artifact: Path, out: Path) -> Path:
        if _trips(artifact):
            config: Any = MiniFormat().read(artifact)[0].layers[0].config
            nap(FOREVER if config["data_format"] == "channels_first" else SLOW)
        return super().convert(artifact, out)


class SleepsOnActivation(Copies):
    name: ClassVar[str] = "sleepsonactivation"

    def convert(self, artifact: Path, out: Path) -> Path:
        if "Activation" in artifact.read_text():
            nap(FOREVER)
        return super().convert(artifact, out)


class Uninstalled(Copies):
    """Needs what nobody has."""

    name: ClassVar[str] = "uninstalled"
    requires: ClassVar[tuple[str, ...]] = ("numpy>=99", "no-such-thing")


class NoSource(Copies):
    """Begins with a format that nothing makes."""

    name: ClassVar[str] = "nosource"
    source: ClassVar[str] = "mimi"


class NoTarget(Copies):
    """Ends with a format that nothing runs."""

    name: ClassVar[str] = "notarget"
    target: ClassVar[str] = "mini3"


class NoList(Copies):
    name: ClassVar[str] = "nolist"
    requires: ClassVar[str] = "numpy"  # type: ignore[assignment]


class MatlabFormat(MiniFormat):
    """The same for models of another dialect."""

    name: ClassVar[str] = "minimat"
    dialect: ClassVar[str | None] = "matlab"


class OfMatlab(Copies):
    name: ClassVar[str] = "ofmatlab"
    source: ClassVar[str] = "minimat"


class NoContract:
    name: ClassVar[str] = "nocontract"


HOPS = (Copies, Refuses, WritesNothing, WritesRubbish, Exits, KillsItself, Sleeps, Doubles, Bakes)


def plugin(cls: type, kind: str) -> Plugin:
    return Plugin(**facts_of(cls, kind, f"{cls.__module__}:{cls.__name__}"))


def registry(*hops: type) -> Registry:
    return Registry(
        formats=(plugin(MiniFormat, "formats"),),
        hops=tuple(plugin(hop, "hops") for hop in hops or HOPS),
        runtimes=(plugin(MiniRuntime, "runtimes"), plugin(MiniTwoRuntime, "runtimes")),
    )


def of_numpy(known: Registry) -> Registry:
    """The same as if it came with NumPy: steps of classes of no distribution are not kept."""
    parts = {"formats": known.formats, "hops": known.hops, "runtimes": known.runtimes}
    owned = {kind: tuple(replace(each, origin="numpy") for each in part) for kind, part in parts.items()}
    return replace(known, **owned)


def dense_case(seed: int = 0, **choice: Any) -> Case:
    """A small Dense case with its golden."""
    row = find("keras", "Dense")
    full = row.complete({"activation": None, **choice})
    assert full
    return seeded_case(row, full, seed)
