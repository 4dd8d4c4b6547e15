"""A real run over a miniature world, in a session of processes of its own, that gets a real signal.

Its converter copies the first file that it gets, and falls asleep over the second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from harness.adapters.registry import Registry
from tests.gates import world
from tests.miniatures import Copies

ROOT = Path(__file__).resolve().parents[1]
SITE = "import harness.run.session\nfrom tests.interruptions import sleepy\nharness.run.session.installed = sleepy\n"
MAIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""What a shell starts in the background ignores Ctrl-C, and so do its children."""
PATIENCE = 40.0
"""Seconds that a run may take to get to the case, and to end."""


class FallsAsleep(Copies):
    name: ClassVar[str] = "reads"

    def convert(self, artifact: Path, out: Path) -> Path:
        folder = Path(os.environ["NAPS"])
        try:
            (folder / "first").touch(exist_ok=False)
        except FileExistsError:
            (folder / "asleep").touch()
            time.sleep(2 * PATIENCE)
        return super().convert(artifact, out)


def sleepy() -> Registry:
    return world(FallsAsleep)


@dataclass
class Run:
    """A process that was started as the head of a session, and what it printed when it ended."""

    process: subprocess.Popen[str]
    asleep: Path

    @classmethod
    def start(cls, folder: Path, program: str, *args: str) -> Run:
        """Start Python code in a folder, and wait until the converter sleeps."""
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(SITE)
        path = os.pathsep.join((str(site), str(ROOT)))
        asleep = folder / "asleep"
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN + program, *args], cwd=folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, "NAPS": str(folder), "PARITY_CACHE": "off"},
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not asleep.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"it never got to the case: {process.communicate()[0]}")
            time.sleep(0.05)
        return cls(process, asleep)

    def interrupted(self, number: signal.Signals, *, alone: bool = False) -> tuple[int, list[str]]:
        """The exit code and the lines after a signal to the whole session, as a terminal sends it, or to the head."""
        (os.kill if alone else os.killpg)(self.process.pid, number)
        try:
            out, _ = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        return self.process.returncode, out.splitlines()

    def left(self) -> list[psutil.Process]:
        """The processes of the session that outlive its head."""
        deadline = time.monotonic() + 2
        while (left := [each for each in psutil.process_iter() if self._has(each)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _has(self, process: psutil.Process) -> bool:
        try:
            return os.getsid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ProcessLookupError):
            return False
