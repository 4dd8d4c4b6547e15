"""A saved module: the first to open it gets the module itself, everybody else what is in the file."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.adapters import torch_artifact
from harness.adapters.torch_artifact import open_module, save_module


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that pickles: what is tested is who gets which object."""

    def save(module: Any, path: Path, pickle_module: Any) -> None:
        path.write_bytes(pickle.dumps(module))

    def load(path: Path, **options: Any) -> Any:
        return pickle.loads(path.read_bytes())

    monkeypatch.setitem(__import__("sys").modules, "torch", SimpleNamespace(save=save, load=load))
    monkeypatch.setattr(torch_artifact, "_SAVED", {})


def test_the_first_gets_the_module_itself_and_the_next_a_copy(tmp_path: Path) -> None:
    module = SimpleNamespace(calls=0)
    path = save_module(module, tmp_path / "a.pt")
    first = open_module(path)
    assert first is module
    first.calls += 1
    assert open_module(path).calls == 0


def test_another_file_is_read(tmp_path: Path) -> None:
    one, other = SimpleNamespace(name="one"), SimpleNamespace(name="other")
    path = save_module(one, tmp_path / "a.pt")
    save_module(other, tmp_path / "b.pt")
    opened = open_module(path)
    assert opened is not one
    assert opened.name == "one"


def test_a_file_that_was_written_since_is_read(tmp_path: Path) -> None:
    path = save_module(SimpleNamespace(name="old"), tmp_path / "a.pt")
    path.write_bytes(pickle.dumps(SimpleNamespace(name="new")))
    os.utime(path, ns=(1, 1))
    assert open_module(path).name == "new"
