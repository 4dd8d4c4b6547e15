"""Gates over a miniature world of three stages: `parity gate` in a folder with three goldens and their record.

mini -> mini2 by `copies`, which a pack can hold; then mini2 -> mini3 by `reads`, the converter that a gate is for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import harness.run.session
from harness.adapters.registry import FORMATS, HOPS, RUNTIMES, Registry
from harness.cli.main import main
from harness.corpus.store import Store
from harness.results.file import Results
from tests.miniatures import Copies, MiniFormat, MiniTwoRuntime, dense_case, plugin, registry

CASES = (dense_case(), dense_case(1), dense_case(2))
IDS = tuple(case.id for case in CASES)
ROUTE = "mini-copies-reads"
RESULTS = Path("reports/results.ndjson")
FREE = "numpy>=1"


def world(reads: type = Copies, **changes: Any) -> Registry:
    """The registry in which the class `reads`, with these changes of its facts, is the last converter."""
    small = registry(Copies)
    second = replace(plugin(MiniFormat, FORMATS), name="mini2", suffix=".mini2", dialect=None)
    last = replace(plugin(reads, HOPS), **{"name": "reads", "source": "mini2", "target": "mini3", **changes})
    three = replace(plugin(MiniTwoRuntime, RUNTIMES), name="three", format="mini3")
    return replace(small, formats=(*small.formats, second), hops=(*small.hops, last), runtimes=(*small.runtimes, three))


def fill(folder: Path) -> None:
    Store(folder / "golden").put("keras", "Dense", CASES, seed=0)


@dataclass
class Parity:
    """Calls `parity ARGS` in this process, in the current folder, over a world."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str] | None = None

    def over(self, known: Callable[[], Registry]) -> Parity:
        self.monkeypatch.setattr(harness.run.session, "installed", known)
        return self

    def __call__(self, *args: str) -> tuple[int, str]:
        """The exit code, and what was printed: standard error, then standard output."""
        self.monkeypatch.setattr(sys, "argv", ["parity", *args])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), "" if self.capsys is None else "".join(reversed(self.capsys.readouterr()))

    def record(self) -> None:
        """Walk everything, and take it into the record."""
        assert self("run")[0] == 0
        assert self("record", "accept", str(RESULTS), "--reason", "the first whole run")[0] == 0

    def gate(self, *args: str) -> tuple[int, str]:
        """One gate over the last converter, in this process, without kept steps."""
        return self("gate", "--no-cache", "-n", "1", "--route", ROUTE, *args)


def results(path: Path = RESULTS) -> Results:
    return Results.load(path)
