"""Differences by defect: which come together, with which condition, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.analysis.difference import Base, Difference, difference
from harness.analysis.grouping import Group
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from tests.two_runs import ROUTE, base, head, note, result

GOOD = ("exact 0", "exact 0.5", "faithful 1")
LOG = 'Traceback\n  File "/x/site-packages/onnx2torch/node_converters/conv.py", line 42, in _\nValueError: no\n'


def conv(number: int, *ends: str, layer: str = "Conv2D", **changes: Any) -> Any:
    """A case with padding same if its number is odd, and one of five kernels."""
    config = {"padding": "same" if number % 2 else "valid", "kernel": number % 5}
    return result(f"keras-{layer}-{number:04}", *(ends or GOOD), **{"config": config, **changes})


def compare(folder: Path, was: list[Any], now: list[Any]) -> Difference:
    return difference(Base.of("base", base(folder, *was)), head(folder, *now))


def brief(group: Group) -> tuple[str, tuple[str, ...], str, int]:
    return group.word, group.hops, group.condition, len(group.changes)


def test_regressions_of_one_cause_are_one_group_with_its_condition(tmp_path: Path) -> None:
    bad = {k: conv(k, *GOOD[:2], "refused", message="no padding", log=LOG) for k in range(1, 20, 2)}
    what = compare(tmp_path, [conv(k) for k in range(20)], [bad.get(k, conv(k)) for k in range(20)])
    (group,) = what.groups
    assert brief(group) == ("regression", ("onnx2torch",), "padding = same", 10)
    assert group.title == "regression: onnx2torch refused (loud), 10 cases, 10 results"
    assert (str(group.frame), group.smallest.case) == ("onnx2torch/node_converters/conv.py:42", "keras-Conv2D-0001")
    assert group.lines[0] == f"keras-Conv2D-0001 {ROUTE}: faithful 1 -> refused"


def test_what_deviated_before_is_no_part_of_the_condition(tmp_path: Path) -> None:
    """A known refusal with padding valid does not blur that padding same regressed."""
    known = {k: conv(k, *GOOD[:2], "refused", message="no such thing") for k in (0, 4, 8)}
    bad = {k: conv(k, *GOOD[:2], "divergent 9e+05", message="wrong") for k in range(1, 20, 2)}
    was = [known.get(k, conv(k)) for k in range(20)]
    what = compare(tmp_path, was, [bad.get(k, known.get(k, conv(k))) for k in range(20)])
    assert [brief(group) for group in what.groups] == [("regression", ("onnx2torch",), "padding = same", 10)]


def test_what_fails_comes_first_and_silent_before_loud(tmp_path: Path) -> None:
    was = [conv(k) for k in range(8)]
    was[5], was[6] = conv(5, *GOOD[:2], "crash", message="died"), conv(6, *GOOD[:2], "refused", message="no")
    now = list(was)
    now[1] = conv(1, *GOOD[:2], "refused", message="not today")
    now[2] = conv(2, *GOOD[:2], "divergent 9e+05", message="wrong")
    now[3] = conv(3, *GOOD[:2], "faithful 9")
    now[5] = conv(5, *GOOD[:2], "refused", message="a refusal")
    now[6] = conv(6)
    del now[7]
    what = difference(Base.of("base", base(tmp_path, *was)), head(tmp_path, *now, owed=[each.key for each in was]))
    assert [(group.word, group.fails) for group in what.groups] == [
        ("regression", True),
        ("regression", True),
        ("lost", True),
        ("changed", False),
        ("fixed", False),
        ("drift", False),
    ]
    assert [group.outcome for group in what.groups[:3]] == [Outcome.DIVERGENT, Outcome.REFUSED, None]


def test_routes_that_share_a_stage_share_a_line(tmp_path: Path) -> None:
    bad = ("exact 0", "refused")
    was = [conv(1, *GOOD[:2], route="keras-tf2onnx"), conv(1)]
    what = compare(tmp_path, was, [conv(1, *bad, route="keras-tf2onnx"), conv(1, *bad)])
    (group,) = what.groups
    assert group.lines == (f"keras-Conv2D-0001 keras-tf2onnx: exact 0.5 -> refused (keras-tf2onnx, {ROUTE})",)
    assert (len(group.cases), len(group.changes), group.smallest.route) == (1, 2, "keras-tf2onnx")


def test_what_is_fixed_is_grouped_as_the_base_deviated(tmp_path: Path) -> None:
    bad = {k: conv(k, *GOOD[:2], "refused", message=f"no {'padding' if k % 2 else 'kernel'}") for k in range(8)}
    what = compare(tmp_path, list(bad.values()), [conv(k) for k in range(8)])
    assert [(brief(group)[0], brief(group)[3], group.smallest.earlier_message) for group in what.groups] == [
        ("fixed", 4, "no kernel"),
        ("fixed", 4, "no padding"),
    ]


def test_beside_the_record_what_is_fixed_is_grouped_by_its_expectation(tmp_path: Path) -> None:
    names = {1: "one", 2: "one", 3: "two"}
    results = [conv(k, **{**note(name), "judgement": conv(k).judgement}) for k, name in names.items()]
    chains = ("keras", "keras-tf2onnx", ROUTE)
    cells = {(f"keras-Conv2D-{k:04}", chain): (Cell(Outcome.EXACT, 0.5),) for k in names for chain in chains}
    cells |= {(f"keras-Conv2D-{k:04}", ROUTE): (Cell(Outcome.REFUSED),) for k in names}
    what = difference(Base.recorded(Record(cells)), head(tmp_path, *results))
    assert [(group.word, group.expectations, len(group.changes)) for group in what.groups] == [
        ("fixed", ("one",), 2),
        ("fixed", ("two",), 1),
    ]


def test_one_defect_is_one_group_whatever_its_cases_were_before(tmp_path: Path) -> None:
    """Of cases that padding same breaks, some were right, some deviated less, and some were as bad in other words."""
    was = [conv(k) for k in range(20)]
    was[1] = conv(1, *GOOD[:2], "divergent 9e+05", message="wrong")
    was[3] = conv(3, *GOOD[:2], "crash", message="died")
    bad = {k: conv(k, *GOOD[:2], "refused", message=f"no padding at node_{k}", log=LOG) for k in range(1, 20, 2)}
    what = compare(tmp_path, was, [bad.get(k, conv(k)) for k in range(20)])
    (group,) = what.groups
    assert brief(group) == ("regression", ("onnx2torch",), "padding = same", 10)
    assert {change.answer.value for change in group.changes} == {"regression", "changed"}
    assert group.title == "regression: onnx2torch refused (loud), 10 cases, 10 results, 2 of them changed"
    assert group.smallest.fails  # its command shows what got worse
    assert (group.fails, group.is_worse, group.to_json()["worse"]) == (True, True, True)


def test_what_onnx_runtime_says_of_one_defect_is_one_group(tmp_path: Path) -> None:
    """It says other words where it infers shapes and where a node runs, with names of nodes and of files."""
    fail = "Fail: [ONNXRuntimeError] : 1 : FAIL :"
    said = {
        1: f"{fail} Load model from /tmp/a-1.onnx failed:Node (layer_1/MatMul) Op (MatMul) [ShapeInferenceError] "
        "Incompatible dimensions for matrix multiplication",
        3: f"{fail} Non-zero status code returned while running FusedConv node. "
        "Name:'layer_nchwc' Status Message: Input channels C is not equal to kernel channels * group. C: 4",
    }
    bad = {k: conv(k, *GOOD[:2], "invalid", message=message) for k, message in said.items()}
    what = compare(tmp_path, [conv(k) for k in range(4)], [bad.get(k, conv(k)) for k in range(4)])
    assert [len(group.changes) for group in what.groups] == [2]
