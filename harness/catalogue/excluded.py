"""Layers that the catalogue omits, each with the reason, and constructor arguments that no case can show.

A test fails for every class of `keras.layers` that is neither in the catalogue nor here, as after a new Keras release.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

LAYERS: Mapping[str, str] = MappingProxyType(
    {
        "Layer": "the abstract base of all layers",
        "Wrapper": "the abstract base of TimeDistributed, Bidirectional and SpectralNormalization; hands its input on",
        "InputSpec": "no layer: a description of inputs",
        "InputLayer": "no computation; every functional model has one for each input",
        "Lambda": "any Python function: what it computes is in no model file that is safe to load",
        "TFSMLayer": "a foreign SavedModel as a layer: what it computes is that model's",
        "FlaxLayer": "a Flax module as a layer, on the jax backend only",
        "JaxLayer": "a JAX function as a layer, on the jax and tensorflow backends only",
        "TorchModuleWrapper": "a torch module as a layer, on the torch backend only",
        "Equalization": "declares its input as its output, so a functional model of it is refused as a cycle; "
        "its inference, the identity, is drawn inside a Pipeline",
    }
)

ARGUMENTS: tuple[tuple[str, str, str], ...] = (
    # layer pattern, argument pattern, why no value matters once the model is saved with its weights
    ("*", "*_initializer", "the first value of a weight; weights are stored"),
    ("*", "*_regularizer", "a term of the training loss"),
    ("*", "*_constraint", "applied by the optimizer's step"),
    ("*", "unit_forget_bias", "the first value of a bias; biases are stored"),
    ("*", "seed", "seeds random numbers of training or of initial values"),
    ("*", "name", "a name"),
    (
        "*",
        "dtype",
        "float32 throughout. A quantized policy (int8, int4, float8) rounds each input to one of few steps, and which "
        "one, float32's rounding decides: 1/127 of the largest input, where a unit of noise is 2^-24",
    ),
    ("*", "trainable", "whether training changes the weights"),
    ("*", "weights", "initial weights; weights are stored"),
    ("BatchNormalization", "momentum", "the pace of moving statistics in training"),
    ("BatchNormalization", "renorm*", "changes the statistics of training; inference takes the moving ones"),
    ("BatchNormalization", "synchronized", "how devices share statistics in training"),
    ("*", "dropout", "drops in training only"),
    ("*", "recurrent_dropout", "drops in training only"),
    ("*", "stateful", "carries states from call to call, and wants a batch size fixed beforehand: not one inference"),
    ("*", "flash_attention", "chooses a kernel of the same result"),
    ("*", "use_cudnn", "chooses a kernel of the same result"),
    ("*", "quantization_config", "quantization, which is another question than conversion"),
    ("*", "gptq_unpacked_column_size", "quantization"),
    ("Dense", "lora_alpha", "Keras 3.15 overwrites it with lora_rank when the layer is built"),
    ("EinsumDense", "lora_alpha", "Keras 3.15 overwrites it with lora_rank when the layer is built"),
    ("Embedding", "lora_alpha", "Keras 3.15 overwrites it with lora_rank when the layer is built"),
    ("Conv3DTranspose", "dilation_rate", "TensorFlow has no transposed 3-D convolution with another rate than 1"),
    ("ReversibleEmbedding", "reverse_dtype", "float32 throughout"),
    ("STFTSpectrogram", "window", "the first value of the kernels; kernels are stored"),
    ("STFTSpectrogram", "periodic", "the first value of the kernels; kernels are stored"),
    ("STFTSpectrogram", "scaling", "the first value of the kernels; kernels are stored"),
    ("*", "sparse", "a sparse output is no tensor of another format"),
    ("*", "ragged", "a ragged output is no tensor of another format"),
    ("*Lookup", "vocabulary_dtype", "int64 is the only value"),
    ("*", "encoding", "UTF-8 throughout"),
    ("Discretization", "num_bins", "for adapt(); boundaries are stored"),
    ("Discretization", "epsilon", "for adapt(); boundaries are stored"),
    ("MaxNumBoundingBoxes", "fill_value", "fills boxes, which come in a dictionary; an image passes unchanged"),
    ("RandomColorJitter", "*_factor", "strength of a change made in training only; two of the four are drawn"),
    ("RandAugment", "interpolation", "of changes made in training only"),
    ("AugMix", "*", "of changes made in training only; four of the arguments are drawn"),
    ("RandomErasing", "scale", "of changes made in training only"),
)


def reason_to_omit(layer: str, argument: str) -> str | None:
    """Why an argument of a layer need not be drawn; None if it must be."""
    return next((why for one, two, why in ARGUMENTS if fnmatchcase(layer, one) and fnmatchcase(argument, two)), None)
