"""Noise scale: the effect of float32 rounding on the documented formula with the numbers of one case.

Monte Carlo arithmetic (D. S. Parker, "Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic",
UCLA CSD-970002, 1997): the oracle runs `RUNS` times on arrays that add one random float32 rounding to the result of
every operation. The scale is the elementwise root mean square of the distances from the exact answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.oracle import walk, widened
from harness.spec import Array, Spec
from harness.units import UNIT

RUNS = 16

_EXACT = {
    np.maximum, np.minimum, np.fmax, np.fmin, np.negative, np.absolute, np.sign, np.floor, np.ceil, np.rint,
    np.trunc, np.copysign, np.positive,
}  # fmt: skip
_UNSEEN = {np.einsum, np.tensordot, np.dot, np.inner, np.vdot, np.convolve, np.cumsum, np.linalg.norm}


class Noisy(np.ndarray):
    """An array that adds one random rounding of relative size `UNIT` to the result of every arithmetic operation."""

    source: np.random.Generator

    def __array_finalize__(self, parent: Any) -> None:
        self.source = getattr(parent, "source", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        source = next(i.source for i in inputs if isinstance(i, Noisy))
        plain = [np.asarray(i) if isinstance(i, np.ndarray) else i for i in inputs]
        kwargs = {k: np.asarray(v) if isinstance(v, Noisy) else v for k, v in kwargs.items()}
        result = getattr(ufunc, method)(*plain, **kwargs)
        if isinstance(result, tuple):
            return tuple(_noisy(np.asarray(part), source) for part in result)
        result = np.asarray(result)
        if result.dtype.kind != "f":
            return result
        if ufunc in _EXACT:
            return _noisy(result, source)
        spread = np.abs(result)
        if ufunc is np.matmul:
            # the error of a sequential sum of n products is that of sqrt(n / 2) roundings of a partial sum
            terms = plain[0].shape[-1]
            squares = np.matmul(np.square(plain[0]), np.square(plain[1]))
            spread = spread + np.sqrt(terms / 2) * np.sqrt(squares)
        elif ufunc is np.add and method == "reduce":
            terms = plain[0].size / max(result.size, 1)
            spread = spread + np.sqrt(terms / 2) * np.sqrt(np.add.reduce(np.square(plain[0]), **kwargs))
        spread = np.where(np.isfinite(spread), spread, 0.0)
        return _noisy(result + UNIT * spread * source.uniform(-1, 1, result.shape), source)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _UNSEEN:
            raise TypeError(
                f"oracle functions use matmul or add.reduce, not {func.__name__}: its sums hide their rounding"
            )
        result = super().__array_function__(func, types, args, kwargs)
        return _rewrap(result, self.source)


def _rewrap(result: Any, source: np.random.Generator) -> Any:
    if isinstance(result, np.ndarray) and result.dtype.kind == "f":
        return _noisy(result, source)
    if isinstance(result, list | tuple):
        return type(result)(_rewrap(part, source) for part in result)
    return result


def _noisy(array: Array, source: np.random.Generator) -> Noisy:
    view = np.asarray(array).view(Noisy)
    view.source = source
    return view


def perturbed(arrays: Mapping[str, Array], source: np.random.Generator) -> dict[str, Array]:
    """Float arrays as `Noisy`, with one rounding of each element; other arrays unchanged."""
    return {
        name: _noisy(value * (1 + UNIT * source.uniform(-1, 1, value.shape)), source)
        if value.dtype.kind == "f"
        else value
        for name, value in widened(arrays).items()
    }


def measure(
    spec: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array],
    *,
    seed: int = 0,
    runs: int = RUNS,
) -> dict[str, Array]:
    """Noise scale of each output, float32, same shape as `expected`; zero for outputs that are not float."""
    source = np.random.Generator(np.random.PCG64(seed))
    total = {name: np.zeros(value.shape) for name, value in expected.items()}
    with np.errstate(all="ignore"):
        for _ in range(runs):
            tensors = walk(spec, perturbed(weights, source), perturbed(inputs, source))
            for name, value in expected.items():
                if value.dtype.kind == "f":
                    error = np.asarray(tensors[name]) - value
                    total[name] += np.where(np.isfinite(error), np.square(error), 0.0)
    return {name: coarse(np.sqrt(value / runs)) for name, value in total.items()}


def coarse(scale: Array) -> Array:
    """float32 with five bits of mantissa, which suffice for a scale; more bits would not compress."""
    bits = np.minimum(scale, np.finfo(np.float32).max).astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 17)) & np.uint32(0xFFFC0000)).view(np.float32)
