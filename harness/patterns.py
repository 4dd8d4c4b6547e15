"""Patterns of names, as `fnmatch` reads them, the names nearest to a pattern that fits none, and lists of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

MOST = 3
"""Most names that count as nearest."""
LIKENESS = 0.6
"""Least likeness of a near name: twice the letters in common, over the letters of both."""


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits one of the patterns; every name fits where there is none."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most:,} more"


def nearest(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that fit a pattern if case does not matter; else those that hold its letters in a row; else those most
    like it, the likest first."""
    lower = {name.lower(): name for name in names}
    letters = re.sub(r"[][*?!]", "", pattern.lower())
    for wider in (pattern.lower(), f"*{letters}*"):
        if letters and (alike := [name for low, name in lower.items() if fnmatchcase(low, wider)]):
            return alike[:MOST]
    return [lower[low] for low in get_close_matches(letters, lower, MOST, LIKENESS)]


def pointer(pattern: str, names: Iterable[str]) -> str:
    """A sentence that names the nearest; '' if nothing is near."""
    near = nearest(pattern, names)
    return f"Nearest: {', '.join(near)}. " if near else ""
