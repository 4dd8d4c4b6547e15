"""The blocks of the page: JSON as text that is safe in a `<script>` element, plain or compressed."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any


def packed(data: Any) -> str:
    """JSON, compressed by gzip, in base64; the same text for the same data."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def as_script(data: Any) -> str:
    """JSON that is safe inside a `<script>` element: without `<`, `>` and `&`."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def short(value: float | None, digits: int = 3) -> float | str | None:
    """A number with as many significant digits as the page shows; what JSON cannot express is text."""
    if value is None:
        return None
    text = f"{value:.{digits}g}"
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(number) if number == int(number) and abs(number) < 1e15 else number
