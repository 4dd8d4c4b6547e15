"""The contract in numbers and words: edges, order and harm of outcomes, names of metrics, constants of float32."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from harness.outcomes import ABOUT, DRIFT, FAITHFUL, Harm, Metrics, Outcome
from harness.units import SMALLEST, UNIT


def test_edges_of_the_grades() -> None:
    assert (FAITHFUL, DRIFT) == (32, 1024)


def test_constants_of_float32() -> None:
    """24 bits of mantissa: half a unit in the last place of 1 is 2**-24. The smallest exponent of a normal number is
    -126."""
    assert UNIT == 5.9604644775390625e-08 == np.finfo(np.float32).eps / 2
    assert SMALLEST == 1.1754943508222875e-38 == np.finfo(np.float32).tiny


def test_outcomes_from_best_to_worst_and_who_notices() -> None:
    assert [(outcome.value, outcome.severity, outcome.harm.value, outcome.passes) for outcome in Outcome] == [
        ("exact", 0, "none", True),
        ("faithful", 1, "none", True),
        ("drift", 2, "none", True),
        ("mutating", 3, "silent", False),
        ("divergent", 4, "silent", False),
        ("malformed", 5, "silent structure", False),
        ("refused", 6, "loud", False),
        ("invalid", 7, "loud", False),
        ("crash", 8, "loud", False),
        ("hang", 9, "loud", False),
    ]
    assert [harm.value for harm in Harm] == ["none", "silent", "silent structure", "loud"]


def test_worst_outcome_is_the_most_severe_wherever_it_stands() -> None:
    assert Outcome.worst([Outcome.DRIFT, Outcome.CRASH, Outcome.EXACT]) is Outcome.CRASH
    assert Outcome.worst(iter([Outcome.FAITHFUL, Outcome.EXACT])) is Outcome.FAITHFUL
    with pytest.raises(ValueError, match="empty"):
        Outcome.worst([])


def test_every_outcome_has_a_sentence_and_four_colours() -> None:
    assert list(ABOUT) == list(Outcome)
    for outcome, about in ABOUT.items():
        assert re.fullmatch(r"[A-Z].+\.", about.meaning), outcome
        assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in about.palette), outcome
        assert (about.wording is None) is outcome.passes
    assert len({about.palette for about in ABOUT.values()}) == 10
    with pytest.raises(FrozenInstanceError):
        ABOUT[Outcome.EXACT].meaning = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ABOUT[Outcome.EXACT] = ABOUT[Outcome.DRIFT]  # type: ignore[index]


def test_sentences_state_the_edges() -> None:
    assert ABOUT[Outcome.FAITHFUL].meaning == "At most 32 noise units: as good as a correct float32 implementation."
    assert ABOUT[Outcome.DRIFT].meaning.startswith("At most 1024 noise units normwise, ")
    assert ABOUT[Outcome.DIVERGENT].meaning.startswith("More than 1024 noise units, ")


def test_metrics_have_names_labels_and_digits_in_one_order() -> None:
    assert Metrics.names() == (
        "units", "componentwise", "max_abs", "max_rel", "max_ulp", "rmse", "cosine", "sqnr_db",
    )  # fmt: skip
    assert list(Metrics.labels().items()) == [
        ("units", "units"),
        ("componentwise", "componentwise"),
        ("max_abs", "max abs"),
        ("max_rel", "max rel"),
        ("max_ulp", "max ulp"),
        ("rmse", "rmse"),
        ("cosine", "cosine"),
        ("sqnr_db", "SQNR dB"),
    ]
    assert list(Metrics.digits().items()) == [
        ("units", 4),
        ("componentwise", 4),
        ("max_abs", 4),
        ("max_rel", 4),
        ("max_ulp", 4),
        ("rmse", 4),
        ("cosine", 9),
        ("sqnr_db", 4),
    ]


def test_metrics_are_none_until_measured_and_frozen() -> None:
    metrics = Metrics(units=1.5, cosine=0.5)
    assert metrics.items() == [
        ("units", 1.5),
        ("componentwise", None),
        ("max_abs", None),
        ("max_rel", None),
        ("max_ulp", None),
        ("rmse", None),
        ("cosine", 0.5),
        ("sqnr_db", None),
    ]
    with pytest.raises(FrozenInstanceError):
        metrics.units = 2.0  # type: ignore[misc]
