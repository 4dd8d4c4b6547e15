"""Wrappers, stacked cells and ConvLSTM against what they are made of."""

import numpy as np

from harness.oracle import semantics
from harness.oracle.keras.recurrent import CELLS, recur, stacked

SOURCE = np.random.default_rng(3)
X = SOURCE.normal(size=(2, 4, 3))


def weights(features, units, gates):
    shapes = {"kernel": (features, gates * units), "recurrent_kernel": (units, gates * units), "bias": (gates * units,)}
    return {name: SOURCE.normal(size=shape) for name, shape in shapes.items()}


def test_bidirectional_reads_both_ways():
    layer_config = {"units": 2, "return_sequences": True}
    forward, backward = weights(3, 2, 1), weights(3, 2, 1)
    config = {"layer": {"kind": "SimpleRNN", "config": layer_config}, "merge_mode": None}
    both = {f"forward/{k}": v for k, v in forward.items()} | {f"backward/{k}": v for k, v in backward.items()}
    ahead, back = semantics("keras", "Bidirectional")(config, both, X)
    simple = semantics("keras", "SimpleRNN")
    assert np.allclose(ahead, simple(layer_config, forward, X))
    assert np.allclose(back, np.flip(simple(layer_config, backward, np.flip(X, axis=1)), axis=1))


def test_time_distributed_leaves_steps_alone():
    config = {"layer": {"kind": "Dense", "config": {"units": 2}}}
    kernel = {"kernel": SOURCE.normal(size=(3, 2))}
    y = semantics("keras", "TimeDistributed")(config, kernel, X)
    assert np.allclose(y[:, 1], X[:, 1] @ kernel["kernel"])


def test_stacked_cells_are_layers_one_on_the_other():
    first, second = weights(3, 2, 4), weights(2, 3, 1)
    cells = stacked([CELLS["LSTMCell"]({"units": 2}, first), CELLS["SimpleRNNCell"]({"units": 3}, second)])
    together = recur(cells, {"return_sequences": True}, X)
    below = semantics("keras", "LSTM")({"units": 2, "return_sequences": True}, first, X)
    assert np.allclose(together, semantics("keras", "SimpleRNN")({"units": 3, "return_sequences": True}, second, below))


def test_a_conv_lstm_of_one_pixel_is_an_lstm():
    layer_weights = weights(3, 2, 4)
    pixel = {name: value[None] if "kernel" in name else value for name, value in layer_weights.items()}
    config = {"filters": 2, "kernel_size": 1, "return_sequences": True}
    y = semantics("keras", "ConvLSTM1D")(config, pixel, X[:, :, None, :])
    assert np.allclose(y[:, :, 0], semantics("keras", "LSTM")({"units": 2, "return_sequences": True}, layer_weights, X))
