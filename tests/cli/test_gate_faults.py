"""Faults planted in the gate's own inputs, and in what it runs: each is red (exit code 1) or refused (2).

Nothing here may be green. Each test begins from a green gate of the same folder: `prepared` makes record and baseline.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness.cli.gate
import harness.run.crew
from harness.adapters.registry import FORMATS, KINDS, Registry
from harness.corpus.store import Store
from harness.files import claimed
from harness.judge.record import Cell
from harness.judge.record import load as load_record
from harness.results.events import CutRun, Result
from harness.run.selection import Shard
from tests.gates import CASES, IDS, RESULTS, ROUTE, Parity, fill, results, world
from tests.miniatures import (
    Copies,
    Doubles,
    Exits,
    LacksModule,
    LacksPackage,
    Refuses,
    Uninstalled,
    WritesNoSource,
    WritesNothing,
    WritesRubbish,
    plugin,
    registry,
)

RED, REFUSED = 1, 2
BASE = "base.ndjson"
ENTRY = """
[[accepted]]
case = "{case}"
route = "mini-copies-reads"
outcome = "refused"
reason = "we mend it in the next release"
link = "https://example.org/1"
until = {until}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with goldens, the record of a gate that was green, its results as a baseline, and two shards."""
    folder = tmp_path_factory.mktemp("prepared")
    fill(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        parity = Parity(monkeypatch).over(world)
        parity.record()
        assert parity.gate()[0] == 0
        shutil.move(RESULTS, BASE)
        for number in (1, 2):
            assert parity.gate("--shard", f"{number}/2", "--results", f"{number}.ndjson")[0] == 0
        shutil.rmtree("reports")
    return folder


@pytest.fixture
def parity(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Parity:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    return Parity(monkeypatch, capsys).over(world)


def edit(path: str | Path, right: str, wrong: str) -> None:
    text = Path(path).read_text()
    assert re.search(right, text), text[:500]
    Path(path).write_text(re.sub(right, wrong, text))


def test_without_a_fault_it_is_green(parity: Parity) -> None:
    code, out = parity.gate()
    assert (code, "Nothing got worse in 3 compared results.\n" in out) == (0, True)
    assert parity.gate("--baseline", BASE, "--results", "again.ndjson")[0] == 0
    code, out = parity("merge", "2.ndjson", "1.ndjson", "-o", "whole.ndjson")
    assert code == 0
    assert {result.key for result in results(Path("whole.ndjson")).results} == {(case, ROUTE) for case in IDS}
    assert parity("diff", BASE, "whole.ndjson")[0] == 0


# What runs is broken


@pytest.mark.parametrize("broken", [Doubles, Refuses, WritesNothing, WritesRubbish, Exits])
def test_a_converter_that_got_worse(parity: Parity, broken: type) -> None:
    """Wrong numbers, a refusal, no file, half a file, and a crash, which is never a skip."""
    code, out = parity.over(lambda: world(broken)).gate()
    assert (code, "3 regressions" in out) == (RED, True)
    assert parity.gate("--baseline", BASE)[0] == RED


def test_a_converter_that_cannot_be_imported(parity: Parity) -> None:
    """In its worker: it is a regression of each case, not a case less."""
    code, out = parity.over(lambda: world(reference="tests.no_such_module:Reads")).gate()
    assert (code, "3 regressions" in out, "No module named" in out) == (RED, True, True)


def test_a_converter_that_lacks_a_package(parity: Parity) -> None:
    """It refuses nothing: it cannot run here, and no result would be one of its own."""
    code, out = parity.over(lambda: world(LacksPackage)).gate()
    assert (code, "LacksPackage: it cannot run here: it imports no_such_package, which is" in out) == (REFUSED, True)


def test_a_converter_that_lacks_a_module_of_its_own(parity: Parity) -> None:
    """A package that is there without one of its modules is broken, and so is each of its answers."""
    code, out = parity.over(lambda: world(LacksModule)).gate()
    assert (code, "3 regressions" in out, "No module named 'numpy.no_such" in out) == (RED, True, True)


def test_sources_that_cannot_be_written_here_nor_in_the_baseline(parity: Parity) -> None:
    """All results are the same, and no converter was called."""

    def broken() -> Registry:
        small = world()
        source = replace(plugin(WritesNoSource, FORMATS), name="mini", suffix=".mini")
        return replace(small, formats=(source, *small.formats[1:]))

    parity.over(broken)
    assert parity("run", "--no-cache")[0] == RED
    shutil.move(RESULTS, "broken.ndjson")
    code, out = parity.gate("--baseline", "broken.ndjson")
    assert (code, "3 same" in out, "no selected case reached copies" in out) == (REFUSED, True, True)
    assert "no converter was tried" in out
    assert "the framework is broken" in out
    assert "parity replay" in out


def test_a_converter_that_is_not_installed(parity: Parity) -> None:
    code, out = parity.over(lambda: world(Uninstalled)).gate()
    assert (code, f"no route that fits '{ROUTE}' can run here: reads: not installed" in out) == (REFUSED, True)
    code, out = parity.gate("--hop", "tests.no_such_module:Reads")
    assert (code, "no_such_module" in out) == (REFUSED, True)


def test_a_converter_that_vanished_from_all_routes(parity: Parity) -> None:
    """Asked for everything, the gate finds nothing of it: what the baseline has is lost."""
    code, out = parity.over(lambda: world(Uninstalled))("gate", "--no-cache", "-n", "1", "--baseline", BASE)
    assert code in (RED, REFUSED)
    assert "reads" in out


def test_a_random_outcome_that_is_not_on_record(parity: Parity) -> None:
    """Alternatives on record are those of one stage, and hide no other outcome."""
    record = load_record(Path("golden/record"))
    key = (IDS[0], ROUTE)
    random = record.with_cells({key: (Cell.parse("exact 0.2"), Cell.parse("divergent 9e+09"))})
    random.save(Path("golden/record"))
    assert parity.gate()[0] == 0
    code, out = parity.over(lambda: world(Refuses)).gate()
    assert (code, "3 regressions" in out, "divergent 9e+09 -> refused" in out) == (RED, True, True)


# Results do not come


def test_a_lost_result(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is owed by the file, which was begun before anything was walked."""
    drop(monkeypatch, lambda result: result.case == IDS[1])
    code, out = parity.gate()
    assert (code, "1 lost" in out, IDS[1] in out) == (RED, True, True)


