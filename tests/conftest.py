"""No test touches the user's kept steps; what a user's file registers goes with its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import oracle
from harness.run.kept import OFF


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
