"""A miniature index, a reproducer for it, and trials that see nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bisection.trials import Trials
from harness.bisection.uv import Uv, UvError, program
from tests.bisection.miniature import NAME, release, reproducer

Lab = Callable[..., Trials]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the index; uv sees no other, and its cache is the test's own."""
    try:
        program()
    except UvError as error:
        pytest.skip(str(error))
    folder = tmp_path / "index"
    release(folder, "0.9", "", name="minidep")
    release(folder, "1.0", "", name="minidep")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def lab(index: Path, tmp_path: Path) -> Lab:
    """Makes the trials of the miniature package; `told` is a list that gets the lines of progress."""

    def make(*, keep: bool = False, told: list[str] | None = None, package: str = NAME, **installed: str) -> Trials:
        folder = tmp_path / "lab"
        folder.mkdir(exist_ok=True)
        script = reproducer(tmp_path / "reproducer")
        known = {"minidep": "1.0", **installed}
        tell = (lambda line: None) if told is None else told.append
        packages = ("minidep", NAME)
        return Trials(Uv.here(folder), script, package, packages, folder, installed=known, keep=keep, tell=tell)

    return make