def test_a_lost_result_of_a_shard(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(monkeypatch, lambda result: True)
    code, out = parity.gate("--shard", "1/2")
    assert (code, "did too little" in out) == (RED, True)


def drop(monkeypatch: pytest.MonkeyPatch, lost: Callable[[Result], bool]) -> None:
    def fewer(*given: Any) -> Iterator[Result]:
        return (result for result in harness.run.crew.walked(*given) if not lost(result))

    monkeypatch.setattr(harness.cli.gate, "walked", fewer)


def test_a_process_that_dies_leaves_a_cut_file(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(harness.run.crew.ProcessPoolExecutor):  # type: ignore[misc]
        def submit(self, *given: Any) -> Any:
            future: Any = harness.run.crew.Future()
            future.set_exception(BrokenProcessPool("a process ended abruptly"))
            return future

    monkeypatch.setattr(harness.run.crew, "ProcessPoolExecutor", Dying)
    code, out = parity.gate("-n", "2")
    assert (code, "a process of the walk died" in out) == (REFUSED, True)
    with pytest.raises(CutRun):
        results()
    assert parity("diff", BASE, str(RESULTS))[0] == REFUSED


def test_an_interrupted_gate_leaves_a_cut_file(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: Any) -> Iterator[Result]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(harness.cli.gate, "walked", interrupted)
    assert parity.gate()[0] == 130
    with pytest.raises(CutRun):
        results()


# What is compared with is broken


def test_a_case_that_vanished_from_the_corpus(parity: Parity) -> None:
    Store(Path("golden")).put("keras", "Dense", CASES[:2], seed=0)
    code, out = parity.gate()
    assert (code, "2 same, 3 lost\n" in out, IDS[2] in out) == (RED, True, True), out  # one at each stage


def test_a_renamed_case(parity: Parity) -> None:
    """One is lost, another is new."""
    edit("golden/record/keras/Dense.txt", IDS[0].rpartition("-")[2], "0123456789ab")
    code, out = parity.gate()
    assert (code, "2 same, 3 lost, 1 new\n" in out) == (RED, True), out


def test_an_id_that_is_the_beginning_of_another(parity: Parity) -> None:
    """On record, and in an acceptance."""
    short = IDS[0][:-4]
    Path("accepted.toml").write_text(ENTRY.format(case=short, until="2999-01-31"))
    code, out = parity.over(lambda: world(Refuses)).gate("--accepted", "accepted.toml")
    assert (code, f"there is no case '{short}'" in out) == (REFUSED, True)
    with Path("golden/record/keras/Dense.txt").open("a") as file:  # the last chain is that of `reads`
        file.write(f"{short.rpartition('-')[2]} exact 0\n")
    code, out = parity.over(world).gate()
    assert (code, "1 lost" in out) == (RED, True)


def test_an_expired_acceptance(parity: Parity) -> None:
    every = "".join(ENTRY.format(case=case, until="2999-01-31") for case in IDS)
    Path("accepted.toml").write_text(every)
    assert parity.over(lambda: world(Refuses)).gate("--accepted", "accepted.toml")[0] == 0
    Path("accepted.toml").write_text(every.replace("2999", "2020", 1))
    code, out = parity.gate("--accepted", "accepted.toml")
    assert (code, "has expired" in out) == (RED, True)


def test_an_acceptance_of_another_outcome(parity: Parity) -> None:
    Path("accepted.toml").write_text("".join(ENTRY.format(case=case, until="2999-01-31") for case in IDS))
    assert parity.over(lambda: world(Doubles)).gate("--accepted", "accepted.toml")[0] == RED


FIRST = re.escape(f'"case":"{IDS[0]}"')


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (r'\{"event":"footer".*\n', "", "the run was cut"),
        (r"[^\n]{40}\n\Z", "", "the run was cut"),
        (r"(?s).+", "", "the file is empty"),
        (r'"results":3', '"results":4', "footer"),
        (rf'\{{"event":"result",{FIRST}.*\n', "", "footer"),
        (r'"schema":\d+', '"schema":1', "another version of the suite"),
        (r'"numpy":"[^"]+"', '"numpy":"1.0"', "the base is of another environment"),
        (r'"started":"2\d', '"started":"29', "they may be swapped"),
        (r"(?s).+", '{"no": "results"}\n', "not a results file"),
    ],
)  # fmt: skip
def test_a_baseline_that_is_cut_edited_stale_or_of_another_environment(
    parity: Parity, right: str, wrong: str, message: str
) -> None:
    edit(BASE, right, wrong)
    code, out = parity.gate("--baseline", BASE)
    assert (code, message in out) == (REFUSED, True), out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--baseline", "nothing.ndjson"], "there is no results file nothing.ndjson"),
        (["--baseline", BASE, "--results", f"./{BASE}"], "the results would replace the baseline"),
        (["--baseline", BASE, "--across", "nunpy"], "Nearest: numpy."),
        (["--baseline", "1.ndjson"], "shard 1/2"),
        (["--accepted", "nothing.toml"], "not a TOML file"),
        (["--pack", "nothing.pack"], "there is no such pack"),
        (["--route", "mini-copies-read"], "no route fits 'mini-copies-read'. Nearest: mini-copies-reads."),
        (["--layer", "Dens"], "no golden layer fits 'Dens'. Nearest: Dense."),
        (["--opset", "3"], "no converter writes opset 3"),
        (["--shard", "3/2"], "no such shard"),
        (["--shard", "0/2"], "no such shard"),
        (["--shard", "7/97"], "shard 7/97 has no case"),
    ],
)
def test_an_option_that_cannot_be_used_walks_nothing(parity: Parity, args: list[str], message: str) -> None:
    code, out = parity.gate(*args)
    assert (code, message in out) == (REFUSED, True), out
    assert not RESULTS.exists()
    assert results(Path(BASE)).passed


