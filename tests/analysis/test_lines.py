"""Lines: legs are compared only where one component differs of those that concern the chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.analysis.legs import Leg, State
from harness.analysis.lines import Chain, Plugins
from harness.results.events import PluginNote
from tests.legs import GOOD, A, leg
from tests.two_runs import ROUTE, result

SHORT = "keras-tf2onnx"


def chain(*legs: Leg, name: str = ROUTE, across: tuple[str, ...] = ()) -> Chain:
    return Chain.of(name, legs, Plugins(legs), across)


def points(what: Chain) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    return [(line.component, [(v, [each.name for each in legs]) for v, legs in line.points]) for line in what.lines]


def good(folder: Path, name: str, onnx2torch: str, torch: str = "2.15.0", **versions: str) -> Leg:
    return leg(folder, name, result(A, *GOOD), onnx2torch=onnx2torch, versions={"torch": torch, **versions})


def test_legs_of_one_component_make_a_line_in_the_order_of_releases(tmp_path: Path) -> None:
    what = chain(good(tmp_path, "a", "1.5.10"), good(tmp_path, "b", "1.5.9"), good(tmp_path, "c", "1.5.11"))
    assert points(what) == [("onnx2torch", [("1.5.9", ["b"]), ("1.5.10", ["a"]), ("1.5.11", ["c"])])]
    assert (what.apart, what.alone) == ((), ())


def test_legs_that_differ_in_two_components_are_not_comparable(tmp_path: Path) -> None:
    what = chain(good(tmp_path, "a", "1.5.9", "2.14.0"), good(tmp_path, "b", "1.5.10", "2.15.0"))
    assert what.lines == ()
    (pair,) = what.apart
    assert (pair.legs, pair.components) == (("a", "b"), ("onnx2torch", "torch"))
    assert [name for name, _ in what.alone] == ["a", "b"]


def test_a_star_has_a_line_for_each_component(tmp_path: Path) -> None:
    what = chain(
        good(tmp_path, "old", "1.5.9"), good(tmp_path, "torch", "1.5.10", "2.14.0"), good(tmp_path, "now", "1.5.10")
    )
    assert points(what) == [
        ("onnx2torch", [("1.5.9", ["old"]), ("1.5.10", ["now"])]),
        ("torch", [("2.14.0", ["torch"]), ("2.15.0", ["now"])]),
    ]
    assert [line.fixed for line in what.lines] == [(("torch", "2.15.0"),), (("onnx2torch", "1.5.10"),)]
    assert [pair.legs for pair in what.apart] == [("old", "torch")]
    assert what.alone == ()


def test_a_converter_of_another_chain_does_not_concern_this_one(tmp_path: Path) -> None:
    legs = (good(tmp_path, "a", "1.5.9"), good(tmp_path, "b", "1.5.10"))
    assert chain(*legs, name=SHORT).needs == ()
    assert chain(*legs).needs == ("onnx2torch",)


def test_what_the_plugins_say_that_they_need_decides(tmp_path: Path) -> None:
    legs = (good(tmp_path, "a", "1.5.9", "2.14.0", jax="1"), good(tmp_path, "b", "1.5.10", "2.15.0", jax="2"))
    assert chain(*legs, name=SHORT).needs == ("torch", "jax")  # nothing is said: they may
    needs = {"keras": ("keras", "tensorflow"), "tf2onnx": ("tf2onnx",), "onnx2torch": ("onnx2torch", "torch")}

    def saying(each: Leg) -> Leg:
        header = each.results.header
        notes = tuple(replace(note, requires=needs[note.name]) for note in header.plugins)
        return Leg(each.name, replace(each.results, header=replace(header, plugins=notes)))

    known = tuple(map(saying, legs))
    assert chain(*known, name=SHORT).needs == ()
    assert chain(*known).needs == ("onnx2torch", "torch")


def test_python_and_numpy_concern_every_chain(tmp_path: Path) -> None:
    legs = (good(tmp_path, "a", "1.5.9", python="3.11.1"), good(tmp_path, "b", "1.5.9", python="3.12.1"))
    assert points(chain(*legs, name=SHORT)) == [("python", [("3.11.1", ["a"]), ("3.12.1", ["b"])])]


def test_what_a_leg_lacks_that_walked_the_chain_is_not_needed_by_it(tmp_path: Path) -> None:
    legs = (good(tmp_path, "a", "1.5.9", jax="1"), good(tmp_path, "b", "1.5.10"))
    assert legs[1].version("jax") == "not installed"
    assert chain(*legs).needs == ("onnx2torch",)


def test_what_differs_in_the_platform_has_no_order(tmp_path: Path) -> None:
    legs = (good(tmp_path, "a", "1.5.9"), good(tmp_path, "b", "1.5.9", platform="Linux-b"))
    assert chain(*legs).lines == ()
    assert [pair.components for pair in chain(*legs).apart] == [("platform",)]
    assert chain(*legs, across=("platform",)).needs == ()


def test_a_version_that_walked_nothing_is_on_the_line_and_makes_none_by_itself(tmp_path: Path) -> None:
    unrun = leg(tmp_path, "b", result(A, *GOOD[:2], route=SHORT), onnx2torch="1.5.10")
    first, last = good(tmp_path, "a", "1.5.9"), good(tmp_path, "c", "1.5.11")
    assert chain(first, unrun).lines == ()
    (line,) = chain(first, unrun, last).lines
    assert [version for version, _ in line.points] == ["1.5.9", "1.5.10", "1.5.11"]
    assert line.course({"a": State.BAD, "c": State.GOOD}).words == "works since 1.5.11 (1.5.10 not run)"


def test_a_converter_with_a_hyphen_in_its_name_concerns_its_chains(tmp_path: Path) -> None:
    def own(name: str, version: str) -> Leg:
        walked = result(A, *GOOD, route="keras-tf2onnx-my-torch")
        walked = replace(walked, stages=(*walked.stages[:2], replace(walked.stages[2], hop="my-torch")))
        each = leg(tmp_path, name, walked, versions={"mine": version})
        header = each.results.header
        notes = (*header.plugins, PluginNote("my-torch", "hop", "mine", "my-torch", distribution="mine"))
        return Leg(name, replace(each.results, header=replace(header, plugins=notes)))

    what = chain(own("a", "0.9"), own("b", "0.10"), name="keras-tf2onnx-my-torch")
    assert points(what) == [("mine", [("0.9", ["a"]), ("0.10", ["b"])])]
    assert chain(own("a", "0.9"), own("b", "0.10"), name=SHORT).needs == ()
