"""`pytest suites/` that gets Ctrl-C or SIGTERM: one line below all else, a page, a file that is cut, nothing left."""

from __future__ import annotations

import signal

import pytest

from harness.results.file import Results
from tests.gates import ROUTE, fill
from tests.interruptions import Run
from tests.pytest_plugin.conftest import SUITE

pytest_plugins = ["pytester"]
CONFTEST = """
import harness.run.session
from tests.interruptions import sleepy
pytest_plugins = ["harness.pytest_plugin"]
harness.run.session.installed = sleepy
"""
PYTEST = "import pytest, sys\nsys.exit(pytest.main())"


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
@pytest.mark.parametrize(("number", "alone"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_an_interruption_says_how_far_it_came(
    processes: tuple[str, ...], number: signal.Signals, alone: bool, pytester: pytest.Pytester
) -> None:
    fill(pytester.path)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_suite=SUITE)
    args = ("-p", "no:cacheprovider", "--route", ROUTE, *processes)
    run = Run.start(pytester.path, PYTEST, *args)
    code, lines = run.interrupted(number, alone=alone)
    results = Results.load(pytester.path / "reports" / "results.ndjson", cut_ok=True)
    came = len(results.results)
    assert code == pytest.ExitCode.INTERRUPTED
    assert lines[-1].startswith(f"interrupted: {came} of 3; go on with `pytest {' '.join(args)} --resume`; ")
    assert lines[-1].endswith("reports/results.html shows what came")
    assert not [line for line in lines if "lost" in line]
    assert results.cut
    assert came < 3
    assert all(result.outcome.passes for result in results.results)  # no worker that was killed passes for a crash
    page = (pytester.path / "reports" / "results.html").read_text()
    assert f"Cut. The run was cut: it has no end. {came} of 3 owed results came" in page
    assert run.left() == []


def test_a_run_that_ends_at_its_first_failure_is_cut(world: pytest.Pytester) -> None:
    world.makepyfile(test_suite=SUITE.replace("check(*results)", "assert False"))
    done = world.runpytest_subprocess("-x")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert done.outlines[-1].startswith("interrupted: 1 of 2; go on with `pytest ")
    done.stdout.no_fnmatch_line("lost:*")
    assert Results.load(world.path / "reports" / "results.ndjson", cut_ok=True).cut
