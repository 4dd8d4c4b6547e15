"""Weights that reveal faults: no two gates, channels or filters are alike, and none has an initialiser's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.catalogue import Weight
from harness.spec import Array, Drawn

Law = Callable[[Weight, np.random.Generator], Array]


def _kernel(weight: Weight, source: np.random.Generator) -> Array:
    if not weight.fan_in:
        raise ValueError(f"a kernel of shape {weight.shape} needs its fan_in")
    return source.normal(0, weight.fan_in**-0.5, weight.shape)


def _deep(weight: Weight, source: np.random.Generator) -> Array:
    """He et al., 2015, https://arxiv.org/abs/1502.01852: signals of a hundred layers neither grow nor fade."""
    return source.normal(0, (2.0 / (weight.fan_in or 1)) ** 0.5, weight.shape)


def _recurrent(weight: Weight, source: np.random.Generator) -> Array:
    rows, columns = weight.shape
    blocks = [np.linalg.qr(source.normal(size=(rows, rows)))[0] for _ in range(-(-columns // rows))]
    return np.concatenate(blocks, axis=1)[:, :columns] * source.uniform(0.7, 1.3, weight.shape)


def _gamma(weight: Weight, source: np.random.Generator) -> Array:
    values = source.normal(1, 0.5, weight.shape)
    flat = values.reshape(-1)
    if flat.size:
        flat[source.integers(flat.size)] = -abs(source.normal(1, 0.5)) - 0.1
    return values


def _variance(weight: Weight, source: np.random.Generator) -> Array:
    return 10.0 ** source.uniform(-4, 1, weight.shape)


def _moments(weight: Weight, source: np.random.Generator) -> Array:
    """MatConvNet's [mu sigma], C x 2. Sigma is the root of variance plus epsilon, so at least the root of epsilon."""
    channels = weight.shape[0]
    return np.stack([source.normal(0, 1, channels), np.sqrt(10.0 ** source.uniform(-4, 1, channels) + 1e-4)], axis=1)


LAWS: Mapping[str, Law] = {
    "kernel": _kernel,
    "recurrent": _recurrent,
    "bias": lambda w, g: g.normal(0, 0.5, w.shape),
    "gamma": _gamma,
    "beta": lambda w, g: g.normal(0, 0.5, w.shape),
    "mean": lambda w, g: g.normal(0, 1, w.shape),
    "variance": _variance,
    "moments": _moments,
    "alpha": lambda w, g: g.normal(0, 1, w.shape),
    "deep": _deep,
    "near_one": lambda w, g: g.normal(1, 0.1, w.shape),
    "near_zero": lambda w, g: g.normal(0, 0.1, w.shape),
    "even": lambda w, g: g.uniform(0.5, 2, w.shape),
    "near_ten": lambda w, g: g.normal(10, 1, w.shape),
    "count": lambda w, g: g.integers(1, 100, w.shape),
    "embedding": lambda w, g: g.normal(0, 1, w.shape),
}


def drawn_weights(drawn: Drawn) -> dict[str, Array]:
    """The weights of a seed and laws."""
    laws = {name: Weight(shape, law, fan_in) for name, (shape, law, fan_in) in drawn.laws.items()}
    return draw_weights(laws, np.random.Generator(np.random.PCG64(drawn.seed)))


def draw_weights(laws: Mapping[str, Weight], source: np.random.Generator) -> dict[str, Array]:
    """float32 weights by name, in the order of `laws`. Raises KeyError for a law that does not exist."""
    return {name: np.asarray(LAWS[weight.law](weight, source)).astype(np.float32) for name, weight in laws.items()}
