"""Every way of saving gives back what was written: layers, wiring and every weight, bit by bit."""

from pathlib import Path

import pytest

from harness.catalogue import Row, rows
from harness.corpus.store import Entry
from harness.run.session import Session
from harness.spec import Case
from harness.workers.protocol import Failure, Model, Read, Write, encode

FORMATS = ("keras", "h5", "weights", "json")
"""Formats that hold layers; a SavedModel holds functions, and is judged by what they compute."""
LEGACY = {
    "AdditiveAttention", "Attention", "LayerNormalization", "Normalization", "RMSNormalization", "RandomShear",
    "Softmax",
}  # fmt: skip
"""Layers whose configuration the legacy file loses: expectations `keras-h5-*` and `keras-random-shear-config`."""


def written(parity: Session, name: str, case: Case, path: Path) -> Model | Failure:
    """A case written in a format and read back, in the format's worker; or why it cannot be written."""
    plugin = next(plugin for plugin in parity.registry.formats if plugin.name == name)
    worker = parity.workers[plugin.worker]
    wrote = worker.request(Write(plugin.reference, case.spec, case.weights, path)).value
    return wrote or worker.request(Read(plugin.reference, path)).value


def simplicity(entry: Entry) -> tuple[int, int, int, str]:
    """Fewest layers, inputs and weights first: low-rank factors, say, are merged into the kernel by saving."""
    spec = entry.data["spec"]
    return len(spec["layers"]), len(spec["inputs"]), len(entry.data["arrays"]["weights"]), entry.id


@pytest.mark.parametrize("row", rows("keras"), ids=lambda row: row.layer)
def test_round_trip(row: Row, parity: Session, tmp_path: Path) -> None:
    """The simplest golden case of each layer, written and read in the worker."""
    if not parity.selects(row.layer) or not parity.runnable_for("keras"):
        pytest.skip("not selected, or Keras cannot run here")
    entries = parity.store.entries(layer=row.layer, folder="keras")
    case = min(entries, key=simplicity).load()
    for name in FORMATS:
        if row.layer in LEGACY and (name != "keras" or row.layer == "RandomShear"):
            continue
        model = written(parity, name, case, tmp_path / f"model.{name}")
        if name == "h5" and isinstance(model, Failure) and "cannot pickle" in model.message:
            continue  # expectation keras-h5-modules
        assert not isinstance(model, Failure), (name, model.message)
        assert encode(list(model.weights.values())) == encode(list(case.weights.values())), name
        if [layer.kind for layer in case.spec.layers] == ["Sequential"]:
            continue  # which is its layers, not one that holds them
        got = model.spec
        wanted = [layer for layer in case.spec.layers if not layer.of]
        assert {(layer.name, layer.inputs) for layer in wanted} <= {(layer.name, layer.inputs) for layer in got.layers}
        assert got.outputs == case.spec.outputs, name
        assert [item.name for item in got.inputs] == [item.name for item in case.spec.inputs], name
