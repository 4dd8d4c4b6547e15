"""What is kept between runs: the database, and what a key is made of."""

from __future__ import annotations

import ast
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harness
import harness.run.kept
from harness.adapters.registry import Registry
from harness.adapters.routes import Route, all_routes
from harness.fingerprint import Fingerprints, UnknownFiles
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.run.kept import UNINVOLVED, Kept, KeptError, Shelf, Size, folder
from harness.run.session import Selection, Session
from harness.run.step import Step
from harness.spec import Case
from tests.miniatures import Copies, dense_case, of_numpy, registry

OPEN = (
    "import os, sys; from pathlib import Path; from harness.run.kept import Shelf; shelf = Shelf(Path(sys.argv[1]))\n"
)
STEP = Step(Stage(artifact="mini2", outcome=Outcome.EXACT, hop="copies"), Path("out.mini2"))


def put(shelf: Shelf, *keys: str, head: bytes = b"head", artifact: bytes = b"artifact") -> None:
    for key in keys:
        shelf.put(key, head, artifact)
    shelf.confirm(keys)


def world() -> Registry:
    return of_numpy(registry(Copies))


def route_of(known: Registry) -> Route:
    return next(route for route in all_routes(known) if route.name == "mini-copies")


def key(case: Case | None = None, known: Registry | None = None, beside: str = "", place: int = 1) -> str:
    known = known or world()
    shelf = Shelf(folder())
    try:
        return Kept(shelf, known, beside=beside).key(case or dense_case(), route_of(known), place)
    finally:
        shelf.close()


# ---- the database


def test_where_steps_are_kept(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert folder() == cache
    monkeypatch.setenv("PARITY_CACHE", "off")
    assert folder().name == "parity-suite"
    monkeypatch.delenv("PARITY_CACHE")
    assert folder().name == "parity-suite"


def test_what_is_put_and_confirmed_is_there_for_others(cache: Path) -> None:
    put(Shelf(cache), "a")
    other = Shelf(cache)
    assert (other.head("a"), other.artifact("a"), other.head("b")) == (b"head", b"artifact", None)
    assert other.size() == Size(1, 12, 4 << 30)


def test_what_is_not_confirmed_is_not_there(cache: Path) -> None:
    """A process that is killed confirms nothing; another that puts the same confirms its own only."""
    killed, other = Shelf(cache), Shelf(cache)
    killed.put("a", b"stale", b"stale")
    assert killed.head("a") is None
    other.put("a", b"fresh", b"fresh")
    assert other.head("a") is None
    other.confirm(["a"])
    assert killed.head("a") == b"fresh"
    killed.drop(["a"])
    assert other.head("a") == b"fresh"
    assert other.size().steps == 1


def test_a_row_that_belongs_to_another_key_is_not_given(cache: Path) -> None:
    """After a power cut, the index may lead to another row."""
    shelf = Shelf(cache)
    put(shelf, "a", "b")
    shelf.close()
    with sqlite3.connect(shelf.path) as database:
        database.execute("update steps set head = (select head from steps where key = 'a') where key = 'b'")
        database.execute("update steps set artifact = cast(artifact || x'00' as blob) where key = 'b'")
    database.close()
    assert (shelf.head("a"), shelf.head("b"), shelf.artifact("b")) == (b"head", None, None)


def test_those_stored_first_go_first(cache: Path) -> None:
    shelf = Shelf(cache, limit=30)
    put(shelf, "a", "b", "c")  # 12 bytes each
    shelf.trim()
    assert [shelf.head(each) for each in "abc"] == [None, b"head", b"head"]
    assert shelf.size() == Size(2, 24, 30)


def test_an_entry_larger_than_the_limit_goes_again(cache: Path) -> None:
    shelf = Shelf(cache, limit=30)
    put(shelf, "a", artifact=b"x" * 100)
    assert shelf.size() == Size(0, 0, 30)


def test_trimming_beside_an_open_reader(cache: Path) -> None:
    reader, shelf = Shelf(cache), Shelf(cache, limit=30)
    put(shelf, "a", "b")
    rows = reader._database.execute("select key from steps")
    rows.fetchone()
    put(shelf, "c")
    shelf.trim()
    assert shelf.size().steps == 2


def test_several_processes_write_at_once(cache: Path) -> None:
    code = (
        f"{OPEN}for n in range(40):\n    key = sys.argv[2] + str(n)\n"
        "    shelf.put(key, b'h' * 99, b'a' * 9999); shelf.confirm([key])"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(cache), name]) for name in "xyz"]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    assert Shelf(cache).size() == Size(120, 120 * 10098, 4 << 30)
    assert Shelf(cache).artifact("y39") == b"a" * 9999


