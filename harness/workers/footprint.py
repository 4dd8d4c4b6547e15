"""The footprint of a request: which functions of some packages it entered.

Python tells of each call: from 3.12 on by `sys.monitoring`, which is asked to be silent about all other code after its
first call, before that by a profile function.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Footprint = Mapping[str, Sequence[int]]
"""The first lines of the functions that were entered, in order, by file: `onnx2torch/node_converters/conv.py`. Line 0
stands for what a file does when it is imported."""
Entered = dict[str, set[int]]
"""A footprint that is being made."""
_TOOLS = (4, 3)
"""Numbers of `sys.monitoring` that it keeps for no kind of tool."""
_NAME = "parity"


class Notes:
    """Notes what is entered of packages, whose `folders` may be imported afterwards."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._packages = {os.path.realpath(folder) + os.sep: folder.name for folder in folders}
        self._names: dict[str, str] = {}
        self._entered: Entered = {}
        self._monitors = bool(folders) and self._monitored()

    @contextmanager
    def noting(self, entered: Entered) -> Iterator[None]:
        """Within this context, what is entered comes into this dictionary, of threads that begin there, too."""
        self._entered = entered
        profiles = bool(self._packages) and not self._monitors
        if profiles:
            threading.setprofile(self._called)
            sys.setprofile(self._called)
        try:
            yield
        finally:
            if profiles:
                sys.setprofile(None)
                threading.setprofile(None)
            self._entered = {}

    def _monitored(self) -> bool:
        """Begin to monitor, if this Python can and another tool has not taken the place."""
        monitoring: Any = getattr(sys, "monitoring", None)
        tool = next((each for each in _TOOLS if monitoring and monitoring.get_tool(each) is None), None)
        if tool is None:
            return False

        def started(code: CodeType, offset: int) -> object:
            return None if self._note(code) else monitoring.DISABLE

        monitoring.use_tool_id(tool, _NAME)
        monitoring.register_callback(tool, monitoring.events.PY_START, started)
        monitoring.set_events(tool, monitoring.events.PY_START)
        return True

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and self._names.get(frame.f_code.co_filename) != "":
            self._note(frame.f_code)

    def _note(self, code: CodeType) -> bool:
        """Whether the code is of the packages."""
        name = self._names.get(code.co_filename)
        if name is None:
            name = self._names[code.co_filename] = self._named(os.path.realpath(code.co_filename))
        if name and code.co_flags & inspect.CO_OPTIMIZED:  # the body of a class has no such flag
            self._entered.setdefault(name, set()).add(code.co_firstlineno)
        elif name and code.co_name == "<module>":
            self._entered.setdefault(name, set()).add(0)
        return bool(name)

    def _named(self, path: str) -> str:
        """The file by its name from the package's folder on; '' if it is in none."""
        inside = (f"{name}/{path[len(folder) :]}" for folder, name in self._packages.items() if path.startswith(folder))
        return next(inside, "").replace(os.sep, "/")


def joined(*footprints: Footprint | Entered) -> dict[str, tuple[int, ...]]:
    """What any of them entered."""
    lines: dict[str, set[int]] = defaultdict(set)
    for footprint in footprints:
        for file, some in footprint.items():
            lines[file] |= set(some)
    return {file: tuple(sorted(some)) for file, some in sorted(lines.items())}
