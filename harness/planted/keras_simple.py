"""Faults of converters that misread an activation, or a layer that moves, looks up or encodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.keras_edit import KerasFault, assign


class MaximumDropped(KerasFault):
    """ReLU without its `max_value`."""

    name = "planted-relu-maximum-dropped"
    layers = ("ReLU",)

    def misread(self, layer: Any) -> None:
        layer.max_value = None


class ThresholdDropped(KerasFault):
    """ReLU without its threshold."""

    name = "planted-relu-threshold-dropped"
    layers = ("ReLU",)

    def misread(self, layer: Any) -> None:
        layer.threshold = 0.0


class ReluSlopeDropped(KerasFault):
    """ReLU without its negative slope."""

    name = "planted-relu-slope-dropped"
    layers = ("ReLU",)

    def misread(self, layer: Any) -> None:
        layer.negative_slope = 0.0


class SlopeFromZero(KerasFault):
    """ReLU whose negative slope begins at zero instead of at the threshold."""

    name = "planted-relu-slope-from-zero"
    layers = ("ReLU",)

    def misread(self, layer: Any) -> None:
        import keras

        slope, threshold, most = layer.negative_slope, layer.threshold, layer.max_value

        def call(x: Any) -> Any:
            above = x if most is None else keras.ops.minimum(x, most)
            return keras.ops.where(x >= threshold, above, slope * x)

        if slope and threshold:
            layer.call = call


class AlphaDefault(KerasFault):
    """ELU with an alpha of 1."""

    name = "planted-elu-alpha-default"
    layers = ("ELU",)

    def misread(self, layer: Any) -> None:
        layer.alpha = 1.0


class SlopesAlongAnotherAxis(KerasFault):
    """PReLU whose slopes for equal axes are laid out transposed."""

    name = "planted-prelu-transposed"
    layers = ("PReLU",)

    def misread(self, layer: Any) -> None:
        shape = layer.alpha.shape
        for axis in range(len(shape) - 1):
            if shape[axis] == shape[-1] > 1:
                assign(layer.alpha, lambda a, k=axis: a.swapaxes(k, -1))  # type: ignore[misc]
                return


class SlopesShared(KerasFault):
    """PReLU with one slope for all: the first."""

    name = "planted-prelu-first-slope"
    layers = ("PReLU",)

    def misread(self, layer: Any) -> None:
        assign(layer.alpha, lambda a: np.full_like(a, a.flat[0]))


class HardSigmoidOld(KerasFault):
    """Hard sigmoid with the slope of Keras 2, a fifth."""

    name = "planted-hard-sigmoid-slope"
    layers = ("Activation",)

    def misread(self, layer: Any) -> None:
        import keras

        if layer.activation is keras.activations.hard_sigmoid:
            layer.activation = lambda x: keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


class SiluHard(KerasFault):
    """Silu replaced by the piecewise linear hard silu."""

    # gelu by tanh is planted on the MATLAB path: the released tf2onnx writes no exact gelu that could be spoilt here
    name = "planted-silu-hard"
    layers = ("Activation",)

    def misread(self, layer: Any) -> None:
        import keras

        if layer.activation is keras.activations.silu:
            layer.activation = keras.activations.hard_silu


class DenseFlattens(KerasFault):
    """Dense that flattens an input of rank 3 or more first."""

    name = "planted-dense-flattens"
    layers = ("Dense",)

    def misread(self, layer: Any) -> None:
        import keras

        call = layer.call
        layer.call = lambda x, **rest: call(keras.ops.reshape(x, (-1, int(np.prod(x.shape[1:])))), **rest)


class DenseFirstAxis(KerasFault):
    """Dense over axis 1 instead of the last."""

    name = "planted-dense-first-axis"
    layers = ("Dense",)

    def misread(self, layer: Any) -> None:
        import keras

        call = layer.call
        layer.call = lambda x, **rest: keras.ops.swapaxes(call(keras.ops.swapaxes(x, 1, -1), **rest), 1, -1)


class FlattenOrder(KerasFault):
    """Flatten of channels first that ignores the data format."""

    name = "planted-flatten-format-ignored"
    layers = ("Flatten",)

    def misread(self, layer: Any) -> None:
        layer._channels_first = False


class ReshapeColumnMajor(KerasFault):
    """Reshape with the last axis slowest."""

    name = "planted-reshape-column-major"
    layers = ("Reshape",)

    def misread(self, layer: Any) -> None:
        import keras

        call = layer.call

        def turned(x: Any) -> Any:
            return call(keras.ops.transpose(x, (0, *range(len(x.shape) - 1, 0, -1))))

        layer.call = turned


class RepeatTiled(KerasFault):
    """Nearest upsampling that tiles the row instead of repeating its elements."""

    name = "planted-upsampling-tiled"
    layers = ("UpSampling1D",)

    def misread(self, layer: Any) -> None:
        import keras

        layer.call = lambda x: keras.ops.tile(x, (1, layer.size, 1))


class DotAxesExchanged(KerasFault):
    """Dot over the axes of the other operand, where the sizes allow it."""

    name = "planted-dot-axes-exchanged"
    layers = ("Dot",)

    def misread(self, layer: Any) -> None:
        call = layer.call
        layer.call = lambda inputs: call(list(inputs)[::-1])


class DotNotNormalized(KerasFault):
    """Dot with `normalize` that does not normalise."""

    name = "planted-dot-not-normalized"
    layers = ("Dot",)

    def misread(self, layer: Any) -> None:
        layer.normalize = False


class AverageOfTwo(KerasFault):
    """Average that divides by two, whatever the number of inputs."""

    name = "planted-average-halves"
    layers = ("Average",)

    def misread(self, layer: Any) -> None:
        call = layer.call
        layer.call = lambda inputs: call(inputs) * (len(inputs) / 2.0)


class EinsumTransposed(KerasFault):
    """Square kernel of EinsumDense with its last two axes exchanged."""

    name = "planted-einsum-transposed"
    layers = ("EinsumDense",)

    def misread(self, layer: Any) -> None:
        assign(layer.kernel, lambda w: w.swapaxes(-1, -2) if w.shape[-1] == w.shape[-2] else w)


class MultiHotCounted(KerasFault):
    """Multi-hot encoding that counts."""

    name = "planted-multi-hot-counted"
    layers = ("CategoryEncoding",)

    def misread(self, layer: Any) -> None:
        if layer.output_mode == "multi_hot":
            layer.output_mode = "count"


class OneHotShifted(KerasFault):
    """Category encoding of the index plus one."""

    name = "planted-category-shifted"
    layers = ("CategoryEncoding",)

    def misread(self, layer: Any) -> None:
        import keras

        call, most = layer.call, layer.num_tokens
        layer.call = lambda x, **rest: call(keras.ops.mod(x + 1, most), **rest)


class ScaleAfterOffset(KerasFault):
    """Rescaling that adds the offset before it multiplies."""

    name = "planted-rescaling-order"
    layers = ("Rescaling",)

    def misread(self, layer: Any) -> None:
        layer.call = lambda x: (x + layer.offset) * layer.scale


class CropTurned(KerasFault):
    """Cropping with the amounts of beginning and end exchanged."""

    name = "planted-cropping-turned"
    layers = ("Cropping2D",)

    def misread(self, layer: Any) -> None:
        layer.cropping = tuple(tuple(reversed(pair)) for pair in layer.cropping)


class CropAxesExchanged(KerasFault):
    """Cropping with height and width exchanged."""

    name = "planted-cropping-axes-exchanged"
    layers = ("Cropping2D", "ZeroPadding2D")

    def misread(self, layer: Any) -> None:
        name = "cropping" if hasattr(layer, "cropping") else "padding"
        setattr(layer, name, tuple(reversed(getattr(layer, name))))


class ConvFormatIgnored(KerasFault):
    """Global pooling over the axes of the other data format."""

    name = "planted-pooling-format-ignored"
    layers = ("GlobalAveragePooling1D", "GlobalMaxPooling2D")

    def misread(self, layer: Any) -> None:
        layer.data_format = "channels_last"


class MaskValueZero(KerasFault):
    """Masking that masks zeros instead of its `mask_value`."""

    name = "planted-mask-value-default"
    layers = ("Masking",)

    def misread(self, layer: Any) -> None:
        layer.mask_value = 0.0


class OutputPaddingIgnored(KerasFault):
    """Transposed convolution without its output padding."""

    name = "planted-output-padding-ignored"
    layers = ("Conv2DTranspose", "Conv1DTranspose")

    def misread(self, layer: Any) -> None:
        layer.output_padding = None


class TransposedCropTurned(KerasFault):
    """Transposed convolution cropped at the other end."""

    name = "planted-transposed-crop-turned"
    layers = ("Conv1DTranspose", "Conv2DTranspose")

    def misread(self, layer: Any) -> None:
        import keras

        first = 1 if layer.data_format == "channels_last" else 2
        spatial = tuple(range(first, first + layer.rank))
        assign(layer.kernel, lambda w: np.flip(w, tuple(range(layer.rank))))
        call = layer.call
        layer.call = lambda x: keras.ops.flip(call(keras.ops.flip(x, spatial)), spatial)
