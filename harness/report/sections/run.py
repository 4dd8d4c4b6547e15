"""The command of the run, its times, versions and options."""

from __future__ import annotations

import shlex
from typing import Any

from harness.report.sections import Look
from harness.results.events import plain

PLACE = 30
BUSY = 1.5
"""Load for each processor from which on the page says that the machine was busy."""


def facts(look: Look) -> dict[str, Any]:
    """Facts from the header and the footer of the results file."""
    header, footer = look.results.header, look.results.footer
    return {
        "command": shlex.join(header.command),
        "started": header.started,
        "finished": footer.finished if footer else None,
        "duration": _duration(footer.seconds) if footer else None,
        "floor": header.floor,
        "versions": header.versions,
        "busy": _busy(header.load, footer.load if footer else None),
        "options": {key: plain(value) for key, value in header.options.items()},
    }


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _busy(start: float | None, highest: float | None) -> str:
    """A sentence about a machine that was busy, from its load at the start and its highest; '' if it was not."""
    known = [load for load in (start, highest) if load is not None]
    if not known or max(known) < BUSY:
        return ""
    when = "at its height" if highest is not None else "at the start"
    return f"The machine was busy: load {max(known):.1f} a processor {when}."
