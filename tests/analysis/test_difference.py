"""The difference between two runs: each planted fault of a gate is a difference or is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.difference import NO_RESULT, NOT_OWED, NOT_WALKED, Base, Difference, difference
from harness.judge.accepted import Accepted
from harness.judge.expectations import Expectation
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.environments import OtherEnvironment
from harness.results.events import Answer, CutRun, ForeignResults, InconsistentResults, Result, RouteStatus
from harness.results.file import Results
from harness.results.packs import PackNote
from tests.two_runs import ROUTE, base, head, note, result

A, B, C = "keras-Dense-a1", "keras-Dense-b2", "keras-Dense-c3"
GOOD = ("exact 0", "exact 0.5", "faithful 1")


def compare(was: Results, now: Results, **changes: Any) -> Difference:
    return difference(Base.of("base.ndjson", was), now, **changes)


def answers(what: Difference) -> dict[str, int]:
    return {answer.value: count for answer, count in what.counts.items()}


def test_two_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    what = compare(
        base(tmp_path, result(A, *GOOD), result(B, *GOOD)), head(tmp_path, result(A, *GOOD), result(B, *GOOD))
    )
    assert (answers(what), what.fails, what.groups, what.warnings) == ({"same": 2}, False, (), ())


def test_a_converter_that_no_result_reached_is_named(tmp_path: Path) -> None:
    ends = (result(A, "refused"), result(B, "exact 0", "refused"))
    what = compare(base(tmp_path, *ends), head(tmp_path, *ends))
    untried = "no selected case reached onnx2torch: each case ended before onnx2torch, which was not tried"
    assert what.warnings == (untried,)
    assert not what.tries_nothing
    what = compare(base(tmp_path, ends[0]), head(tmp_path, ends[0]))
    assert len(what.warnings) == 2
    assert what.tries_nothing


def test_a_route_without_converters_tries_what_it_has(tmp_path: Path) -> None:
    alone = result(A, "refused", route="h5")
    what = compare(base(tmp_path, alone), head(tmp_path, alone))
    assert (what.warnings, what.tries_nothing) == ((), False)


def at_opset_18(case: str) -> Result:
    ended = result(case, "exact 0", "exact 0", route="keras-tf2onnx18")
    source, onnx = ended.stages
    return replace(ended, stages=(source, replace(onnx, hop="tf2onnx18")))


def test_a_route_that_only_the_head_has_is_named(tmp_path: Path) -> None:
    """As with an opset that the branch adds to its gate: new results fail nothing."""
    first = result(A, *GOOD)
    other = [at_opset_18(case) for case in (A, B)]
    what = compare(base(tmp_path, first), head(tmp_path, first, *other))
    said = "base.ndjson has no result of the route keras-tf2onnx18: nothing judges the head's 2 results of this route"
    assert (what.warnings, what.fails) == ((said,), False)
    assert compare(base(tmp_path, first, other[0]), head(tmp_path, first, *other)).warnings == ()


@pytest.mark.parametrize(
    ("was", "now", "answer", "fails"),
    [
        ("faithful 1", "divergent 5e+03", "regression", True),
        ("faithful 1", "crash", "regression", True),
        ("refused", "divergent 5e+03", "changed", True),
        ("refused", "crash", "changed", True),
        ("crash", "refused", "changed", False),
        ("divergent 5e+03", "divergent 5e+04", "changed", True),
        ("divergent 5e+03", "divergent 6e+03", "same", False),
        ("divergent 5e+03", "faithful 1", "fixed", False),
        ("faithful 2", "faithful 9", "drift", False),
        ("faithful 2", "faithful 7", "same", False),
    ],
)
def test_the_answers_mean_what_they_mean_beside_the_record(
    tmp_path: Path, was: str, now: str, answer: str, fails: bool
) -> None:
    before = result(A, "exact 0", "exact 0.5", was, message="before")
    what = compare(base(tmp_path, before), head(tmp_path, result(A, "exact 0", "exact 0.5", now, message="now")))
    assert (answers(what), what.fails) == ({answer: 1}, fails)
    if answer != "same":
        (change,) = what.changes
        assert (change.before, change.now, change.by) == (was, now, "onnx2torch")


def test_a_regression_behind_a_known_failure_is_seen(tmp_path: Path) -> None:
    was, now = ("exact 0", "divergent 5e+03", "faithful 1"), ("exact 0", "divergent 5e+03", "refused")
    what = compare(base(tmp_path, result(A, *was)), head(tmp_path, result(A, *now, message="no")))
    assert what.fails
    (group,) = what.groups
    assert (group.answer, group.hops, group.smallest.message) == (Answer.REGRESSION, ("onnx2torch",), "no")


def test_a_crash_that_is_counted_as_passed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.ndjson"
    head(tmp_path, result(A, "exact 0", "crash"))
    path.write_text(
        path.read_text().replace('"judgement":"failed"', '"judgement":"passed"').replace('{"failed":1}', '{"passed":1}')
    )
    with pytest.raises(InconsistentResults, match="passed, its stages say crash"):
        Results.load(path)


def test_a_file_whose_outcome_was_edited_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.ndjson"
    head(tmp_path, result(A, "exact 0", "refused"))
    path.write_text(path.read_text().replace('"outcome":"refused"', '"outcome":"exact"'))
    with pytest.raises(InconsistentResults):
        Results.load(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.ndjson"
    head(tmp_path, result(A, *GOOD))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(CutRun):
        Results.load(path)


def test_a_lost_case_fails(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD), result(B, *GOOD))
    what = compare(was, head(tmp_path, result(A, *GOOD), owed=[(A, ROUTE), (B, ROUTE)]))
    assert (answers(what), what.fails) == ({"same": 1, "lost": 1}, True)
    (change,) = what.changes
    assert (change.key, change.why, change.before) == ((B, ROUTE), NO_RESULT, "faithful 1")


def test_a_lost_case_is_walked_again_with_the_options_of_its_run(tmp_path: Path) -> None:
    """The pack is named where it gives the beginning of the route: the other routes have none to take from it."""
    was = base(tmp_path, result(A, *GOOD), result(B, *GOOD))
    options = {"pack": "keras-tf2onnx", "limit": 5.0}
    for routes, words in (((ROUTE,), " --pack keras-tf2onnx"), (("keras-else",), "")):
        pack = PackNote("keras-tf2onnx", "0123", routes)
        run = head(tmp_path, result(A, *GOOD), owed=[(A, ROUTE), (B, ROUTE)], options=options, pack=pack)
        assert compare(was, run).changes[0].replay == f"parity replay {B} --route {ROUTE}{words} --limit 5"


def test_a_renamed_case_is_lost_and_new(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD), result(B, *GOOD))
    what = compare(
        was, head(tmp_path, result(A, *GOOD), result("keras-Dense-b3", *GOOD), owed=[(A, ROUTE), (B, ROUTE)])
    )
    assert (answers(what), what.fails) == ({"same": 1, "lost": 1, "new": 1}, True)


def test_the_beginning_of_an_id_is_another_case(tmp_path: Path) -> None:
    """`keras-Dense-b2` does not stand in for `keras-Dense-b22`."""
    was = base(tmp_path, result(B, *GOOD), result(f"{B}2", *GOOD))
    what = compare(was, head(tmp_path, result(B, *GOOD), owed=[(B, ROUTE), (f"{B}2", ROUTE)]))
    assert [change.key for change in what.changes] == [(f"{B}2", ROUTE)]


def test_what_only_one_corpus_has_is_told_and_does_not_fail(tmp_path: Path) -> None:
    what = compare(
        base(tmp_path, result(A, *GOOD), result(B, *GOOD)), head(tmp_path, result(A, *GOOD), result(C, *GOOD))
    )
    assert (what.only_base, what.only_head, what.fails) == (((B, ROUTE),), ((C, ROUTE),), False)
    assert answers(what) == {"same": 1, "new": 1}


def test_what_the_head_was_not_asked_for_is_counted(tmp_path: Path) -> None:
    other = result("keras-Conv2D-d4", *GOOD)
    what = compare(base(tmp_path, result(A, *GOOD), other), head(tmp_path, other, options={"layer": ["Conv*"]}))
    assert (what.unselected, what.only_base, what.fails, what.compared) == ((1, 0), (), False, 1)


def test_a_route_that_the_head_cannot_walk_is_lost(tmp_path: Path) -> None:
    short = [result(case, *GOOD[:2], route="keras-tf2onnx") for case in (A, B)]
    was = base(tmp_path, *short, result(A, *GOOD), result(B, *GOOD))
    unavailable = (RouteStatus("keras-tf2onnx"), RouteStatus(ROUTE, False, "onnx2torch: no module"))
    what = compare(was, head(tmp_path, *short, routes=unavailable))
    assert (answers(what), what.fails) == ({"same": 2, "lost": 2}, True)
    assert {change.why for change in what.changes} == {f"{NOT_WALKED}: onnx2torch: no module"}
    assert len(what.groups) == 1


def test_a_route_that_vanished_with_its_converter_is_lost(tmp_path: Path) -> None:
    short = result(A, *GOOD[:2], route="keras-tf2onnx")
    what = compare(base(tmp_path, short, result(A, *GOOD)), head(tmp_path, short))
    assert [change.why for change in what.changes] == [f"{NOT_WALKED}: it has no such route"]
    assert what.fails


def test_a_comparison_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InconsistentResults, match="nothing can be compared"):
        compare(base(tmp_path, result(A, *GOOD)), head(tmp_path, result(B, *GOOD)))


def test_an_empty_head_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InconsistentResults, match="nothing can be compared"):
        compare(base(tmp_path, result(A, *GOOD)), head(tmp_path, routes=(RouteStatus(ROUTE),)))


def test_swapped_base_and_head_are_refused(tmp_path: Path) -> None:
    was, now = base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD))
    with pytest.raises(InconsistentResults, match="they may be swapped"):
        compare(now, was)
    what = compare(now, was, backwards=True)
    assert what.warnings == ("the head began before the base: 2026-01-02T00:00:00+00:00 and 2026-01-03T00:00:00+00:00",)


def test_one_run_twice_is_refused(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD))
    with pytest.raises(InconsistentResults, match="the same run"):
        compare(was, was)


def test_a_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InconsistentResults, match="head is shard 1/2 of a run"):
        compare(base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD), options={"shard": "1/2"}))


def test_another_environment_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD))
    now = head(tmp_path, result(A, *GOOD), versions={"onnx2torch": "1.5.16", "torch": "2.14.0"})
    with pytest.raises(OtherEnvironment, match=r"onnx2torch 1\.5\.15 -> 1\.5\.16, torch 2\.15\.0 -> 2\.14\.0"):
        compare(was, now)
    with pytest.raises(OtherEnvironment, match=r"--across torch$"):
        compare(was, now, across=["onnx2torch"])
    what = compare(was, now, across=["Onnx2Torch", "torch"])
    assert [str(each) for each in what.environment] == [
        "onnx2torch 1.5.15 -> 1.5.16",
        "torch 2.15.0 -> 2.14.0 (older)",
    ]
    assert what.warnings == (
        "the head has older versions than the base: torch 2.15.0 -> 2.14.0 (older); are they swapped?",
    )


def test_a_head_older_than_the_record_is_not_taken_for_a_swap(tmp_path: Path) -> None:
    record = Record({(A, "keras"): (Cell(Outcome.EXACT, 0.0),)}, {"torch": "2.15.0"})
    now = head(tmp_path, result(A, *GOOD), versions={"torch": "2.14.0"})
    what = difference(Base.recorded(record), now, across=["torch"])
    assert ([str(each) for each in what.environment], what.warnings) == (["torch 2.15.0 -> 2.14.0 (older)"], ())


def test_another_version_of_the_suite_counts(tmp_path: Path) -> None:
    with pytest.raises(OtherEnvironment, match="parity-suite"):
        compare(base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD), versions={"parity-suite": "0.2.0"}))


def test_an_empty_batch_that_fails_now_is_a_regression_of_its_own(tmp_path: Path) -> None:
    empty = result(f"{A}+empty", "exact 0", "exact 0.5", "refused", message="empty")
    what = compare(base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD), empty))
    assert [(change.case, change.answer, change.before) for change in what.changes] == [
        (f"{A}+empty", Answer.REGRESSION, "faithful 1")
    ]


def test_an_empty_batch_that_passes_now_is_fixed(tmp_path: Path) -> None:
    empty = result(f"{A}+empty", "exact 0", "exact 0.5", "refused", message="empty")
    what = compare(base(tmp_path, result(A, *GOOD), empty), head(tmp_path, result(A, *GOOD)))
    assert (answers(what), what.fails) == ({"same": 1, "fixed": 1}, False)
    (group,) = what.groups
    assert (group.cases, group.smallest.earlier_message) == ((f"{A}+empty",), "empty")


def test_a_random_outcome_is_no_difference_if_it_is_one_of_those_on_record(tmp_path: Path) -> None:
    known = Record({(A, ROUTE): (Cell(Outcome.FAITHFUL, 1.0), Cell(Outcome.INVALID))})
    was = base(tmp_path, result(A, *GOOD))
    for end, answer in (("invalid", "same"), ("crash", "regression")):
        now = head(tmp_path, result(A, "exact 0", "exact 0.5", end, message="now"))
        what = difference(Base.of("base", was, known), now)
        assert answers(what) == {answer: 1}
        assert what.random == (answer == "same")
    assert compare(was, head(tmp_path, result(A, "exact 0", "exact 0.5", "invalid"))).fails


def test_what_an_expectation_knows_to_be_random_is_no_difference(tmp_path: Path) -> None:
    random = Expectation(
        "r", ROUTE, ("Dense",), (Outcome.DIVERGENT,), ("onnx2torch",), (), "a reason", "", A, cases=(A,), random=True
    )
    was, now = base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD[:2], "divergent 9999", **note("r")))
    what = compare(was, now, expectations=[random])
    assert (answers(what), what.random, what.fails) == ({"same": 1}, 1, False)
    assert compare(was, now).fails
    refused = head(tmp_path, result(A, *GOOD[:2], "refused"))  # which the expectation does not name
    assert answers(compare(was, refused, expectations=[random])) == {"regression": 1}


@pytest.mark.parametrize(
    ("routes", "where"), [((ROUTE,), ROUTE), ((ROUTE, "keras-tf2onnx-mine"), "the 2 routes behind it")]
)
def test_what_the_pack_of_the_head_lacks_is_said(tmp_path: Path, routes: tuple[str, ...], where: str) -> None:
    pack = PackNote("keras-tf2onnx", "0123", routes, (B, C))
    was, now = base(tmp_path, result(A, *GOOD)), head(tmp_path, result(A, *GOOD), pack=pack)
    assert compare(was, now).warnings == (
        f"the head's pack keras-tf2onnx lacks 2 cases on record, which the head does not owe on {where}; "
        f"the first is {B}",
    )


def test_stages_of_one_run_that_ended_differently_are_alternatives(tmp_path: Path) -> None:
    """Two routes share a stage; two processes walked them, and it ended in two ways."""
    was = base(tmp_path, result(A, "exact 0", "invalid"), result(A, "exact 0", "exact 0.5", route="keras-tf2onnx"))
    now = head(
        tmp_path, result(A, "exact 0", "exact 0.5", route="keras-tf2onnx"), result(A, "exact 0", "exact 0.5", "exact 0")
    )
    assert not [change for change in compare(was, now).changes if change.by == "tf2onnx"]


def test_the_record_is_a_base(tmp_path: Path) -> None:
    record = Record(
        {(A, "keras"): (Cell(Outcome.EXACT, 0.0),), (A, "keras-tf2onnx"): (Cell(Outcome.REFUSED),)}, {"torch": "2.15.0"}
    )
    now = head(tmp_path, result(A, "exact 0", "exact 0.5", route="keras-tf2onnx"))
    what = difference(Base.recorded(record), now)
    assert (answers(what), what.fails) == ({"fixed": 1}, False)
    with pytest.raises(OtherEnvironment, match="torch"):
        difference(Base.recorded(record), head(tmp_path, result(A, *GOOD), versions={"torch": "2.16.0"}))


def test_what_is_on_record_and_not_owed_is_lost(tmp_path: Path) -> None:
    exact = (Cell(Outcome.EXACT, 0.0),)
    cells = {(case, ROUTE): exact for case in (B, "keras-GRU-d4")}
    cells |= {(A, chain): exact for chain in ("keras", "keras-tf2onnx", ROUTE)}
    now = head(tmp_path, result(A, "exact 0", "exact 0", "exact 0"), options={"layer": ["Dense"]})
    what = difference(Base.recorded(Record(cells)), now)
    assert [(change.key, change.why, change.before) for change in what.changes] == [((B, ROUTE), NOT_OWED, "exact 0")]
    assert not difference(Base.recorded(Record(cells)), now, spared=lambda case, chain: case == B).fails


def test_an_empty_record_is_no_base() -> None:
    with pytest.raises(InconsistentResults, match="there is no record"):
        Base.recorded(Record())


def accepted(case: str = A, outcome: str = "refused", until: str = "2027-01-31") -> Accepted:
    return Accepted(case, ROUTE, outcome, "we mend it in the next release", "https://a.b/1", date.fromisoformat(until))


TODAY = date(2026, 12, 24)


def test_what_is_accepted_does_not_fail_until_its_day_has_passed(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD))
    what = compare(was, head(tmp_path, result(A, *GOOD[:2], "refused", message="no")))
    assert not what.accepting([accepted()], TODAY).fails
    assert not what.accepting([accepted(until="2026-12-24")], TODAY).fails
    late = what.accepting([accepted(until="2026-12-23")], TODAY)
    assert late.fails
    assert [str(each) for each in late.expired] == [f"{A} on {ROUTE}, refused until 2026-12-23"]
    assert what.fails


def test_an_acceptance_is_of_one_outcome_and_one_whole_id(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD), result(f"{A}1", *GOOD))
    now = head(tmp_path, result(A, *GOOD), result(f"{A}1", *GOOD[:2], "crash", message="no"))
    what = compare(was, now)
    assert what.accepting([accepted(A, "crash")], TODAY).fails
    other = what.accepting([accepted(f"{A}1", "refused")], TODAY)
    assert other.fails
    assert [now for _, now in other.idle] == ["crash"]
    assert not what.accepting([accepted(f"{A}1", "crash")], TODAY).fails


def test_a_loss_can_be_accepted(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD), result(B, *GOOD))
    what = compare(was, head(tmp_path, result(B, *GOOD), owed=[(A, ROUTE), (B, ROUTE)]))
    assert what.fails
    assert not what.accepting([accepted(outcome="lost")], TODAY).fails


def test_an_acceptance_of_what_no_longer_happens_is_told(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD), result(B, *GOOD))
    what = compare(was, head(tmp_path, result(A, *GOOD), result(B, *GOOD)))
    told = what.accepting([accepted(), accepted("keras-Dense-not-walked")], TODAY)
    assert [(each.case, now) for each, now in told.idle] == [(A, "passed")]
    assert not told.fails


def test_an_accepted_deviation_that_the_base_has_too_still_happens(tmp_path: Path) -> None:
    bad = (*GOOD[:2], "refused")
    what = compare(base(tmp_path, result(A, *bad)), head(tmp_path, result(A, *bad)))
    assert what.accepting([accepted()], TODAY).idle == ()
    late = what.accepting([accepted(until="2026-01-01")], TODAY)
    assert (len(late.expired), late.fails) == (1, False)


def test_a_file_that_is_no_results_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("hello\n")
    with pytest.raises(ForeignResults):
        Results.load(path)
