"""Call Octave, an independent implementation of the MATLAB language, in a separate process.

One process serves many calls. Each call is one line on its standard input; data travel in `.mat` files.
Octave is free software under the GPL and is never linked: https://octave.org.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from harness.installed import shipped
from harness.optional import absence, program

REFERENCE = shipped("suites") / "matlab" / "reference"
"""M-files of the reference layers and of the loop that serves calls."""
LIMIT = 60.0
"""Seconds that a call may take, the first one's start included."""
NO_DUMPS = "crash_dumps_octave_core(false); "
"""Else an Octave that is ended by any signal writes its variables to `octave-workspace` in its working directory."""
_DONE, _FAILED = "\x04done", "\x04failed "


class OctaveError(RuntimeError):
    """A call that failed in Octave, an Octave that died or did not answer, or none installed."""


def executable() -> str | None:
    """Path of Octave's command line program; None where it is not installed, or hidden."""
    return program("octave")


class Octave:
    """A running Octave, started at the first call; a context manager that ends it.

    `paths` are folders of M-files beside the reference layers.
    """

    def __init__(self, *paths: Path) -> None:
        self.paths = (REFERENCE, *paths)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def call(self, function: str, *arguments: str | Path, limit: float = LIMIT) -> str:
        """Call an M-function with text arguments and return what it printed.

        Raises OctaveError with Octave's own message where the function fails, and ValueError for an argument with a tab
        or a line break.
        """
        words = [function, *(str(word) for word in arguments)]
        if any(mark in word for word in words for mark in "\t\r\n"):
            raise ValueError(f"arguments of an M-function must be without tabs and line breaks: {words}")
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write("\t".join(words) + "\n")
            process.stdin.flush()
        except OSError as error:
            self.close()
            raise OctaveError(f"Octave died before {function} was called: {error}") from error
        return self._answer(function, limit)

    def _answer(self, function: str, limit: float) -> str:
        lines: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=limit)
            except queue.Empty:
                self.close()
                raise OctaveError(f"{function}: no answer from Octave within {limit:g} s") from None
            if line is None:
                self.close()
                raise OctaveError(f"{function}: Octave ended; its last output: {' '.join(lines)[-500:]}")
            if line == _DONE:
                return "\n".join(lines).rstrip("\n")
            if line.startswith(_FAILED):
                raise OctaveError(f"{function}: {line.removeprefix(_FAILED)}")
            lines.append(line)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None:
            return self._process
        path = executable()
        if path is None:
            raise OctaveError(absence("octave"))
        folders = "".join(f"addpath('{str(path).replace(chr(39), chr(39) * 2)}'); " for path in self.paths)
        self._process = subprocess.Popen(  # noqa: S603 - a program of the path, with folders of this project
            [path, "--quiet", "--no-init-file", "--no-gui", "--eval", NO_DUMPS + folders + "parity_serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def close(self) -> None:
        """End the process; the next call starts another."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()  # its loop ends with its input
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> Octave:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Put what the process prints on the queue, line by line, then None. (A closed pipe is an end, too.)"""
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
    lines.put(None)
