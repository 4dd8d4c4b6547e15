"""What tests are made of: goldens, rows to explore, planted faults, reproducers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.planted import faults
from harness.pytest_plugin.parameters import explored_rows, planted_faults, reproduced
from harness.run.session import Selection, Session

pytest_plugins = ["pytester"]


def test_damaged_golden_is_named_without_a_traceback(world: pytest.Pytester) -> None:
    (world.path / "golden" / "keras" / "Dense.zip").write_bytes(b"PK")
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert "cut or edited" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_test_over_goldens_has_the_name_that_the_floor_counts(world: pytest.Pytester) -> None:
    world.makepyfile(test_suite="import pytest\n@pytest.mark.goldens('keras')\ndef test_other(result):\n    pass\n")
    done = world.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["*name a test with the marker goldens test_golden: the floor counts tests of this name"])


def test_a_dialect_without_selected_cases_is_deselected(world: pytest.Pytester) -> None:
    world.makepyfile(
        test_other="import pytest\n@pytest.mark.goldens('matlab')\ndef test_golden(results):\n    pass\n",
    )
    world.runpytest_subprocess("--layer", "Dense").assert_outcomes(passed=2, deselected=1)


def test_exploration_is_asked_for_and_shrinks_to_a_case(world: pytest.Pytester) -> None:
    (world.path / "explore").mkdir()
    (world.path / "explore" / "test_explore.py").write_text(
        "import pytest\n@pytest.mark.explored('keras')\ndef test_it(row, explore):\n    explore(row)\n"
    )
    (world.path / "test_suite.py").unlink()
    assert world.runpytest_subprocess().ret == pytest.ExitCode.NO_TESTS_COLLECTED
    world.runpytest_subprocess("--explore", "3", "--layer", "Dense").assert_outcomes(passed=1)
    header, *lines = (world.path / "reports" / "results.ndjson").read_text().splitlines()
    assert json.loads(header)["options"]["explore"] == 3
    assert len(lines) - 1 >= 3  # less the footer


def test_explored_rows_are_those_of_selected_layers() -> None:
    rows = explored_rows(Session(Selection(layer=("Conv?D",))), "keras")
    assert [row.layer for row in rows] == ["Conv1D", "Conv2D", "Conv3D"]


def test_a_run_over_selected_routes_plants_nothing_and_runs_no_reproducer() -> None:
    session = Session(Selection(route=("keras-tf2onnx",), all_cases=True))
    assert planted_faults(session) == []
    assert reproduced(session) == []
    assert reproduced(Session(Selection(layer=("ELU",)))) == []


def test_planted_faults_are_a_sample_all_or_those_of_a_layer() -> None:
    every = planted_faults(Session(Selection(all_cases=True)))
    assert every == list(faults())
    assert 0 < len(planted_faults(Session())) < len(every) / 5
    assert {layer for fault in planted_faults(Session(Selection(layer=("GRU",)))) for layer in fault.layers} >= {"GRU"}
    assert all("GRU" in fault.layers for fault in planted_faults(Session(Selection(layer=("GRU",)))))


def test_what_takes_long_comes_early_and_not_last(pytestconfig: pytest.Config) -> None:
    """In the real suites: large models, planted faults and reproducers, behind the first case of each layer."""
    command = [sys.executable, "-m", "pytest", "suites", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if "::" in line]
    words = ("ResNet50", "DenseNet121", "test_planted.py", "test_reproducers.py")
    places = {word: [n for n, line in enumerate(lines) if word in line.partition("::")[0] + line] for word in words}
    assert all(places.values())
    first = [line.partition("[")[2].rpartition("-")[0] for line in lines if "keras-tf2onnx-onnx2torch]" in line][:120]
    assert len(set(first)) == 120  # so many layers are seen before any layer is seen again
    assert min(place for each in places.values() for place in each) > 200
    assert max(place for each in places.values() for place in each) < 0.9 * len(lines)
