"""Releases of a miniature package, as uv or pip unpacks them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness.beside.release
from harness.beside.release import Release, ReleaseError, bound
from harness.bisection.uv import UvError
from harness.workers.pool import _BOOT
from tests.beside.miniature import install
from tests.bisection.miniature import BAD, GOOD, release


@pytest.mark.parametrize(
    ("here", "specifier"),
    [
        ("1.5.15", "<=1.5.15"),
        ("2.15.1+cpu", "<=2.15.1"),
        ("1.6.0.dev3+g0123abc", "<1.6.0"),
        ("1.6.0rc1", "<1.6.0"),
        ("1.5.15.post1", "<=1.5.15.post1"),
        ("1.5.15.post1.dev4", "<=1.5.15"),
        ("of today", ""),
    ],
)
def test_a_release_is_not_above_what_is_here(here: str, specifier: str) -> None:
    assert bound(here) == specifier


@pytest.mark.parametrize(
    ("here", "recorded", "version"),
    [
        ("1.4", "1.2", "1.3"),
        ("1.3", "1.2", "1.3"),
        ("1.3.dev5", "1.2", "1.2"),
        ("1.2.5", "", "1.2"),
        ("0.1.dev1", "1.2", "1.2"),
        ("0.1.dev1", "", "1.3"),
    ],
)
def test_the_newest_that_is_not_above(index: Path, tmp_path: Path, here: str, recorded: str, version: str) -> None:
    """Below all releases, as a checkout without tags is, it is the one on record, else the newest."""
    release(index, "1.3", GOOD)
    release(index, "1.4rc1", BAD)
    found = Release.not_above("minipkg", here, tmp_path / "releases", recorded)
    assert (str(found), found.modules) == (f"minipkg {version}", ["minipkg"])
    assert (found.folder / "minipkg.py").read_text() == f"{GOOD}\n"


def test_what_was_unpacked_serves_without_an_index(index: Path, tmp_path: Path) -> None:
    place = tmp_path / "releases"
    first = Release.not_above("minipkg", "1.2", place)
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    assert Release.not_above("minipkg", "1.2", place) == first
    assert Release.not_above("minipkg", "1.7.dev2", place) == first
    with pytest.raises(ReleaseError, match=r"minipkg: no release of minipkg can be had: .*expected minipkg<=1\.1"):
        Release.not_above("minipkg", "1.1", place)
    assert [path.name for path in place.iterdir()] == [first.folder.name]


def test_pip_unpacks_it_where_there_is_no_uv(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object) -> None:
        raise UvError("there is no uv")

    monkeypatch.setattr(harness.beside.release.Uv, "here", without)
    assert Release.not_above("minipkg", "1.3.dev0", tmp_path / "releases").version == "1.2"


def test_a_release_that_needs_what_is_not_installed(index: Path, tmp_path: Path) -> None:
    """Everything but itself is as it is here, so that it would refuse every case, and nothing could be worse."""
    release(index, "1.3", GOOD, requires="no-such-thing>=2")
    release(index, "1.4", GOOD, requires="no-such-thing>=2 ; extra == 'all'")
    with pytest.raises(ReleaseError, match=r"minipkg 1\.3 needs what is not installed here: no-such-thing\. Ins"):
        Release.not_above("minipkg", "1.3", tmp_path / "releases").check_needs()
    Release.not_above("minipkg", "1.4", tmp_path / "releases").check_needs()


def test_a_process_that_imports_another_one(
    index: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working copy of the same version, and a finder that comes before the path."""
    found = Release.not_above("minipkg", "1.2", tmp_path / "releases")
    with pytest.raises(ReleaseError, match=r"minipkg\.py\. Install the working copy without --editable"):
        found.check_imported()
    monkeypatch.syspath_prepend(found.folder)
    found.check_imported()
    install(found.folder, "1.9", GOOD)
    with pytest.raises(ReleaseError, match=r"expected 1\.2 from .*, got 1\.9"):
        found.check_imported()


def test_workers_find_the_release_before_what_is_installed(
    index: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the suite lies beside what is installed, as a wheel does, and is put into a worker's path."""
    boot = _BOOT.partition("from harness")[0].format(root=str(site), without=(), here=True)
    code = f"{boot}\nimport minipkg\nprint(minipkg.answer())"
    found = Release.not_above("minipkg", "1.2", tmp_path / "releases")
    install(site, "1.2", BAD)
    monkeypatch.setenv("PYTHONPATH", str(found.folder))
    for safe, expected in (("1", "1.0"), ("", "2.0")):
        monkeypatch.setenv("PYTHONSAFEPATH", safe)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout.strip() == expected
