"""A folder with goldens, the record of a green gate with minipkg 1.2, and an index that uv sees and no other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bisection.uv import UvError, program
from harness.installed import is_installed
from tests.beside.miniature import DEPENDENCY, asking, install
from tests.bisection.miniature import GOOD, release
from tests.gates import RESULTS, Parity, fill

ROOT = Path(__file__).resolve().parents[2]
SITE = "import harness.run.session\nfrom tests.beside.miniature import asking\nharness.run.session.installed = asking\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    try:
        program()
    except UvError as error:
        pytest.skip(str(error))
    folder = tmp_path / "index"
    release(folder, "1.2", GOOD)
    for name, value in {
        "UV_FIND_LINKS": str(folder),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "PIP_FIND_LINKS": str(folder),
        "PIP_NO_INDEX": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What is installed here: minipkg 1.2, as it was released, and minidep 1.0."""
    _installed(tmp_path / "site", monkeypatch)
    yield tmp_path / "site"
    is_installed.cache_clear()


def _installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the two packages in a folder that this process and its workers look into first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    install(folder, "1.2", GOOD)
    install(folder, "1.0", "", name=DEPENDENCY)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")
    monkeypatch.syspath_prepend(folder)
    is_installed.cache_clear()


@pytest.fixture(scope="session")
def goldens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with goldens, and the record of a run with what is installed at first."""
    folder = tmp_path_factory.mktemp("goldens")
    fill(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        _installed(folder / "site", monkeypatch)
        monkeypatch.chdir(folder)
        parity = Parity(monkeypatch).over(asking)
        assert parity("run", "--no-cache")[0] == 0
        assert parity("record", "accept", str(RESULTS), "--reason", "the first whole run")[0] == 0
    return folder / "golden"


@pytest.fixture
def parity(
    goldens: Path,
    site: Path,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Parity:
    """Calls `parity ARGS` in a folder with the goldens and their record."""
    shutil.copytree(goldens, tmp_path / "repository" / "golden")
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    return Parity(monkeypatch, capsys).over(asking)
