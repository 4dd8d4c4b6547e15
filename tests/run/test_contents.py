"""Contents are read beside the walk: nobody waits for them, no file is read twice, and no stale step is kept."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import harness.fingerprint
import harness.run.kept
from harness.adapters.registry import Registry
from harness.adapters.routes import Route, all_routes
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.run.contents import Contents
from harness.run.kept import Kept, Shelf
from harness.run.step import Step
from tests.miniatures import Copies, dense_case, of_numpy, registry
from tests.test_fingerprint import forget, install

STEP = Step(Stage(artifact="mini2", outcome=Outcome.EXACT, hop="copies"), Path("out.mini2"))


class Slow:
    """Reads a file as soon as it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.read: list[str] = []

    def __call__(self, path: str) -> str:
        assert self.may.wait(20)
        self.read.append(os.path.basename(path))
        return Path(path).read_text(errors="replace")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    reads = Slow()
    monkeypatch.setattr(harness.fingerprint, "digest_of", reads)
    yield reads
    reads.may.set()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a distribution `conv`, on which the converter of the miniature world depends."""
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(harness.run.kept, "COMPARES_WITH", ())
    install(folder, "conv", {"conv/__init__.py": "a = 1", "conv/later.py": "a = 1"})
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    forget()
    yield folder
    forget()


def world() -> Registry:
    known = of_numpy(registry(Copies))
    mine = {"requires": ("conv",), "origin": "conv"}
    return Registry(
        *(tuple(replace(each, **mine) for each in part) for part in (known.formats, known.hops, known.runtimes))
    )


def route_of(known: Registry) -> Route:
    return next(route for route in all_routes(known) if route.name == "mini-copies")


def found(cache: Path, known: Registry) -> bool:
    kept = Kept(Shelf(cache), known)
    try:
        return kept.find(dense_case(), route_of(known), 1, cache) is not None
    finally:
        kept.close()


def keep(cache: Path, known: Registry) -> Kept:
    """Look for a step in vain, walk it, and keep it."""
    kept = Kept(Shelf(cache), known)
    assert kept.find(dense_case(), route_of(known), 1, cache) is None
    kept.keep(dense_case(), route_of(known), 1, STEP, [])
    return kept


def test_the_first_walk_does_not_wait_for_contents(site: Path, cache: Path, slow: Slow) -> None:
    began = time.monotonic()
    kept = keep(cache, known := world())
    assert time.monotonic() < began + harness.run.kept.AT_MOST / 2
    assert slow.read == []
    slow.may.set()
    kept.close()
    assert "__init__.py" in slow.read
    assert found(cache, known)


def test_where_something_is_kept_a_run_waits_a_little(
    site: Path, cache: Path, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.may.set()
    keep(cache, known := world()).close()
    slow.may.clear()
    monkeypatch.setattr(harness.run.kept, "AT_MOST", 0.2)
    (site / "conv/__init__.py").write_text("a = 2")
    kept = Kept(Shelf(cache), known)
    assert kept.find(dense_case(), route_of(known), 1, cache) is None
    (site / "conv/__init__.py").write_text("a = 1")
    slow.may.set()
    kept.close()
    monkeypatch.setattr(harness.run.kept, "AT_MOST", 10.0)
    assert found(cache, known)


def test_a_step_walked_before_an_edit_is_not_kept_with_the_contents_behind_it(
    site: Path, cache: Path, slow: Slow, capsys: pytest.CaptureFixture[str]
) -> None:
    """Walked with `a = 1`, read when it was `a = 2`: the contents are those of another converter."""
    kept = keep(cache, known := world())
    source = site / "conv/later.py"  # the first file is being read by now
    source.write_text("a = 2")
    os.utime(source, (1e9, 1e9))
    slow.may.set()
    kept.close()
    assert "a file of a converter, a framework or the suite has changed" in capsys.readouterr().err
    assert not found(cache, known)


def test_an_edit_between_two_runs_with_its_time_set_back_is_seen(site: Path, cache: Path, slow: Slow) -> None:
    """In an environment that uv made: the file has another name in uv's cache, and gets a third meanwhile."""
    slow.may.set()
    os.link(site / "conv/__init__.py", site.parent / "in-uvs-cache")
    time.sleep(harness.fingerprint.SETTLED + 0.1)  # a file that has just been written is not known
    keep(cache, known := world()).close()
    assert found(cache, known)
    source = site / "conv/__init__.py"
    with source.open("r+") as file:
        file.write("a = 2")
    os.utime(source, (1e9, 1e9))
    os.link(source, site.parent / "in-another-environment")
    assert not found(cache, known)


def test_in_haste_nobody_waits(site: Path, cache: Path, slow: Slow) -> None:
    kept = keep(cache, world())
    threading.Timer(0.5, slow.may.set).start()  # a file that is being read is read to its end
    kept.close(in_haste=True)
    assert Shelf(cache).size().steps == 0
    assert len(slow.read) < 2, "the others are not read any more"


def test_so_many_steps_wait_for_their_keys_that_the_walk_waits(
    site: Path, cache: Path, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.run.kept, "UNNAMED", 10)
    threading.Timer(0.5, slow.may.set).start()
    kept = keep(cache, world())
    assert slow.read != []
    kept.close()


class Remembers:
    """A memory of a machine, in this process."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, str]] = {}

    def digests(self) -> dict[str, tuple[str, str]]:
        return dict(self.known)

    def learn(self, digests: Mapping[str, tuple[str, str]]) -> None:
        self.known.update(digests)

    def close(self) -> None: ...


def test_what_one_process_reads_the_others_learn(site: Path, tmp_path: Path, slow: Slow) -> None:
    """Both ask before anything is read; each file is read once."""
    (tmp_path / "suite").mkdir()
    time.sleep(harness.fingerprint.SETTLED + 0.1)
    memory = Remembers()
    both = [Contents(memory, tmp_path, suite=tmp_path / "suite", without=()) for _ in range(2)]
    answers = [each.ask(["text"], ["conv"], []) for each in both]
    slow.may.set()
    assert answers[0].result(20) == answers[1].result(20) != ""
    assert sorted(slow.read) == ["METADATA", "__init__.py", "later.py"]
