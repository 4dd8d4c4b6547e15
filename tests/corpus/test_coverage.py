"""The catalogue against Keras' own list of classes and arguments, and the table of routes."""

from types import SimpleNamespace

import pytest

from harness.analysis.routes import markdown, route_records
from harness.catalogue import excluded, rows
from harness.corpus import keras_layers as signatures
from harness.outcomes import Outcome


def exported():
    try:
        return signatures.exported()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def missing(layers):
    """Classes that Keras exports and neither the catalogue nor the exclusions name."""
    return sorted(set(exported()) - set(layers) - set(excluded.LAYERS))


def test_every_class_is_in_the_catalogue_or_excluded():
    assert missing(row.layer for row in rows("keras")) == []


def test_a_class_without_a_row_is_noticed():
    assert missing(row.layer for row in rows("keras") if row.layer != "GRU") == ["GRU"]


def test_nothing_is_excluded_that_is_in_the_catalogue_or_does_not_exist():
    assert not set(excluded.LAYERS) & {row.layer for row in rows("keras")}
    assert not set(excluded.LAYERS) - set(exported())


def test_names_are_the_documented_ones():
    assert exported()["Conv1D"].names == ("Conv1D", "Convolution1D")
    assert exported()["Dense"].arguments[:3] == ("units", "activation", "use_bias")


def test_reasons_are_found_by_pattern():
    assert excluded.reason_to_omit("Dense", "kernel_initializer")
    assert excluded.reason_to_omit("Dense", "units") is None


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
