"""What tests share: no test touches the user's kept steps, a user's file goes with its test, a command runs here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import oracle
from harness.run.kept import OFF

Command = Callable[..., tuple[int, str, str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the printed blocks that take long")


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk everything; processes that a test starts inherit it."""
    monkeypatch.setenv("PARITY_CACHE", OFF)


@pytest.fixture
def cache(_nothing_is_kept: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept steps, empty for each test that asks for it."""
    folder = tmp_path.parent / f"{tmp_path.name}-cache"
    monkeypatch.setenv("PARITY_CACHE", str(folder))
    return folder


@pytest.fixture
def own_semantics() -> Iterator[None]:
    """What files of a user register with the oracle is unknown again behind the test."""
    before = dict(oracle._SEMANTICS)
    yield
    for key in oracle._SEMANTICS.keys() - before:
        if "." in key[1] and not key[1].startswith("ops."):
            del oracle._SEMANTICS[key]
    oracle.load_files.cache_clear()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `parity ARGS` in this process and in the current folder; returns exit code, stdout and stderr."""
    from harness.cli.main import main  # which many tests do not need

    for name in ("PARITY_IMPORTS", "PARITY_SEMANTICS", "PARITY_TRUST"):
        monkeypatch.setenv(name, "")  # what a command sets goes with the test

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["parity", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return call
