"""Layers of a `.keras` file, read as data: nested, wrapped and custom ones, and what is no such file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.models import keras_archive
from harness.models.keras_archive import ArchiveError, contents


def layer(name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None, "build_config": {}}


def model(*layers: dict[str, Any], kind: str = "Functional") -> dict[str, Any]:
    return {"module": "keras.src.models", "class_name": kind, "config": {"name": "m", "layers": list(layers)}}


def saved(folder: Path, config: Any) -> Path:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return path


def test_layers_of_a_model_each_once_in_order(tmp_path: Path) -> None:
    dense = layer("Dense", kernel_initializer={"module": "keras.initializers", "class_name": "Zeros", "config": {}})
    what = contents(saved(tmp_path, model(layer("InputLayer"), layer("Conv2D"), dense, layer("Conv2D"))))
    assert (what.layers, what.custom) == (("Conv2D", "Dense"), ())


def test_layers_within_models_wrappers_and_cells_count(tmp_path: Path) -> None:
    cell = {"module": "keras.layers", "class_name": "LSTMCell", "config": {"units": 3}}
    rnn = layer("RNN", cell=[cell])
    around = layer("Bidirectional", layer={"module": "keras.layers", "class_name": "GRU", "config": {}})
    inner = model(layer("ReLU"), kind="Sequential")
    assert contents(saved(tmp_path, model(rnn, around, inner))).layers == (
        "RNN",
        "LSTMCell",
        "Bidirectional",
        "GRU",
        "ReLU",
    )


def test_layers_of_somebody_else_are_told_apart_and_not_imported(tmp_path: Path) -> None:
    own = {**layer("Gate", module="no_such_module"), "registered_name": "mine>Gate"}
    what = contents(saved(tmp_path, model(layer("Dense"), own)))
    assert (what.layers, what.custom) == (("Dense",), ("Gate",))


def test_tensors_and_other_objects_are_no_layers(tmp_path: Path) -> None:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 3]}}
    dense = {**layer("Dense"), "inbound_nodes": [{"args": [tensor], "kwargs": {}}]}
    optimizer = {"module": "keras.optimizers", "class_name": "Adam", "config": {}}
    config = {**model(dense), "compile_config": {"optimizer": optimizer}}
    assert contents(saved(tmp_path, config)).layers == ("Dense",)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "its config.json is not JSON"),
        ("[1]", "its config.json is not of a Keras 3 model"),
        ({"class_name": 3}, "its config.json is not of a Keras 3 model"),
        (model(layer("InputLayer")), "the model has no layer"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, config: Any, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        contents(saved(tmp_path, config))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with pytest.raises(ArchiveError, match="it cannot be read: No such file"):
        contents(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ArchiveError, match=r"it is no \.keras file") as error:
        contents(path)
    assert error.value.expected == "a ZIP archive"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("saved_model.pb", "x")
    with pytest.raises(ArchiveError, match=r"has no config\.json"):
        contents(path)


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, model(layer("Dense")))
    path.write_bytes(path.read_bytes().replace(b"Dense", b"Dence"))
    with pytest.raises(ArchiveError, match=r"damaged|no \.keras file"):
        contents(path)


def test_a_configuration_that_claims_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_archive, "MOST_BYTES", 10)
    with pytest.raises(ArchiveError, match="too large"):
        contents(saved(tmp_path, model(layer("Dense"))))


def test_a_configuration_of_many_levels_is_refused_or_read_without_recursion(tmp_path: Path) -> None:
    deep = layer("Dense")
    for _ in range(200):
        deep = layer("TimeDistributed", layer=deep)
    assert contents(saved(tmp_path, model(deep))).layers == ("TimeDistributed", "Dense")
    with pytest.raises(ArchiveError, match="not JSON"):
        contents(saved(tmp_path, "[" * 200_000))
