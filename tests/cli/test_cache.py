"""`parity cache`: what it shows, what it removes, and that runs without it touch nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import harness.run.session
from harness.cli.main import AGREED, USAGE
from harness.run.kept import Shelf
from tests.miniatures import Copies, of_numpy, registry

Parity = Callable[..., tuple[int, str, str]]


@pytest.fixture
def installed(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session, "installed", lambda: of_numpy(registry(Copies)))


def fill(cache: Path) -> None:
    shelf = Shelf(cache)
    for key in "ab":
        shelf.put(key, b"head", b"artifact")
    shelf.confirm("ab")
    shelf.close()


def test_show(parity: Parity, cache: Path) -> None:
    fill(cache)
    code, out, _ = parity("cache", "show", "--json")
    assert (code, json.loads(out)) == (
        AGREED, [{"folder": str(cache), "stages": 2, "bytes": 24, "limit": 4294967296}],
    )  # fmt: skip


def test_clear(parity: Parity, cache: Path) -> None:
    fill(cache)
    assert parity("cache", "clear") == (AGREED, f"2 stages, 24 bytes: removed from {cache}\n", "")
    assert list(cache.iterdir()) == []
    assert json.loads(parity("cache", "show", "--json")[1])[0]["stages"] == 0


def test_damaged(parity: Parity, cache: Path) -> None:
    cache.mkdir()
    (cache / "steps-1.sqlite").write_bytes(b"no database at all" * 100)
    code, _, err = parity("cache", "show")
    assert code == USAGE
    assert "file is not a database" in err
    assert parity("cache", "clear")[0] == AGREED
    assert parity("cache", "show")[0] == AGREED


@pytest.mark.usefixtures("installed")
def test_a_damaged_cache_stops_no_run(parity: Parity, cache: Path) -> None:
    cache.mkdir()
    (cache / "steps-1.sqlite").write_bytes(b"no database at all" * 100)
    code, out, err = parity("run", "--route", "mini-copies")
    assert (code, err.count("keeps no steps")) == (AGREED, 1)
    assert "1 new" in out


@pytest.mark.usefixtures("installed")
def test_no_cache_takes_and_writes_nothing(parity: Parity, cache: Path) -> None:
    parity("run", "--route", "mini-copies", "--no-cache")
    assert not cache.exists()
    kept = "1 results are kept from earlier runs; --no-cache walks everything anew\n"
    assert kept not in parity("run", "--route", "mini-copies")[1]
    assert kept in parity("run", "--route", "mini-copies")[1]
    assert kept not in parity("run", "--route", "mini-copies", "--no-cache")[1]
    assert Shelf(cache).size().steps == 2
