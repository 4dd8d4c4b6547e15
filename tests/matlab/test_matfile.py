"""Values of MATLAB's every kind, as they come out of files that SciPy, mat-io and MATLAB itself wrote."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.io import savemat

from harness.matlab.matfile.read import Cell, Limits, MatFileError, Object, StructArray, read_mat
from harness.matlab.readers.records import inside

matio = pytest.importorskip("matio")


def cell(*items):
    array = np.empty((1, len(items)), dtype=object)
    for k, item in enumerate(items):
        array[0, k] = item
    return array


WRITERS = {
    "v6": lambda path, values: savemat(path, values, oned_as="row"),
    "v7": lambda path, values: savemat(path, values, oned_as="row", do_compression=True),
    "v7.3": lambda path, values: matio.save_to_mat(path, values, version="v7.3"),
}


@pytest.fixture(params=WRITERS)
def trip(request, tmp_path):
    def go(value):
        path = tmp_path / "file.mat"
        WRITERS[request.param](str(path), {"value": value})
        variables = read_mat(path)
        assert list(variables) == ["value"]
        return variables["value"]

    return go


NUMBERS = {
    "double": np.array([[1.5, -0.0, np.nan], [np.inf, 1e-300, 2.0]]),
    "three axes": np.arange(24.0).reshape(2, 3, 4),
    "single": np.array([[1.5, 2.5]], np.float32),
    "int64": np.array([[2**53 + 1, -(2**63), 2**63 - 1]]),
    "uint64": np.array([[2**64 - 1]], np.uint64),
    "uint8": np.array([[0, 255]], np.uint8),
    "complex": np.array([[1 + 2j, -3j]]),
    "logical": np.array([[True, False]]),
    "empty": np.zeros((0, 3)),
    "empty whole": np.zeros((2, 0), np.int16),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, trip):
    wanted = NUMBERS[name]
    value = trip(wanted)
    assert (value.dtype, value.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(value, wanted)
    assert value.dtype.isnative


def test_text(trip):
    assert trip("some text") == "some text"
    assert trip("") == ""
    assert trip("größe") == "größe"


def test_rows_of_text(trip):
    assert trip(np.array(["ab", "cd", "ef"])).tolist() == ["ab", "cd", "ef"]


def test_struct(trip):
    value = trip({"a": 1.0, "b": {"c": "text"}})
    assert value["a"].tolist() == [[1.0]]
    assert value["b"] == {"c": "text"}


def test_struct_array(trip):
    value = trip(np.array([[(1.0, "one"), (2.0, "two")]], dtype=[("number", object), ("text", object)]))
    assert isinstance(value, StructArray)
    assert (value.shape, value.fields, len(value)) == ((1, 2), ("number", "text"), 2)
    assert [item["text"] for item in value] == ["one", "two"]


def test_nested_cells(trip):
    value = trip(cell("a", cell(np.eye(2), cell()), {"field": cell("b", "c")}))
    assert isinstance(value, Cell)
    assert (value.shape, value.items[0]) == ((1, 3), "a")
    np.testing.assert_array_equal(value.items[1].items[0], np.eye(2))
    assert len(value.items[1].items[1]) == 0
    assert list(value.items[2]["field"]) == ["b", "c"]


def test_sparse(trip):
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    value = trip(scipy.sparse.csc_array(dense))
    assert isinstance(value, scipy.sparse.csc_array)
    assert value.toarray().tolist() == dense.tolist()


def test_version_4(tmp_path):
    path = tmp_path / "four.mat"
    savemat(path, {"a": np.eye(2), "text": "some", "s": scipy.sparse.csc_array(np.eye(3))}, format="4")
    variables = read_mat(path)
    assert (variables["a"].tolist(), variables["text"]) == (np.eye(2).tolist(), "some")
    assert variables["s"].toarray().tolist() == np.eye(3).tolist()


def test_depth_is_limited(tmp_path):
    value = "bottom"
    for _ in range(10):
        value = cell(value)
    savemat(tmp_path / "deep.mat", {"value": value})
    assert read_mat(tmp_path / "deep.mat")["value"].shape == (1, 1)
    with pytest.raises(MatFileError, match="nested deeper than 5 levels"):
        read_mat(tmp_path / "deep.mat", Limits(depth=5))
    matio.save_to_mat(str(tmp_path / "deep.mat"), {"value": value}, version="v7.3")
    with pytest.raises(MatFileError, match=r"deep\.mat: variable 'value' is nested deeper than 5 levels"):
        read_mat(tmp_path / "deep.mat", Limits(depth=5))


@pytest.mark.parametrize("version", ["v7", "v73"])
def test_basic_types_of_matlab(version, real_files):
    variables = read_mat(real_files / f"types_matio_basic_{version}.mat")
    for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        assert variables[f"{name}_scalar"].dtype == name
        assert variables[f"{name}_scalar"].tolist() == [[42]]
        assert variables[f"{name}_array"].shape == (2, 3)
    assert variables["single_scalar"].dtype == np.float32
    assert variables["complex_scalar"].tolist() == [[1 + 2j]]
    assert variables["logical_array"].tolist() == [[True, False, True]]
    assert variables["char_scalar"] == "Hello"
    assert variables["char_array"].tolist() == ["ab", "cd", "ef"]
    assert (variables["char_empty"], variables["numeric_empty"].shape) == ("", (0, 0))
    assert variables["logical_empty"].dtype == bool
    assert (variables["cell_array"].shape, variables["cell_array"].items[0]) == ((1, 3), "A")
    assert variables["cell_empty"].shape == (0, 0)
    assert variables["struct_scalar"]["name"] == "test"
    assert variables["struct_no_fields"] == {}
    assert next(item["info"] for item in variables["struct_array"]) == "first"
    assert variables["struct_nested"]["level1"]["level2"]["level3"]["value"].item() == 42
    assert variables["sparse_complex"].toarray()[1, 1] == 2 - 2j
    assert variables["sparse_logical"].dtype == bool
    assert variables["sparse_empty"].shape == (0, 0)


@pytest.mark.parametrize("version", ["v7", "v73"])
def test_function_handles_of_matlab(version, real_files):
    variables = read_mat(real_files / f"types_matio_function_handles_{version}.mat")
    assert {value.class_name for value in variables.values()} == {"function_handle"}
    texts = {name: value.fields["function"] for name, value in variables.items()}
    assert texts["builtin_fh"] == "sin"
    assert texts["anonymous_fh"].endswith("@(x)x.^2+1")


@pytest.mark.parametrize("version", ["v7", "v73"])
def test_objects_of_matlab(version, real_files):
    variables = read_mat(real_files / f"types_matio_user_defined_{version}.mat")
    assert isinstance(variables["obj_with_vals"], Object)
    assert variables["obj_with_vals"].class_name == "TestClasses.BasicClass"
    assert variables["obj_with_vals"].fields["a"].tolist() == [[10.0]]
    assert variables["obj_with_default_val"].fields["a"] == "Default String"
    assert variables["obj_array"].shape == (2, 2)
    assert inside(variables["obj_with_nested_props"], "a", "b") == "Obj1"
    texts = read_mat(real_files / f"types_matio_string_{version}.mat")
    assert (texts["string_scalar"], texts["string_empty"]) == ("Hello", "")


def test_classes_in_a_heterogeneous_array(real_files):
    net = read_mat(real_files / "malaria_cnn.mat")["net"]
    assert net.class_name == "SeriesNetwork"
    saved = inside(net, "any") or net.fields
    graph = inside(saved, "LayerGraph")
    layers = inside(saved if graph is None else inside(graph, "any") or graph, "Layers")
    classes = [item.class_name.removeprefix("nnet.cnn.layer.") for item in layers]
    assert classes[:3] == ["ImageInputLayer", "Convolution2DLayer", "ReLULayer"]
    assert classes[-3:] == ["FullyConnectedLayer", "SoftmaxLayer", "ClassificationOutputLayer"]


def test_old_objects_and_other_byte_order(real_files):
    assert read_mat(real_files / "types_scipy_testobject_7.4_GLNX86.mat")["testobject"].class_name == "inline"
    floats = read_mat(real_files / "types_scipy_big_endian.mat")["floats"]
    assert (floats.dtype.isnative, floats.tolist()) == (True, [[2.0, 3.0], [3.0, 4.0]])
