"""Courses: each sequence of states has the words and the releases that were worked out by hand."""

from __future__ import annotations

import pytest

from harness.analysis.courses import Course, course, together
from harness.analysis.legs import State

STATES = {"g": State.GOOD, "b": State.BAD, "-": State.NOT_RUN, "?": State.BLOCKED}
VERSIONS = ("1.5.9", "1.5.10", "1.5.11", "1.5.12")


def of(states: str) -> Course:
    return course("onnx2torch", ((version, [STATES[each]]) for version, each in zip(VERSIONS, states, strict=False)))


@pytest.mark.parametrize(
    ("states", "of_layer", "of_defect"),
    [
        ("gggg", "works with 1.5.9 to 1.5.12", "does not show with 1.5.9 to 1.5.12"),
        ("bbb", "broken with 1.5.9, 1.5.10, 1.5.11", "shows with 1.5.9, 1.5.10, 1.5.11"),
        ("bbgg", "works since 1.5.11", "fixed in 1.5.11"),
        ("ggbb", "broken since 1.5.11", "shows since 1.5.11"),
        ("gbbg", "broken in 1.5.10, works since 1.5.12", "shows in 1.5.10, fixed in 1.5.12"),
        ("bgbb", "worked in 1.5.10, broken since 1.5.11", "fixed in 1.5.10, shows since 1.5.11"),
        ("b-gg", "works since 1.5.11 (1.5.10 not run)", "fixed in 1.5.11 (1.5.10 not run)"),
        (
            "b-?g",
            "works since 1.5.12 (nothing known of 1.5.10, 1.5.11)",
            "fixed in 1.5.12 (nothing known of 1.5.10, 1.5.11)",
        ),
        ("bg--", "works since 1.5.10; 1.5.11, 1.5.12 not run", "fixed in 1.5.10; 1.5.11, 1.5.12 not run"),
        ("gb?", "broken since 1.5.10; 1.5.11 behind a failure", "shows since 1.5.10; 1.5.11 behind a failure"),
        ("g-g", "works with 1.5.9, 1.5.11; 1.5.10 not run", "does not show with 1.5.9, 1.5.11; 1.5.10 not run"),
        ("---", "1.5.9, 1.5.10, 1.5.11 not run", "1.5.9, 1.5.10, 1.5.11 not run"),
        ("??", "1.5.9, 1.5.10 behind a failure", "1.5.9, 1.5.10 behind a failure"),
    ],
)  # fmt: skip
def test_words(states: str, of_layer: str, of_defect: str) -> None:
    assert (of(states).words, of(states).words_of_defect) == (of_layer, of_defect)


@pytest.mark.parametrize(
    ("states", "first_bad", "first_good", "words"),
    [
        ("gggg", None, None, ("", "")),
        ("bbgg", "1.5.9", "1.5.11", ("1.5.9 or earlier", "1.5.11")),
        ("gbbg", "1.5.10", "1.5.12", ("1.5.10", "1.5.12")),
        ("ggbb", "1.5.11", None, ("1.5.11", "none up to 1.5.12")),
        ("gb--", "1.5.10", None, ("1.5.10", "none up to 1.5.10 (1.5.11, 1.5.12 not run)")),
        ("-b-g", "1.5.10", "1.5.12", ("1.5.10 or earlier", "1.5.12 (1.5.11 not run)")),
        ("bgbg", "1.5.9", "1.5.12", ("1.5.9 or earlier", "1.5.12")),
        ("----", None, None, ("", "")),
    ],
)
def test_first_bad_and_first_good(
    states: str, first_bad: str | None, first_good: str | None, words: tuple[str, str]
) -> None:
    what = of(states)
    assert (what.first_bad, what.first_good) == (first_bad, first_good)
    assert (what.first_bad_words, what.first_good_words) == words


def test_a_turn_tells_what_lies_between() -> None:
    (turn,) = of("b-?g").turns
    assert turn.to_json() == {
        "version": "1.5.12",
        "state": "good",
        "before": "1.5.9",
        "unknown": ["1.5.10", "1.5.11"],
    }


def test_of_several_legs_of_one_version_a_bad_one_counts_and_one_that_did_not_run_does_not() -> None:
    assert together([State.GOOD, State.BAD]) is State.BAD
    assert together([State.NOT_RUN, State.GOOD]) is State.GOOD
    assert together([State.NOT_RUN, State.BLOCKED]) is State.BLOCKED
    assert together([]) is State.NOT_RUN
