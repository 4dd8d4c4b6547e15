"""Digests of what is installed: any change of contents, wherever Python would find the files, is another digest."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.fingerprint
from harness.fingerprint import (
    UNREADABLE,
    Fingerprints,
    UnknownFiles,
    closure,
    digest_of,
    files_of,
    is_working_copy,
    state_of,
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions, first on the path: `conv` requires `base`, and `opt` as an extra."""
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(str(folder))
    install(
        folder, "conv", {"conv/__init__.py": "a = 1", "conv/data/table.bin": "1"}, ["base>=1", "opt; extra=='fast'"]
    )
    install(folder, "base", {"base/__init__.py": "b = 1"})
    forget()
    yield folder
    forget()


def forget() -> None:
    for each in (harness.fingerprint._required, harness.fingerprint._is_here):
        each.cache_clear()


def install(folder: Path, name: str, files: dict[str, str], requires: list[str] | None = None, **more: str) -> Path:
    """Write a distribution as pip does. `more` are files of its metadata."""
    about = folder / f"{name}-1.dist-info"
    about.mkdir(parents=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires or [])
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{needs}Provides-Extra: fast\n")
    (about / "RECORD").write_text("".join(f"{path},,\n" for path in [*files, f"{about.name}/METADATA"]))
    for path, text in more.items():
        (about / path.replace("_json", ".json").replace("_txt", ".txt")).write_text(text)
    return about


def digest(name: str = "conv") -> str:
    return Fingerprints().of([name])


def test_the_same_files_have_the_same_digest(site: Path) -> None:
    assert digest() == digest()
    assert sorted(files_of("conv")) == ["conv!0!__init__.py", "conv!0!data/table.bin", "conv-1.dist-info/METADATA"]


@pytest.mark.parametrize(
    "path",
    ["conv/__init__.py", "conv/data/table.bin", "base/__init__.py", "conv-1.dist-info/METADATA", "conv/new.py",
     "conv/data/new.json", "conv/legacy.pyc"],
)  # fmt: skip
def test_a_byte_of_any_file_counts(site: Path, path: str) -> None:
    before = digest()
    with (site / path).open("a") as file:
        file.write("#")
    assert digest() != before


def test_a_file_that_goes_counts(site: Path) -> None:
    before = digest()
    (site / "conv/data/table.bin").unlink()
    assert digest() != before


def test_what_python_makes_does_not_count(site: Path) -> None:
    before = digest()
    (site / "conv/__pycache__").mkdir()
    (site / "conv/__pycache__/conv.cpython-311.pyc").write_text("x")
    (site / "conv-1.dist-info/INSTALLER").write_text("uv")
    assert digest() == before


def test_the_same_files_elsewhere_have_the_same_digest(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest()
    site.rename(tmp_path / "other")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "other"), *sys.path[1:]])
    assert digest() == before


def test_an_extra_counts_where_it_is_installed(site: Path) -> None:
    assert closure(["conv"]) == {"conv", "base"}
    install(site, "opt", {"opt.py": ""})
    forget()
    assert closure(["Conv"]) == {"conv", "base", "opt"}


def test_what_is_left_out_takes_its_requirements_along(site: Path) -> None:
    install(site, "top", {"top.py": ""}, ["conv"])
    assert closure(["top"], without=["CONV"]) == {"top"}


def test_a_distribution_that_is_not_installed_is_one_state(site: Path) -> None:
    assert closure(["nobody-has-this"]) == {"nobody-has-this"}
    before = digest("opt")
    install(site, "opt", {"opt.py": ""})
    forget()
    assert digest("opt") != before


