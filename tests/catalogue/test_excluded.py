"""The catalogue and its exclusions against the classes that Keras exports."""

import re
from pathlib import Path

import pytest

from harness.catalogue import excluded, rows
from harness.corpus import keras_layers


def exported():
    try:
        return keras_layers.exported()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def missing(layers):
    """Classes that Keras exports and neither the catalogue nor the exclusions name."""
    return sorted(set(exported()) - set(layers) - set(excluded.LAYERS))


def test_every_class_is_in_the_catalogue_or_excluded():
    assert missing(row.layer for row in rows("keras")) == []


def test_the_readme_says_how_many_there_are():
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    named = {row.layer for row in rows("keras")} & set(exported())
    assert re.findall(r"`keras.layers` \((\d+) in the catalogue", readme) == [str(len(named))]


def test_a_class_without_a_row_is_noticed():
    assert missing(row.layer for row in rows("keras") if row.layer != "GRU") == ["GRU"]


def test_nothing_is_excluded_that_is_in_the_catalogue_or_does_not_exist():
    assert not set(excluded.LAYERS) & {row.layer for row in rows("keras")}
    assert not set(excluded.LAYERS) - set(exported())


def test_reasons_are_found_by_pattern():
    assert excluded.reason_to_omit("Dense", "kernel_initializer")
    assert excluded.reason_to_omit("Dense", "units") is None
