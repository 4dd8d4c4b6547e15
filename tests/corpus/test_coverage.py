"""Coverage of a corpus that is counted by hand."""

from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import Draft, Row, find, rule, single
from harness.corpus.coverage import arguments, layer_records, pair_records
from harness.corpus.store import Entry


def entry(subject: str, choice: dict[str, Any], *layers: tuple[str, dict[str, Any]]) -> Entry:
    spec = {"dialect": "keras", "layers": [{"kind": kind, "config": config} for kind, config in layers]}
    return Entry(Path("x.zip"), "x", {"spec": spec, "subject": subject, "choice": choice})


def build(choice: Any, fill: Any) -> Draft:
    return single("keras", "Dense", {}, [(1,)])


ROW = Row(
    "keras",
    "Dense",
    {"a": (0, 1), "b": (0, 1), "profile": ("main",)},
    build,
    (rule("a", "b", reason="")(lambda a, b: not (a and b)),),
)
"""Three pairs of a and b, two of a and profile, two of b and profile; three triples."""


def test_pairs_and_triples_of_a_layer_are_percentages():
    """The two choices have 2 + 2 + 1 of the 7 pairs and 2 of the 3 triples."""
    choices = [{"a": 0, "b": 0, "profile": "main"}, {"a": 1, "b": 0, "profile": "main"}]
    first, *excluded = layer_records([ROW], [entry("Dense", choice) for choice in choices])
    assert first == {
        "dialect": "keras", "layer": "Dense", "cases": 2, "pairs": 71.4, "threeway": 66.7, "profiles": ["main"],
        "excluded": None,
    }  # fmt: skip
    reasons = {record["layer"]: record["excluded"] for record in excluded}
    assert "any Python function" in reasons["Lambda"]
    assert not any(record["cases"] for record in excluded)


def test_a_layer_of_the_catalogue_without_cases_covers_nothing():
    (record, *_) = layer_records([find("keras", "ReLU")], [])
    assert (record["cases"], record["pairs"], record["threeway"]) == (0, 0.0, 0.0)


def test_pairs_are_counted_in_cases_that_ended():
    """Of the row's 7 pairs the three cases hold all. Walked were 00 and 01, which hold 5; 00 alone, which ended, has 3:
    b = 1 occurs in no case that ended, so no pair is apart."""
    entries = [
        Entry(Path("x.zip"), name, entry("Dense", {"a": a, "b": b, "profile": "main"}).data)
        for name, a, b in (("one", 0, 0), ("two", 0, 1), ("three", 1, 0))
    ]
    converted = {
        "here": {"one": True, "two": False, "elsewhere": True},
        "there": {},
        "all": {"two": True, "three": True},
    }
    first, last = pair_records([ROW], entries, converted)
    assert first == {
        "dialect": "keras", "layer": "Dense", "route": "here", "cases": 2, "ended": 1, "pairs": 7, "frozen": 7,
        "walked": 5, "converted": 3, "apart": 0,
    }  # fmt: skip
    # two and three have every value, and no pair of a = 0 and b = 0
    assert (last["route"], last["converted"], last["apart"]) == ("all", 6, 1)


def test_values_are_counted_inside_wrappers_and_omission_is_one():
    inner = {"kind": "Dense", "config": {"units": 3, "use_bias": False}}
    entries = [
        entry("Dense", {}, ("Dense", {"units": 2})),
        entry("TimeDistributed", {}, ("TimeDistributed", {"layer": inner})),
    ]
    try:
        counts = {(item.layer, item.name): item for item in arguments(entries)}
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    assert counts["Dense", "units"].values == 2
    assert counts["Dense", "use_bias"].values == 2
    assert counts["Dense", "activation"].values == 1
    assert not counts["Dense", "activation"].drawn
    assert counts["Dense", "activation"].reason is None
    assert "stored" in str(counts["Dense", "kernel_initializer"].reason)
    assert {layer for layer, _ in counts} == {"Dense", "TimeDistributed"}
