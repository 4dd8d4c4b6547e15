"""Options that select nothing, what cannot be, or what cannot run here: told before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.miniatures import dense_case

pytest_plugins = ["pytester"]

MINI = "tests.miniatures:"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--layer Nope", "--layer: no golden layer fits 'Nope'. `parity list layers` shows all"),
        ("--layer Dens", "--layer: no golden layer fits 'Dens'. Nearest: Dense. `parity list layers` shows all"),
        ("--layer Dense --layer dense", "--layer: no golden layer fits 'dense'. Nearest: Dense."),
        ("--route x", "--route: no route fits 'x'. `parity list routes` shows all, and why one cannot run"),
        ("--route mini-copies --route mini-copy", "--route: no route fits 'mini-copy'. Nearest: mini-copies."),
        ("--opset 1", "no converter writes opset 1"),
        (f"--hop {MINI}NoContract", "is no hop"),
        (f"--hop {MINI}NoList", "requires: it has a wrong value; expected a tuple of strings, such as"),
        (
            f"--hop {MINI}Uninstalled",
            f"--hop {MINI}Uninstalled: the converter 'uninstalled' cannot run here: not installed: numpy>=99, no-such-",
        ),
        (
            f"--hop {MINI}NoSource",
            "the converter 'nosource' cannot run here: nothing makes the source format 'mimi'. Nearest: mini, mini2. "
            "Known: mini, mini2",
        ),
        (
            f"--hop {MINI}NoTarget",
            "the converter 'notarget' cannot run here: no runtime takes the target format 'mini3'. Nearest: mini, "
            "mini2. Known: mini, mini2",
        ),
        (
            f"--hop {MINI}Doubles --route mini-copies",
            "--hop tests.miniatures:Doubles: no selected route goes through the converter 'doubles'. Nearest: "
            "mini-doubles. `parity list routes`",
        ),
    ],
)  # fmt: skip
def test_selection_of_nothing_is_a_usage_error(world: pytest.Pytester, options: str, message: str) -> None:
    done = world.runpytest_subprocess(*options.split())
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert message in done.stdout.str() + done.stderr.str()
    assert not (world.path / "reports").exists()


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_converter_that_no_selected_case_reaches_is_a_usage_error(world: pytest.Pytester, processes: str) -> None:
    """The route is there; the tests that were chosen do not walk it."""
    chosen = f"test_suite.py::test_golden[{dense_case().id}:mini-copies]"
    done = world.runpytest_subprocess("--hop", f"{MINI}Doubles", chosen, "-n", processes)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    message = f"--hop {MINI}Doubles: no selected case is converted by 'doubles'. Select cases of the dialect 'keras'"
    assert message in done.stdout.str() + done.stderr.str()
    assert not (world.path / "reports").exists()


def test_a_converter_that_was_named_is_walked(world: pytest.Pytester) -> None:
    done = world.runpytest_subprocess("--hop", f"{MINI}Doubles")
    done.assert_outcomes(passed=2, failed=2)


def test_options_may_be_repeated(world: pytest.Pytester) -> None:
    hops = ["--hop", f"{MINI}Doubles", "--hop", f"{MINI}Refuses"]
    done = world.runpytest_subprocess(
        *hops, "--route", "mini-refuses", "--route", "*-doubles", "--layer", "Den*", "--layer", "*se"
    )
    done.assert_outcomes(failed=4)
    header, *lines = map(json.loads, (world.path / "reports" / "results.ndjson").read_text().splitlines())
    assert {line["route"] for line in lines[:-1]} == {"mini-refuses", "mini-doubles"}
    assert (header["options"]["route"], header["options"]["layer"]) == (["mini-refuses", "*-doubles"], ["Den*", "*se"])


def test_a_route_that_cannot_run_is_a_warning_unless_it_was_named(
    world: pytest.Pytester, hops: Callable[[str], None]
) -> None:
    hops("Copies, __import__('tests.miniatures').miniatures.Uninstalled")
    done = world.runpytest_subprocess("--route", "mini-*")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["route mini-uninstalled could not run: uninstalled: not installed: numpy>=99, *"])
    for pattern in ("mini-uninstalled", "*-uninst*"):
        done = world.runpytest_subprocess("--route", "mini-copies", "--route", pattern)
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        message = f"no route that fits '{pattern}' can run here: uninstalled: not installed: numpy>=99, no-such-thing"
        assert message in done.stdout.str() + done.stderr.str()
