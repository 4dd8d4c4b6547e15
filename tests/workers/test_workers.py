"""Workers: a module that one must not have."""

from __future__ import annotations

import subprocess
import sys

from harness.workers.pool import _BOOT


def test_a_hidden_module_cannot_be_imported_and_leaves_no_trace() -> None:
    """Keras takes a module in `sys.modules` for one that is there, a None too."""
    hiding, _, _ = _BOOT.partition("sys.path.insert")
    check = """
try:
    import colorsys
except ModuleNotFoundError:
    print("hidden", "colorsys" in sys.modules)
import csv
"""
    code = hiding.format(without=("colorsys",)) + check
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hidden False\n"), done.stderr
