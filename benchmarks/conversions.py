"""Converts golden Keras cases to ONNX, and on to PyTorch, and writes what was entered on the way.

    python -m benchmarks.conversions keras FOLDER < IDS
    python -m benchmarks.conversions torch FOLDER < IDS

`benchmarks/operators.py` starts it: TensorFlow and torch cannot share a process. FOLDER receives `onnx/ID.onnx`, and
one JSON line for each case in `keras.ndjson` or `torch.ndjson`: its id, what each converter said (nothing where it
converted), and the lines of their sources that were entered for the first time (`benchmarks/entered.py`).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.entered import Watch
from harness.adapters.formats.keras_file import KerasFile
from harness.adapters.hops.onnx2pytorch import Onnx2PyTorch
from harness.adapters.hops.onnx2torch import Onnx2Torch
from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.adapters.runtimes.torch import TorchRuntime
from harness.corpus.store import Entry, Store
from harness.run.session import home

WATCHED = {"keras": ("tf2onnx",), "torch": ("onnx2torch", "onnx2pytorch")}


def package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    return Path(str(find_spec(name).origin)).parent


def keras_pass(entry: Entry, folder: Path) -> dict[str, str]:
    """Convert one case to ONNX at tf2onnx's default opset."""
    case, out = entry.load(), folder / "onnx" / f"{entry.id}.onnx"

    def convert(scratch: Path) -> None:
        KerasFile().write(case.spec, case.weights, scratch / "model.keras")
        Tf2Onnx().convert(scratch / "model.keras", scratch / "model.onnx")
        (scratch / "model.onnx").replace(out)

    return {"tf2onnx": _attempt(convert)}


def torch_pass(entry: Entry, folder: Path) -> dict[str, str]:
    """Convert one ONNX file by both importers, and run the modules on the case's first inputs."""
    source = folder / "onnx" / f"{entry.id}.onnx"
    if not source.exists():
        return {}
    inputs = entry.load().samples[0].inputs

    def convert(hop: Onnx2Torch | Onnx2PyTorch, scratch: Path) -> None:
        artifact = hop.convert(source, scratch / "model.pt")
        TorchRuntime().run(TorchRuntime().open(artifact), inputs)

    return {hop.name: _attempt(partial(convert, hop)) for hop in (Onnx2Torch(), Onnx2PyTorch())}


def _attempt(convert: Callable[[Path], None]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            convert(Path(scratch))
        except Exception as error:  # a refusal: whatever the converter raises
            return f"{type(error).__name__}: {error}"[:300]
    return ""


PASSES = {"keras": keras_pass, "torch": torch_pass}


def main(name: str, folder: Path) -> None:
    """Convert the cases whose ids stand on standard input."""
    if name == "keras":
        os.environ.update(Tf2Onnx.environment)
    wanted = sys.stdin.read().split()
    entries = {entry.id: entry for entry in Store(home() / "golden").entries() if entry.dialect == "keras"}
    watch = Watch([package(one) for one in WATCHED[name]])
    with (folder / f"{name}.ndjson").open("a", encoding="utf-8") as lines:
        for case in wanted:
            said = PASSES[name](entries[case], folder)
            lines.write(json.dumps({"case": case, "said": said, "entered": watch.news()}) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
