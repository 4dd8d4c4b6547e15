"""The results file, the floor, the exit code and the lines at the end, with and without xdist."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.results.events import Judgement
from harness.results.file import Results
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
        "limit": 30.0,
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


def test_expectation_by_message_that_speaks_of_no_case_fails_the_run(world: World, expect: Callable[..., None]) -> None:
    expect("copies", 'says = "no such words"\n')
    done = world.runpytest_subprocess()
    done.assert_outcomes(passed=2)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(
        [
            "expectation known-one matched nothing, though its minimal case keras-Dense-* was run",
            "fixed upstream: remove these expectations, whose minimal cases no longer deviate: known-one",
        ]
    )


def test_expectation_by_message_may_be_silent_on_selected_routes(world: World, expect: Callable[..., None]) -> None:
    expect("copies", 'says = "no such words"\n')
    assert world.runpytest_subprocess("--route", "mini-copies").ret == pytest.ExitCode.OK
