"""A full-size ResNet-50 from a `.mat` to PyTorch: seconds and memory of every step, and the error of every layer.

    python benchmarks/resnet50.py [FILE]

Draws the network of examples/resnet50 at 224 x 224 pixels (25.6 million weights), writes the `.mat` (to FILE, or to
a temporary folder) and reads it in the reader's process. The torch process writes model.py and its weights and runs
them on one image. The error of a layer is its largest difference from the oracle in double precision, relative to its
largest value. Memory is the resident peak of a call beyond that of the process before it, also as a multiple of the
file's size. On a busy machine one thread is faster (OPENBLAS_NUM_THREADS=1).
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.readers.plain import write_plain
from harness.models import reader
from harness.oracle import evaluate
from harness.run.session import Session
from harness.workers.protocol import Call, Failure, Load

BUILD = Path(__file__).resolve().parents[1] / "examples" / "resnet50" / "build.py"
LIMIT = 600.0
LIKELY = 1e-4
"""Limit of the relative error of a layer; a right conversion stays far below."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the seconds of a step."""
    began = time.perf_counter()
    yield
    print(f"{what:48}{time.perf_counter() - began:8.2f} s", flush=True)


def call(session: Session, function: str, *arguments: Any) -> Any:
    """The value and the peak of memory in bytes of a function in the torch process. Raises RuntimeError."""
    answer = session.workers["torch"].request(Call(f"harness.models.deliver:{function}", arguments), LIMIT)
    if isinstance(answer.value, Failure):
        raise RuntimeError(answer.value.sentence)
    return answer.value, answer.peak


def main(path: Path, folder: Path) -> int:
    """Print the figures. Returns the exit code, 0 if every layer is right."""
    build = runpy.run_path(str(BUILD))
    with timed("drawing the weights"):
        spec, weights = build["resnet50"]()
    with timed("writing the .mat"):
        write_plain(spec, weights, path, source="benchmarks/resnet50", compress=False)
    size = path.stat().st_size
    print(f"{'size of the .mat':48}{size / 2**20:8.1f} MiB, {len(spec.layers)} layers")
    with reader.Reader() as opened, Session() as session:
        with timed("starting the reader and torch"):
            opened.worker.start()
            opened.worker.request(Load())
            session.workers["torch"].request(Load(), LIMIT)
        with timed("reading the .mat, in its process and back"):
            network = reader.network_of(path, by=opened)
        print_peak("peak of the reader", opened.peak, size)
        wide = build["every_output"](network.spec)
        source = np.random.Generator(np.random.PCG64(0))
        inputs = {item.name: source.uniform(0, 255, (1, *item.shape)).astype(np.float32) for item in wide.inputs}
        with timed("writing model.py and weights.safetensors"):
            _, peak = call(session, "deliver", "torch", wide, dict(network.weights), folder, "")
        print_peak("peak of torch, writing", peak, size)
        with timed("loading them and one image, all layers back"):
            outputs, peak = call(session, "outputs", "torch", folder, inputs)
        print_peak("peak of torch, running", peak, size)
    with timed("the oracle, once"):
        expected = evaluate(wide, weights, inputs)
    errors = {
        name: float(np.abs(value - expected[name]).max() / np.abs(expected[name]).max())
        for name, value in zip(wide.outputs, outputs, strict=True)
    }
    worst = max(errors, key=lambda name: errors[name])
    print(f"largest error of {len(errors)} layers: {errors[worst]:.2g} of the largest value, at {worst}")
    for name in (wide.outputs[-3], wide.outputs[-1]):
        print(f"error of {name}: {errors[name]:.2g}")
    return int(errors[worst] > LIKELY)


def print_peak(what: str, peak: int, size: int) -> None:
    """Print a peak in MiB and as a multiple of the file's size."""
    print(f"{what:48}{peak / 2**20:8.0f} MiB, {peak / size:.1f} times the file")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch, "resnet50.mat")
        sys.exit(main(path, Path(scratch, "torch")))
