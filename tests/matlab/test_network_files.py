"""The network in files as people have them: only what is asked for is read, and messages say what to do."""

from __future__ import annotations

import struct

import h5py
import numpy as np
import pytest

pytest.importorskip("matio")

from harness.matlab.matfile.read import Cell, MatFileError, Object
from harness.matlab.readers.network import read_network
from harness.matlab.readers.records import NetworkError
from harness.oracle import evaluate
from tests.matlab import hostile, shapes

READ, REFUSED = shapes.read(), shapes.refused()
VERSIONS = ("v7", "v7.3")


def both(table):
    """Names and versions: files of bytes have one version only."""
    return [(name, version) for name, shape in table.items() for version in VERSIONS[: 2 - isinstance(shape[0], bytes)]]


@pytest.mark.parametrize(("name", "version"), both(READ))
def test_read(name, version, tmp_path):
    _, variable, notes = READ[name]
    shapes.write(tmp_path / "file.mat", READ[name], version)
    network = read_network(tmp_path / "file.mat", variable)
    (item,) = network.spec.inputs
    values = evaluate(network.spec, network.weights, {item.name: np.array([[1, 2, 3]], np.float32)})
    assert values[network.spec.outputs[0]].tolist() == [[2, 4, 6]]
    assert network.notes == notes


@pytest.mark.parametrize(("name", "version"), both(REFUSED))
def test_refused(name, version, tmp_path):
    _, variable, message = REFUSED[name]
    shapes.write(tmp_path / "file.mat", REFUSED[name], version)
    hostile.canaries(tmp_path)
    with pytest.raises((MatFileError, NetworkError), match=message) as caught:
        read_network(tmp_path / "file.mat", variable)
    assert str(tmp_path / "file.mat") in str(caught.value)


def without_objects(path, version):
    """Take the data of all objects out of a file, as a program does that copies variables only."""
    if version == "v7.3":
        with h5py.File(path, "a") as file:
            del file["#subsystem#"]
    else:
        data = path.read_bytes()
        (begin,) = struct.unpack("<Q", data[116:124])
        path.write_bytes(data[:116] + b" " * 8 + data[124:begin])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variable", [None, "net"])
def test_an_object_without_its_data_is_called_so(variable, version, tmp_path):
    path = tmp_path / "file.mat"
    shapes.write(path, ({"net": shapes.graph()}, None, ()), version)
    without_objects(path, version)
    with pytest.raises(MatFileError) as caught:
        read_network(path, variable)
    assert str(caught.value).startswith(
        f"{path}: net: is a DAGNetwork, but the file holds no data of its objects; expected the properties of all"
    )
    assert "Save it in MATLAB again: `save('net.mat', 'net')`." in str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_object_without_its_data_is_nobody_s_business_beside_a_network(version, tmp_path):
    path = tmp_path / "file.mat"
    cells = {"W": Cell((2 * np.eye(3),), (1, 1)), "b": Cell((np.zeros((3, 1)),), (1, 1)), "act_fcns": "linear"}
    shapes.write(path, ({**cells, "old": shapes.graph(), "names": Object("string", {"any": "x"})}, None, ()), version)
    without_objects(path, version)
    assert [layer.kind for layer in read_network(path).spec.layers] == ["FullyConnectedLayer"]


@pytest.mark.parametrize(
    ("variables", "reads"),
    [
        ({"net": shapes.series()}, [["info", "net"]]),
        ({"detector": shapes.detector("ssdObjectDetector", Network=shapes.graph())}, [["info"], ["detector"]]),
    ],
)
def test_other_variables_are_not_read(variables, reads, tmp_path, monkeypatch):
    from harness.matlab.matfile import read

    taken, plain = [], read._read_matio
    monkeypatch.setattr(read, "_read_matio", lambda path, names: (taken.append(names), plain(path, names))[1])
    beside = {
        "XTrain": np.zeros((3, 9)),
        "text": "some",
        "info": {"Loss": shapes.number(1)},
        "imds": shapes.datastore(),
    }
    shapes.write(tmp_path / "file.mat", ({**beside, **variables}, None, ()))
    read_network(tmp_path / "file.mat")
    assert [sorted(names) for names in taken] == reads


def test_there_are_enough():
    count = len(both(READ)) + len(both(REFUSED)) + len(hostile.BY_H5PY) + len(hostile.NEWER) + len(hostile.BY_EDIT)
    assert count >= 100
