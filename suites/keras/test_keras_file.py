"""Every way of saving a model preserves its layers, its wiring and every bit of its weights."""

from pathlib import Path

import pytest

from harness.catalogue import Row, rows
from harness.corpus.store import Entry
from harness.run.session import Session
from harness.spec import Case, Spec
from harness.workers.protocol import Failure, Model, Read, Write, encode

FORMATS = ("keras", "h5", "weights", "json")
"""Formats that hold layers; a SavedModel holds functions, and is judged by what they compute."""
LEGACY = {
    "AdditiveAttention", "Attention", "LayerNormalization", "Normalization", "RMSNormalization", "RandomShear",
    "Softmax",
}  # fmt: skip
"""Layers whose configuration the legacy file loses: expectations `keras-h5-*` and `keras-random-shear-config`."""


def written(parity: Session, name: str, case: Case, path: Path) -> Model | Failure:
    """Write a case in a format and read it back, in the format's worker; a Failure if it cannot be written."""
    plugin = next(plugin for plugin in parity.registry.formats if plugin.name == name)
    worker = parity.workers[plugin.worker]
    wrote = worker.request(Write(plugin.reference, case.spec, case.weights, path)).value
    return wrote or worker.request(Read(plugin.reference, path)).value


def simplicity(entry: Entry) -> tuple[int, int, int, str]:
    """Sort key: fewest layers, inputs and weights first. Saving changes some weights, such as low-rank factors."""
    spec = entry.data["spec"]
    return len(spec["layers"]), len(spec["inputs"]), len(entry.data["arrays"]["weights"]), entry.id


@pytest.mark.parametrize("row", rows("keras"), ids=lambda row: row.layer)
def test_round_trip(row: Row, parity: Session, tmp_path: Path) -> None:
    """The simplest golden case of each layer, written and read in the worker."""
    if not parity.selects(row.layer):
        pytest.skip(f"--layer does not select {row.layer}")
    if why := parity.obstacle("keras"):
        pytest.skip(why)
    entries = parity.store.entries(row.layer, folder="keras")
    case = min(entries, key=simplicity).load()
    for name in FORMATS:
        if row.layer in LEGACY and (name != "keras" or row.layer == "RandomShear"):
            continue
        model = written(parity, name, case, tmp_path / f"model.{name}")
        if name == "h5" and isinstance(model, Failure) and "cannot pickle" in model.message:
            continue  # expectation keras-h5-modules
        assert not isinstance(model, Failure), (name, model.message)
        assert encode(list(model.weights.values())) == encode(list(case.weights.values())), name
        if [layer.kind for layer in case.spec.layers] != ["Sequential"]:  # a file contains the layers of a Sequential
            assert_same_wiring(model.spec, case.spec, name)


def assert_same_wiring(got: Spec, wanted: Spec, name: str) -> None:
    """Assert that a Spec has the layers, inputs and outputs of another; calls of a shared layer may be missing."""
    layers = {(layer.name, layer.inputs) for layer in wanted.layers if not layer.of}
    assert layers <= {(layer.name, layer.inputs) for layer in got.layers}, name
    assert got.outputs == wanted.outputs, name
    assert [item.name for item in got.inputs] == [item.name for item in wanted.inputs], name
