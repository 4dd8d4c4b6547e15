"""NumPy arrays in `.mat` files: the convention, and trips through files and Octave that show it.

The convention is three functions: `as_matlab` gives the array in the file, `as_octave` the value in Octave and
`as_read` the value from the Python reader; `docs/arrays.md` is the table with the evidence. SciPy writes and reads v4,
v6 and v7 files, mat-io (with h5py) v7.3 files; Octave reads and writes all versions but v7.3.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.matlab.octave import Octave
from harness.spec import Array

VERSIONS = ("v4", "v6", "v7", "v7.3")
"""Of the format: v6 and v7 are both "level 5", v7 compressed; v7.3 is HDF5."""
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128", "str"),
)
ECHO = Path(__file__).parent
"""Folder of parity_echo.m."""
_CLASSES = {"bool": "logical", "float32": "single", "float64": "double", "complex64": "single", "complex128": "double"}


class Unrepresentable(ValueError):
    """The version of the format cannot represent the array."""


def as_matlab(array: Array, version: str = "v7", oned_as: str = "row") -> Array:
    """The array in a file of the version, in native byte order.

    Shape: 0-D is 1 x 1; 1-D of n is 1 x n, or n x 1 with `oned_as="column"`; 1-D of none is 0 x 0, in v7.3 1 x 0; of
    more than two axes, trailing ones of length 1 are dropped. Order and strides leave no trace: element [i, j] is
    element (i+1, j+1).
    Type: the same, except that v4 has only doubles, and v7.3 (mat-io) no single complex. v4 rounds integers beyond
    2^53.
    Strings of shape S and width N are chars S x N (v7.3: as wide as the longest): a scalar is one row, short ones are
    padded with spaces, and NUL is a space; none at all, or none but empty ones, are 0 x 0, with further axes of 0.

    Raises Unrepresentable for more than two axes in v4, for chars beyond Latin-1 in v4, and for strings of more than
    one axis in v7.3.
    """
    value = _characters(array, version) if array.dtype.kind == "U" else _native(array)
    value = value.reshape(_shape(value.shape, version, oned_as))
    if version == "v4":
        return _as_v4(value)
    return _cast(value, np.complex128) if version == "v7.3" and value.dtype.kind == "c" else value


def as_octave(value: Array) -> Array:
    """The value in Octave: complex becomes real if every imaginary part is 0 or -0."""
    if value.dtype.kind != "c":
        return value
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return value if (value.imag != 0).any() else value.real.copy()


def as_read(value: Array, version: str) -> Array:
    """The value that `read_arrays` returns: mat-io reads empty complex as real."""
    empty = version == "v7.3" and value.dtype.kind == "c" and not value.size
    return value.real.copy() if empty else value


def octave_loses(value: Array, version: str) -> str:
    """Why Octave 7.3 writes another value or an unreadable file; "" for values that survive."""
    if version == "v7.3":
        return "Octave does not read v7.3"
    if value.dtype.kind != "U" or version == "v4":
        return ""
    if any(ord(char) > 127 for char in value.flat):
        return "Octave writes chars beyond ASCII as invalid UTF-8"
    if version == "v6" and value.size in {3, 4} and value.shape != (1, value.size):
        return "Octave writes a wrong length for 3 or 4 chars that are not one row, and hides the next variable"
    return ""


def write_arrays(path: Path, arrays: Mapping[str, Array], version: str = "v7", oned_as: str = "row") -> None:
    """Write variables by name, as SciPy or (v7.3) mat-io does. Raises Unrepresentable as `as_matlab` does.

    SciPy gets strings in C order, because it changes or loses strings in other orders; for v4 it gets chars, because
    it splits strings of one char differently there.
    """
    from scipy.io import savemat

    expected = {name: as_matlab(array, version, oned_as) for name, array in arrays.items()}
    texts = {name: array for name, array in arrays.items() if array.dtype.kind == "U"}
    if version == "v7.3":
        from matio import save_to_mat

        variables = {**arrays, **{name: np.atleast_1d(text) for name, text in texts.items()}}
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            warnings.simplefilter("ignore")  # of complex64, which becomes complex128
            save_to_mat(str(path), variables, version="v7.3", oned_as="col" if oned_as == "column" else "row")
        return
    variables = {
        **arrays,
        **{name: expected[name] if version == "v4" else text.copy("C") for name, text in texts.items()},
    }
    kind = {"format": "4"} if version == "v4" else {"do_compression": version == "v7"}
    with np.errstate(invalid="ignore"):
        savemat(str(path), variables, appendmat=False, oned_as=oned_as, **kind)


def read_arrays(path: Path) -> dict[str, Array]:
    """Read variables by name, with their types in MATLAB; chars are arrays of `<U1`.

    Raises what SciPy and mat-io raise for files they cannot read.
    """
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import matfile_version

    level, _ = matfile_version(str(path), appendmat=False)
    if level == 2:
        from matio import load_from_mat

        loaded = {name: value for name, value in load_from_mat(str(path)).items() if not name.startswith("__")}
        return {
            name: _trimmed(_characters(value, "v7.3") if value.dtype.kind == "U" else _native(value))
            for name, value in loaded.items()
        }
    # mat_dtype=True would give the types, but drops imaginary parts: https://github.com/scipy/scipy/issues/17641
    with np.errstate(invalid="ignore"):
        values = loadmat(str(path), appendmat=False, chars_as_strings=False)
        values |= _v4_complex(path.read_bytes()) if level == 0 else {}
        kinds = whosmat(str(path), appendmat=False)
        return {name: _trimmed(_typed(values[name], kind)) for name, _, kind in kinds}


def write_array(path: Path, array: Array, version: str = "v7", oned_as: str = "row") -> None:
    """Write one array, as `write_arrays` does."""
    write_arrays(path, {"array": array}, version, oned_as)


def read_array(path: Path) -> Array:
    """The array of a file with one variable. Raises ValueError for another number of variables."""
    (value,) = read_arrays(path).values()
    return value


def described(value: Array) -> str:
    """Class, size and SHA-256 of the bytes in column-major order, all real parts first; as parity_echo.m says them."""
    kind = value.dtype.kind
    if kind == "U":
        text = "".join(value.ravel(order="F"))
        wide = any(ord(char) > 255 for char in text)
        name, data = ("char wide", text.encode("utf-32")) if wide else ("char", text.encode("latin-1"))
    else:
        parts = (value.real, value.imag) if kind == "c" else (value,)
        name = _CLASSES.get(value.dtype.name, value.dtype.name) + (" complex" if kind == "c" else "")
        data = b"".join(part.tobytes(order="F") for part in parts)
    return f"{name} {'x'.join(map(str, value.shape))} {hashlib.sha256(data).hexdigest()}"


class Trip(NamedTuple):
    """One leg of an array's trip, with the descriptions of the expected and the received value."""

    name: str
    leg: str
    wanted: str
    got: str


