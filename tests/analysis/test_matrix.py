"""The matrix: since when, worked out by hand for each layer and each defect of a few legs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.analysis.legs import Leg, State, side_by_side
from harness.analysis.marks import marks_of
from harness.analysis.matrix import Cell, DefectRow, LayerRow, Matrix, Showing, matrix
from harness.outcomes import Outcome
from tests.legs import BEFORE, GOOD, REFUSED, WRONG, A, B, C, leg
from tests.two_runs import ROUTE, note, result

SHORT = "keras-tf2onnx"
INVALID = ("exact 0", "exact 0.5", "invalid")


def of(*legs: Leg, **changes: Any) -> Matrix:
    return matrix(side_by_side(legs), **changes)


def row(what: Matrix, layer: str, chain: str = ROUTE) -> LayerRow:
    (table,) = [each for each in what.tables if each.chain.name == chain]
    (single,) = [each for each in table.rows if each.layer == ("keras", layer)]
    return single


def words(what: LayerRow | DefectRow) -> list[str]:
    return [each.words_of_defect if isinstance(what, DefectRow) else each.words for each in what.along]


def defect(what: Matrix, id_: str) -> DefectRow:
    (single,) = [each for each in what.defects if each.id.startswith(id_)]
    return single


def test_a_layer_that_works_since_a_release(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "new", result(A, *GOOD), result(B, *GOOD), onnx2torch="1.5.10"),
        leg(tmp_path, "old", result(A, *REFUSED, message="no"), result(B, *GOOD), onnx2torch="1.5.9"),
    )
    dense = row(what, "Dense")
    assert words(dense) == ["onnx2torch: works since 1.5.10; 1 case fixed in 1.5.10"]
    assert dense.cells == {"old": Cell(1, 1, 0, Outcome.REFUSED), "new": Cell(2, 0, 0, Outcome.FAITHFUL)}
    assert [(case, own.words) for case, own in dense.along[0].cases] == [(A, "works since 1.5.10")]
    assert what.sentence == "2 legs: 1 layer and 1 defect of 1 change with onnx2torch."
    refusal = defect(what, "onnx2torch-refused-")
    assert words(refusal) == ["onnx2torch: fixed in 1.5.10; 1 case fixed in 1.5.10"]
    assert refusal.showing == {"old": Showing(1, 0, 0), "new": Showing(0, 1, 0)}


def test_a_layer_that_is_broken_since_a_release_and_one_that_never_changes(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *GOOD), result(C, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *WRONG), result(C, *WRONG), onnx2torch="1.5.10"),
    )
    assert words(row(what, "Dense")) == ["onnx2torch: broken since 1.5.10; 1 case broken in 1.5.10"]
    assert words(row(what, "Conv2D")) == ["onnx2torch: broken with 1.5.9, 1.5.10"]
    (table,) = what.tables
    assert ([each.layer[1] for each in table.changing], table.count(State.BAD)) == (["Dense"], 1)


def test_what_was_not_run_is_not_good(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *REFUSED, message="no"), result(C, *GOOD), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(C, *GOOD), onnx2torch="1.5.10"),
        leg(tmp_path, "c", result(A, *REFUSED, message="no"), result(C, *GOOD), onnx2torch="1.5.11"),
    )
    dense = row(what, "Dense")
    assert dense.cells["b"].state is State.NOT_RUN
    assert words(dense) == ["onnx2torch: broken with 1.5.9, 1.5.11; 1.5.10 not run"]
    refusal = defect(what, "onnx2torch-refused-")
    assert refusal.showing["b"].state is State.NOT_RUN
    assert words(refusal) == ["onnx2torch: shows with 1.5.9, 1.5.11; 1.5.10 not run"]


def test_what_lies_behind_a_failure_of_another_converter_is_neither_good_nor_bad(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *BEFORE), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *BEFORE), onnx2torch="1.5.10"),
    )
    dense = row(what, "Dense")
    assert dense.cells["a"] == Cell(0, 0, 1, None)
    assert words(dense) == ["onnx2torch: 1.5.9, 1.5.10 behind a failure"]
    assert [table.chain.name for table in what.tables] == [ROUTE]


def test_a_layer_is_compared_over_the_cases_that_all_legs_have(tmp_path: Path) -> None:
    """The failing case is in the old leg only: that the new one has no failure says nothing."""
    what = of(
        leg(tmp_path, "a", result(A, *GOOD), result(B, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
    )
    (along,) = row(what, "Dense").along
    assert (along.course.words, along.compared, along.partly) == ("works with 1.5.9, 1.5.10", 1, 1)
    assert what.tables[0].partly == 1


def test_what_is_fixed_of_some_cases_is_told_of_a_layer_that_stays_broken(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *WRONG), result(B, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), result(B, *WRONG), onnx2torch="1.5.10"),
    )
    dense = row(what, "Dense")
    assert words(dense) == ["onnx2torch: broken with 1.5.9, 1.5.10; 1 case fixed in 1.5.10"]
    assert dense.changes


def test_two_components_at_once_are_blamed_on_neither(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *WRONG), onnx2torch="1.5.9", versions={"torch": "2.14.0"}),
        leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
    )
    dense = row(what, "Dense")
    assert (words(dense), dense.turns, dense.changes) == ([], False, True)
    assert [each.words for each in dense.suspects] == [
        "onnx2torch (bad up to 1.5.9, good from 1.5.10)",
        "torch (bad up to 2.14.0, good from 2.15.0)",
    ]
    wrong = defect(what, "onnx2torch-divergent")
    assert (words(wrong), wrong.turns, wrong.suspects) == ([], False, dense.suspects)


def test_a_layer_that_turns_along_a_line_has_no_suspects(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
    )
    assert (row(what, "Dense").suspects, what.defects[0].suspects) == ((), ())


def test_legs_of_which_no_two_can_be_compared_say_so(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *WRONG)), leg(tmp_path, "b", result(A, *GOOD), versions={"platform": "Linux-b"})
    )
    assert what.sentence == (
        "2 legs: no two of them can be compared; "
        "each pair differs in more than one component, or walked nothing in common that differs; "
        "1 more defect differs between legs."
    )


def test_a_difference_that_does_not_count_is_left_out(tmp_path: Path) -> None:
    legs = (
        leg(tmp_path, "a", result(A, *WRONG), onnx2torch="1.5.9", versions={"platform": "Linux-b"}),
        leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
    )
    assert words(row(of(*legs), "Dense")) == []
    what = of(*legs, across=["platform"])
    assert words(row(what, "Dense")) == ["onnx2torch: works since 1.5.10; 1 case fixed in 1.5.10"]


def test_a_stage_is_judged_where_it_is_shared(tmp_path: Path) -> None:
    """A defect of tf2onnx changes on its own chain, and the importer behind it is no part of that."""
    what = of(
        leg(tmp_path, "a", result(A, *BEFORE), versions={"tf2onnx": "1.16.0"}),
        leg(tmp_path, "b", result(A, *GOOD), versions={"tf2onnx": "1.17.0"}),
    )
    assert words(row(what, "Dense", SHORT)) == ["tf2onnx: works since 1.17.0; 1 case fixed in 1.17.0"]
    (known,) = what.defects
    assert (known.hop, known.chains, words(known)) == (
        "tf2onnx",
        (SHORT,),
        ["tf2onnx: fixed in 1.17.0; 1 case fixed in 1.17.0"],
    )


def test_an_expectation_names_the_defect_in_legs_of_which_it_does_not_speak(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *REFUSED, message="no"), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *REFUSED, message="no", **note("known")), onnx2torch="1.5.10"),
        leg(tmp_path, "c", result(A, *GOOD), onnx2torch="1.5.11"),
        owners={"known": "a-finding"},
    )
    (known,) = what.defects
    assert (known.id, known.is_expected) == ("known", True)
    assert [each.shows for each in known.showing.values()] == [1, 1, 0]
    (finding,) = what.findings
    assert (finding.id, words(finding)) == ("a-finding", ["onnx2torch: fixed in 1.5.11; 1 case fixed in 1.5.11"])


def test_an_expectation_that_did_not_foresee_it_names_nothing(tmp_path: Path) -> None:
    """A failed result may carry the expectation that says otherwise."""
    expectation = note("says-otherwise")["expectation"]
    legs = side_by_side(
        [
            leg(tmp_path, "a", result(A, *REFUSED, message="no", expectation=expectation), onnx2torch="1.5.9"),
            leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
        ]
    )
    assert [mark.expectation for mark in marks_of(legs).marks.values()] == [False]


def test_a_defect_behind_another_one_is_not_taken_for_fixed(tmp_path: Path) -> None:
    """Wrong numbers in the old release, an error in the next: nothing is known of the numbers there."""
    what = of(
        leg(tmp_path, "a", result(A, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *INVALID, message="broke"), onnx2torch="1.5.10"),
    )
    wrong = defect(what, "onnx2torch-divergent-")
    assert wrong.showing["b"] == Showing(0, 0, 1)
    assert words(wrong) == ["onnx2torch: shows with 1.5.9; 1.5.10 behind a failure"]
    assert words(defect(what, "onnx2torch-invalid-")) == ["onnx2torch: shows with 1.5.10; 1.5.9 behind a failure"]


def test_a_refusal_is_gone_where_the_case_is_converted(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *REFUSED, message="not implemented"), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *INVALID, message="broke"), onnx2torch="1.5.10"),
        leg(tmp_path, "c", result(A, "exact 0", "exact 0.5", "crash", message="died"), onnx2torch="1.5.11"),
    )
    refusal = defect(what, "onnx2torch-refused-")
    assert [each.state for each in refusal.showing.values()] == [State.BAD, State.GOOD, State.BLOCKED]
    assert words(refusal) == [
        "onnx2torch: fixed in 1.5.10; 1.5.11 behind a failure; 1 case fixed in 1.5.10",
    ]


def test_the_same_words_of_several_cases_are_one_defect_in_all_legs(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", *(result(case, *REFUSED, message="no Op of rank 3") for case in (A, B)), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), result(B, *REFUSED, message="no Op of rank 4"), onnx2torch="1.5.10"),
    )
    (single,) = what.defects
    assert [each.shows for each in single.showing.values()] == [2, 1]
    assert words(single) == ["onnx2torch: shows with 1.5.9, 1.5.10; 1 case fixed in 1.5.10"]


def test_two_legs_of_one_version_are_one_point(tmp_path: Path) -> None:
    what = of(
        leg(tmp_path, "a", result(A, *WRONG), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), onnx2torch="1.5.10"),
        leg(tmp_path, "c", result(A, *GOOD[:2], route=SHORT), onnx2torch="1.5.10"),
    )
    assert words(row(what, "Dense")) == ["onnx2torch: works since 1.5.10; 1 case fixed in 1.5.10"]


def test_legs_of_the_same_versions_have_nothing_to_compare(tmp_path: Path) -> None:
    what = of(leg(tmp_path, "a", result(A, *WRONG)), leg(tmp_path, "b", result(A, *GOOD)))
    assert what.sentence == "2 legs of the same versions: there is nothing to put side by side."


def test_a_chain_that_one_leg_walked_is_told_apart(tmp_path: Path) -> None:
    longer = result(A, *GOOD, "exact 0", route=f"{ROUTE}-torchonnx")
    what = of(
        leg(tmp_path, "a", result(A, *GOOD), onnx2torch="1.5.9"),
        leg(tmp_path, "b", result(A, *GOOD), longer, onnx2torch="1.5.10"),
    )
    assert [(chain.name, chain.walked[0].name) for chain in what.single] == [(f"{ROUTE}-torchonnx", "b")]
    assert what.needs(f"{ROUTE}-torchonnx") == ("onnx2torch",)
