"""The footprint of what runs: which functions of which packages it enters, and nothing else."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path

import pytest

from harness.workers.footprint import Entered, Notes, joined

SOURCE = """\
def register(name):
    def found(function):
        return function

    return found


class Conv:
    kind = (lambda: "conv")()

    def forward(self, x):
        def shifted():
            return x + 1

        return shifted()

    def never(self):
        return 0


@register("Relu")
def relu(x):
    return [each for each in numbers(x)]


def numbers(x):
    yield x
"""
AT_IMPORT = (0, 1, 2, 9)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A package of a name of its own, which nobody has imported."""
    package = tmp_path / f"small{abs(hash(request.node.name))}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nodes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def noted(notes: Notes, package: Path, call: str) -> dict[str, tuple[int, ...]]:
    """The footprint of a call of `nodes`, its lines by file."""
    entered: Entered = {}
    with notes.noting(entered):
        eval(call, vars(importlib.import_module(f"{package.name}.nodes")))
    assert {file.partition("/")[0] for file in entered} <= {package.name}
    return {file.partition("/")[2]: lines for file, lines in joined(entered).items()}


def test_imports_and_calls(small: Path) -> None:
    notes = Notes([small])
    assert noted(notes, small, "None") == {"__init__.py": (0,), "nodes.py": AT_IMPORT}
    for _ in range(2):  # Python falls silent about other code only
        assert noted(notes, small, "Conv().forward(1)") == {"nodes.py": (11, 12)}
        assert noted(notes, small, "relu(1)")["nodes.py"][0] == 21
        assert 26 in noted(notes, small, "relu(1)")["nodes.py"]
    assert noted(notes, small, "None") == {}


def test_threads_that_begin_there(small: Path) -> None:
    notes = Notes([small])
    noted(notes, small, "None")
    module = importlib.import_module(f"{small.name}.nodes")
    entered: Entered = {}
    with notes.noting(entered):
        thread = threading.Thread(target=module.Conv().never)
        thread.start()
        thread.join()
    assert list(entered.values()) == [{17}]


def test_other_packages_and_other_times_are_not_noted(small: Path, tmp_path: Path) -> None:
    other = Notes([tmp_path / "elsewhere"])
    assert noted(other, small, "relu(1)") == {}
    notes = Notes([small])
    entered: Entered = {}
    with notes.noting(entered):
        pass
    importlib.import_module(f"{small.name}.nodes").relu(1)
    assert entered == {}


def test_without_packages_nothing_listens() -> None:
    before = sys.getprofile()
    with Notes([]).noting({}):
        assert sys.getprofile() is before


def test_an_exception_ends_the_noting(small: Path) -> None:
    before = sys.getprofile()
    entered: Entered = {}
    with pytest.raises(TypeError), Notes([small]).noting(entered):
        importlib.import_module(f"{small.name}.nodes").Conv().forward("text")
    assert joined(entered)[f"{small.name}/nodes.py"] == (*AT_IMPORT, 11, 12)
    assert sys.getprofile() is before


def test_joined() -> None:
    assert joined({"b.py": (3, 1)}, {"a.py": {2}}, {"b.py": {3, 4}}) == {"a.py": (2,), "b.py": (1, 3, 4)}


def test_a_package_behind_a_link(small: Path, tmp_path: Path) -> None:
    """Python may find it by another path than the folder that was named."""
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    notes = Notes([tmp_path / "link" / small.name])
    assert noted(notes, small, "relu(1)")["__init__.py"] == (0,)
