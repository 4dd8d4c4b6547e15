"""Legs: what is known of each case, how versions follow each other, and what makes no matrix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.legs import Leg, MatrixError, State, components, release_key, select, side_by_side
from harness.results.events import PluginNote
from tests.legs import BEFORE, GOOD, REFUSED, A, B, C, leg
from tests.two_runs import ROUTE, note, result

SHORT = "keras-tf2onnx"


def test_states_of_a_case_on_each_chain(tmp_path: Path) -> None:
    what = leg(tmp_path, "one", result(A, *REFUSED, message="no"), result(B, *BEFORE))
    assert what.state(A, "keras") is State.GOOD
    assert what.state(A, SHORT) is State.GOOD
    assert what.state(A, ROUTE) is State.BAD
    assert what.state(B, SHORT) is State.BAD
    assert what.state(B, ROUTE) is State.BLOCKED
    assert what.state(C, ROUTE) is State.NOT_RUN
    assert what.state(A, f"{ROUTE}-torchonnx") is State.NOT_RUN


def test_an_empty_batch_without_a_result_of_its_own_is_part_of_its_case(tmp_path: Path) -> None:
    what = leg(tmp_path, "one", result(A, *GOOD), result(B, *REFUSED), result(f"{C}+empty", *REFUSED), result(C, *GOOD))
    assert what.state(f"{A}+empty", ROUTE) is State.GOOD
    assert what.state(f"{B}+empty", ROUTE) is State.BLOCKED
    assert what.state(f"{C}+empty", ROUTE) is State.BAD
    assert what.state(C, ROUTE) is State.GOOD


def test_of_routes_that_share_a_stage_the_one_that_an_expectation_explains_counts(tmp_path: Path) -> None:
    bare = result(A, *BEFORE[:2], route=SHORT)
    known = result(A, *BEFORE, **note("tf2onnx-wrong"))
    for results in ((bare, known), (known, bare)):
        stop = leg(tmp_path, "one", *results).chains[SHORT][A]
        assert stop.result.expectation is not None
        assert (stop.state, stop.result.expectation.id) == (State.BAD, "tf2onnx-wrong")


def test_versions_follow_each_other_as_releases_do() -> None:
    ordered = ["not installed", "1.5.9", "1.5.10rc1", "1.5.10", "1.10"]
    assert sorted(["1.10", "1.5.10", "1.5.10rc1", "1.5.9", "not installed"], key=release_key) == ordered


def test_legs_are_sorted_by_what_differs(tmp_path: Path) -> None:
    legs = [leg(tmp_path, name, result(A, *GOOD), onnx2torch=name) for name in ("1.5.10", "1.5.9", "1.5.11")]
    assert [each.name for each in side_by_side(legs)] == ["1.5.9", "1.5.10", "1.5.11"]
    assert components(legs) == ("onnx2torch",)


def test_what_no_stage_is_walked_with_is_no_component(tmp_path: Path) -> None:
    legs = [leg(tmp_path, name, result(A, *GOOD), versions={"pytest": name, "torch": name}) for name in ("1", "2")]
    assert components(legs) == ("torch",)


@pytest.mark.parametrize("count", [0, 1])
def test_one_leg_is_no_matrix(tmp_path: Path, count: int) -> None:
    with pytest.raises(MatrixError, match="one leg only"):
        side_by_side([leg(tmp_path, "one", result(A, *GOOD))][:count])


def test_two_legs_of_one_name_are_refused(tmp_path: Path) -> None:
    same = leg(tmp_path, "one", result(A, *GOOD))
    with pytest.raises(MatrixError, match="2 legs have the name 'one'") as error:
        side_by_side([same, same])
    assert error.value.advice == "Name them: NAME=FILE."


def test_a_leg_without_a_case_of_another_is_of_another_corpus(tmp_path: Path) -> None:
    legs = [
        leg(tmp_path, "a", result(A, *GOOD)),
        leg(tmp_path, "b", result(A, *GOOD)),
        leg(tmp_path, "c", result(C, *GOOD)),
    ]
    with pytest.raises(MatrixError, match="another corpus") as error:
        side_by_side(legs)
    assert (error.value.where, error.value.came) == ("c", f"1 cases, such as {C}")


def test_a_case_that_is_another_one_elsewhere_is_refused(tmp_path: Path) -> None:
    other = result(A, *GOOD, config={"units": 3})
    with pytest.raises(MatrixError, match="another dialect, layer or configuration than in leg a") as error:
        side_by_side([leg(tmp_path, "a", result(A, *GOOD)), leg(tmp_path, "b", other)])
    assert error.value.where == "b"


def test_a_shard_is_refused(tmp_path: Path) -> None:
    part = leg(tmp_path, "b", result(A, *GOOD), options={"shard": "1/2", "manifest": "x"})
    with pytest.raises(MatrixError, match="shard 1/2"):
        side_by_side([leg(tmp_path, "a", result(A, *GOOD)), part])


def test_a_pattern_that_fits_nothing_is_refused_with_the_nearest(tmp_path: Path) -> None:
    legs = [leg(tmp_path, "a", result(A, *GOOD), result(C, *GOOD))]
    assert len(select(legs, layers=["Conv*"])[0].results.results) == 1
    with pytest.raises(MatrixError, match="'conv2d'") as error:
        select(legs, layers=["Dense", "conv2d"])
    assert error.value.advice == "Nearest: Conv2D."
    with pytest.raises(MatrixError, match="'\\*-onnx2pytorch'") as error:
        select(legs, routes=["*-onnx2pytorch"])
    assert error.value.where == "--route"


def test_a_converter_in_two_releases_makes_two_legs(tmp_path: Path) -> None:
    label = "onnx2torch@1.5.13"
    old = result(A, *REFUSED, route=f"{'-'.join(ROUTE.split('-')[:2])}-{label}", message="no")
    old = replace(old, stages=(*old.stages[:2], replace(old.stages[2], hop=label, artifact="torch@1.5.13")))
    versions = {
        "torch (torch@1.5.13)": "2.10.0",
        "python (torch@1.5.13)": "3.12.1",
        "onnx2torch (torch@1.5.13)": "1.5.13",
    }
    whole = leg(tmp_path, "run", result(A, *GOOD), old, versions=versions)
    header = whole.results.header
    known = (*header.plugins, PluginNote(label, "hop", "onnx2torch", "onnx2torch", distribution="onnx2torch"))
    whole = Leg("run", replace(whole.results, header=replace(header, plugins=known)))
    earlier, now = side_by_side([whole])
    assert (earlier.name, now.name) == (f"run {label}", "run")
    assert (earlier.version("onnx2torch"), now.version("onnx2torch")) == ("1.5.13", "1.5.15")
    assert (earlier.version("torch (torch)"), now.version("torch (torch)")) == ("2.10.0", "2.15.0")
    assert (earlier.version("python (torch)"), now.version("python (torch)")) == ("3.12.1", "3.11.7")
    assert (earlier.state(A, ROUTE), now.state(A, ROUTE)) == (State.BAD, State.GOOD)
    assert components([earlier, now]) == ("onnx2torch", "torch (torch)", "python (torch)")
