"""Dense layers, embeddings and convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.matlab.torch.writers import Sides, convolution_text, filter_bank, transposed_text
from harness.models.keras_program.activation import activated
from harness.models.keras_program.writers import Part, Site, Unwritten, around, layer, many
from harness.spec import Array, Config


def linear(kernel: Array, bias: Array | None) -> Part:
    """`nn.Linear` of a kernel of inputs x outputs."""
    state = {"weight": kernel.T} | ({} if bias is None else {"bias": bias})
    without = ", bias=False" * (bias is None)
    return Part(f"nn.Linear({kernel.shape[0]}, {kernel.shape[1]}{without})", state)


@layer("Dense")
def _dense(site: Site) -> Part:
    return activated(site.config, linear(site.weights["kernel"], site.weights.get("bias")))


@layer("Embedding")
def _embedding(site: Site) -> Part:
    table = site.weights["embeddings"]
    return Part(f"Lookup({table.shape[0]}, {table.shape[1]})", {"weight": table})


def pads(config: Config, size: Sequence[int], dilation: Sequence[int]) -> Sides | None:
    """None for `same`, which depends on the input."""
    mode = config.get("padding", "valid")
    if mode == "same":
        return None
    if mode == "causal":
        return tuple(((k - 1) * d, 0) for k, d in zip(size, dilation, strict=True))
    if mode != "valid":
        raise Unwritten(f"padding {mode!r}")
    return ((0, 0),) * len(size)


def spatial(text: str, state: Mapping[str, Array], axes: int) -> Part:
    """A module over images with the channels last; those over steps have them there already."""
    inner = Part(text, state)
    return inner if axes == 1 else around("ChannelsLast({})", inner)


def _convolved(config: Config, kernel: Array, bias: Array | None, groups: int) -> Part:
    """`kernel` is spatial x C / groups x F."""
    axes = kernel.ndim - 2
    bank, dilation = filter_bank(kernel), many(config, "dilation_rate", axes)
    text = convolution_text(
        bank,
        many(config, "strides", axes),
        dilation,
        pads(config, bank.shape[2:], dilation),
        groups=groups,
        bias=bias is not None,
    )
    return spatial(text, {"weight": bank} | ({} if bias is None else {"bias": bias}), axes)


@layer("Conv1D", "Conv2D", "Conv3D")
def _convolution(site: Site) -> Part:
    config, weights = site.config, site.weights
    whole = _convolved(config, weights["kernel"], weights.get("bias"), int(config.get("groups", 1)))
    return activated(config, whole)


def _each_channel(config: Config, kernel: Array, bias: Array | None) -> Part:
    """`kernel` is spatial x C x multiplier: a convolution with as many groups as channels."""
    channels, multiplier = kernel.shape[-2:]
    return _convolved(config, kernel.reshape(*kernel.shape[:-2], 1, channels * multiplier), bias, channels)


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(site: Site) -> Part:
    return activated(site.config, _each_channel(site.config, site.weights["kernel"], site.weights.get("bias")))


@layer("SeparableConv1D", "SeparableConv2D")
def _separable(site: Site) -> Part:
    weights = site.weights
    deep = _each_channel(site.config, weights["depthwise_kernel"], None)
    return activated(site.config, deep, _convolved({}, weights["pointwise_kernel"], weights.get("bias"), 1))


@layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def _transposed(site: Site) -> Part:
    config, kernel, bias = site.config, site.weights["kernel"], site.weights.get("bias")
    axes = kernel.ndim - 2
    strides = many(config, "strides", axes)
    if config.get("output_padding") is not None or set(many(config, "dilation_rate", axes)) != {1}:
        raise Unwritten("output_padding or dilation")
    if config.get("groups", 1) != 1:
        raise Unwritten("groups")
    valid = pads(config, kernel.shape[:axes], (1,) * axes) is not None
    # Keras makes the output as long as the strides where they are longer than the kernel
    crops = tuple((0, min(0, k - s)) for k, s in zip(kernel.shape, strides, strict=False)) if valid else None
    bank = filter_bank(kernel)
    text = transposed_text(bank, strides, crops, 1, bias is not None)
    return activated(config, spatial(text, {"weight": bank} | ({} if bias is None else {"bias": bias}), axes))
