"""Layers of MatConvNet, by the types of SimpleNN; a DagNN has four more. Each is read from the `Fields` of its struct.

Semantics are from the function and block that each is named after: https://www.vlfeat.org/matconvnet/functions/.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.matlab.layers.kind import MATCONVNET, Read, Unsupported, register
from harness.matlab.readers.fields import Fields, SimpleNNError, restored
from harness.matlab.torch.writers import (
    Module,
    Site,
    constant,
    convolution_text,
    filter_bank,
    pool_text,
    sides,
    softmax,
    transposed_text,
    window_norm_text,
)
from harness.spec import Array

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import functional as F

layer = partial(register, MATCONVNET)
NO_BORDER = (0, 0, 0, 0)
WINDOW = (5, 1, 0.0001 / 5, 0.75)
"""N, kappa, alpha and beta of a normalisation across channels that does not say."""


def _bank(fields: Fields, outputs_axis: int, groups: int = 1) -> dict[str, Array]:
    filters, biases, _ = fields.weights()[:3]
    if filters is None or filters.ndim > 4:
        raise fields.fault("weights", "a filter bank of at most four dimensions, then biases or []")
    filters = restored(filters, 4)
    if biases is None:
        return {"filters": filters}
    if biases.size != filters.shape[outputs_axis] * groups:
        raise fields.fault("weights", f"{filters.shape[outputs_axis] * groups} biases", came=f"{biases.size}")
    return {"filters": filters, "biases": biases.ravel(order="F")}


def _bank_state(site: Site) -> dict[str, Array]:
    biases = {"bias": site.weights["biases"]} if "biases" in site.weights else {}
    return {"weight": filter_bank(site.weights["filters"]), **biases}


def _read_conv(fields: Fields) -> Read:
    config = {
        "pad": fields.whole("pad", 4, 0, least=0),
        "stride": fields.whole("stride", 2, 1),
        "dilate": fields.whole("dilate", 2, 1),
    }
    return config, _bank(fields, 3)


@layer("conv", read=_read_conv, axes={"filters": ("hwcf",), "biases": ("f",)})
def conv(site: Site) -> Module:
    """`nn.Conv2d`, or `Convolution` where pads differ by side."""
    c, state = site.config, _bank_state(site)
    stride, dilation, pads = c.get("stride", (1, 1)), c.get("dilate", (1, 1)), sides(c.get("pad", NO_BORDER))
    text = convolution_text(state["weight"], stride, dilation, pads, groups=site.groups, bias="bias" in state)
    return Module(text, state)


def _read_convt(fields: Fields) -> Read:
    groups = fields.whole("numGroups", 1, 1)[0]
    config = {
        "upsample": fields.whole("upsample", 2, 1),
        "crop": fields.whole("crop", 4, 0, least=0),
        "numGroups": groups,
    }
    return config, _bank(fields, 2, groups)


@layer("convt", read=_read_convt, axes={"filters": ("hwfc",), "biases": ("f",)})
def convt(site: Site) -> Module:
    """`nn.ConvTranspose2d`, or `TransposedConvolution` where crops differ by side."""
    c, state = site.config, _bank_state(site)
    crops = sides(c.get("crop", NO_BORDER))
    text = transposed_text(state["weight"], c.get("upsample", (1, 1)), crops, site.groups, "bias" in state)
    return Module(text, state)


def _read_pool(fields: Fields) -> Read:
    method = fields.text("method", "max")
    if method not in ("max", "avg"):
        raise fields.fault("method", "'max' or 'avg'", came=repr(method))
    config = {
        "method": method,
        "pool": fields.whole("pool", 2),
        "stride": fields.whole("stride", 2, 1),
        "pad": fields.whole("pad", 4, 0, least=0),
    }
    return config, {}


@layer("pool", read=_read_pool)
def pool(site: Site) -> Module:
    """`nn.MaxPool2d` or `nn.AvgPool2d`, or `Pool`; averages leave padding out of the divisor."""
    c = site.config
    how = "max" if c.get("method", "max") == "max" else "inside"
    return Module(pool_text(how, c["pool"], c.get("stride", (1, 1)), sides(c.get("pad", NO_BORDER))))


def _read_bnorm(fields: Fields) -> Read:
    """Where the moments are absent, tidy puts zeros there, and the network divides by zero: that is no conversion."""
    multipliers, biases, moments = fields.weights()[:3]
    if moments is None and fields.get("moments") is not None:
        moments = fields.single("moments", fields.get("moments"))
    if multipliers is None or biases is None or biases.size != multipliers.size:
        raise fields.fault("weights", "multipliers and as many biases")
    if moments is None or moments.shape != (multipliers.size, 2):
        raise fields.fault(
            "weights", f"the moments [mu sigma] of training, {multipliers.size} x 2, as its third element"
        )
    arrays = {"multipliers": multipliers.ravel(order="F"), "biases": biases.ravel(order="F"), "moments": moments}
    return {"epsilon": fields.numbers("epsilon", (1,), (1e-5,))[0]}, arrays


@layer("bnorm", read=_read_bnorm, axes={"multipliers": ("c",), "biases": ("c",), "moments": ("cm",)})
def bnorm(site: Site) -> Module:
    """`MomentsNorm`: sigma is a deviation that has epsilon in it already."""
    weights, moments = site.weights, site.weights["moments"]
    state = {
        "weight": weights["multipliers"],
        "bias": weights["biases"],
        "mean": moments[:, 0],
        "sigma": moments[:, 1],
    }
    return Module(f"MomentsNorm({moments.shape[0]})", state)


def _read_lrn(fields: Fields) -> Read:
    size, *rest = fields.numbers("param", (4,), WINDOW)
    if size != int(size) or size < 1:
        raise fields.fault("param", "[N kappa alpha beta] with a whole window N", came=f"{size:g}")
    return {"param": [int(size), *rest]}, {}


@layer("lrn", read=_read_lrn)
def lrn(site: Site) -> Module:
    """`nn.LocalResponseNorm`, or `ChannelWindowNorm` for windows of an even number of channels."""
    size, kappa, alpha, beta = site.config.get("param", WINDOW)
    return Module(window_norm_text(int(size), kappa, alpha, beta))


def _one(name: str, default: float) -> Any:
    """The reader of a layer with one number as its option."""
    return lambda fields: ({name: fields.numbers(name, (1,), (default,))[0]}, {})


@layer("relu", read=_one("leak", 0))
def relu(site: Site) -> Module:
    """`nn.LeakyReLU` where there is a leak."""
    return Module(f"nn.LeakyReLU({site.config['leak']})" if site.config.get("leak") else "nn.ReLU()")


@layer("dropout", read=_one("rate", 0.5))
def dropout(site: Site) -> Module:
    """PyTorch's, which does nothing in evaluation mode."""
    return Module(f"nn.Dropout({site.config.get('rate', 0.5)})")