def test_a_package_earlier_on_the_path_counts(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    over = tmp_path / "over/conv"
    over.mkdir(parents=True)
    (over / "__init__.py").write_text("a = 2")
    monkeypatch.syspath_prepend(str(over.parent))
    second = digest()
    (over / "__init__.py").write_text("a = 3")
    assert len({before, second, digest()}) == 3


def test_a_package_in_the_working_directory_counts(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find it before the installed one; the command `parity` does not."""
    before = digest()
    (tmp_path / "here/conv").mkdir(parents=True)
    (tmp_path / "here/conv/__init__.py").write_text("a = 2")
    monkeypatch.chdir(tmp_path / "here")
    assert digest() != before


def test_another_link_to_a_file_changes_nothing(site: Path, tmp_path: Path) -> None:
    """uv makes environments by links: those of others, made meanwhile, are no change of this one."""
    for path in site.rglob("*"):
        os.utime(path, (1e9, 1e9))
    known: dict[str, tuple[str, str]] = {}
    time.sleep(harness.fingerprint.SETTLED + 0.1)  # a file that has just been written is not known
    fingerprints = Fingerprints(known)
    fingerprints.of(["conv"])
    os.link(site / "conv/data/table.bin", tmp_path / "linked")
    assert fingerprints.are_unchanged()
    assert fingerprints.are_unchanged()
    os.link(site / "conv/data/table.bin", tmp_path / "again")
    about = (site / "conv/data/table.bin").stat()
    (tmp_path / "linked").write_text("2")
    os.utime(tmp_path / "linked", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not fingerprints.are_unchanged(), "another content of the same size and time"


def test_another_permission_is_a_change(site: Path) -> None:
    fingerprints = Fingerprints()
    fingerprints.of(["conv"])
    (site / "conv/data/table.bin").chmod(0o600)
    assert not fingerprints.are_unchanged(), "who put back an edit cannot put back this time"


def test_the_suites_own_tests_are_no_part_of_a_distribution_that_has_tests(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "careless", {"careless/__init__.py": "a = 1", "tests/__init__.py": "", "tests/one.py": "a = 1"})
    before = digest("careless")
    checkout = tmp_path / "checkout"
    for path in ("harness/fingerprint.py", "tests/__init__.py"):
        (checkout / path).parent.mkdir(parents=True)
        (checkout / path).write_text("a = 2")
    monkeypatch.chdir(checkout)
    assert digest("careless") == before
    (site / "tests/one.py").write_text("a = 3")
    assert digest("careless") != before


def test_editable_by_a_path(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As hatchling installs: a `.pth` that names the folder; one package is a namespace's."""
    source = tmp_path / "src"
    (source / "space/tool").mkdir(parents=True)
    (source / "plain").mkdir()
    for path in ("space/tool/__init__.py", "plain/__init__.py", "single.py"):
        (source / path).write_text("a = 1")
    editable = '{"dir_info": {"editable": true}, "url": "file:///x"}'
    install(site, "ed", {"_ed.pth": f"{source}\n"}, direct_url_json=editable)
    monkeypatch.setattr(sys, "path", [*sys.path, str(source)])
    digests = {digest("ed")}
    for path in ("space/tool/__init__.py", "plain/__init__.py", "single.py", "plain/added.py"):
        (source / path).write_text("a = 2")
        digests.add(digest("ed"))
    assert len(digests) == 5


def test_editable_by_a_finder(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As setuptools installs: a finder on `sys.meta_path`, and the names in top_level.txt."""
    from importlib.util import spec_from_file_location

    source = tmp_path / "elsewhere/gadget"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("a = 1")

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            where = [str(source)]
            found = spec_from_file_location(name, source / "__init__.py", submodule_search_locations=where)
            return found if name == "gadget" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    editable = '{"dir_info": {"editable": true}, "url": "file:///x"}'
    install(site, "ed2", {"__editable___ed2.py": ""}, direct_url_json=editable, top_level_txt="gadget\n")
    before = digest("ed2")
    (source / "__init__.py").write_text("a = 2")
    assert digest("ed2") != before


def test_a_working_copy_is_not_what_is_installed(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_working_copy("conv")
    assert not is_working_copy("nobody-has-this")
    copy = tmp_path / "checkout/conv"
    copy.mkdir(parents=True)
    (copy / "__init__.py").write_text("a = 1")
    monkeypatch.setattr(sys, "path", [*sys.path, str(copy.parent)])  # behind what is installed: nobody imports it
    assert not is_working_copy("conv")
    monkeypatch.syspath_prepend(str(copy.parent))
    assert is_working_copy("conv")
    assert not is_working_copy("base")
    editable = '{"dir_info": {"editable": true}, "url": "file:///x"}'
    install(site, "ed3", {"__editable___ed3.py": ""}, direct_url_json=editable)
    assert is_working_copy("ed3")


def test_editable_whose_sources_nobody_finds_is_unknown(site: Path) -> None:
    editable = '{"dir_info": {"editable": true}, "url": "file:///x"}'
    install(site, "ed3", {"_ed3_loader.py": ""}, direct_url_json=editable)
    with pytest.raises(UnknownFiles, match="ed3 is installed so that its files cannot be told"):
        digest("ed3")


def test_without_a_list_of_files_its_package_counts(site: Path) -> None:
    """As the packages of Linux distributions are."""
    (site / "conv-1.dist-info/RECORD").unlink()
    before = digest()
    (site / "conv/data/table.bin").write_text("2")
    assert digest() != before


def test_shared_namespace_counts_only_its_own_part(site: Path) -> None:
    for name in ("one", "two"):
        install(site, name, {f"shared/{name}/__init__.py": "a = 1"})
    before = digest("one")
    (site / "shared/two/__init__.py").write_text("a = 2")
    assert digest("one") == before
    (site / "shared/one/more.py").write_text("a = 2")
    assert digest("one") != before


def test_links_in_a_circle_end(site: Path) -> None:
    (site / "conv/again").symlink_to(site / "conv")
    assert 3 < len(files_of("conv")) < 10


def test_a_file_is_read_again_only_when_its_state_changes(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(harness.fingerprint, "SETTLED", 0.0)
    monkeypatch.setattr(harness.fingerprint, "digest_of", lambda path: read.append(os.path.basename(path)) or "d")
    known: dict[str, tuple[str, str]] = {}
    time.sleep(0.02)
    Fingerprints(known).of(["conv"])
    assert sorted(read) == ["METADATA", "METADATA", "__init__.py", "__init__.py", "table.bin"]
    (site / "conv/data/table.bin").write_text("2")
    del read[:]
    Fingerprints(known).of(["conv"])
    assert read == ["table.bin"]


@pytest.fixture
def read(site: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read. `table.bin` is large, and all have another name in uv's cache."""
    files: list[str] = []
    whole = harness.fingerprint.digest_of
    monkeypatch.setattr(harness.fingerprint, "SETTLED", 0.0)
    monkeypatch.setattr(harness.fingerprint, "LARGE", 1000)
    monkeypatch.setattr(
        harness.fingerprint, "digest_of", lambda path: files.append(os.path.basename(path)) or whole(path)
    )
    (site / "conv/data/table.bin").write_text("1" * 1000)
    for number, path in enumerate(sorted(path for path in site.rglob("*") if path.is_file())):
        os.utime(path, ns=(10**18 + 1, 10**18 + 1))
        os.link(path, site.parent / f"cached{number}")
    time.sleep(0.02)
    return files


def test_a_large_file_is_read_once_a_machine(
    site: Path, read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv makes a second environment of links to the same files; their entries change with it."""
    known: dict[str, tuple[str, str]] = {}
    first = Fingerprints(known)
    before = first.of(["conv"])
    assert read.count("table.bin") == 1
    second = tmp_path / "second"
    for path in [path for path in site.rglob("*") if path.is_file()]:
        (second / path.relative_to(site)).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, second / path.relative_to(site))
    monkeypatch.setattr(sys, "path", [str(second), *(each for each in sys.path if each != str(site))])
    del read[:]
    assert Fingerprints(known).of(["conv"]) == before
    assert set(read) == {"METADATA", "__init__.py"}
    del read[:]
    assert first.are_unchanged()
    assert "table.bin" not in read


def test_an_environment_made_and_removed_meanwhile_is_no_change(site: Path, read: list[str], tmp_path: Path) -> None:
    """The number of names is as before, the time of the entry is not."""
    prints = Fingerprints()
    prints.of(["conv"])
    for path in [path for path in site.rglob("*") if path.is_file()]:
        os.link(path, tmp_path / "link")
        (tmp_path / "link").unlink()
    del read[:]
    assert prints.are_unchanged()
    assert set(read) == {"METADATA", "__init__.py"}


@pytest.mark.parametrize("file", ["__init__.py", "data/table.bin"])
def test_an_edit_whose_time_was_set_back_is_seen(site: Path, read: list[str], file: str) -> None:
    """Size, inode and time are as before: so it is told from a link by reading, and a large file by its one name."""
    known: dict[str, tuple[str, str]] = {}
    prints = Fingerprints(known)
    before = prints.of(["conv"])
    path = site / "conv" / file
    if file == "data/table.bin":
        for each in site.parent.glob("cached*"):
            each.unlink()
        prints = Fingerprints(known)
        assert prints.of(["conv"]) == before
    with path.open("r+") as opened:
        opened.write("2")
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert not prints.are_unchanged()
    assert Fingerprints(known).of(["conv"]) != before


def test_a_large_file_with_a_time_in_whole_seconds_is_read(site: Path, read: list[str], tmp_path: Path) -> None:
    """Tools set such times, the same for each build: another build of as many bytes may be copied over the file."""
    table = site / "conv/data/table.bin"
    os.utime(table, (1e9, 1e9))
    known: dict[str, tuple[str, str]] = {}
    time.sleep(0.02)
    before = Fingerprints(known).of(["conv"])
    table.write_text("2" * 1000)
    os.utime(table, (1e9, 1e9))
    assert Fingerprints(known).of(["conv"]) != before


def test_the_state_of_a_file_just_written_is_not_trusted(site: Path) -> None:
    """It may be written once more within one tick of the clock, and have as many bytes."""
    known: dict[str, tuple[str, str]] = {}
    Fingerprints(known).of(["conv"])
    assert known == {}


def test_a_change_while_a_run_goes_on_shows(site: Path) -> None:
    prints = Fingerprints()
    prints.of(["conv"])
    assert prints.are_unchanged()
    (site / "base/__init__.py").write_text("b = 2")
    assert not prints.are_unchanged()


def test_state_of_what_is_no_file(tmp_path: Path) -> None:
    assert state_of(str(tmp_path)) is None
    assert state_of(str(tmp_path / "nothing")) is None
    assert digest_of(str(tmp_path / "nothing")) == UNREADABLE


def test_digest_of_a_file_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest_of(str(tmp_path / "abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_folder_without_rooms_at_its_top(tmp_path: Path) -> None:
    for path in ("page/a.py", "walk/a.py", "walk/page/b.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")

    def of() -> str:
        return Fingerprints().of_folder(tmp_path, without=["page"])

    before = of()
    (tmp_path / "page/a.py").write_text("2")
    assert of() == before
    (tmp_path / "walk/page/b.py").write_text("2")
    assert of() != before
