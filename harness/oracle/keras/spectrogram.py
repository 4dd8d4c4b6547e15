"""Spectrograms: https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.conv import convolve
from harness.spec import Array, Config

EPSILON = 1e-7
"""`keras.config.epsilon()`."""


@oracle("keras", "STFTSpectrogram")
def stft_spectrogram(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Convolves each channel with the kernels of the real and the imaginary part, frame by frame.

    https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/stft_spectrogram/. The kernels are weights,
    so `window`, `periodic` and `scaling` affect only their initial values. `psd` doubles every bin except the first
    and the last.
    """
    last = config.get("data_format") != "channels_first"
    sound = np.swapaxes(x, 1, 2) if last else x  # batch, channels, time
    step = config.get("frame_step") or config["frame_length"] // 2
    flat = sound.reshape(sound.shape[0] * sound.shape[1], sound.shape[2], 1)
    how = {"strides": step, "padding": config.get("padding", "valid")}
    parts = {}
    for name in ("real_kernel", "imag_kernel"):
        if name in weights:
            y = convolve(how, flat, weights[name])
            parts[name] = np.moveaxis(y.reshape(*sound.shape[:2], *y.shape[1:]), 3, 2)  # bins before time
    mode = config.get("mode", "log")
    if mode in ("real", "imag"):
        result = parts[f"{mode}_kernel"]
    elif mode == "angle":
        result = np.arctan2(parts["imag_kernel"], parts["real_kernel"])
    elif mode == "stft":
        result = np.concatenate([parts["real_kernel"], parts["imag_kernel"]], axis=2)
    else:
        power = np.square(parts["real_kernel"]) + np.square(parts["imag_kernel"])
        if mode == "psd":
            twice = np.ones((power.shape[2], 1))
            twice[1:-1] = 2.0
            result = power * twice
        else:
            result = np.sqrt(np.maximum(power, EPSILON))
            result = result if mode == "magnitude" else np.log(np.maximum(result, EPSILON))
    if config.get("expand_dims", False):
        return np.transpose(result, (0, 3, 2, 1) if last else (0, 1, 3, 2))
    joined = result.reshape(result.shape[0], result.shape[1] * result.shape[2], result.shape[3])
    return np.swapaxes(joined, 1, 2) if last else joined


def mel(hertz: Array) -> Array:
    """`1127 * log(1 + f / 700)`: https://en.wikipedia.org/wiki/Mel_scale."""
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def mel_matrix(config: Config, bins: int, one: Array) -> Array:
    """(bins, mel bins) weights: triangles over the mel scale with peaks of 1; the lowest bin has no weight.

    `one` is the number one. As a noisy array it brings in the rounding of this matrix, which implementations compute
    in float32.
    """
    rate, count = float(config.get("sampling_rate", 16000)), config.get("num_mel_bins", 128)
    top = config.get("max_freq") or rate / 2
    places = mel(np.linspace(0.0, rate / 2, bins)[1:] * one)[:, None]
    low, high = mel(config.get("min_freq", 20.0) * one), mel(float(top) * one)
    edges = low + (high - low) * np.arange(count + 2) / (count + 1)
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    return np.concatenate([np.zeros((1, count)), np.maximum(np.minimum(rising, falling), 0.0)])


@oracle("keras", "MelSpectrogram")
def mel_spectrogram(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Magnitudes of a centred short-time Fourier transform to the power `mag_exp`, in mel bands and decibels.

    https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/mel_spectrogram/. Half a frame of the signal
    is reflected at either end. The window is periodic and in the middle of the frame. The least output is `top_db`
    decibels below the loudest value of the whole batch.
    """
    size = config.get("fft_length", 2048)
    step = config.get("sequence_stride", 512)
    length = config.get("sequence_length") or size
    padded = np.concatenate([x[..., size // 2 : 0 : -1], x, x[..., -2 : -size // 2 - 2 : -1]], axis=-1)
    count = 1 + (padded.shape[-1] - size) // step
    frames = np.stack([padded[..., k * step : k * step + size] for k in range(count)], axis=-2)
    before = (size - length) // 2
    window = np.zeros(size)
    shape = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}[config.get("window", "hann")]
    window[before : before + length] = shape[0] - shape[1] * np.cos(2 * np.pi * np.arange(length) / length)
    angle = 2 * np.pi * np.outer(np.arange(size), np.arange(size // 2 + 1)) / size
    seen = frames * window
    power = np.square(np.matmul(seen, np.cos(angle))) + np.square(np.matmul(seen, -np.sin(angle)))
    strength = np.sqrt(power) ** config.get("mag_exp", 2.0)
    one = np.exp(0.0 * np.add.reduce(x, axis=None))
    bands = np.matmul(strength, mel_matrix(config, size // 2 + 1, one))
    if config.get("power_to_db", True):
        least = config.get("min_power", 1e-10)
        bands = 10.0 * np.log10(np.maximum(bands, least))
        bands = bands - 10.0 * np.log10(max(abs(config.get("ref_power", 1.0)), least))
        bands = np.maximum(bands, np.maximum.reduce(bands, axis=None) - config.get("top_db", 80.0))
    return np.swapaxes(bands, -1, -2)
