"""`parity list ...`."""

from __future__ import annotations

import json

import pytest

from harness.cli.main import AGREED
from tests.cli.conftest import Parity


@pytest.mark.parametrize(
    ("what", "keys"),
    [
        ("layers", {"dialect", "layer", "cases", "pairs", "threeway", "excluded"}),
        ("hops", {"name", "source", "target", "available", "reason"}),
        ("routes", {"name", "available", "reason"}),
        ("runtimes", {"name", "format", "available", "reason"}),
        ("cases", {"case", "choice"}),
    ],
)
def test_lists_as_json(parity: Parity, what: str, keys: set[str]) -> None:
    code, out, _ = parity("list", what, "--json")
    assert code == AGREED
    assert keys <= set(json.loads(out)[0])
    assert parity("list", what)[0] == AGREED


def test_pairs_of_a_run(parity: Parity) -> None:
    """One value of each of Dense's eight axes is 28 pairs. The case converts, so none is apart."""
    assert parity("run", "--route", "mini-copies", "--results", "run.ndjson")[0] == AGREED
    code, out, _ = parity("list", "pairs", "run.ndjson", "--json")
    (record,) = json.loads(out)
    assert code == AGREED
    assert record.pop("pairs") > 28
    assert record == {
        "dialect": "keras", "layer": "Dense", "route": "mini-copies", "cases": 1, "ended": 1, "frozen": 28,
        "walked": 28, "converted": 28, "apart": 0,
    }  # fmt: skip
    _, out, _ = parity("list", "pairs", "run.ndjson", "--layer", "De*")
    assert out.splitlines()[-1].endswith(" pairs, 28 frozen, 28 walked, 28 converted, 0 apart")
    assert parity("list", "pairs", "run.ndjson", "--layer", "ReLU", "--json")[1] == "[]\n"
    assert parity("list", "pairs", "run.ndjson", "--route", "x*", "--json")[1] == "[]\n"


def test_list_expectations_of_none(parity: Parity) -> None:
    assert parity("list", "expectations", "--json")[:2] == (AGREED, "[]\n")
