"""Arrays there and back."""

import numpy as np
import pytest

from harness.workers.wire import pack, unpack


@pytest.mark.parametrize("value", [np.arange(6.0).reshape(2, 3), np.array([[True, False]]), np.zeros((0, 3), np.int32)])
def test_numbers(value: np.ndarray) -> None:
    unpacked = unpack(pack(value))
    assert unpacked.dtype == value.dtype
    assert unpacked.shape == value.shape
    assert (unpacked == value).all()


@pytest.mark.parametrize("value", [np.array([["é", ""]]), np.array([b"x", b"yy"]), np.array(["a", b"b"], dtype=object)])
def test_strings_of_every_kind_become_str(value: np.ndarray) -> None:
    unpacked = unpack(pack(value))
    assert unpacked.shape == value.shape
    assert unpacked.reshape(-1).tolist() == [
        v.decode() if isinstance(v, bytes) else v for v in value.reshape(-1).tolist()
    ]