def trips(
    arrays: Mapping[str, Array], version: str, folder: Path, octave: Octave | None = None, oned_as: str = "row"
) -> Iterator[Trip]:
    """Send arrays through files in `folder`: back to Python and, unless Octave loses them, twice through Octave.

    `octave` needs the folder ECHO. Raises OctaveError if Octave cannot read a file of SciPy's or of its own.
    """
    first, second, third = (folder / f"{name}.mat" for name in ("python", "octave", "again"))
    expected = {name: as_matlab(array, version, oned_as) for name, array in arrays.items()}
    write_arrays(first, arrays, version, oned_as)
    yield from _legs("python", {name: as_read(value, version) for name, value in expected.items()}, first)
    survivors = {name: value for name, value in expected.items() if not octave_loses(value, version)}
    if octave is None or not survivors:
        return
    write_arrays(first, {name: arrays[name] for name in survivors}, version, oned_as)
    survivors = {name: as_octave(value) for name, value in survivors.items()}
    for source, target in ((first, second), (second, third)):
        seen = echo(octave, source, target, version)
        for name, value in survivors.items():
            yield Trip(name, f"{source.stem} in Octave", described(value), seen.get(name, "missing"))
        yield from _legs(target.stem, {name: as_read(value, version) for name, value in survivors.items()}, target)


