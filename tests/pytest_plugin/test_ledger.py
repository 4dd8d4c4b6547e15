"""The results file, the floor, the exit code and the lines at the end, with and without xdist."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from harness.judge.record import Cell, Record
from harness.results.events import Judgement
from harness.results.file import Results
from tests.miniatures import dense_case
from tests.pytest_plugin.conftest import CONFTEST

pytest_plugins = ["pytester"]

World = pytest.Pytester


def results(world: World) -> Results:
    return Results.load(world.path / "reports" / "results.ndjson")


def test_green_run_leaves_a_whole_results_file(world: World) -> None:
    done = world.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*2 results in *results.ndjson*"])
    done.stdout.no_fnmatch_line("*defect*")
    assert results(world).passed
    assert results(world).header.floor == 2


def test_workers_of_xdist_send_their_results(world: World) -> None:
    done = world.runpytest_subprocess("-n", "2")
    done.assert_outcomes(passed=2)
    assert len(results(world).results) == 2
    assert results(world).header.floor == 2


def test_header_records_the_options(world: World) -> None:
    world.runpytest_subprocess("--layer", "Den*", "--limit", "30", "--results", "mine.ndjson")
    header = Results.load(world.path / "mine.ndjson").header
    assert header.options == {
        "route": [], "layer": ["Den*"], "explore": 0, "random": False, "hop": [], "opset": [], "all-cases": False,
        "limit": 30.0, "pack": None, "baseline": None, "across": [], "shard": None, "no-cache": False,
    }  # fmt: skip
    assert header.command[0] == "pytest"
    assert header.command[-6:] == ("--layer", "Den*", "--limit", "30", "--results", "mine.ndjson")


def test_deviation_is_counted_as_a_defect(world: World, hops: Callable[[str], None]) -> None:
    hops("Copies, Refuses")
    done = world.runpytest_subprocess("--route", "*refuses")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["1 defect, 2 results of 2 cases; 1 unexpected; see `parity defects`"])
    assert {result.judgement for result in results(world).results} == {Judgement.FAILED}


def test_converters_of_one_engine_share_a_defect(world: World) -> None:
    """What the run counts at its end knows what the header says of the converters."""
    world.makeconftest(
        CONFTEST.format(hops="Refuses")
        + "import dataclasses\n"
        + "known = registry(Refuses)\n"
        + 'also = dataclasses.replace(known.hops[0], name="also", engine="refuses")\n'
        + "both = dataclasses.replace(known, hops=(*known.hops, also))\n"
        + "harness.run.session.installed = lambda: both\n"
    )
    done = world.runpytest_subprocess()
    done.assert_outcomes(failed=4)
    done.stdout.fnmatch_lines(["1 defect, 4 results of 2 cases; 1 unexpected; see `parity defects`"])
    assert {(note.name, note.engine) for note in results(world).header.plugins if note.kind == "hop"} == {
        ("refuses", "refuses"),
        ("also", "refuses"),
    }


def test_expected_deviation_is_an_xfail(world: World, hops: Callable[[str], None], expect: Callable[..., None]) -> None:
    hops("Refuses")
    expect("refuses")
    done = world.runpytest_subprocess()
    done.assert_outcomes(xfailed=2)
    done.stdout.fnmatch_lines(["*    2 deviate as expected: known-one"])
    assert results(world).passed


def test_run_below_its_floor_fails(world: World) -> None:
    """A suite whose tests do not walk owes results it never made."""
    world.makepyfile(
        test_suite="import pytest\n@pytest.mark.goldens('keras')\ndef test_golden(pair):\n    pass\n",
    )
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["*only 0 results came, the run owes 2*"])


def test_expectation_by_message_that_speaks_of_no_case_fails_the_run_if_asked(
    world: World, expect: Callable[..., None]
) -> None:
    expect("copies", 'says = "no such words"\n')
    done = world.runpytest_subprocess()
    done.assert_outcomes(passed=2)
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines(["expectation known-one matched nothing, though its minimal case keras-Dense-* was run"])
    done = world.runpytest_subprocess("--fail-on", "fixed")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["--fail-on: 1 fixed beside the record; remove these expectations: known-one"])


def test_expectation_by_message_may_be_silent_on_selected_routes(world: World, expect: Callable[..., None]) -> None:
    expect("copies", 'says = "no such words"\n')
    assert world.runpytest_subprocess("--route", "mini-copies").ret == pytest.ExitCode.OK


def test_expectation_of_a_random_outcome_may_be_silent_in_a_run(world: World, expect: Callable[..., None]) -> None:
    expect("copies", 'says = "no such words"\nrandom = true\n')
    done = world.runpytest_subprocess("--fail-on", "fixed")
    assert done.ret == pytest.ExitCode.OK
    done.stdout.no_fnmatch_line("*matched nothing*")


# Beside the record


def recorded(world: World, *cells: str) -> None:
    """A record of the stages of the two goldens along mini-copies: the second stage has these cells, one a case."""
    chains = {"mini": ("exact 0", "exact 0"), "mini-copies": cells}
    record = Record(
        {
            (dense_case(seed).id, chain): (Cell.parse(texts[seed]),)
            for chain, texts in chains.items()
            for seed in range(2)
        }
    )
    record.save(world.path / "golden" / "record")


def test_a_run_like_the_record(world: World) -> None:
    recorded(world, "exact 0", "exact 0")
    done = world.runpytest_subprocess()
    done.stdout.fnmatch_lines(["beside the record: 2 same"])
    assert done.ret == pytest.ExitCode.OK


def test_a_regression_fails_though_an_expectation_covers_it(
    world: World, hops: Callable[[str], None], expect: Callable[..., None]
) -> None:
    hops("Refuses")
    expect("refuses")
    Record({(dense_case().id, "mini-refuses"): (Cell.parse("exact 0"),)}).save(world.path / "golden" / "record")
    done = world.runpytest_subprocess()
    done.assert_outcomes(failed=1, xfailed=1)
    done.stdout.fnmatch_lines(
        [
            "beside the record: 1 regression, 1 new",
            f"regression: {dense_case().id} at refuses: exact 0 -> refused (mini-refuses)",
        ]
    )


def test_a_fix_is_told_and_fails_only_if_asked(world: World, expect: Callable[..., None]) -> None:
    recorded(world, "refused", "exact 0")
    expect("copies")
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines(
        [
            "beside the record: 1 same, 1 fixed",
            f"fixed: {dense_case().id} at copies: refused -> exact 0.16 (mini-copies)",
            "obsolete: expectation known-one explained what is fixed, and explains nothing now",
        ]
    )
    assert world.runpytest_subprocess("--fail-on", "fixed").ret == pytest.ExitCode.TESTS_FAILED


def test_a_stage_on_record_that_is_walked_no_more_is_lost(world: World) -> None:
    recorded(world, "exact 0", "exact 0")
    with (world.path / "golden" / "record" / "keras" / "Dense.txt").open("a") as file:
        file.write("0123456789ab exact 0\n")
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["lost: keras-Dense-0123456789ab on mini-copies", "1 results are owed and did not come*"])


def test_what_is_owed_stands_in_the_file_before_the_first_result(world: World) -> None:
    world.runpytest_subprocess("-n", "2")
    (owed,) = results(world).owed
    assert (owed.route, set(owed.cases)) == ("mini-copies", {dense_case().id, dense_case(1).id})
    kinds = [json.loads(line)["event"] for line in (world.path / "reports/results.ndjson").read_text().splitlines()]
    assert kinds == ["header", "owed", "result", "result", "footer"]


def test_universal_faults_are_planted_if_asked(world: World) -> None:
    done = world.runpytest_subprocess("--plant", "-n", "2")
    done.stdout.fnmatch_lines(["copies * refuse * 1 * 2 * 2 * 100 %", "copies * scale and shift * 1 * 2 * 2 * 100 %"])
    assert done.ret == pytest.ExitCode.OK
    rows = json.loads((world.path / "reports" / "results.universal.json").read_text())
    assert len(rows) == 5
    assert rows[2] == {"converter": "copies", "layer": "Dense", "fault": "refuse", "cases": 2, "failed": 2}


def test_a_universal_fault_that_passes_fails_the_run(world: World, expect: Callable[..., None]) -> None:
    """It hides under an expectation that covers what passes, and that no record contradicts."""
    expect("copies", 'says = "planted"\n')
    done = world.runpytest_subprocess("--plant")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["2 universal faults pass, the first is 'refuse' behind copies on keras-Dense-*"])


SPENT = """
from harness.pytest_plugin import budget

def pytest_runtest_teardown(item):
    item.config.stash[budget._DEADLINE] = 0.0
"""


@pytest.mark.parametrize("spent", [True, False])
def test_what_a_budget_let_come_is_judged_as_ever(world: World, expect: Callable[..., None], spent: bool) -> None:
    """The budget is spent behind the first test."""
    if spent:
        world.makeconftest((world.path / "conftest.py").read_text() + SPENT)
    expect("copies", 'says = "planted"\n')
    done = world.runpytest_subprocess("--plant", "--budget", "1h")
    done.stdout.fnmatch_lines([f"{1 if spent else 2} universal faults pass, the first is 'refuse' behind copies on *"])
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert ("the budget is spent: 1 of 2" in done.stdout.str()) is spent
    recorded(world, "refused", "refused")
    done = world.runpytest_subprocess("--fail-on", "fixed", "--budget", "1h")
    done.stdout.fnmatch_lines([f"--fail-on: {1 if spent else 3} fixed beside the record*"])
    assert done.ret == pytest.ExitCode.TESTS_FAILED
