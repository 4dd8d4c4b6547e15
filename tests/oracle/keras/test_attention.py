"""Attention on cases small enough to compute by hand."""

import numpy as np

from harness.oracle import semantics
from harness.oracle.keras.attention import positions


def test_equal_scores_give_the_mean_of_the_values():
    value = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    y = semantics("keras", "Attention")({}, {}, np.zeros((1, 3, 2)), value)
    assert y.tolist() == [[[2.0, 3.0]] * 3]


def test_a_masked_value_has_no_share_and_a_masked_query_gives_zeros():
    value = np.array([[[1.0], [5.0]]])
    masks = (np.array([[True, False]]), np.array([[False, True]]))
    y = semantics("keras", "Attention")({}, {}, np.zeros((1, 2, 1)), value, mask=masks)
    assert y.tolist() == [[[5.0], [0.0]]]


def test_causal_attention_sees_no_later_position():
    value = np.array([[[1.0], [3.0], [8.0]]])
    y = semantics("keras", "Attention")({}, {}, np.zeros((1, 3, 1)), value, use_causal_mask=True)
    assert y.ravel().tolist() == [1.0, 2.0, 4.0]


def test_window_is_open_at_its_ends():
    assert positions(3, 3, causal=False, window=2).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert positions(3, 3, causal=True, window=2).tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert positions(2, 3, causal=False, window=None) is None


def test_additive_scores_are_a_sum_over_features():
    query, value = np.zeros((1, 1, 1)), np.array([[[0.0], [np.inf]]])
    _, shares = semantics("keras", "AdditiveAttention")({}, {}, query, value, return_attention_scores=True)
    assert np.allclose(shares, [[[1 / (1 + np.e), np.e / (1 + np.e)]]])


def _identity(heads, size):
    """Projections that leave each head the features as they are."""
    kernel = np.repeat(np.eye(size)[:, None, :], heads, axis=1)
    return {f"{name}/kernel": kernel for name in ("query", "key", "value")} | {
        "attention_output/kernel": np.repeat(np.eye(size)[None], heads, axis=0) / heads
    }


def test_multi_head_attention_scales_by_the_root_of_the_key_size():
    x = np.array([[[2.0, 0.0], [0.0, 0.0]]])
    config = {"num_heads": 2, "key_dim": 2}
    y = semantics("keras", "MultiHeadAttention")(config, _identity(2, 2), x, value=x)
    share = np.exp(4 / np.sqrt(2))
    assert np.allclose(y[0], [[2 * share / (share + 1), 0], [1, 0]])


def test_grouped_heads_share_keys_and_values():
    x = np.array([[[1.0, -1.0], [0.5, 2.0]]])
    weights = _identity(4, 2)
    few = {name: value[:, :2] if name[:3] in ("key", "val") else value for name, value in weights.items()}
    config = {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2}
    grouped = semantics("keras", "GroupQueryAttention")(config, few, x, value=x)
    plain = semantics("keras", "MultiHeadAttention")({"num_heads": 4, "key_dim": 2}, weights, x, value=x)
    assert np.allclose(grouped, plain)