def echo(octave: Octave, source: Path, target: Path, version: str) -> dict[str, str]:
    """Let Octave load a file and save it to another. Returns the descriptions of its variables by name.

    Raises OctaveError for files it cannot read.
    """
    lines = octave.call("parity_echo", source, target, f"-{version}").splitlines()
    return {name: seen for name, _, seen in (line.partition(" ") for line in lines)}


def _legs(leg: str, wanted: Mapping[str, Array], path: Path) -> Iterator[Trip]:
    got = read_arrays(path)
    for name, value in wanted.items():
        yield Trip(name, leg, described(value), described(got[name]) if name in got else "missing")


def _v4_complex(data: bytes) -> dict[str, Array]:
    """The complex matrices of a little-endian v4 file, by name.

    SciPy adds real + imaginary * 1j, by which an infinite imaginary part makes the real one NaN, and -0 becomes 0.
    Of each matrix the file has five integers - type, rows, columns, whether complex, length of the name -, the name
    with its NUL, and the columns, all real parts first.
    """
    matrices, place = {}, 0
    while place < len(data):
        code, rows, columns, imaginary, length = np.frombuffer(data, "<i4", 5, place).tolist()
        name = data[place + 20 : place + 20 + length - 1].decode("latin-1")
        dtype = np.dtype(("<f8", "<f4", "<i4", "<i2", "<u2", "u1")[code // 10 % 10])
        parts = np.frombuffer(data, dtype, rows * columns * (1 + imaginary), place + 20 + length)
        place += 20 + length + parts.nbytes
        if imaginary:
            matrices[name] = np.empty((rows, columns), np.result_type(dtype, np.complex64))
            matrices[name].real, matrices[name].imag = parts.reshape(2, columns, rows).swapaxes(1, 2)
    return matrices


def _cast(value: Array, dtype: npt.DTypeLike) -> Array:
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes quiet
        return value.astype(dtype)


def _native(array: Array) -> Array:
    """The array in native byte order, its bits untouched: `astype` would make signalling NaNs quiet."""
    return array if array.dtype.isnative else array.byteswap().view(array.dtype.newbyteorder("="))


def _shape(shape: tuple[int, ...], version: str, oned_as: str) -> tuple[int, ...]:
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        if shape[0] == 0:
            return (1, 0) if version == "v7.3" else (0, 0)
        return (*shape, 1) if oned_as == "column" else (1, *shape)
    last = max((axis for axis, length in enumerate(shape) if length != 1), default=0)
    return shape[: max(2, last + 1)]


def _trimmed(value: Array) -> Array:
    return value.reshape(_shape(value.shape, "v7", "row"))


def _as_v4(value: Array) -> Array:
    if value.ndim > 2:
        raise Unrepresentable(f"v4 holds two axes, not {value.shape}")
    if value.dtype.kind == "U":
        if any(ord(char) > 255 for char in value.flat):
            raise Unrepresentable("v4 holds chars of Latin-1")
        return value
    return _cast(value, np.complex128 if value.dtype.kind == "c" else np.float64)


def _typed(value: Array, kind: str) -> Array:
    """A value of SciPy's reader, which has the type of the bytes in the file, in the type of its class."""
    if kind == "char":
        return value
    dtype = np.dtype("bool" if kind == "logical" else kind)
    return value.astype(np.result_type(dtype, np.complex64) if value.dtype.kind == "c" else dtype)


def _characters(strings: Array, version: str) -> Array:
    """Strings as chars, one more axis; see `as_matlab`."""
    if version == "v7.3" and strings.ndim > 1:
        raise Unrepresentable(f"v7.3 (mat-io) holds strings of one axis, not {strings.shape}")
    if not strings.size or np.all(strings == ""):
        return np.zeros((0,) * max(strings.ndim, 2), dtype="<U1")
    width = max(map(len, strings.flat)) if version == "v7.3" else strings.dtype.itemsize // 4
    rows = np.atleast_1d(strings).astype(f"=U{width}")
    chars = np.array(rows, order="C").view("=U1").reshape(*rows.shape, width)
    chars[chars == ""] = " "
    return chars
