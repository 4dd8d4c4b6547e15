"""Keeps an untrusted model file within bounds: its archive, its inputs, and the time and memory that it takes."""

from __future__ import annotations

import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import psutil

from harness.errors import InputError, Undecided
from harness.models.keras_archive import CONFIG, MOST_BYTES
from harness.spec import Input

RATIO, ROOM = 20, 64 * 2**20
"""A file may unpack to so many times its size and so many bytes more. Keras does not compress what it saves."""
SECONDS, MEMORY = 180.0, 4 * 2**30
"""Processor time and bytes that reading a model may take in a worker, beyond those for its size."""
RATE, COPIES = 2**20, 8
"""Bytes of a file that are read in a second at least, and how often they may lie in memory."""
NUMBERS = 2**26
"""Most numbers in an input that is drawn."""
RUN = 8 * 2**30
"""Bytes that computing the truth may take, in this process or in a worker, beyond those for the file's size."""


class ModelError(InputError):
    """A model file that cannot be read, or inputs that do not fit it."""


class RandomModelError(ModelError, Undecided):
    """A model that gives other values for the same inputs."""


def advice_on(message: str) -> str:
    """What a user may do about a message of Keras, which cannot load a file; '' if nothing is known to help."""
    if "declares no graph" in message:
        return "Wrap it where it is made, and save that: x = keras.Input(SHAPE); keras.Model(x, model(x))."
    if "infer the shape of the Lambda" in message:
        return "Give the Lambda its output_shape where the model is made, or write a layer class and --import its file."
    if any(word in message for word in ("safe_mode", "unsafe deserialization")):
        return "A file that brings its own Python code is loaded with --trust."
    if "Could not locate class" in message or "Could not locate function" in message:
        return "Name the Python file that registers it with keras.saving: --import layers.py"
    return ""


def seconds_for(path: Path) -> float:
    """Seconds of processor time that reading a file may take."""
    return SECONDS + path.stat().st_size / RATE


def memory_for(path: Path) -> int:
    """Bytes of address space that reading a file may take."""
    return MEMORY + COPIES * path.stat().st_size


def memory_to_run(path: Path) -> int:
    """Bytes of address space that computing what a model must give may take."""
    return RUN + COPIES * path.stat().st_size


def check_archive(path: Path) -> None:
    """Raise ModelError for a `.keras` file that is no archive of a model, or unpacks to much more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelError(
            f"it cannot be read: {error}", where=path, expected="a ZIP archive, as Keras saves it"
        ) from None
    whole, most = sum(sizes.values()), RATIO * path.stat().st_size + ROOM
    if CONFIG not in sizes:
        raise ModelError(f"it is no .keras file: the archive has no {CONFIG}", where=path)
    if whole > most or sizes[CONFIG] > MOST_BYTES:
        raise ModelError(
            "it unpacks to much more than its size, and is not read",
            where=path,
            expected=f"at most {most:,} bytes, {MOST_BYTES:,} of them in {CONFIG}",
            came=f"{whole:,} bytes, {sizes[CONFIG]:,} of them in {CONFIG}",
        )


def check_size(item: Input, shape: tuple[int, ...], path: Path) -> tuple[int, ...]:
    """The shape. Raises ModelError for an input that is too large."""
    if prod(shape) > NUMBERS:
        raise ModelError(
            f"its input {item.name!r} is too large",
            where=path,
            expected=f"at most {NUMBERS:,} numbers",
            came=" x ".join(map(str, shape)),
            advice="Give smaller inputs by --inputs.",
        )
    return shape


@contextmanager
def within(memory: int) -> Iterator[None]:
    """Limit the address space of this process to `memory` bytes more than it has: beyond, a MemoryError is raised."""
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + memory
    if (hard != resource.RLIM_INFINITY and wanted > hard) or 0 <= before < wanted:
        yield  # what is set is lower
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
