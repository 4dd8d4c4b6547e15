"""Preprocessing: published hashes, and examples of the documentation."""

import numpy as np
import pytest

from harness.oracle import semantics
from harness.oracle.keras.hashes import farmhash64, siphash


def apply(kind, config, *inputs, **keywords):
    return np.asarray(semantics("keras", kind)(config, {}, *(np.asarray(x) for x in inputs), **keywords))


def test_farmhash_is_that_of_to_hash_bucket_fast():
    """https://www.tensorflow.org/api_docs/python/tf/strings/to_hash_bucket_fast"""
    assert [farmhash64(text) % 3 for text in ("Hello", "TensorFlow", "2.x")] == [0, 2, 2]


def test_long_text_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        farmhash64("x" * 33)


def test_siphash_is_that_of_the_paper():
    """Appendix A of https://www.aumasson.jp/siphash/siphash.pdf: bytes 0 to 14 under the key 0 to 15."""
    key = tuple(int.from_bytes(bytes(range(8 * k, 8 * k + 8)), "little") for k in (0, 1))
    assert siphash(bytes(range(15)).decode("latin-1"), key) == 0xA129CA6149BE45E5


def test_hashing_example_of_the_documentation():
    """https://keras.io/api/layers/preprocessing_layers/categorical/hashing/: FarmHash64, then with a mask value."""
    words = [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert apply("Hashing", {"num_bins": 3}, words).ravel().tolist() == [1, 0, 1, 1, 2]
    masked = [["A"], ["B"], [""], ["C"], ["D"]]
    assert apply("Hashing", {"num_bins": 3, "mask_value": ""}, masked).ravel().tolist() == [1, 1, 0, 2, 2]


def test_a_number_on_a_boundary_is_in_the_upper_bin():
    """https://keras.io/api/layers/preprocessing_layers/numerical/discretization/"""
    config = {"bin_boundaries": [0.0, 1.0, 2.0]}
    assert apply("Discretization", config, [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]).tolist() == [
        [0, 2, 3, 1],
        [1, 3, 2, 1],
    ]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("multi_hot", [[1, 1, 0, 0], [0, 1, 0, 1]]), ("count", [[1, 1, 0, 0], [0, 1, 0, 1]])],
)
def test_categories(mode, expected):
    assert apply("CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, [[0, 1], [3, 1]]).tolist() == expected


def test_counts_are_weighted():
    """https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding/"""
    config = {"num_tokens": 4, "output_mode": "count"}
    amounts = np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]])
    y = apply("CategoryEncoding", config, [[0, 1], [0, 0], [1, 2], [3, 1]], count_weights=amounts)
    assert np.allclose(y, [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0.2, 0, 0.4]])


def test_lookup_and_back():
    """https://keras.io/api/layers/preprocessing_layers/categorical/integer_lookup/"""
    config = {"vocabulary": [12, 36, 1138, 42]}
    assert apply("IntegerLookup", config, [[12, 1138, 42], [42, 1000, 36]]).tolist() == [[1, 3, 4], [4, 0, 2]]
    back = apply("IntegerLookup", {**config, "invert": True}, [[1, 3, 4], [4, 0, 2]])
    assert back.tolist() == [[12, 1138, 42], [42, -1, 36]]


def test_several_unknown_follow_the_mask():
    config = {"vocabulary": ["a", "b"], "num_oov_indices": 2, "mask_token": ""}
    y = apply("StringLookup", config, [["", "a", "b"]])
    assert y.tolist() == [[0, 3, 4]]


def test_text_is_padded_with_zero():
    config = {"vocabulary": ["foo", "bar"], "output_sequence_length": 3}
    assert apply("TextVectorization", config, [["Foo, bar!"], ["qux"]]).tolist() == [[2, 3, 0], [1, 0, 0]]
    pairs = {"vocabulary": ["foo bar", "foo"], "ngrams": 2}
    assert apply("TextVectorization", pairs, [["foo bar"]]).tolist() == [[3, 1, 2]]


def test_normalization_and_back():
    """https://keras.io/api/layers/preprocessing_layers/numerical/normalization/"""
    config = {"mean": 3.0, "variance": 2.0, "axis": None}
    y = apply("Normalization", config, [[1.0], [2.0], [3.0]])
    assert np.allclose(y.ravel(), [-1.4142135, -0.70710677, 0])
    assert np.allclose(apply("Normalization", {**config, "invert": True}, y).ravel(), [1, 2, 3])
