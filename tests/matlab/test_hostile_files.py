"""Files of version 7.3 that lead out of themselves or ask for too much are refused before a library opens them."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

pytest.importorskip("matio")
pytest.importorskip("h5py")

from harness.matlab.matfile.read import Limits, MatFile, MatFileError, read_mat
from harness.models.reader import Reader, variables_of
from tests.matlab import hostile
from tests.matlab.hostile import BY_EDIT, BY_H5PY, CANARY, NEWER, canaries, cell, external, numbers, virtual, write

NAMES = [*BY_H5PY, *NEWER, *BY_EDIT]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All files, with the canaries beside them."""
    folder = tmp_path_factory.mktemp("hostile")
    canaries(folder)
    for name, (writer, _) in BY_H5PY.items():
        write(folder / f"{name}.mat", writer)
    for name, (options, _) in NEWER.items():
        write(folder / f"{name}.mat", hostile.matrix, **options)
    for name, (writer, edit, _) in BY_EDIT.items():
        write(folder / f"{name}.mat", writer)
        (folder / f"{name}.mat").write_bytes(edit((folder / f"{name}.mat").read_bytes()))
    return folder


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def unopened(monkeypatch):
    """No library may open a file."""

    def opened(*_):
        pytest.fail("a library has opened the file")

    monkeypatch.setattr("harness.matlab.matfile.read._read_matio", opened)
    monkeypatch.setattr("harness.matlab.matfile.read._read_scipy", opened)


def message_of(name):
    return {**BY_H5PY, **NEWER, **BY_EDIT}[name][-1]


@pytest.mark.parametrize("name", NAMES)
def test_refused(name, folder, unopened):
    path = folder / f"{name}.mat"
    before, started = psutil.Process().memory_info().rss, time.process_time()
    with pytest.raises(MatFileError, match=message_of(name)) as caught:
        read_mat(path)
    assert time.process_time() - started < 2
    assert psutil.Process().memory_info().rss - before < 300 * 2**20
    assert str(caught.value).startswith(f"{path}: ")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("name", ["external", "link", "virtual", "cell in itself", "8 GiB unwritten"])
def test_refused_by_the_process_too(name, folder, reader):
    with pytest.raises(MatFileError, match=message_of(name)):
        variables_of(folder / f"{name}.mat", reader)


@pytest.mark.parametrize("name", ["external", "external absolute", "external in a cell", "link", "virtual"])
def test_the_library_alone_sings(name, folder, monkeypatch):
    import matio

    monkeypatch.chdir(folder)
    assert CANARY in str(matio.load_from_mat(str(folder / f"{name}.mat"))["net"])


VALID = {
    "plain": {},
    "chunks": {"chunks": (7, 3)},
    "compressed": {"compression": 9},
    "shuffled": {"compression": 1, "shuffle": True, "chunks": (10, 40)},
    "checked": {"compression": 1, "shuffle": True, "fletcher32": True},
    "growing": {"maxshape": (None, None), "chunks": (64, 64), "compression": 4},
}


@pytest.mark.parametrize("name", VALID)
def test_valid_numbers(name, tmp_path):
    wanted = np.random.default_rng(3).normal(size=(30, 40))
    write(tmp_path / "x.mat", lambda file, _: numbers(file, "x", data=wanted, **VALID[name]))
    np.testing.assert_array_equal(read_mat(tmp_path / "x.mat")["x"], wanted.T)


def test_valid_references(tmp_path):
    def fill(file, _):
        one = numbers(file, "#refs#/a", data=np.eye(2))
        cell(file, "x", [cell(file, "#refs#/b", [one, one]), one])

    write(tmp_path / "x.mat", fill)
    inner, one = read_mat(tmp_path / "x.mat")["x"]
    assert [item.tolist() for item in (*inner, one)] == [[[1, 0], [0, 1]]] * 3


def test_values_named_often_count_as_often(tmp_path):
    def fill(file, _):
        one = numbers(file, "#refs#/a", data=np.eye(2))
        cell(file, "x", [cell(file, "#refs#/b", [one] * 4)] * 3)

    write(tmp_path / "x.mat", fill)
    counts = {"values": 1 + 3 * (1 + 4), "objects": 3}
    assert len(read_mat(tmp_path / "x.mat", Limits(**counts))["x"]) == 3
    for name, count in counts.items():
        with pytest.raises(MatFileError, match=f"holds more than the {count - 1} {name} that are read"):
            read_mat(tmp_path / "x.mat", Limits(**{**counts, name: count - 1}))


def test_references_in_chunks(tmp_path):
    """The references of a compressed cell are followed too."""

    def fill(file, _):
        away = external(file, "#refs#/a", hostile.TEXT)
        data = file.create_dataset(
            "net", (500, 1), hostile.h5py.ref_dtype, chunks=(100, 1), compression=9, shuffle=True
        )
        data[:] = numbers(file, "#refs#/b", data=np.eye(2)).ref
        data[497, 0] = away.ref
        hostile.marked(data, "cell")

    canaries(tmp_path)
    write(tmp_path / "x.mat", fill)
    with pytest.raises(MatFileError, match="variable 'net' keeps its values in another file"):
        read_mat(tmp_path / "x.mat")


def test_only_what_is_read_is_walked(tmp_path, monkeypatch):
    """A circle in a variable that nobody asks for does no harm. Whatever the library opens is checked."""

    def fill(file, folder):
        hostile.cell_in_itself(file, folder)
        numbers(file, "x", data=np.eye(2))

    write(tmp_path / "x.mat", fill)
    file = MatFile(tmp_path / "x.mat")
    assert file.classes == {"net": "cell", "x": "double"}
    assert file.read(["x"])["x"].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(MatFileError, match="holds itself"):
        file.read()
    canaries(tmp_path)
    for name, writer in {"external": lambda file: external(file, "y", hostile.TEXT), "virtual": virtual_y}.items():
        write(tmp_path / "y.mat", lambda file, _, writer=writer: (numbers(file, "x", data=np.eye(2)), writer(file)))
        with pytest.raises(MatFileError, match="variable 'y'"):
            MatFile(tmp_path / "y.mat").read(["x"])
        assert name


def virtual_y(file):
    virtual(file, "y", hostile.HDF5)


@pytest.mark.parametrize("verb", ["check", "convert"])
@pytest.mark.parametrize("name", ["external", "link", "virtual"])
def test_the_command_says_so_and_shows_nothing(verb, name, folder, tmp_path, monkeypatch, capfd):
    from harness.cli.main import main

    more = [] if verb == "check" else ["-o", str(tmp_path / "out")]
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["parity", verb, f"{name}.mat", *more])
    with pytest.raises(SystemExit) as end:
        main()
    printed = "".join(capfd.readouterr())
    assert end.value.code == 2
    assert printed.startswith(f"parity: {name}.mat: ")
    assert "A MAT-file holds its values itself" in printed
    assert CANARY not in printed
    assert not (tmp_path / "out").exists()
