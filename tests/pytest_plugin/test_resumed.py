"""`pytest suites/` that goes on where it was cut, or that has a budget: the results are those of a run in one piece."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.results.file import Results
from tests.gates import fill

pytest_plugins = ["pytester"]
RESULTS = Path("reports", "results.ndjson")


@pytest.fixture
def whole(world: pytest.Pytester) -> pytest.Pytester:
    """A world of three goldens that were written before this second, and a whole run over them."""
    fill(world.path)
    time.sleep(1.1)  # a results file tells the second in which its run began
    assert world.runpytest_subprocess().ret == pytest.ExitCode.OK
    return world


@pytest.fixture
def cut(whole: pytest.Pytester) -> Callable[[int], list[str]]:
    """Cuts the results file behind some results, in the midst of a line. Returns the whole lines that it leaves."""

    def cut(count: int) -> list[str]:
        path = whole.path / RESULTS
        lines = path.read_text().splitlines(keepends=True)
        events = [json.loads(line)["event"] for line in lines]
        end = events.index("result") + count
        path.write_text("".join(lines[:end]) + lines[end][:50])
        return lines[:end]

    return cut


def told(path: Path) -> list[Any]:
    """What a whole file says, without times."""
    results = Results.load(path)
    lines = [each.to_json() for each in sorted(results.results, key=lambda each: each.key)]
    for line in lines:
        for stage in line["stages"]:
            stage["seconds"] = stage["kept"] = 0
    return [lines, sorted(results.owed_pairs), results.sentence]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_a_resumed_run_has_the_results_of_a_whole_one(
    whole: pytest.Pytester, cut: Callable[[int], list[str]], processes: tuple[str, ...], count: int
) -> None:
    shutil.copy(whole.path / RESULTS, whole.path / "whole.ndjson")
    lines = cut(count)
    done = whole.runpytest_subprocess("--resume", *processes)
    done.assert_outcomes(passed=3 - count, deselected=0 if processes else count)
    text = (whole.path / RESULTS).read_text()
    assert text.startswith("".join(lines))  # nothing is walked twice
    assert told(whole.path / RESULTS) == told(whole.path / "whole.ndjson")


def test_a_run_that_was_cut_behind_its_last_result_ends(whole: pytest.Pytester) -> None:
    path = whole.path / RESULTS
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert whole.runpytest_subprocess("--resume").ret == pytest.ExitCode.OK
    assert Results.load(path).passed


def test_without_a_result_it_begins_anew(whole: pytest.Pytester) -> None:
    path = whole.path / RESULTS
    for text in ("", '{"event": "hea', path.read_text().splitlines(keepends=True)[0]):
        path.write_text(text)
        whole.runpytest_subprocess("--resume").assert_outcomes(passed=3)
        assert Results.load(path).passed


def test_it_does_not_go_on_with_another_run(whole: pytest.Pytester, cut: Callable[[int], list[str]]) -> None:
    refused = whole.runpytest_subprocess("--resume")
    refused.stderr.fnmatch_lines(["*the run has its end: there is nothing to go on with. Repeat the whole run*"])
    lines = cut(1)
    for words, why in (
        (("--layer", "Den*"), "the cut run was another: different are layer; expected the run `pytest*"),
        (("--plant",), "--resume does not go with --plant*"),
        (("--worker", f"mini={sys.executable}"), "--worker: nobody looks at the files of a worker*"),
    ):
        refused = whole.runpytest_subprocess("--resume", *words)
        assert refused.ret == pytest.ExitCode.USAGE_ERROR
        refused.stderr.fnmatch_lines([f"*{why}"])
    assert (whole.path / RESULTS).read_text().startswith("".join(lines))


def test_it_does_not_go_on_where_a_file_has_changed(whole: pytest.Pytester, cut: Callable[[int], list[str]]) -> None:
    cut(1)
    golden = whole.path / "golden" / "keras" / "Dense.zip"
    golden.write_bytes(golden.read_bytes())
    refused = whole.runpytest_subprocess("--resume")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*Dense.zip: a file has changed since the cut run began*"])


def test_what_failed_before_the_cut_fails_the_run(
    world: pytest.Pytester, hops: Callable[[str], None], pytestconfig: pytest.Config
) -> None:
    hops("Copies, Refuses")
    time.sleep(1.1)
    assert world.runpytest_subprocess().ret == pytest.ExitCode.TESTS_FAILED
    path = world.path / RESULTS
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"event":"footer"' not in line and '"answer"' not in line))
    failed = [line for line in lines if '"judgement":"failed"' in line]
    path.write_text(path.read_text() + "".join(failed))
    done = world.runpytest_subprocess("--resume")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.assert_outcomes(passed=2, deselected=2)
    done.stdout.fnmatch_lines(["2 results failed before the run was cut"])
    assert Results.load(path).exit_code == 1


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_a_budget_cuts_the_run_and_fails_nothing(whole: pytest.Pytester, processes: tuple[str, ...]) -> None:
    done = whole.runpytest_subprocess("--budget", "0.01s", *processes)
    assert done.ret == pytest.ExitCode.OK
    assert done.outlines[-2].startswith("the budget is spent: 0 of 3; go on with `pytest ")
    assert done.outlines[-2].endswith(
        " --resume`; " + str(whole.path / "reports" / "results.html") + " shows what came"
    )
    assert done.outlines[-1] == "3 tests did not begin"
    assert Results.load(whole.path / RESULTS, cut_ok=True).cut
    done = whole.runpytest_subprocess("--budget", "5m", "--resume", *processes)
    done.assert_outcomes(passed=3)
    assert Results.load(whole.path / RESULTS).passed


def test_a_budget_that_is_no_time_is_refused(whole: pytest.Pytester) -> None:
    refused = whole.runpytest_subprocess("--budget", "soon")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--budget: a time was expected; expected seconds, minutes or hours: 90s, 5m, 1h*"])


def test_a_page_that_was_asked_for_is_written(whole: pytest.Pytester) -> None:
    done = whole.runpytest_subprocess("--page", "site/index.html")
    assert done.outlines[-1] == "site/index.html shows all"
    assert "Passed. Nothing that matters is wrong" in (whole.path / "site" / "index.html").read_text()


def test_a_full_disk_leaves_what_came_and_the_command_to_go_on_with(whole: pytest.Pytester) -> None:
    """A limit for the size of files stands for the disk."""
    size = (whole.path / RESULTS).stat().st_size
    lines = (whole.path / RESULTS).read_text().splitlines(keepends=True)
    most = size - len(lines[-1]) - len(lines[-2]) // 2
    program = (
        "import resource, pytest, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
        "sys.exit(pytest.main(['-p', 'no:cacheprovider', '--page', 'kept.html']))\n"
    )
    (whole.path / "kept.html").write_text("the page that was there")
    whole.makepyfile(full=program)
    done = whole.runpython(whole.path / "full.py")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    text = done.stdout.str()
    assert "results.ndjson: the file cannot be written: File too large" in text
    assert "stopped: 2 of 3; go on with `pytest" in text
    assert "there is no new page: " in text
    assert "Traceback" not in text
    assert (whole.path / "kept.html").read_text() == "the page that was there"
    done = whole.runpytest_subprocess("-p", "no:cacheprovider", "--page", "kept.html", "--resume")
    done.assert_outcomes(passed=1, deselected=2)
    assert Results.load(whole.path / RESULTS).passed
