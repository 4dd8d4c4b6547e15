"""Where the folders that come with the project lie, in a checkout and in an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import installed
from harness.installed import shipped
from harness.run.session import Session, home


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `harness` that stands in for the real one, in a folder where other packages are installed."""
    folder = tmp_path / "site" / "harness"
    folder.mkdir(parents=True)
    monkeypatch.setattr(installed, "__file__", str(folder / "installed.py"))
    return folder


def test_a_checkout_has_them_beside_the_package(package: Path) -> None:
    assert shipped("golden") == package.parent / "golden"


def test_a_wheel_has_them_inside_and_strangers_of_the_same_name_beside_it(package: Path) -> None:
    (package / "examples").mkdir()
    (package.parent / "examples").mkdir()
    assert shipped("examples") == package / "examples"


def test_goldens_are_those_of_the_current_folder_or_of_the_package(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    (here / "golden").mkdir(parents=True)
    (package / "golden").mkdir()
    monkeypatch.chdir(here)
    assert home() == package
    assert Session().root == package
    (here / "golden" / "manifest.json").write_text("{}")
    assert home() == here
