"""The table of routes."""

from types import SimpleNamespace

from harness.analysis.routes import markdown, route_records
from harness.outcomes import Outcome


def result(layer, outcome):
    return SimpleNamespace(route="a-b", layer=layer, outcome=outcome)


def test_a_layer_counts_as_its_worst_case():
    results = [
        result("Dense", Outcome.FAITHFUL),
        result("Dense", Outcome.REFUSED),
        result("ReLU", Outcome.EXACT),
        result("GRU", Outcome.MALFORMED),
        result("GRU", Outcome.EXACT),
    ]
    (record,) = route_records(results)
    assert record == {
        "route": "a-b", "layers": 3, "agree": 1, "deviate": 1, "refused": 1, "invalid": 0, "cases": 5,
        "cases agree": "60.0 %",
    }  # fmt: skip
    assert markdown([record]).splitlines()[2] == "| a-b | 3 | 1 | 1 | 1 | 0 | 5 | 60.0 % |"
