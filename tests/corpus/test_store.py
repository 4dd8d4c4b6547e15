"""The store: what was frozen comes back; whatever was cut, emptied, edited or is foreign is named."""

from __future__ import annotations

import ast
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.catalogue import find
from harness.corpus.store import GoldenError, Store, explored_cases, keep, oracle_files, pack_archive, read_index
from tests.miniatures import dense_case

ROW = find("keras", "Dense")


def archive(store: Store) -> Path:
    return store.root / "keras" / "Dense.zip"


def test_what_was_put_comes_back(store: Store) -> None:
    put = {case.id: case for case in (dense_case(), dense_case(1, rank=3))}
    got = {entry.id: entry.load() for entry in store.entries()}
    assert set(got) == set(put)
    for name, case in got.items():
        assert case.spec == put[name].spec
        assert list(case.weights) == list(put[name].weights)
        assert case.golden
        assert put[name].golden
        for key, value in put[name].golden.expected.items():
            np.testing.assert_array_equal(case.golden.expected[key], value, strict=True)


def test_same_cases_give_the_same_bytes() -> None:
    assert pack_archive([dense_case(), dense_case(1)]) == pack_archive([dense_case(1), dense_case()])


def test_case_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    entry = store.entries()[0]
    assert store.find(entry.id[:-3]).id == entry.id
    with pytest.raises(GoldenError, match="no golden case 'keras-Conv"):
        store.find("keras-Conv")
    with pytest.raises(GoldenError, match="fits 2 cases"):
        store.find("keras-Dense")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[: len(data) // 2], "cut or edited"),
        (lambda data: data[:-20] + bytes(20), "cut or edited"),
        (lambda data: b"hello", "cut or edited"),
    ],
)
def test_damaged_archive_is_named(store: Store, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    path = archive(store)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(GoldenError, match=message) as caught:
        store.entries()
    assert str(path) in str(caught.value)
    assert "parity golden freeze" in str(caught.value)


def test_missing_archive_and_manifest_are_named(store: Store) -> None:
    archive(store).unlink()
    with pytest.raises(GoldenError, match="is missing"):
        store.entries()
    with pytest.raises(GoldenError, match="no manifest"):
        Store(store.root / "elsewhere").entries()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99, "archives": {}}'])
def test_foreign_manifest_is_named(store: Store, text: str) -> None:
    store.manifest_path.write_text(text)
    with pytest.raises(GoldenError, match="manifest"):
        Store(store.root).entries()


@pytest.mark.parametrize("members", [{}, {"index.json": "[]"}, {"index.json": '{"schema": 1}'}])
def test_foreign_archive_is_named(tmp_path: Path, members: dict[str, str]) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(GoldenError, match="not an archive of goldens"):
        read_index(path)


def edit(path: Path, change) -> None:  # type: ignore[no-untyped-def]
    """Rewrite an archive with its members changed, as somebody with a script would."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in change(members).items():
            new.writestr(name, data)


def test_edited_expected_value_is_noticed_even_with_a_fitting_manifest(store: Store) -> None:
    def change(members: dict[str, bytes]) -> dict[str, bytes]:
        name = next(key for key in members if key.endswith(".safetensors"))
        members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])
        return members

    path = archive(store)
    edit(path, change)
    first, second = read_index(path)
    second.load()
    with pytest.raises(GoldenError, match="was edited"):
        first.load()


def test_edited_index_is_noticed(store: Store) -> None:
    def change(members: dict[str, bytes]) -> dict[str, bytes]:
        index = json.loads(members["index.json"])
        next(iter(index["cases"].values()))["spec"]["layers"][0]["config"]["units"] = 99
        return {**members, "index.json": json.dumps(index).encode()}

    edit(archive(store), change)
    with pytest.raises(GoldenError, match="was edited"):
        [entry.load() for entry in read_index(archive(store))]


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("keras", "Dense", [dense_case()], seed=0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["Dense.zip", "keras", "manifest.json"]


def test_the_oracles_digest_misses_no_file_that_computes() -> None:
    """The oracle imports nothing of the harness but values, errors and what the digest holds."""
    root = Path(harness.__file__).parent
    digested = {path.relative_to(root).with_suffix("").as_posix().replace("/", ".") for path in oracle_files()}
    modules = {name.removesuffix(".__init__") for name in digested}
    for path in oracle_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness."):
                module = str(node.module).removeprefix("harness.")
                assert module in modules | {"spec", "errors"}, f"{path} imports {module}"


def test_what_exploration_keeps_lies_beside_the_goldens_but_never_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, here = dense_case(), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert keep(case, tmp_path) == tmp_path / "reports" / "explored" / f"{case.id}.zip"
    package = Path(harness.__file__).parent
    assert keep(case, package) == here / "reports" / "explored" / f"{case.id}.zip"
    assert [entry.id for entry in explored_cases(package)] == [case.id]
