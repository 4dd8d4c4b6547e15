"""Activations: functions by name, and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.models.keras_program.writers import Part, Site, Unwritten, axes_of, chain, layer, real, text_of, wrapped
from harness.spec import Config

ACTIVATIONS: Mapping[str, str] = {
    "relu": "nn.ReLU()",
    "relu6": "nn.ReLU6()",
    "leaky_relu": "nn.LeakyReLU(0.2)",
    "elu": "nn.ELU()",
    "celu": "nn.CELU()",
    "selu": "nn.SELU()",
    "exponential": "Exponential()",
    "tanh": "nn.Tanh()",
    "tanh_shrink": "nn.Tanhshrink()",
    "sigmoid": "nn.Sigmoid()",
    "log_sigmoid": "nn.LogSigmoid()",
    "silu": "nn.SiLU()",
    "swish": "nn.SiLU()",
    "gelu": "nn.GELU()",
    "softplus": "nn.Softplus()",
    "mish": "nn.Mish()",
    "softsign": "nn.Softsign()",
    "hard_sigmoid": "nn.Hardsigmoid()",
    "hard_silu": "nn.Hardswish()",
    "hard_swish": "nn.Hardswish()",
    "hard_tanh": "nn.Hardtanh()",
    "hard_shrink": "nn.Hardshrink()",
    "soft_shrink": "nn.Softshrink()",
    "softmax": "nn.Softmax(-1)",
    "log_softmax": "nn.LogSoftmax(-1)",
    "glu": "nn.GLU(-1)",
}
"""Functions of keras.activations at their default arguments."""


def activation(value: Any) -> list[Part]:
    """The activation of a layer, none where it is linear: the name of a function, or a layer."""
    if value in (None, "linear"):
        return []
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return [wrapped(value, {})]
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise Unwritten(f"activation {value!r}")
    return [Part(ACTIVATIONS[value])]


def activated(config: Config, *parts: Part) -> Part:
    """Modules one after the other, and the activation of the layer behind them."""
    return chain(*parts, *activation(config.get("activation")))


@layer("Activation")
def _activation_layer(site: Site) -> Part:
    return chain(*(activation(site.config["activation"]) or [Part("nn.Identity()")]))


@layer("ReLU")
def _relu(site: Site) -> Part:
    most = site.config.get("max_value")
    slope, threshold = (real(site.config, name, 0.0) for name in ("negative_slope", "threshold"))
    if float(slope) == float(threshold) == 0.0 and most in (None, 6.0):
        return Part("nn.ReLU()" if most is None else "nn.ReLU6()")
    return Part(f"BoundedReLU({most if most is None else text_of('max_value', most)}, {slope}, {threshold})")


@layer("PReLU")
def _prelu(site: Site) -> Part:
    return Part(f"Slopes({site.weights['alpha'].shape})", {"weight": site.weights["alpha"]})


@layer("LeakyReLU")
def _leaky_relu(site: Site) -> Part:
    return Part(f"nn.LeakyReLU({real(site.config, 'negative_slope', 0.3)})")


@layer("ELU")
def _elu(site: Site) -> Part:
    return Part(f"nn.ELU({real(site.config, 'alpha', 1.0)})")


@layer("Softmax")
def _softmax(site: Site) -> Part:
    axes = axes_of(site.config)
    if site.masked or len(axes) > 1:
        raise Unwritten("mask" if site.masked else f"axes {axes}")
    return Part(f"nn.Softmax({axes[0]})")
