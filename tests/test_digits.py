"""The digits example: what is stored is the model that the example's script writes down, and it knows its digits."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from harness.corpus.store import Store
from harness.run.walk import task_metrics
from harness.spec import Case

ROOT = Path(__file__).resolve().parents[1]
CLASSES = 10


@pytest.fixture(scope="module")
def case() -> Case:
    (entry,) = Store(ROOT / "golden").entries("digits", folder="models")
    return entry.load()


def logits_of(case: Case) -> np.ndarray:
    assert case.golden
    return case.golden.expected["logits"]


def test_images_labels_and_logits_fit(case: Case) -> None:
    (images,) = case.inputs.values()
    assert case.labels
    assert images.shape == (len(case.labels), 8, 8, 1)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert set(case.labels) == set(range(CLASSES))
    assert logits_of(case).shape == (len(case.labels), CLASSES)
    assert logits_of(case).dtype == np.float64


def test_the_oracle_reads_the_held_back_digits(case: Case) -> None:
    assert (logits_of(case).argmax(axis=1) == np.array(case.labels)).mean() >= 0.95


def test_the_oracles_own_answer_has_perfect_metrics(case: Case) -> None:
    metrics = task_metrics(case, [(logits_of(case),)])
    assert metrics
    assert (metrics["logits_max_abs"], metrics["top1_agreement"]) == (0, 1)
    assert metrics["accuracy"] >= 0.95
    assert np.trace(metrics["confusion"]) == len(case.labels or ())


def test_the_statistics_of_normalisation_are_trained(case: Case) -> None:
    means = [value for name, value in case.weights.items() if name.endswith("moving_mean")]
    assert len(means) == 3
    assert all(np.abs(value).max() > 0.01 for value in means)


def test_the_script_writes_down_the_stored_model_and_needs_no_framework_to_be_read(case: Case) -> None:
    script = runpy.run_path(str(ROOT / "examples" / "digits" / "train.py"))
    assert script["digits_spec"]().id == case.spec.id
