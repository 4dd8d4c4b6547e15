"""What a machine may lack: programs and files that the suite uses where they are, and a switch that hides each.

`PARITY_WITHOUT=octave,chromium` runs everything as on a machine without Octave and without Chromium: with and without
them other code runs, and both should be tried.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from harness.errors import InputError

VARIABLE = "PARITY_WITHOUT"
"""The environment variable that names what is hidden."""
PROGRAMS = {"octave": ("octave-cli", "octave"), "chromium": ("chromium", "google-chrome", "chromium-browser")}
"""The names that each optional program may have on the PATH."""
REAL_FILES = "real-files"
"""The files that MATLAB wrote, which are no part of this project."""
FOLDER = "PARITY_REAL_FILES"
"""The environment variable that names the folder of these files."""


class OptionalError(InputError):
    """The switch names what is not optional."""


def hidden() -> frozenset[str]:
    """What the switch hides. Raises OptionalError for another name than those of `PROGRAMS` and `REAL_FILES`."""
    names = frozenset(filter(None, re.split(r"[,\s]+", os.environ.get(VARIABLE, ""))))
    known = (*PROGRAMS, REAL_FILES)
    if unknown := sorted(names - set(known)):
        raise OptionalError(
            f"{unknown[0]} is not optional",
            where=VARIABLE,
            expected=", ".join(known),
            came=", ".join(unknown),
            advice=f"Write for example {VARIABLE}={known[0]},{known[1]}",
        )
    return names


def program(name: str) -> str | None:
    """The path of a program: an optional one by its name in `PROGRAMS` or by one of its names on the PATH, any other by
    that. None where it is not installed, or hidden. Raises OptionalError as `hidden` does."""
    switch = next((each for each, names in PROGRAMS.items() if name in (each, *names)), None)
    if switch in hidden():
        return None
    paths = (shutil.which(each) for each in (PROGRAMS[switch] if name == switch else (name,)) if each)
    return next(filter(None, paths), None)


def real_files(beside: Path) -> Path | None:
    """The folder of the files that MATLAB wrote: that of `PARITY_REAL_FILES`, else `shared/realmat` beside the checkout
    `beside`. None where neither is there, or they are hidden. Raises OptionalError as `hidden` does."""
    folder = Path(os.environ.get(FOLDER) or beside.parent / "shared" / "realmat")
    return folder if folder.is_dir() and REAL_FILES not in hidden() else None


def absence(name: str) -> str:
    """Why a program or the files of this switch cannot be used: hidden, or not here."""
    if name in hidden():
        return f"{VARIABLE} hides {name}"
    if name == REAL_FILES:
        return f"there are no files of MATLAB; set {FOLDER} to their folder"
    return f"{name} is not installed; on Debian: apt-get install --no-install-recommends {name}"
