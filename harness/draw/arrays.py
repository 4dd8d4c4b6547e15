"""Hypothesis strategies for arrays of every type, shape and memory layout, which tests send through files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.spec import Array

BATCH = 10
"""Largest number of arrays in a batch, which makes one file."""
RANK, SIDE, WIDTH = 5, 3, 4
"""Largest number of axes, of elements along an axis, and of chars in a string."""

LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "C": lambda array: np.array(array, order="C"),
    "Fortran": lambda array: np.array(array, order="F"),
    "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "reversed": lambda array: np.array(array[..., ::-1], order="C")[..., ::-1],
    "swapped": lambda array: array.byteswap().view(array.dtype.newbyteorder()),
}
"""Memory layouts of the same elements; "swapped" has the other byte order."""

_WIDE = st.characters(exclude_categories=["Cs"])
_ALPHABETS = {"v4": st.characters(max_codepoint=255)}


def _bits(values: Array) -> list[int]:
    return [int(word) for word in values.view(f"u{values.itemsize}")]


def _edge_cases(dtype: np.dtype[Any]) -> list[int]:
    """Values that converters often get wrong, as bits: limits, integers around 2^53, NaNs with payloads, zeros."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        near = (0, 1, limits.min, limits.max, limits.max - 1, 2**53 - 1, 2**53, 2**53 + 1)
        return _bits(np.array([value for value in near if value <= limits.max], dtype=dtype))
    limit = np.finfo(dtype)
    plain = (0.0, -0.0, 1.0, 2.0, 255.0, -1.0, np.nan, np.inf, -np.inf, limit.max, limit.tiny, limit.smallest_subnormal)
    infinity = _bits(np.array([np.inf], dtype=dtype))[0]
    return [*_bits(np.array(plain, dtype=dtype)), infinity + 1, infinity + infinity // 3]  # a signalling NaN, a payload


@st.composite
def arrays(draw: Any, dtype: str, version: str) -> Array:
    """An array that a MAT file of the version can contain, in any memory layout.

    Numbers have rank 0-5 (0-2 in v4) and are drawn as bits, so that every NaN can occur. Strings have rank 0-4
    (0-1 in v4 and v7.3) and at most WIDTH chars: Latin-1 in v4, else ASCII or all of Unicode.
    """
    text = dtype == "str"
    rank = {"v4": 2, "v7.3": RANK}.get(version, RANK) if not text else {"v4": 1, "v7.3": 1}.get(version, RANK - 1)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=rank, min_side=0, max_side=SIDE))
    array = draw(_strings(shape, version) if text else _numbers(np.dtype(dtype), shape))
    layouts = list(LAYOUTS) if array.ndim else ["C", "swapped"]
    return LAYOUTS[draw(st.sampled_from(layouts))](array)


def batches(dtype: str, version: str, least: int = 1) -> st.SearchStrategy[list[Array]]:
    """Lists of `least` to BATCH arrays of one type, for one file."""
    return st.lists(arrays(dtype, version), min_size=least, max_size=BATCH)


def _strings(shape: tuple[int, ...], version: str) -> st.SearchStrategy[Array]:
    ascii_only = st.characters(max_codepoint=127)
    alphabets = [_ALPHABETS[version]] if version in _ALPHABETS else [ascii_only, ascii_only, _WIDE]
    return st.sampled_from(alphabets).flatmap(
        lambda alphabet: hnp.arrays(f"U{WIDTH}", shape, elements=_words(alphabet))
    )


def _words(alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Strings that survive NumPy, which takes NULs at the end for padding."""
    return st.text(alphabet, max_size=WIDTH).map(lambda text: text.rstrip("\0"))


@st.composite
def _numbers(draw: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if dtype.kind == "b":
        return draw(hnp.arrays(bool, shape))
    if dtype.kind == "c":
        part = np.finfo(dtype).dtype
        array = np.zeros(shape, dtype)
        array.real = draw(_numbers(part, shape))
        if draw(st.booleans()):
            array.imag = draw(_numbers(part, shape))
        return array
    words = st.sampled_from(_edge_cases(dtype)) | st.integers(0, 2 ** (8 * dtype.itemsize) - 1)
    return draw(hnp.arrays(f"u{dtype.itemsize}", shape, elements=words)).view(dtype)
