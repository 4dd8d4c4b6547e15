"""Normalisation at inference, and scaling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.models.keras_program.writers import Part, Site, Unwritten, around, axes_of, layer, real
from harness.spec import Array


@layer("BatchNormalization")
def _batch_norm(site: Site) -> Part:
    config, weights = site.config, site.weights
    mean = weights["moving_mean"]
    (axis,) = axes_of(config)
    state = {
        "weight": weights.get("gamma", np.ones_like(mean)),
        "bias": weights.get("beta", np.zeros_like(mean)),
        "running_mean": mean,
        "running_var": weights["moving_variance"],
        "num_batches_tracked": np.zeros((), np.int64),
    }
    momentum = round(1.0 - float(real(config, "momentum", 0.99)), 9)  # PyTorch's is the share of the new batch
    return Part(f"BatchNorm({mean.size}, {axis}, eps={real(config, 'epsilon', 1e-3)}, momentum={momentum})", state)


def _scaled(weights: Mapping[str, Array]) -> dict[str, Array]:
    names = {"gamma": "weight", "beta": "bias"}
    return {ours: weights[theirs] for theirs, ours in names.items() if theirs in weights}


@layer("LayerNormalization")
def _layer_norm(site: Site) -> Part:
    config, axes, state = site.config, axes_of(site.config), _scaled(site.weights)
    if config.get("rms_scaling"):
        raise Unwritten("rms_scaling")
    if not axes:
        raise Unwritten("no axis")
    epsilon = real(config, "epsilon", 1e-3)
    if axes == [-1] and "weight" in state:
        text = f"nn.LayerNorm({state['weight'].size}, eps={epsilon}, bias={'bias' in state})"
    else:
        shapes = "".join(f", {name}={value.shape}" for name, value in state.items())
        text = f"AxesLayerNorm({tuple(axes)}, {epsilon}{shapes})"
    return Part(text, state)


@layer("GroupNormalization")
def _group_norm(site: Site) -> Part:
    state, groups = _scaled(site.weights), site.config.get("groups", 32)
    if not state:
        raise Unwritten("neither center nor scale")
    size = next(iter(state.values())).size
    (axis,) = axes_of(site.config)
    full = {"weight": np.ones(size, np.float32), "bias": np.zeros(size, np.float32)} | state
    text = f"nn.GroupNorm({size if groups == -1 else int(groups)}, {size}, eps={real(site.config, 'epsilon', 1e-3)})"
    return around(f"ChannelsLast({{}}, {axis})", Part(text, full))


@layer("Rescaling")
def _rescaling(site: Site) -> Part:
    values = {name: np.asarray(site.config.get(name, 0.0), np.float32) for name in ("scale", "offset")}
    return Part(f"Affine({values['scale'].shape}, {values['offset'].shape})", values)


@layer("Normalization")
def _normalization(site: Site) -> Part:
    """Mean and variance are weights of a layer that was adapted to data, otherwise arguments."""
    mean, variance = (
        np.asarray(site.weights[name] if name in site.weights else site.config[name], np.float64)
        for name in ("mean", "variance")
    )
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    axes = () if site.config.get("axis", -1) is None else tuple(axes_of(site.config))
    invert = ", invert=True" * bool(site.config.get("invert", False))
    size = [n for n in mean.shape if n > 1] if mean.ndim > len(axes) else mean.shape
    state = {"mean": mean.reshape(size), "deviation": deviation.reshape(size)}
    return Part(f"Standardize({axes}, {tuple(size)}{invert})", state)


@layer("LayerScale")
def _layer_scale(site: Site) -> Part:
    gamma = site.weights["variable"]
    return Part(f"Affine({gamma.shape}, ())", {"scale": gamma, "offset": np.zeros((), np.float32)})
