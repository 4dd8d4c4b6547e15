"""The search itself: which one is tried next, what is skipped, and how the answer reads."""

from __future__ import annotations

import pytest

from harness.bisection.search import Bisection, Trial, Turn, turn
from harness.reproducer.running import Answer

GOOD, BAD, SKIP = Answer.FIXED, Answer.FAILED, Answer.ERROR


def search(answers: str) -> tuple[Turn, list[str]]:
    """The turn in a row such as `ggsb` (good, good, skipped, bad), whose ends are known, and what was tried."""
    row = [Trial(str(k), {"g": GOOD, "b": BAD, "s": SKIP}[letter], "") for k, letter in enumerate(answers)]
    tried: list[str] = []

    def trial(name: str) -> Trial:
        tried.append(name)
        return row[int(name)]

    return turn([each.name for each in row[1:-1]], trial, row[0], row[-1]), tried


@pytest.mark.parametrize("first", range(1, 17))
def test_the_first_bad_one_is_found_in_as_many_trials_as_the_number_has_digits(first: int) -> None:
    found, tried = search("g" * first + "b" * (17 - first))
    assert (found.before.name, found.after.name, found.is_named) == (str(first - 1), str(first), True)
    assert len(tried) <= 4  # 15 lie between
    assert len(set(tried)) == len(tried)


def test_neighbours_need_no_trial() -> None:
    assert search("gb")[1] == []


def test_the_first_good_one_is_searched_where_the_older_end_is_bad() -> None:
    found, _ = search("bbbgg")
    assert (found.before.name, found.after.name) == ("2", "3")


def test_what_is_skipped_is_passed_by_to_the_nearest() -> None:
    found, tried = search("ggsgb")
    assert tried[0] == "2"
    assert (found.before.name, found.after.name, found.between) == ("3", "4", ())


def test_skipped_ones_at_the_turn_are_candidates() -> None:
    found, tried = search("ggssbb")
    assert sorted(tried) == ["1", "2", "3", "4"]
    assert (found.is_named, found.candidates) == (False, ("2", "3", "4"))
    assert [each.name for each in found.between] == ["2", "3"]


def test_skipped_ones_elsewhere_are_not() -> None:
    assert search("gsgbsb")[0].candidates == ("3",)


def test_everything_between_is_skipped() -> None:
    found, tried = search("gsssb")
    assert (found.candidates, len(tried)) == (("1", "2", "3", "4"), 3)


def test_ends_that_answer_alike_enclose_nothing() -> None:
    with pytest.raises(AssertionError, match="ends that do not enclose a turn"):
        search("ggg")


def test_sentences() -> None:
    before = Trial("1.9", GOOD, "FIXED", 1.0, {"mini": "1.9", "numpy": "1.26", "old": "1"})
    after = Trial("1.10", BAD, "DEVIATES: 2.0", 1.0, {"mini": "1.10", "numpy": "2.1", "new": "3"})
    named = Bisection("mini", "release", (), Turn(before, after))
    assert named.sentences == (
        "1.10 is the first bad release of mini; 1.9 is good.",
        "Not only mini changed from 1.9 to 1.10: new not installed -> 3, numpy 1.26 -> 2.1, old 1 -> not installed.",
    )
    skipped = Turn(after, before, (Trial("1.11", SKIP, ""), Trial("1.12", SKIP, "")))
    assert skipped.sentence(package="mini", noun="commit") == (
        "One of 1.11, 1.12, 1.9 is the first good commit of mini; 1.10 is bad, and 1.11, 1.12 could not be tried."
    )
    alone = Turn(Trial("1", GOOD, "", versions={"mini": "1"}), Trial("2", BAD, "", versions={"mini": "2"}))
    assert Bisection("mini", "release", (), alone).sentences == ("2 is the first bad release of mini; 1 is good.",)


def test_rows_and_json() -> None:
    trial = Trial("1.10", BAD, "DEVIATES: 2.0", 1.26, {"mini": "1.10", "numpy": "1.26", "same": "1", "more": "2"})
    here = {"mini": "1.11", "numpy": "2.1", "same": "1", "torch": "2.15"}
    row = {
        "release": "1.10",
        "answer": "bad",
        "seconds": 1.3,
        "otherwise than here": ["numpy 2.1 -> 1.26 (older)"],
        "last line": "DEVIATES: 2.0",
    }
    bisection = Bisection("mini", "release", (trial,), None, "it was ever so")
    assert bisection.to_json(here) == {
        "package": "mini",
        "answer": None,
        "sentences": ["it was ever so"],
        "trials": [row],
    }
    turned = Bisection("mini", "release", (), Turn(Trial("1", GOOD, ""), trial, (Trial("1.5", SKIP, ""),)))
    assert turned.to_json(here)["answer"] == {
        "first": "bad",
        "is": None,
        "candidates": ["1.5", "1.10"],
        "before": "1",
        "beside": ["more not installed -> 2", "numpy not installed -> 1.26", "same not installed -> 1"],
    }
