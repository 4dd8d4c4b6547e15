"""The convention of arrays in MAT files, and what the libraries do that it steps around; all without Octave."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.draw.arrays import LAYOUTS
from suites.interchange.trips import (
    VERSIONS,
    Unrepresentable,
    as_matlab,
    as_octave,
    as_read,
    described,
    octave_loses,
    read_array,
    trips,
    write_array,
)


def same(left, right):
    return (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((), (1, 1)),
        ((3,), (1, 3)),
        ((1,), (1, 1)),
        ((0,), (0, 0)),
        ((3, 1), (3, 1)),
        ((2, 3, 1), (2, 3)),
        ((1, 1, 1, 1, 1), (1, 1)),
        ((1, 2, 1, 2, 1), (1, 2, 1, 2)),
        ((0, 1, 1), (0, 1)),
        ((2, 0, 3), (2, 0, 3)),
        ((1, 1, 0), (1, 1, 0)),
    ],
)
def test_shapes(shape, size):
    assert as_matlab(np.zeros(shape)).shape == size


def test_one_axis_as_column():
    assert as_matlab(np.zeros(3), oned_as="column").shape == (3, 1)
    assert as_matlab(np.zeros((1, 3)), oned_as="column").shape == (1, 3)
    assert as_matlab(np.zeros(0), "v7.3", "column").shape == (1, 0)


def test_types():
    for dtype in ("bool", "int64", "float32", "complex64"):
        assert as_matlab(np.ones(2, dtype)).dtype == dtype
    assert as_matlab(np.ones(2, ">i8")).dtype == "=i8"
    assert as_matlab(np.array([2**53 + 1]), "v4").tolist() == [[2.0**53]]
    assert as_matlab(np.ones(2, "complex64"), "v4").dtype == "complex128"
    assert as_matlab(np.ones(2, "complex64"), "v7.3").dtype == "complex128"


def test_byte_order_leaves_signalling_nans():
    bits = np.array([[0x7FF0000000000001]], dtype=np.uint64)
    assert same(as_matlab(LAYOUTS["swapped"](bits.view(float))).view(np.uint64), bits)


def test_strings_are_rows_of_chars():
    assert as_matlab(np.array("abc")).tolist() == [["a", "b", "c"]]
    assert as_matlab(np.array(["ab", "c"])).tolist() == [["a", "b"], ["c", " "]]
    assert as_matlab(np.array(["a\0b", ""])).tolist() == [["a", " ", "b"], [" ", " ", " "]]
    assert as_matlab(np.array([["ab"], ["cd"]])).tolist() == [[["a", "b"]], [["c", "d"]]]
    assert as_matlab(np.array([["a"], ["b"]])).shape == (2, 1)
    for nothing, shape in (
        (np.array(""), (0, 0)),
        (np.zeros((2, 3), "U4"), (0, 0)),
        (np.zeros((1, 0, 2), "U1"), (0,) * 3),
    ):
        assert as_matlab(nothing).shape == shape
    assert as_matlab(np.array(["a"], "U4")).shape == (1, 4)
    assert as_matlab(np.array(["a"], "U4"), "v7.3").shape == (1, 1)


@pytest.mark.parametrize(
    ("array", "version"), [(np.zeros((1, 1, 2)), "v4"), (np.array("\u20ac"), "v4"), (np.array([["a"]]), "v7.3")]
)
def test_unrepresentable(array, version, tmp_path):
    with pytest.raises(Unrepresentable):
        write_array(tmp_path / "a.mat", array, version)


def test_octave_narrows_complex():
    assert as_octave(np.array([[1 + 0j, complex(2, -0.0)]])).dtype == float
    assert as_octave(np.zeros((0, 2), "complex64")).dtype == np.float32
    array = np.array([[complex(0, np.nan), 1]])
    assert as_octave(array) is array


def test_octave_loses_some_chars():
    assert octave_loses(np.array([["\xe9"]]), "v7")
    assert octave_loses(np.array([["a"], ["b"], ["c"]]), "v6")
    assert octave_loses(np.array([[["a", "b", "c"]]]).swapaxes(1, 2), "v6")
    assert octave_loses(np.zeros((1, 1)), "v7.3")
    for array, version in (
        (np.array([["\xe9"]]), "v4"),
        (np.array([list("abc")]), "v6"),
        (np.array([["\xe9"]]) == "", "v7"),
    ):
        assert not octave_loses(array, version)


def test_description_is_the_column_major_bytes():
    grid = np.array([[1, 2], [3, 4]], dtype=np.int8)
    assert described(grid) == described(np.asfortranarray(grid)) != described(grid.T)
    assert described(grid).startswith("int8 2x2 ")
    assert described(np.zeros((1, 2), "complex64")).startswith("single complex 1x2 ")
    assert described(np.array([["\u20ac"]])).startswith("char wide 1x1 ")
    assert described(np.array([[0.0]])) != described(np.array([[-0.0]]))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_round_trip(version, layout, tmp_path):
    if version == "v7.3":
        pytest.importorskip("matio")
    path, numbers = tmp_path / "a.mat", np.array([[complex(-0.0, np.inf), complex(np.nan, -0.0), 1]] * 2)
    for array in (
        numbers,
        numbers.real,
        np.array(["ab", "c"]),
        np.array([[2**63 - 1, -(2**63)]]),
        np.array([True, False]),
    ):
        write_array(path, LAYOUTS[layout](array), version)
        assert same(read_array(path), as_read(as_matlab(array, version), version))


def test_trips_tell_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("suites.interchange.trips.read_arrays", lambda path: {})
    (trip,) = trips({"a": np.zeros(1)}, "v7", tmp_path)
    assert (trip.name, trip.leg, trip.got) == ("a", "python", "missing")


def test_why_scipy_is_not_asked_for_mat_dtype(tmp_path):
    """Logicals come as uint8 without `mat_dtype`, and complex numbers as real ones with it."""
    savemat(tmp_path / "a.mat", {"yes": np.array([True]), "z": np.array([1 + 2j])})
    assert loadmat(tmp_path / "a.mat")["yes"].dtype == np.uint8
    with pytest.warns(np.exceptions.ComplexWarning):
        assert loadmat(tmp_path / "a.mat", mat_dtype=True)["z"].dtype == float


def test_why_complex_of_v4_is_read_here(tmp_path):
    savemat(tmp_path / "a.mat", {"z": np.array([[complex(1, np.inf)]])}, format="4")
    with np.errstate(invalid="ignore"):
        assert np.isnan(loadmat(tmp_path / "a.mat")["z"].real)
    assert read_array(tmp_path / "a.mat").real == 1


def test_why_strings_are_written_in_c_order(tmp_path):
    grid = np.array([["a", "b", "c"], ["d", "e", "f"]])
    savemat(tmp_path / "a.mat", {"text": np.asfortranarray(grid)})
    assert read_array(tmp_path / "a.mat").tolist() == [["a", "d", "b"], ["e", "c", "f"]]
    with pytest.raises(ValueError, match="contiguous"):
        savemat(tmp_path / "a.mat", {"text": grid[:, ::2]})
