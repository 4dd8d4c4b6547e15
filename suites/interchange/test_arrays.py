"""Arrays go NumPy -> .mat -> Octave -> .mat -> NumPy and come back, bit for bit, as docs/arrays.md says."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from harness.draw.arrays import batches
from harness.draw.strategies import GATE
from harness.matlab import octave as program
from harness.matlab.octave import Octave
from harness.optional import absence
from harness.spec import Array

from .trips import (
    DTYPES,
    ECHO,
    as_matlab,
    described,
    echo,
    octave_loses,
    read_arrays,
    trips,
    write_arrays,
)

Property = Callable[[str, object], None]
SETTINGS = settings(settings.get_profile(GATE), max_examples=30)


@pytest.fixture(scope="module")
def octave() -> Iterator[Octave]:
    """One Octave for all tests of the module."""
    if program.executable() is None:
        pytest.skip(absence("octave"))
    with Octave(ECHO) as started:
        yield started


def examined(dtype: str, version: str, folder: Path, octave: Octave | None, oned_as: str = "row") -> Counter[str]:
    """Assert of drawn batches that every leg brings what it should; returns how many arrays went each leg."""
    went: Counter[str] = Counter()

    @SETTINGS
    @given(batches(dtype, version))
    def examine(batch: list[Array]) -> None:
        arrays = {f"a{index}": array for index, array in enumerate(batch)}
        for trip in trips(arrays, version, folder, octave, oned_as):
            assert trip.got == trip.wanted, f"{trip.name} = {arrays[trip.name]!r}, leg {trip.leg}"
            went[trip.leg] += 1

    examine()
    return went


@pytest.mark.parametrize("version", ["v4", "v6", "v7"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_octave(dtype: str, version: str, octave: Octave, tmp_path: Path, record_property: Property) -> None:
    """What SciPy writes and what Octave writes, both read alike."""
    went = examined(dtype, version, tmp_path, octave)
    record_property("arrays", dict(went))
    assert went["python"] >= went["again"] > 10


@pytest.mark.parametrize("version", ["v4", "v6"])
@pytest.mark.parametrize("dtype", ["int64", "str"])
def test_columns(dtype: str, version: str, octave: Octave, tmp_path: Path) -> None:
    """1-D arrays are columns where that is asked for."""
    assert examined(dtype, version, tmp_path, octave, "column")["again"] > 10


@pytest.mark.parametrize("dtype", DTYPES)
def test_hdf5(dtype: str, tmp_path: Path, record_property: Property) -> None:
    """v7.3 files, which Octave does not read."""
    pytest.importorskip("matio", reason="mat-io is not installed")
    went = examined(dtype, "v7.3", tmp_path, None)
    record_property("arrays", dict(went))
    assert went["python"] > 10


@pytest.mark.parametrize(
    ("text", "version"),
    [("ab cd", "v6"), ("a b c", "v6"), ("\xe9", "v6"), ("\xe9", "v7"), ("a\u20ac", "v6"), ("a\u20ac", "v7")],
)
def test_octave_loses(text: str, version: str, octave: Octave, tmp_path: Path) -> None:
    """The rules of `octave_loses` are needed: Octave reads these rows of chars, and what it writes is bad."""
    rows, python, other = np.array(text.split()), tmp_path / "python.mat", tmp_path / "octave.mat"
    value = as_matlab(rows, version)
    assert octave_loses(value, version)
    write_arrays(python, {"chars": rows, "next": np.ones((1, 3))}, version)
    assert described(read_arrays(python)["chars"]) == described(value)
    echo(octave, python, other, version)
    try:
        got = described(read_arrays(other)["chars"])
    except (TypeError, UnicodeDecodeError) as error:
        got = str(error)
    assert got != described(value)
