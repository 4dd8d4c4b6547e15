"""The time that a run may take."""

from __future__ import annotations

import re

from harness.errors import InputError

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Seconds of a time such as `90s`, `5m`, `1.5h`. Raises InputError for another text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smh])", text.strip())
    if match is None or float(match[1]) <= 0:
        raise InputError(
            "a time was expected", where="--budget", expected="seconds, minutes or hours: 90s, 5m, 1h", came=repr(text)
        )
    return float(match[1]) * _SECONDS[match[2]]
