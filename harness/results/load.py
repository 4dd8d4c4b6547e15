"""How loaded the machine is, for the header and the footer of a results file."""

from __future__ import annotations

import os

import psutil

PROCESSORS = os.cpu_count() or 1


def load() -> float:
    """Processes that run or wait for a processor, for each processor: the mean of the last minute, to two digits."""
    return round(psutil.getloadavg()[0] / PROCESSORS, 2)
