import numpy as np

from harness.catalogue import find
from harness.corpus.store import Store
from harness.draw import seeded_case
from harness.run.session import home

INTEGERS, OPEN = find("keras", "Integers"), find("keras", "OpenSizes")


def test_whole_numbers_have_more_bits_than_float32():
    case = seeded_case(INTEGERS, {"layer": "Permute", "dtype": "int32", "batch": 2, "profile": "main"}, 0)
    (value,) = case.inputs.values()
    assert value.dtype == np.int32
    assert value.max() == 2**31 - 2
    assert value.astype(np.float32).astype(np.int64).max() != value.max()


def test_bytes_fill_their_range_and_a_product_of_two_fits():
    case = seeded_case(INTEGERS, {"layer": "Reshape", "dtype": "uint8", "batch": 2, "profile": "main"}, 0)
    assert {int(value) for array in case.inputs.values() for value in (array.min(), array.max())} == {0, 255}
    factors = seeded_case(INTEGERS, {"layer": "Multiply", "dtype": "uint8", "batch": 2, "profile": "main"}, 0)
    assert max(int(array.max()) for array in factors.inputs.values()) == 15  # 15 * 15 = 225


def test_goldens_of_integers_keep_their_type():
    types = {entry.load().golden.expected["layer"].dtype.name for entry in Store(home() / "golden").entries("Integers")}
    assert types == {"int32", "uint8"}


def test_open_sizes_differ_from_the_first_inputs_to_the_second():
    choice = {"layer": "UpSampling2D", "data_format": "default", "opened": "width", "batch": 2, "profile": "main"}
    case = seeded_case(OPEN, choice, 0)
    assert [sample.inputs["x"].shape[1:] for sample in case.samples] == [(3, 5, 4), (3, 8, 4)]
    assert [sample.golden.expected["layer"].shape[1:] for sample in case.samples] == [(6, 15, 4), (6, 24, 4)]


def test_the_second_factor_of_multiply_is_one_pixel():
    choice = {"layer": "Multiply", "data_format": "channels_first", "opened": "image", "batch": 1, "profile": "main"}
    case = seeded_case(OPEN, choice, 0)
    assert [item.shape for item in case.spec.inputs] == [(4, None, None), (4, 1, 1)]
