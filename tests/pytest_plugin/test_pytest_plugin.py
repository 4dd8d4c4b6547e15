"""The plugin in a pytest of its own, over the miniature world: results, exit codes, floor, xdist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.corpus.store import Store
from harness.results.events import Judgement
from harness.results.file import Results
from tests.miniatures import dense_case

pytest_plugins = ["pytester"]
dense_case()  # pytester forgets modules that a test imports first, and catalogue and oracle register but once
ROOT = Path(__file__).resolve().parents[2]

CONFTEST = """
import harness.run.session
from tests.miniatures import Copies, Refuses, registry
pytest_plugins = ["harness.pytest_plugin"]
harness.run.session.installed = lambda: registry({hops})
"""
SUITE = """
import pytest
from harness.pytest_plugin import check

@pytest.mark.goldens("keras")
def test_golden(result):
    check(result)
"""


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with two goldens and a suite, and the harness and its miniatures importable."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Store(pytester.path / "golden").put("keras", "Dense", [dense_case(), dense_case(1)], seed=0)
    pytester.makeconftest(CONFTEST.format(hops="Copies"))
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def results(world: pytest.Pytester) -> Results:
    return Results.load(world.path / "reports" / "results.ndjson")


def test_green_run_leaves_a_whole_results_file(world: pytest.Pytester) -> None:
    done = world.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*2 results in *results.ndjson*"])
    done.stdout.no_fnmatch_line("*defect*")
    assert results(world).passed
    assert results(world).header.floor == 2


def test_workers_of_xdist_send_their_results(world: pytest.Pytester) -> None:
    done = world.runpytest_subprocess("-n", "2")
    done.assert_outcomes(passed=2)
    assert len(results(world).results) == 2
    assert results(world).header.floor == 2


def test_deviation_fails_and_says_what_to_run_next(world: pytest.Pytester) -> None:
    world.makeconftest(CONFTEST.format(hops="Copies, Refuses"))
    done = world.runpytest_subprocess("--route", "*refuses")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["*Dense on mini-refuses: refused at refuses*", "*again: parity replay keras-Dense-*"])
    done.stdout.fnmatch_lines(["1 defect, 2 results of 2 cases; 1 unexpected; see `parity causes`"])
    assert {result.judgement for result in results(world).results} == {Judgement.FAILED}


def test_expected_deviation_is_an_xfail(world: pytest.Pytester) -> None:
    world.makeconftest(CONFTEST.format(hops="Refuses"))
    folder = world.path / "golden" / "findings"
    folder.mkdir()
    (folder / "refuses.toml").write_text(
        '[[no_defect]]\nid="refuses"\nversions=["numpy>=1"]\nreason="it refuses everything there is"\n'
        '[[no_defect.expectation]]\nid="r"\nroute="*"\nlayer="Dense"\noutcome="refused"\nblame="refuses"\n'
        f'case="{dense_case().id}"\n'
    )
    world.runpytest_subprocess().assert_outcomes(xfailed=2)
    assert results(world).passed


@pytest.mark.parametrize(
    ("option", "said"), [(("--layer", "Nope"), "no golden layer fits 'Nope'"), (("--route", "x"), "no route fits 'x'")]
)
def test_selection_of_nothing_is_a_usage_error(world: pytest.Pytester, option: tuple[str, str], said: str) -> None:
    done = world.runpytest_subprocess(*option)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert said in done.stdout.str() + done.stderr.str()


def test_damaged_golden_is_named_without_a_traceback(world: pytest.Pytester) -> None:
    (world.path / "golden" / "keras" / "Dense.zip").write_bytes(b"PK")
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert "cut or edited" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_run_below_its_floor_fails(world: pytest.Pytester) -> None:
    """A suite whose tests do not walk owes results it never made."""
    world.makepyfile(
        test_suite=SUITE.replace("def test_golden(result):\n    check(result)", "def test_golden(pair): pass")
    )
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["*only 0 results came, the run owes 2*"])


def test_exploration_is_asked_for_and_shrinks_to_a_case(world: pytest.Pytester) -> None:
    (world.path / "explore").mkdir()
    (world.path / "explore" / "test_explore.py").write_text(
        "import pytest\n@pytest.mark.explored('keras')\ndef test_it(row, explore):\n    explore(row)\n"
    )
    (world.path / "test_suite.py").unlink()
    assert world.runpytest_subprocess().ret == pytest.ExitCode.NO_TESTS_COLLECTED
    world.runpytest_subprocess("--explore", "3", "--layer", "Dense").assert_outcomes(passed=1)
    assert len(results(world).results) >= 3
    lines = (world.path / "reports" / "results.ndjson").read_text().splitlines()
    assert json.loads(lines[0])["options"]["explore"] == 3