layer("softmax")(softmax)
layer("sigmoid")(constant("nn.Sigmoid()"))

# --- layers that FFDNet adds (https://github.com/cszn/FFDNet) ----------------------------------------------------


def _read_subp(fields: Fields) -> Read:
    scale = fields.numbers("scale", (1,), (2,))[0]
    block = scale if scale >= 1 else 1 / scale if scale > 0 else 0
    if block < 1 or abs(block - round(block)) > 1e-6:
        raise fields.fault("scale", "a whole number, or 1 divided by one", came=f"{scale:g}")
    return {"scale": round(block) if scale >= 1 else 1 / round(block)}, {}


def sub_pixel(scale: float) -> Callable[[Tensor], Tensor]:
    """Channels to pixels, rows first within a block; for 1/scale pixels to channels."""

    def moved(x: Tensor) -> Tensor:
        y = x.transpose(2, 3)
        y = F.pixel_shuffle(y, int(scale)) if scale >= 1 else F.pixel_unshuffle(y, round(1 / scale))
        return y.transpose(2, 3)

    return moved


@layer("subp", read=_read_subp)
def subp(site: Site) -> Module:
    """PyTorch's has columns first within a block: the image is turned before and after."""
    return Module(f"Call(sub_pixel({site.config['scale']}))", functions=(sub_pixel,))


def spread(x: Tensor, values: Tensor) -> Tensor:
    """Each value over a plane of the size of an image."""
    return values[:, :, None, None].expand(-1, -1, *x.shape[2:])


layer("spread")(lambda site: Module("Call(spread)", functions=(spread,)))

# --- layers of a DagNN only --------------------------------------------------------------------------------------

layer("sum")(constant("Add()"))


def _read_concat(fields: Fields) -> Read:
    dim = fields.whole("dim", 1, 3)[0]
    if dim != 3:
        raise Unsupported(f"dim = {dim}")
    return {}, {}


layer("concat", read=_read_concat)(constant("Concatenate(1)"))


def _read_scale(fields: Fields) -> Read:
    """Multipliers and biases, one for each channel; a factor from another layer is not supported."""
    stored = fields.get("weights") or ()
    expected = 1 if fields.flag("hasBias") is False else 2
    if len(stored) != expected:
        raise Unsupported(f"{len(stored)} parameters, expected {expected}")
    arrays = [fields.single("weights", value) for value in stored]
    for array in arrays:
        if array.size != (array.shape[2] if array.ndim > 2 else 1):
            raise Unsupported(f"a factor of size {list(array.shape)}, expected one per channel")
    channels = max(array.size for array in arrays)
    if any(array.size not in (1, channels) for array in arrays):
        raise SimpleNNError(
            "factors and biases differ in number",
            where=fields.place,
            expected="one of each for each channel",
            came=f"{arrays[0].size} factors, {arrays[1].size} biases",
        )
    names = ("multipliers", "biases")
    return {}, {name: np.resize(array.ravel(), channels) for name, array in zip(names, arrays, strict=False)}


@layer("scale", read=_read_scale, axes={"multipliers": ("c",), "biases": ("c",)})
def scale(site: Site) -> Module:
    """`Scale`, with a bias or without."""
    biases = {"bias": site.weights["biases"]} if "biases" in site.weights else {}
    multipliers = site.weights["multipliers"]
    return Module(f"Scale({multipliers.size}, bias={bool(biases)})", {"weight": multipliers, **biases})


def _read_crop(fields: Fields) -> Read:
    return {"crop": fields.whole("crop", 2, 0, least=0)}, {}


@layer("crop", read=_read_crop)
def crop(site: Site) -> Module:
    """`Crop`: [top left] comes off first."""
    top, left = site.config["crop"]
    return Module(f"Crop(({top}, {left}))")
