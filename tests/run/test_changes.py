"""What has changed in converters since their releases, which routes it concerns, and what of it was entered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.routes import all_routes
from harness.judge.functions import Function
from harness.judge.released import Released
from harness.run.changes import Changes
from tests.small_converter import NAME, small_world, write

PRELU = Function("smallconv/nodes.py", "prelu", 6, 9, "aa")
MODULE = Function("smallconv/nodes.py", "<module>", 0, 0, "bb")
CHANGES = Changes({NAME: (PRELU, MODULE)}, {NAME: Path("smallconv")}, {NAME: "1.0"})


@pytest.mark.parametrize(
    ("footprint", "entered"),
    [
        ({}, ()),
        ({"smallconv/nodes.py": (1,)}, ()),
        ({"smallconv/hop.py": (0, 6)}, ()),
        ({"smallconv/nodes.py": (6,)}, ("aa",)),
        ({"smallconv/nodes.py": (7,)}, ("aa",)),  # a function inside, which another step made
        ({"smallconv/nodes.py": (0, 1, 10)}, ("bb",)),
        ({"smallconv/nodes.py": (0, 6, 7)}, ("aa", "bb")),
    ],
)
def test_what_is_entered(footprint: dict[str, tuple[int, ...]], entered: tuple[str, ...]) -> None:
    assert CHANGES.entered([{}, footprint]) == entered


def test_the_steps_that_it_concerns() -> None:
    """That of the converter and those behind it, but none that a pack gives."""
    route = next(each for each in all_routes(small_world()) if each.name == "mini-copies-reads")
    assert [CHANGES.concern(route, place) for place in range(3)] == [False, False, True]
    assert CHANGES.concern(replace(route, given=2), 2)
    assert not CHANGES.concern(replace(route, given=3, anew=True), 2)
    assert not Changes().concern(route, 2)


def test_what_is_installed_beside_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that comes first on the path is the one that is imported."""
    package = write(tmp_path)
    released = Released.of(NAME, "1.0", package)
    assert Changes.since([released]) == Changes()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Changes.since([released]) == Changes()
    (package / "nodes.py").write_text("def prelu():\n    pass\n")
    changes = Changes.since([released])
    assert changes.folders == {NAME: package}
    assert [(each.release, each.name, each.line, each.gone) for each in changes.told()] == [
        ("1.0", "<module>", 0, False),
        ("1.0", "prelu", 1, False),
        ("1.0", "dense", 0, True),
    ]
    assert changes.entered([{"smallconv/nodes.py": (0,)}]) == (changes.told()[0].digest,)


def test_a_release_of_which_only_something_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is here differs: there is nothing to note."""
    package = write(tmp_path)
    released = Released.of(NAME, "1.0", package)
    monkeypatch.syspath_prepend(str(tmp_path))
    (package / "nodes.py").unlink()
    changes = Changes.since([released])
    assert (changes.functions, changes.folders) == ({}, {})
    assert [(each.name, each.gone) for each in changes.told()] == [
        (name, True) for name in ("<module>", "dense", "prelu")
    ]
