"""STFTSpectrogram and MelSpectrogram, with frames of a few samples."""

from __future__ import annotations

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, explicit, row, rule, single


@row(
    "keras",
    "STFTSpectrogram",
    axes={
        "mode": ("default", "magnitude", "psd", "real", "imag", "angle", "stft"),
        "frame_length": (4, 5, 8),
        "frame_step": ("default", 1, 3),
        "fft_length": ("default", 16),
        "padding": ("default", "same"),
        "expand_dims": ("default", True),
        "data_format": ("default", "channels_first"),
        "channels": (1, 2),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread"),
    second_batches=SOME,
    per_axis=4,
)
def stft_spectrogram(choice: Choice, fill: Chooser) -> Draft:
    """Kernels are drawn as any weights are: what `window`, `periodic` and `scaling` start them from is gone."""
    length, channels = choice["frame_length"], choice["channels"]
    wide = {4: 4, 5: 8, 8: 8}[length] if choice["fft_length"] == "default" else choice["fft_length"]
    names = {"real": ["real_kernel"], "imag": ["imag_kernel"]}.get(choice["mode"], ["real_kernel", "imag_kernel"])
    time = fill.pick((13, 17))
    first = choice["data_format"] == "channels_first"
    return single(
        "keras",
        "STFTSpectrogram",
        {
            "frame_length": length,
            **explicit(choice, "mode", "frame_step", "fft_length", "padding", "expand_dims", "data_format"),
        },
        [(channels, time) if first else (time, channels)],
        weights={name: Weight((length, 1, wide // 2 + 1), "kernel", fan_in=length) for name in names},
        batch=choice["batch"],
        channel_axis=1 if first else -1,
    )


@row(
    "keras",
    "MelSpectrogram",
    axes={
        "fft_length": (16, 8),
        "sequence_stride": (4, 8),
        "sequence_length": ("default", 6),
        "window": ("default", "hamming"),
        "sampling_rate": ("default", 8000),
        "num_mel_bins": (4, 3),
        "min_freq": ("default", 100.0),
        "max_freq": ("default", 3000.0),
        "power_to_db": ("default", False),
        "top_db": ("default", 20.0),
        "mag_exp": ("default", 1.0),
        "min_power": ("default", 1e-3),
        "ref_power": ("default", 2.5),
        "batch": (2, 1, 3),
    },
    profiles=("main", "small"),
    rules=[
        rule("power_to_db", "top_db", "min_power", "ref_power", reason="these are of decibels")(
            lambda decibels, top, least, reference: (
                decibels == "default" or (top == "default" and least == "default" and reference == "default")
            )
        )
    ],
    second_batches=SOME,
    per_axis=2,
)
def mel_spectrogram(choice: Choice, fill: Chooser) -> Draft:
    """`top_db` cuts relative to the loudest place of the whole batch: samples are not independent."""
    names = ("sequence_length", "window", "sampling_rate", "min_freq", "max_freq", "power_to_db", "top_db", "mag_exp")
    config = {
        **{name: choice[name] for name in ("fft_length", "sequence_stride", "num_mel_bins")},
        **explicit(choice, *names, "min_power", "ref_power"),
    }
    return single("keras", "MelSpectrogram", config, [(fill.pick((24, 31)),)], batch=choice["batch"])
