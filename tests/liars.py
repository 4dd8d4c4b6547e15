"""Hops that die, hang, flood, or lie about what they made. The harness must survive each and call it by its name.

They copy an ONNX file to an ONNX file, or import it, each with one misdeed. No fault of the self-test is among them:
`tests/workers/test_liars.py` walks them, and docs/extending.md says which outcome each has.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

GIGABYTE = 2**30


class Honest:
    """Copies the file, and does nothing wrong."""

    name: ClassVar[str] = "liar-honest"
    source: ClassVar[str] = "onnx"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("onnx",)
    worker: ClassVar[str] = "onnxruntime"

    def convert(self, artifact: Path, out: Path) -> Path:
        shutil.copy(artifact, out)
        self.lie(out)
        return out

    def lie(self, out: Path) -> None:
        """What it does wrong, once the file is written."""


class Segfaults(Honest):
    """Reads where nothing is."""

    name = "liar-segfaults"

    def lie(self, out: Path) -> None:
        ctypes.string_at(0)


class Hangs(Honest):
    """Never comes back."""

    name = "liar-hangs"

    def lie(self, out: Path) -> None:
        while True:
            time.sleep(1)


class HangsHoldingOn(Honest):
    """Never comes back, and lets no other thread of its process run."""

    name = "liar-hangs-holding-on"

    def lie(self, out: Path) -> None:
        sys.setswitchinterval(3600)
        while True:
            pass


class EatsMemory(Honest):
    """Takes memory until it gets no more."""

    name = "liar-eats-memory"

    def lie(self, out: Path) -> None:
        taken: list[Any] = []
        while len(taken) < 64:  # a harness without a limit is spared the worst
            taken.append(np.empty(GIGABYTE // 4, dtype=np.uint8))


class Exits(Honest):
    """Ends its process as if all were well."""

    name = "liar-exits"

    def lie(self, out: Path) -> None:
        os._exit(0)


class ExitsPolitely(Honest):
    """Calls sys.exit, as a script that became a library does."""

    name = "liar-exits-politely"

    def lie(self, out: Path) -> None:
        sys.exit(3)


class Floods(Honest):
    """Prints a gigabyte."""

    name = "liar-floods"

    def lie(self, out: Path) -> None:
        chunk = b"." * (2**20 - 1) + b"\n"
        for _ in range(GIGABYTE // len(chunk)):
            os.write(1, chunk)


class FloodsAndDies(Floods):
    """Prints a gigabyte, then a last word, and dies."""

    name = "liar-floods-and-dies"

    def lie(self, out: Path) -> None:
        super().lie(out)
        os.write(2, b"the last word\n")
        os._exit(9)


class WritesNothing(Honest):
    """Says it wrote a file."""

    name = "liar-writes-nothing"

    def lie(self, out: Path) -> None:
        out.unlink()


class WritesFolder(Honest):
    """Leaves a folder where the file should be."""

    name = "liar-writes-folder"

    def lie(self, out: Path) -> None:
        out.unlink()
        out.mkdir()


class CutsFile(Honest):
    """Writes half a file."""

    name = "liar-cuts-file"

    def lie(self, out: Path) -> None:
        out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])


class EmptiesFile(Honest):
    """Writes a file of no bytes."""

    name = "liar-empties-file"

    def lie(self, out: Path) -> None:
        out.write_bytes(b"")


class WritesAnother(Honest):
    """Writes another model, with the same inputs and outputs: all zeros."""

    name = "liar-writes-another"

    def lie(self, out: Path) -> None:
        _append(out, "Sub", 2)


class AnswersNothing(Honest):
    """Returns no path."""

    name = "liar-answers-nothing"

    def convert(self, artifact: Path, out: Path) -> Path:
        super().convert(artifact, out)
        return None  # type: ignore[return-value]


class OutputsTurned(Honest):
    """Declares the outputs in the reverse order."""

    name = "liar-outputs-turned"

    def lie(self, out: Path) -> None:
        import onnx

        model = onnx.load(out)
        outputs = list(model.graph.output)
        del model.graph.output[:]
        model.graph.output.extend(outputs[::-1])
        onnx.save(model, out)


class InputsRenamed(Honest):
    """Calls the input by another name."""

    name = "liar-inputs-renamed"

    def lie(self, out: Path) -> None:
        import onnx

        model = onnx.load(out)
        first = model.graph.input[0].name
        for node in model.graph.node:
            node.input[:] = ["another" if name == first else name for name in node.input]
        model.graph.input[0].name = "another"
        onnx.save(model, out)


class OutputsAdded(Honest):
    """Declares its output twice over."""

    name = "liar-outputs-added"

    def lie(self, out: Path) -> None:
        import onnx

        model = onnx.load(out)
        first = model.graph.output[0]
        model.graph.node.append(onnx.helper.make_node("Identity", [first.name], ["more"]))
        more = model.graph.output.add()
        more.CopyFrom(first)
        more.name = "more"
        onnx.save(model, out)


class OtherEachTime(Honest):
    """Gives other values on each call."""

    name = "liar-other-each-time"

    def lie(self, out: Path) -> None:
        _append(out, "RandomUniformLike", 1)


class LiesLater:
    """Imports the file into PyTorch; what it does depends on how often it was called."""

    name: ClassVar[str] = "liar-not-a-number-later"
    source: ClassVar[str] = "onnx"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx2torch")
    worker: ClassVar[str] = "torch"

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx2torch

        from harness.adapters.torch_artifact import save_module
        from harness.planted.torch_module import wrapped

        def call(inner: Any, *inputs: Any) -> Any:
            inner.calls = getattr(inner, "calls", 0) + 1
            outputs = inner(*inputs)
            parts = outputs if isinstance(outputs, list | tuple) else [outputs]
            return [self.spoilt(part, inner.calls) for part in parts]

        return save_module(wrapped(onnx2torch.convert(str(artifact)), call), out)

    @staticmethod
    def spoilt(value: Any, calls: int) -> Any:
        """Not a number from the second call on."""
        return value if calls == 1 else value * float("nan")


class DriftsLater(LiesLater):
    """Gives a little more on each call."""

    name = "liar-drifts-later"

    @staticmethod
    def spoilt(value: Any, calls: int) -> Any:
        return value * (1 + (calls - 1) * 1e-6)


def _append(path: Path, kind: str, inputs: int) -> None:
    """Give the model's first output to a last node, and return what that makes."""
    import onnx

    model = onnx.load(path)
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if output == name else output for output in node.output]
        node.input[:] = ["before" if source == name else source for source in node.input]
    model.graph.node.append(onnx.helper.make_node(kind, ["before"] * inputs, [name]))
    onnx.save(model, path)
