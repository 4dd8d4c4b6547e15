"""The command of the run, its times, versions and options."""

from __future__ import annotations

import shlex
from typing import Any

from harness.report.sections import Look
from harness.results.events import plain

PLACE = 30


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
        "options": {key: plain(value) for key, value in header.options.items()},
    }


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
