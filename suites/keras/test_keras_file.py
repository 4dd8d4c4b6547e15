"""A `.keras` file gives back what was written: layers, wiring and every weight, bit by bit."""

from pathlib import Path

import pytest

from harness.catalogue import Row, rows
from harness.session import Session
from harness.spec import Spec
from harness.wire import pack_all


@pytest.mark.parametrize("row", rows("keras"), ids=lambda row: row.layer)
def test_round_trip(row: Row, parity: Session, tmp_path: Path) -> None:
    """The first golden case of each layer, written and read in the worker."""
    if not parity.selects(row.layer) or not parity.runnable_for("keras"):
        pytest.skip("not selected, or Keras cannot run here")
    case = parity.store.entries(layer=row.layer, folder="keras")[0].load()
    plugin = next(found for found in parity.registry.formats if found.name == "keras")
    worker, path = parity.workers[plugin.worker], str(tmp_path / "model.keras")
    weights = pack_all(case.weights)
    spec = case.spec.to_json()
    wrote = worker.request(
        {"op": "write", "reference": plugin.reference, "spec": spec, "weights": weights, "path": path}
    )
    assert wrote["ok"], wrote
    read = worker.request({"op": "read", "reference": plugin.reference, "path": path})
    assert read["ok"], read
    got = Spec.from_json(read["spec"])
    assert [(layer.kind, layer.name) for layer in got.layers] == [(row.layer, "layer")]
    assert got.layers[0].inputs == case.spec.layers[0].inputs
    assert got.layers[0].keywords == case.spec.layers[0].keywords
    assert got.outputs == case.spec.outputs
    assert [item.name for item in got.inputs] == [item.name for item in case.spec.inputs]
    assert read["weights"] == weights
