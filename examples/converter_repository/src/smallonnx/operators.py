"""What each operator computes: a function of its inputs and its attributes, by the operator's name."""

import torch
from torch.nn import functional


class UnsupportedError(NotImplementedError):
    """An operator, or a form of one, that is not known here."""


def padded(values, attributes, fill):
    """The values with the border that the attributes ask for, because torch pads both ends of an axis alike."""
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise UnsupportedError(f"auto_pad={attributes['auto_pad']}")
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return functional.pad(values, (left, right, top, bottom), value=fill)


def conv(attributes, values, weight, bias=None):
    """A convolution over height and width, in groups."""
    stride, dilation = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    groups = attributes.get("group", 1)
    return functional.conv2d(padded(values, attributes, 0.0), weight, bias, stride, 0, dilation, groups)


def max_pool(attributes, values):
    """The largest value in each window; the border is never that."""
    window, stride = attributes["kernel_shape"], attributes.get("strides", (1, 1))
    return functional.max_pool2d(padded(values, attributes, -torch.inf), window, stride)


def average_pool(attributes, values):
    """The mean of each window, in which the border counts or does not."""
    window, stride = attributes["kernel_shape"], attributes.get("strides", (1, 1))
    total = functional.avg_pool2d(padded(values, attributes, 0.0), window, stride, divisor_override=1)
    if attributes.get("count_include_pad", 0):
        return total / (window[0] * window[1])
    ones = torch.ones_like(values)
    return total / functional.avg_pool2d(padded(ones, attributes, 0.0), window, stride, divisor_override=1)


def batch_normalization(attributes, values, *learned):
    """Channels by their mean and variance, then by scale and offset."""
    scale, offset, mean, variance = learned
    epsilon = attributes.get("epsilon", 1e-5)
    return functional.batch_norm(values, mean, variance, scale, offset, False, 0.0, epsilon)


def local_response(attributes, values):
    """Each value over a power of the squares in neighbouring channels."""
    size = attributes["size"]
    alpha, beta, bias = attributes.get("alpha", 1e-4), attributes.get("beta", 0.75), attributes.get("bias", 1.0)
    return functional.local_response_norm(values, size, alpha, beta, bias)


def gemm(attributes, values, weight, bias):
    """A product of matrices, and a bias."""
    values = values.T if attributes.get("transA", 0) else values
    weight = weight.T if attributes.get("transB", 0) else weight
    return attributes.get("alpha", 1.0) * (values @ weight) + attributes.get("beta", 1.0) * bias


def clip(attributes, values, low=None, high=None):
    """Values between two bounds: attributes before opset 11, inputs since."""
    low = attributes.get("min") if low is None else low
    return torch.clamp(values, low, attributes.get("max") if high is None else high)


def softmax(attributes, values):
    """Over one axis from opset 13 on; before, over all axes from this one on."""
    if attributes["opset"] >= 13:
        return torch.softmax(values, attributes.get("axis", -1))
    axis = attributes.get("axis", 1)
    return torch.softmax(values.flatten(axis), -1).reshape(values.shape)


def flatten(attributes, values):
    """A matrix: the axes before this one, and the axes from it on."""
    axis = attributes.get("axis", 1)
    return values.reshape(values.shape[:axis].numel(), -1)


OPERATORS = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Clip": clip,
    "Conv": conv,
    "Div": lambda attributes, left, right: left / right,
    "Elu": lambda attributes, values: functional.elu(values, attributes.get("alpha", 1.0)),
    "Flatten": flatten,
    "Gemm": gemm,
    "Identity": lambda attributes, values: values,
    "LRN": local_response,
    "LeakyRelu": lambda attributes, values: functional.leaky_relu(values, attributes.get("alpha", 0.01)),
    "MaxPool": max_pool,
    "Mul": lambda attributes, left, right: left * right,
    "Relu": lambda attributes, values: torch.relu(values),
    "Softmax": softmax,
    "Sub": lambda attributes, left, right: left - right,
    "Tanh": lambda attributes, values: torch.tanh(values),
    "Transpose": lambda attributes, values: values.permute(attributes["perm"]),
}
