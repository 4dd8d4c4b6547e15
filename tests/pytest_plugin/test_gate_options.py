"""`--pack`, `--baseline`, `--across`, `--shard`; and that nothing runs beside what was named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.files import claimed
from harness.results.file import Results
from harness.results.merge import merge
from tests.miniatures import dense_case

pytest_plugins = ["pytester"]

IDS = [dense_case().id, dense_case(1).id]
BESIDE = ["test_other.py::test_of_arrays", "test_other.py::test_of_numbers[1]", "test_other.py::test_of_numbers[2]"]
OTHERS = """
import pytest

def test_of_arrays():
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_of_numbers(number):
    pass
"""


def run(world: pytest.Pytester, *args: str) -> pytest.RunResult:
    return world.runpytest_subprocess("-p", "no:cacheprovider", "--no-cache", *args)


def said(done: pytest.RunResult) -> str:
    return done.stdout.str() + done.stderr.str()


def written(path: str = "reports/results.ndjson") -> Results:
    return Results.load(Path(path))


@pytest.mark.parametrize(
    "args", [["--layer", "Dense"], ["--route", "mini-copies"], ["--hop", "tests.miniatures:Bakes", "--route", "*s"]]
)
def test_nothing_runs_beside_what_was_named(world: pytest.Pytester, args: list[str]) -> None:
    world.makepyfile(test_other=OTHERS)
    run(world).assert_outcomes(passed=5)
    done = run(world, *args)
    assert done.parseoutcomes()["deselected"] == 3
    assert "test_other.py" not in run(world, *args, "--collect-only", "-q").stdout.str()


def test_what_was_named_by_its_file_runs(world: pytest.Pytester) -> None:
    """Where no test over goldens is asked for, the selection is about what is."""
    world.makepyfile(test_other=OTHERS)
    run(world, "test_other.py", "--layer", "Dense").assert_outcomes(passed=3)


def test_shards_make_up_the_run(world: pytest.Pytester) -> None:
    whole = []
    for number in (1, 2):
        done = run(world, "--shard", f"{number}/2", "--results", f"{number}.ndjson")
        assert done.ret in (0, 4)
        whole += [Path(f"{number}.ndjson")] if done.ret == 0 else []
    shards = [written(str(path)) for path in whole]
    assert sorted(result.case for each in shards for result in each.results) == sorted(IDS)
    assert {each.header.options["manifest"] for each in shards} == {shards[0].header.options["manifest"]}
    if len(whole) == 2:
        assert len(merge(whole, Path("whole.ndjson")).results) == 2


def test_shards_divide_the_tests_beside_the_goldens(world: pytest.Pytester) -> None:
    world.makepyfile(test_other=OTHERS)
    parts = []
    for number in (2, 3):
        listed = run(world, "--shard", f"{number}/3", "--collect-only", "-q")
        parts.append([line for line in listed.stdout.lines if line in BESIDE])
    assert parts == [BESIDE[:2], []]  # and the last is of the first shard


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--shard", "3/2"], "--shard: no such shard; expected a number and a count such as 2/4, got 3/2"),
        (["--shard", "9/97"], "shard 9/97 has no case. Use fewer shards"),
        (["--baseline", "nothing.ndjson"], "nothing.ndjson: there is no results file that can be read"),
        (["--baseline", "reports/results.ndjson"], "the results would replace the baseline"),
        (["--baseline", "."], "there is no results file that can be read"),
        (["--results", "test_suite.py/r.ndjson"], "test_suite.py/r.ndjson: the file cannot be written: "),
        (["--pack", "nothing.pack"], "nothing.pack: there is no such pack"),
        (["--pack", "test_suite.py"], "test_suite.py: not a pack"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(world: pytest.Pytester, args: list[str], message: str) -> None:
    done = run(world, *args)
    assert (done.ret, message in said(done)) == (pytest.ExitCode.USAGE_ERROR, True), said(done)
    assert not Path("reports").exists()


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_results_that_another_run_is_writing(world: pytest.Pytester, processes: list[str]) -> None:
    with Path("r.ndjson").open("a") as file:
        assert claimed(file)
        done = run(world, "--results", "r.ndjson", *processes)
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        assert "r.ndjson: another run is writing this file" in said(done)
        assert "INTERNALERROR" not in said(done)
    assert Path("r.ndjson").read_bytes() == b""
    assert run(world, "--results", "r.ndjson", *processes).ret == 0
    assert len(written("r.ndjson").results) == 2


def test_a_run_is_judged_by_its_baseline(world: pytest.Pytester, hops: Any) -> None:
    assert run(world, "--results", "base.ndjson").ret == 0
    done = run(world, "--baseline", "base.ndjson")
    assert (done.ret, "beside the record: 2 same" in said(done)) == (0, True)
    world.makeconftest(Path("conftest.py").read_text().replace("registry(Copies)", BROKEN))
    done = run(world, "--baseline", "base.ndjson")
    done.assert_outcomes(failed=2)
    assert "2 regression" in said(done)


BROKEN = """__import__("dataclasses").replace(registry(Copies), hops=(
    __import__("dataclasses").replace(registry(Copies).hops[0], reference="tests.miniatures:Refuses"),))"""


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (r'\{"event":"footer".*\n', "", "the run was cut"),
        (r'"numpy":"[^"]+"', '"numpy":"1.0"', "different environments: numpy 1.0 -> "),
        (r"(?s).+", "", "the file is empty"),
    ],
)
def test_a_baseline_that_cannot_be_used(world: pytest.Pytester, right: str, wrong: str, message: str) -> None:
    run(world, "--results", "base.ndjson")
    path = Path("base.ndjson")
    path.write_text(re.sub(right, wrong, path.read_text()))
    done = run(world, "--baseline", "base.ndjson")
    assert (done.ret, message in said(done)) == (pytest.ExitCode.USAGE_ERROR, True), said(done)
    if "numpy" in right:
        done = run(world, "--baseline", "base.ndjson", "--across", "numpy")
        assert done.ret == 0
        assert written().header.options["across"] == ["numpy"]
