"""Every way of saving gives back what was written: layers, wiring and every weight, bit by bit."""

from pathlib import Path
from typing import Any

import pytest

from harness.catalogue import Row, rows
from harness.corpus.store import Entry
from harness.run.session import Session
from harness.spec import Spec
from harness.workers.wire import pack_all

FORMATS = ("keras", "h5", "weights", "json")
"""Formats that hold layers; a SavedModel holds functions, and is judged by what they compute."""
LEGACY = {
    "AdditiveAttention", "Attention", "LayerNormalization", "Normalization", "RMSNormalization", "RandomShear",
    "Softmax",
}  # fmt: skip
"""Layers whose configuration the legacy file loses: expectations `keras-h5-*` and `keras-random-shear-config`."""


def asked(parity: Session, operation: str, name: str, **more: Any) -> dict[str, Any]:
    """One request to the worker of a format."""
    plugin = next(found for found in parity.registry.formats if found.name == name)
    return parity.workers[plugin.worker].request({"op": operation, "reference": plugin.reference, **more})


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
        path, weights = str(tmp_path / f"model.{name}"), pack_all(case.weights)
        wrote = asked(parity, "write", name, spec=case.spec.to_json(), weights=weights, path=path)
        if name == "h5" and not wrote["ok"] and "cannot pickle" in wrote["message"]:
            continue  # expectation keras-h5-modules
        assert wrote["ok"], (name, wrote["message"])
        read = asked(parity, "read", name, path=path)
        assert read["ok"], (name, read["message"])
        assert list(read["weights"].values()) == list(weights.values()), name
        if [layer.kind for layer in case.spec.layers] == ["Sequential"]:
            continue  # which is its layers, not one that holds them
        got = Spec.from_json(read["spec"])
        wanted = [layer for layer in case.spec.layers if not layer.of]
        assert {(layer.name, layer.inputs) for layer in wanted} <= {(layer.name, layer.inputs) for layer in got.layers}
        assert got.outputs == case.spec.outputs, name
        assert [item.name for item in got.inputs] == [item.name for item in case.spec.inputs], name