def test_results_that_another_run_is_writing(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate asks before it walks anything, as it may walk the release first. Both ask when they begin to write."""
    told = "r.ndjson: another run is writing this file"
    with Path("r.ndjson").open("a") as file:
        assert claimed(file)
        with monkeypatch.context() as patch:
            patch.delattr(harness.cli.gate, "Session")
            code, out = parity.gate("--results", "r.ndjson")
        assert (code, told in out) == (REFUSED, True), out
        code, out = parity("run", "--no-cache", "--results", "r.ndjson")
        assert (code, told in out) == (REFUSED, True), out
    assert Path("r.ndjson").read_bytes() == b""
    assert parity.gate("--results", "r.ndjson")[0] == 0
    assert parity.gate("--results", "r.ndjson")[0] == 0


def test_a_baseline_of_another_route_is_refused_before_anything_is_walked(parity: Parity) -> None:
    two = parity.over(lambda: registry(Copies, Doubles))
    gate = ("gate", "--no-cache", "-n", "1")
    assert two(*gate, "--route", "mini-copies", "--results", "copies.ndjson")[0] == 0
    code, out = two(*gate, "--route", "mini-doubles", "--baseline", "copies.ndjson", "--results", "doubles.ndjson")
    why = "copies.ndjson: nothing can be compared: base and head have no case on the same route (3 results)"
    assert (code, why in out) == (REFUSED, True)
    assert not Path("doubles.ndjson").exists()


def test_a_gate_without_a_record_or_a_baseline(parity: Parity) -> None:
    shutil.rmtree("golden/record")
    code, out = parity.gate()
    assert (code, "there is no record" in out) == (REFUSED, True)


def test_swapped_base_and_head(parity: Parity) -> None:
    assert parity.gate()[0] == 0
    code, out = parity("diff", str(RESULTS), BASE)
    assert (code, "they may be swapped" in out) == (REFUSED, True)


# Shards


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        (["1.ndjson"], "shard 2/2 missing"),
        (["1.ndjson", "2.ndjson", "1.ndjson"], "shard 1/2 was given 2 times"),
        (["1.ndjson", BASE], "the file is no shard"),
        (["1.ndjson", "nothing.ndjson"], "does not exist"),
    ],
)
def test_shards_that_are_lost_or_there_twice(parity: Parity, shards: list[str], message: str) -> None:
    code, out = parity("merge", *shards, "-o", "whole.ndjson")
    assert (code, message in out) == (REFUSED, True), out
    assert not Path("whole.ndjson").exists()


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (r'\{"event":"footer".*\n', "", "the run was cut"),
        (r'"shard":"2/2"', '"shard":"1/2"', "shard 1/2 was given 2 times"),
        (r'"shard":"2/2"', '"shard":"2/3"', "different divisions"),
        (r'"manifest":"\w{4}', '"manifest":"0000', "different runs: their manifests differ"),
        (r'"numpy":"[^"]+"', '"numpy":"1.0"', "different environments"),
    ],
)
def test_a_shard_that_is_cut_or_edited(parity: Parity, right: str, wrong: str, message: str) -> None:
    edit("2.ndjson", right, wrong)
    code, out = parity("merge", "1.ndjson", "2.ndjson", "-o", "whole.ndjson")
    assert (code, message in out) == (REFUSED, True), out


def test_a_shard_of_an_older_corpus(parity: Parity) -> None:
    """A file that was left from a run before: its manifest is another one."""
    Store(Path("golden")).put("keras", "Dense", CASES[:2], seed=0)
    assert parity.gate("--shard", "1/2", "--results", "1.ndjson")[0] == 0
    code, out = parity("merge", "1.ndjson", "2.ndjson", "-o", "whole.ndjson")
    assert code == REFUSED
    assert "of different runs" in out or "is empty" in out or "in two shards" in out


def test_the_empty_batch_belongs_to_the_shard_of_its_case() -> None:
    for case in IDS:
        (mine,) = [number for number in range(1, 8) if Shard(number, 7).has(case)]
        assert Shard(mine, 7).has(f"{case}+empty")


# Kept steps


@pytest.fixture
def converter(parity: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a converter that is installed: steps of what belongs to no distribution are not kept."""
    site = tmp_path / "site"
    about = site / "smallreads-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: smallreads\nVersion: 1.0\n")
    (about / "RECORD").write_text("smallreads.py,,\nsmallreads-1.0.dist-info/METADATA,,\n")
    module = site / "smallreads.py"
    module.write_text("FACTOR = 1\n" + SMALL_READS)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", f"{site}:{Path(__file__).resolve().parents[2]}")
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "kept"))
    known = world(reference="smallreads:Reads")
    parts = {kind: tuple(replace(each, origin="smallreads") for each in getattr(known, kind)) for kind in KINDS}
    parity.over(lambda: replace(known, **parts))
    return module


SMALL_READS = """
from tests.miniatures import Copies, MiniFormat
class Reads(Copies):
    def convert(self, artifact, out):
        spec, weights = MiniFormat().read(artifact)
        MiniFormat().write(spec, {name: value * FACTOR for name, value in weights.items()}, out)
        return out
"""


def test_a_stale_cache(parity: Parity, converter: Path) -> None:
    """A step that other code made is not taken: one byte of the converter has changed."""

    def kept_gate(*args: str) -> tuple[int, set[bool]]:
        code, _ = parity("gate", "-n", "1", "--route", ROUTE, *args)
        return code, {result.stages[-1].kept for result in results().results}

    assert kept_gate() == (0, {False})
    assert kept_gate() == (0, {True})
    converter.write_text("FACTOR = 2\n" + SMALL_READS)
    assert kept_gate() == (RED, {False})
