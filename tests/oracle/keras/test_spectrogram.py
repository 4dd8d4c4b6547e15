"""Spectrograms on two frames and kernels that a hand can compute."""

import math

import numpy as np
import pytest

from harness.oracle import semantics
from harness.oracle.keras.spectrogram import mel, mel_matrix

SOUND = np.array([[[1.0], [2.0], [3.0], [4.0]]])
"""Batch, time, channels: the frames are (1, 2) and (3, 4)."""
KERNELS = {"real_kernel": np.array([[[1.0, 0.0]], [[1.0, 1.0]]]), "imag_kernel": np.array([[[0.0, 1.0]], [[0.0, 0.0]]])}
"""Frame, channel, bins: of a frame (a, b) the real parts are a + b and b, the imaginary ones 0 and a."""
OCTAVES = {"sampling_rate": 1400 * (math.e - 1), "min_freq": 0.0, "max_freq": 700 * (math.e**2 - 1), "num_mel_bins": 1}
"""Half of the rate is 1127 mel, and the only triangle goes from 0 to 2254 mel with its peak between."""


def stft(mode, x=SOUND, kernels=KERNELS, **config):
    return semantics("keras", "STFTSpectrogram")({"mode": mode, "frame_length": 2, **config}, kernels, x)


@pytest.mark.parametrize(
    ("mode", "frames"),
    [
        ("real", [[3, 2], [7, 4]]),
        ("imag", [[0, 1], [0, 3]]),
        ("stft", [[3, 2, 0, 1], [7, 4, 0, 3]]),
        ("magnitude", [[3, math.sqrt(5)], [7, 5]]),
        ("psd", [[9, 5], [49, 25]]),
        ("angle", [[0, math.atan(1 / 2)], [0, math.atan(3 / 4)]]),
        ("log", [[math.log(3), math.log(5) / 2], [math.log(7), math.log(5)]]),
    ],
)
def test_modes(mode, frames):
    """The step is half a frame by default, so 2 is given for frames that do not overlap."""
    assert stft(mode, frame_step=2)[0] == pytest.approx(np.array(frames))


def test_the_default_step_is_half_a_frame():
    assert stft("real")[0].tolist() == [[3, 2], [5, 3], [7, 4]]


def test_psd_doubles_the_inner_bins():
    kernels = {"real_kernel": np.array([[[1.0, 1, 1]], [[0, 0, 0]]]), "imag_kernel": np.zeros((2, 1, 3))}
    assert stft("psd", kernels=kernels, frame_step=2).tolist() == [[[1, 2, 1], [9, 18, 9]]]


def test_channels_first_has_time_last_and_expand_dims_parts_bins_from_channels():
    first = stft("real", np.swapaxes(SOUND, 1, 2), frame_step=2, data_format="channels_first")
    assert first.tolist() == [[[3, 7], [2, 4]]]
    assert stft("real", frame_step=2, expand_dims=True).tolist() == [[[[3], [2]], [[7], [4]]]]


def test_mel_weights_are_a_triangle_and_none_for_the_lowest_bin():
    assert mel(np.array(700.0)) == pytest.approx(1127 * math.log(2))
    assert mel_matrix(OCTAVES, 2, np.array(1.0)).tolist() == [[0], [pytest.approx(1)]]
    wide = {**OCTAVES, "sampling_rate": 1400 * (math.e**2 - 1)}
    assert mel_matrix(wide, 3, np.array(1.0)).ravel() == pytest.approx([0, 2 - math.log((1 + math.e**2) / 2), 0])


def test_mel_spectrogram_reflects_half_a_frame_and_cuts_below_the_loudest():
    """Reflected, 1 2 3 is 2 1 2 3 2; the window [0, 1] leaves 1 of the frame (2, 1) and 3 of (2, 3)."""
    config = {**OCTAVES, "fft_length": 2, "sequence_stride": 2}
    x = np.array([[1.0, 2.0, 3.0]])
    spectrogram = semantics("keras", "MelSpectrogram")
    assert spectrogram({**config, "power_to_db": False}, {}, x)[0] == pytest.approx(np.array([[1, 9]]))
    assert spectrogram({**config, "power_to_db": False, "mag_exp": 1.0}, {}, x)[0] == pytest.approx(np.array([[1, 3]]))
    assert spectrogram(config, {}, x)[0] == pytest.approx(np.array([[0, 9.542425094393248]]))
    assert spectrogram({**config, "top_db": 5.0}, {}, x)[0] == pytest.approx(
        np.array([[4.542425094393248, 9.542425094393248]])
    )


def test_mel_spectrogram_reflects_at_both_ends():
    """The Hamming window of two is 0.08 and 1; the frames are 21, 12, 23 and 32, and the last bin is a difference."""
    config = {**OCTAVES, "fft_length": 2, "sequence_stride": 1, "window": "hamming", "power_to_db": False}
    y = semantics("keras", "MelSpectrogram")({**config, "mag_exp": 1.0}, {}, np.array([[1.0, 2.0, 3.0]]))
    assert y[0] == pytest.approx(np.array([[1 - 0.16, 2 - 0.08, 3 - 0.16, 2 - 0.24]]))
