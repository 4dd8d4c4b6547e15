"""Runs a reproducer's script in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

from harness.reproducer.write import LIMIT, SCRIPT, ReproduceError

SECONDS = 2 * LIMIT
"""Most seconds that a script may take; a script of a converter that hangs gives up after `LIMIT`."""


class Answer(IntEnum):
    """Whether the deviation still shows; the number is the exit code of the script and of `parity replay`."""

    FIXED = 0
    FAILED = 1
    ERROR = 2


_LAST_LINE = {Answer.FIXED: "FIXED", Answer.FAILED: "DEVIATES:"}
"""The beginning of the last line that the script prints."""


def run_reproducer(folder: Path, python: Path | None = None) -> tuple[Answer, str]:
    """Run the script of a folder. Returns the answer and the last line that the script printed.

    It runs with this interpreter, and whatever is on its path; or with `python`, and what is installed there only.

    The answer is FIXED or FAILED only if exit code and last line agree. Anything else, such as an unforeseen exception
    or a syntax error, is ERROR. Raises ReproduceError if the folder has no script.
    """
    script = folder / SCRIPT
    if not script.is_file():
        raise ReproduceError(
            "the folder is no reproducer",
            where=folder,
            expected=f"a {SCRIPT} in it",
            advice="`parity reproduce` writes one",
        )
    command = [sys.executable if python is None else str(python), str(script.resolve())]
    ours = None if python is None else _bare_environment()
    try:
        done = subprocess.run(  # noqa: S603
            command, env=ours, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Answer.ERROR, f"the script did not end within {SECONDS} s"
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["it printed nothing"]
    for answer, beginning in _LAST_LINE.items():
        if done.returncode == answer and lines[-1].startswith(beginning):
            return answer, lines[-1]
    return Answer.ERROR, lines[-1]


def _bare_environment() -> dict[str, str]:
    """The variables of this process but those that add to another interpreter's path or settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON") and key != "VIRTUAL_ENV"}
    return {**kept, "PYTHONNOUSERSITE": "1"}
