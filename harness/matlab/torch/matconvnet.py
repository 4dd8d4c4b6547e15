"""Writers of MatConvNet's layers: `harness.matlab.torch.writers`."""

from __future__ import annotations

from collections.abc import Mapping

from harness.matlab.torch.writers import (
    Module,
    Site,
    Writer,
    constant,
    convolution_text,
    filter_bank,
    pairs,
    pool_text,
    softmax,
    transposed_text,
    window_norm_text,
)
from harness.oracle.matlab.shapes import as_sides


def _conv(site: Site) -> Module:
    c, bank = site.config, filter_bank(site.weights["filters"])
    pads = pairs(as_sides(c.get("pad", (0, 0, 0, 0))))
    bias = "biases" in site.weights
    text = convolution_text(bank, c.get("stride", (1, 1)), c.get("dilate", (1, 1)), pads, groups=site.groups, bias=bias)
    return Module(text, {"weight": bank, **({"bias": site.weights["biases"]} if bias else {})})


def _convt(site: Site) -> Module:
    c, bank = site.config, filter_bank(site.weights["filters"])
    crops = pairs(as_sides(c.get("crop", (0, 0, 0, 0))))
    bias = "biases" in site.weights
    text = transposed_text(bank, c.get("upsample", (1, 1)), crops, site.groups, bias)
    return Module(text, {"weight": bank, **({"bias": site.weights["biases"]} if bias else {})})


def _pool(site: Site) -> Module:
    c = site.config
    how = "max" if c.get("method", "max") == "max" else "inside"
    return Module(pool_text(how, c["pool"], c.get("stride", (1, 1)), pairs(as_sides(c.get("pad", (0, 0, 0, 0))))))


def _bnorm(site: Site) -> Module:
    own, moments = site.weights, site.weights["moments"]
    columns = {"weight": own["multipliers"], "bias": own["biases"], "mean": moments[:, 0], "sigma": moments[:, 1]}
    return Module(f"MomentsNorm({moments.shape[0]})", columns)


def _lrn(site: Site) -> Module:
    size, kappa, alpha, beta = site.config.get("param", (5, 1, 0.0001 / 5, 0.75))
    return Module(window_norm_text(int(size), kappa, alpha, beta))


def _relu(site: Site) -> Module:
    return Module(f"nn.LeakyReLU({site.config['leak']})" if site.config.get("leak") else "nn.ReLU()")


def _scale(site: Site) -> Module:
    own = site.weights
    bias = {"bias": own["biases"]} if "biases" in own else {}
    return Module(f"Scale({own['multipliers'].size}, bias={bool(bias)})", {"weight": own["multipliers"], **bias})


def _crop(site: Site) -> Module:
    top, left = site.config["crop"]
    return Module(f"Crop(({top}, {left}))")


WRITERS: Mapping[str, Writer] = {
    "conv": _conv,
    "convt": _convt,
    "pool": _pool,
    "bnorm": _bnorm,
    "lrn": _lrn,
    "relu": _relu,
    "softmax": softmax,
    "sigmoid": constant("nn.Sigmoid()"),
    "dropout": lambda site: Module(f"nn.Dropout({site.config.get('rate', 0.5)})"),
    "sum": constant("Add()"),
    "concat": constant("Concatenate(1)"),
    "scale": _scale,
    "crop": _crop,
}