def test_two_begin_at_once(cache: Path) -> None:
    """As the processes of pytest-xdist do: one sets the journal's mode while the other does."""
    cache.mkdir()
    other = sqlite3.connect(cache / "steps-1.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("create table begun (x)")
    other.execute("begin immediate")
    release = threading.Timer(0.5, lambda: other.execute("commit"))
    release.start()
    assert Shelf(cache).is_empty
    release.join()
    other.close()


def test_killed_in_the_middle_of_writing(cache: Path) -> None:
    code = (
        f"{OPEN}shelf.put('a', b'h', b'a'); shelf.confirm(['a']); shelf.put('b', b'h', b'b')\n"
        "shelf._database.execute('begin'); shelf._database.execute('delete from steps'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(cache)], check=False).returncode == -9
    assert (Shelf(cache).head("a"), Shelf(cache).head("b")) == (b"h", None)


def test_damaged_database_says_what_to_do_and_can_be_cleared(cache: Path) -> None:
    cache.mkdir()
    (cache / "steps-1.sqlite").write_bytes(b"no database at all" * 100)
    (cache / "steps-0.sqlite").write_bytes(b"")
    with pytest.raises(KeptError, match="file is not a database") as error:
        Shelf(cache).head("a")
    assert "Remove the file, name another folder by PARITY_CACHE, or go without: --no-cache" in str(error.value)
    assert Shelf(cache).clear() == Size(0, 1800, 4 << 30)
    assert list(cache.iterdir()) == []
    put(Shelf(cache), "a")


def test_clearing_while_another_reads(cache: Path) -> None:
    reader = Shelf(cache)
    put(reader, "a")
    assert Shelf(cache).clear() == Size(1, 12, 4 << 30)
    assert reader.head("a") == b"head"
    assert Shelf(cache).head("a") is None


def test_used_by_several_threads(cache: Path) -> None:
    shelf = Shelf(cache)
    put(shelf, "a")
    got: list[bytes | None] = []
    thread = threading.Thread(target=lambda: got.append(shelf.head("a")))
    thread.start()
    thread.join()
    assert got == [b"head"]


# ---- a shelf that fails stops nothing


def test_without_a_shelf_the_walk_goes_on_and_says_so_once(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.mkdir()
    (cache / "steps-1.sqlite").write_bytes(b"no database at all" * 100)
    known = world()
    kept = Kept(Shelf(cache), known)
    for _ in range(2):
        assert kept.find(dense_case(), route_of(known), 1, tmp_path) is None
        kept.keep(dense_case(), route_of(known), 1, STEP, [])
        with pytest.raises(KeyError):
            kept.fetch(dense_case(), route_of(known), 1, tmp_path)
    kept.close()
    assert capsys.readouterr().err.count("parity: the run goes on, and keeps no steps: ") == 1


def test_full_disk(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = world()
    kept = Kept(Shelf(cache), known)
    kept.key(dense_case(), route_of(known), 1)
    pages = kept.shelf._database.execute("pragma page_count").fetchone()[0]
    kept.shelf._database.execute(f"pragma max_page_count = {pages + 1}")
    large = tmp_path / "large"
    large.write_bytes(os.urandom(100_000))
    kept.keep(dense_case(), route_of(known), 1, STEP, [large])
    kept.close()
    assert "database or disk is full" in capsys.readouterr().err


# ---- what is found


def test_a_step_is_found_by_a_later_run(cache: Path, tmp_path: Path) -> None:
    known, artifact = world(), tmp_path / "out.mini2"
    artifact.write_text("content")
    kept = Kept(Shelf(cache), known)
    kept.keep(dense_case(), route_of(known), 1, STEP, [artifact])
    assert kept.find(dense_case(), route_of(known), 1, tmp_path) is None, "it is not confirmed yet"
    kept.close()
    artifact.unlink()
    later = Kept(Shelf(cache), known)
    found = later.find(dense_case(), route_of(known), 1, tmp_path)
    assert found == Step(replace(STEP.stage, kept=True), tmp_path / "out.mini2")
    later.fetch(dense_case(), route_of(known), 1, tmp_path)
    assert artifact.read_text() == "content"
    assert later.find(dense_case(1), route_of(known), 1, tmp_path) is None
    assert later.find(dense_case(), route_of(known), 0, tmp_path) is None


def test_what_is_kept_beside_a_step_is_found_by_a_later_run(cache: Path) -> None:
    known = world()
    kept = Kept(Shelf(cache), known)
    kept.keep_beside(dense_case(), route_of(known), 1, "trace", b"content")
    assert kept.beside(dense_case(), route_of(known), 1, "trace") is None, "it is not confirmed yet"
    kept.close()
    later = Kept(Shelf(cache), known)
    assert later.beside(dense_case(), route_of(known), 1, "trace") == b"content"
    assert later.beside(dense_case(), route_of(known), 1, "other") is None
    assert later.beside(dense_case(), route_of(known), 0, "trace") is None
    assert later.beside(dense_case(1), route_of(known), 1, "trace") is None


def test_a_fact_is_known_to_a_later_run(cache: Path) -> None:
    known = world()
    kept = Kept(Shelf(cache), known)
    assert kept.is_empty
    kept.learn("it deviates", known.plugins)
    assert not kept.knows("it deviates", known.plugins), "it is not confirmed yet"
    kept.close()
    later = Kept(Shelf(cache), known)
    assert not later.is_empty
    assert later.knows("it deviates", known.plugins)
    assert not later.knows("it deviates otherwise", known.plugins)
    assert not later.knows("it deviates", known.plugins[:-1])
    changed = replace(known.hops[0], reference="tests.miniatures:Doubles")
    assert not later.knows("it deviates", [*known.formats, changed, *known.runtimes])


def test_a_fact_about_a_class_of_no_distribution_is_not_kept(cache: Path) -> None:
    kept = Kept(Shelf(cache), known := registry(Copies))
    kept.learn("it deviates", known.plugins)
    kept.close()
    assert Kept(Shelf(cache), known).is_empty


def test_a_walk_with_other_plugins_keeps_on_the_same_shelf(cache: Path) -> None:
    known = world()
    kept = Kept(Shelf(cache), replace(known, hops=()))
    twin = kept.of(known)
    twin.keep(dense_case(), route_of(known), 1, STEP, [])
    twin.confirm()
    kept.close()
    assert Kept(Shelf(cache), known).find(dense_case(), route_of(known), 1, Path()) is not None


def test_nothing_is_kept_once_a_file_has_changed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Edited during a run, and put back after it: the key is the same, the step is not."""
    known = world()
    kept = Kept(Shelf(cache), known)
    kept.keep(dense_case(), route_of(known), 1, STEP, [])
    monkeypatch.setattr(kept._contents, "are_unchanged", lambda: False)
    kept.close()
    assert "a file of a converter, a framework or the suite has changed" in capsys.readouterr().err
    assert Shelf(cache).size().steps == 0


def test_looks_now_and_then(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.kept, "LOOK_AFTER", -1.0)
    known = world()
    kept = Kept(Shelf(cache), known)
    kept.key(dense_case(), route_of(known), 1)
    kept.keep(dense_case(), route_of(known), 1, STEP, [])
    assert Kept(Shelf(cache), known).find(dense_case(), route_of(known), 1, tmp_path) is not None


def test_an_artifact_that_is_too_large_is_not_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.run.kept, "LARGEST", 10)
    known, artifact = world(), tmp_path / "out.mini2"
    for size, steps in ((11, 0), (10, 1)):
        artifact.write_bytes(b"x" * size)
        kept = Kept(Shelf(cache), known)
        kept.keep(dense_case(), route_of(known), 1, STEP, [artifact])
        kept.close()
        assert Shelf(cache).size().steps == steps


# ---- the key


def test_the_same_is_the_same() -> None:
    assert key() == key() != ""


def test_a_class_of_no_distribution_is_not_kept_nor_what_is_behind_it() -> None:
    known = world()
    loose = replace(known, hops=tuple(replace(each, origin="") for each in known.hops))
    assert key(known=loose) == ""
    assert key(known=loose, place=0) != ""


def test_a_distribution_of_unknown_files_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **more: object) -> str:
        raise UnknownFiles

    monkeypatch.setattr(Fingerprints, "look", unknown)
    assert key() == ""


def test_another_place_case_answer_or_pack_is_another_key() -> None:
    case = dense_case()
    (sample, *others), golden = case.samples, case.golden
    assert golden is not None
    (name, values), *_ = golden.expected.items()
    moved = replace(golden, expected={**golden.expected, name: np.nextafter(values, 9)})
    keys = [
        key(),
        key(place=0),
        key(dense_case(1)),
        key(replace(case, samples=(replace(sample, golden=moved), *others))),
        key(beside="60.0 pack"),
    ]
    assert len(set(keys)) == 5


@pytest.mark.parametrize("change", [{"opset": 13}, {"environment": (("A", "1"),)}, {"requires": ("scipy",)}])
def test_another_fact_of_a_plugin_is_another_key(change: dict[str, object]) -> None:
    known = world()
    assert key(known=replace(known, hops=tuple(replace(each, **change) for each in known.hops))) != key()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("KERAS_BACKEND", True), ("TF_ENABLE_ONEDNN_OPTS", True), ("TORCHDYNAMO_DISABLE", True), ("OMP_SCHEDULE", True),
     ("PYTHONOPTIMIZE", True), ("LC_ALL", True), ("LD_PRELOAD", True), ("NUMPY_X", True), ("SCIPY_ARRAY_API", True),
     ("HOME_X", False), ("TERM_X", False), ("PYTHONDONTWRITEBYTECODE", False)],
)  # fmt: skip
def test_environment(name: str, counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    before = key()
    monkeypatch.setenv(name, "1")
    assert (key() != before) is counts


def test_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr(harness.run.kept, "COMMON", {**harness.run.kept.COMMON, "OMP_NUM_THREADS": "2"})
    assert key() != before


def test_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr("harness.fingerprint.sys.version", "3.99")
    assert key() != before


def test_the_suites_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room that converts counts; a room that draws cases does not."""
    package = tmp_path / "harness"
    for path in ("__init__.py", "adapters/hops/x.py", "draw/x.py"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text("1")
    monkeypatch.setattr(harness, "__file__", str(package / "__init__.py"))
    before = key()
    (package / "draw/x.py").write_text("2")
    assert key() == before
    (package / "adapters/hops/x.py").write_text("2")
    assert key() != before


IMPORTS = """
import importlib, pkgutil, sys
import harness.run.walk, harness.workers.serve, harness.adapters
for each in pkgutil.walk_packages(harness.adapters.__path__, "harness.adapters."):
    importlib.import_module(each.name)
print(*sorted({name.split(".")[1] for name in sys.modules if name.startswith("harness.")}))
"""


def test_no_step_depends_on_a_room_that_does_not_count() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True)
    assert {"adapters", "workers", "run", "judge", "oracle"} <= set(done.stdout.split())
    assert set(done.stdout.split()) & set(UNINVOLVED) == set()
    assert all((Path(harness.__file__).parent / room).is_dir() for room in UNINVOLVED)


def test_nor_by_an_import_inside_a_function() -> None:
    root = Path(harness.__file__).parent
    importing = {}
    for room in ("adapters", "workers", "judge", "matlab", "oracle", "results", "planted"):
        for path in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if any(
                    name.split(".")[1:2] and name.split(".")[1] in UNINVOLVED
                    for name in names
                    if name[:8] == "harness."
                ):
                    importing[str(path.relative_to(root))] = names
    assert importing == {}


def test_off_keeps_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Session(Selection()) as session:
        assert session.kept is not None
    monkeypatch.setenv("PARITY_CACHE", "off")
    with Session(Selection()) as session:
        assert session.kept is None
