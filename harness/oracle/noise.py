"""Noise scale: the effect of float32 rounding on the documented formula with the numbers of one case.

Monte Carlo arithmetic (D. S. Parker, "Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic",
UCLA CSD-970002, 1997): the oracle runs `RUNS` times on arrays that add one random float32 rounding to the result of
every operation. The scale is the elementwise root mean square of the distances from the exact answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.oracle import Made, walk
from harness.spec import Array, Case, Sample, Spec
from harness.units import TF32, UNIT

RUNS = 16

_EXACT = {
    np.maximum, np.minimum, np.fmax, np.fmin, np.negative, np.absolute, np.sign, np.floor, np.ceil, np.rint,
    np.trunc, np.copysign, np.positive,
}  # fmt: skip
_UNSEEN = {np.einsum, np.tensordot, np.dot, np.inner, np.vdot, np.convolve, np.cumsum, np.linalg.norm}


@dataclass(frozen=True)
class Roundings:
    """Random roundings: of relative size `UNIT` in every operation, and of `product` in the operands of products."""

    generator: np.random.Generator
    product: float = 0.0

    def of(self, shape: tuple[int, ...]) -> Array:
        """Roundings of an array in units of the largest one."""
        return self.generator.uniform(-1, 1, shape)


class Noisy(np.ndarray):
    """An array that adds one random rounding of relative size `UNIT` to the result of every arithmetic operation."""

    source: Roundings

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
            if source.product:  # n products with an error in either operand, none of which depends on another
                result = result + source.product * np.sqrt(2 * squares) * source.of(result.shape)
        elif ufunc is np.add and method == "reduce":
            terms = plain[0].size / max(result.size, 1)
            spread = spread + np.sqrt(terms / 2) * np.sqrt(np.add.reduce(np.square(plain[0]), **kwargs))
        finite = np.isfinite(spread)
        if not finite.all():
            spread = np.where(finite, spread, 0.0)
        rounding = np.asarray(source.of(result.shape))
        rounding *= spread  # in place, as arrays are large; `UNIT` is a power of two, so the order does not matter
        rounding *= UNIT
        rounding += result
        return _noisy(rounding, source)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _UNSEEN:
            raise TypeError(
                f"oracle functions use matmul or add.reduce, not {func.__name__}: its sums hide their rounding"
            )
        result = super().__array_function__(func, types, args, kwargs)
        return _rewrap(result, self.source)


def _rewrap(result: Any, source: Roundings) -> Any:
    if isinstance(result, np.ndarray) and result.dtype.kind == "f":
        return _noisy(result, source)
    if isinstance(result, list | tuple):
        return type(result)(_rewrap(part, source) for part in result)
    return result


def _noisy(array: Array, source: Roundings) -> Noisy:
    view = np.asarray(array).view(Noisy)
    view.source = source
    return view


def perturbed(
    arrays: Mapping[str, Array], generator: np.random.Generator, *, product: float = 0.0
) -> Mapping[str, Array]:
    """Float arrays as `Noisy`, with one rounding of each element; other arrays unchanged.

    Each is made when it is asked for, always with the same roundings: those that a generator that can jump (PCG64)
    gives for all arrays in their order, one number an element. So the generator goes on behind them at once.
    """
    source = Roundings(generator, product)
    bits: Any = generator.bit_generator
    state, places, count = bits.state, {}, 0
    for name, value in arrays.items():
        places[name] = count
        count += value.size if value.dtype.kind == "f" else 0
    bits.advance(count)

    def make(name: str, value: Array) -> Array:
        if value.dtype.kind != "f":
            return np.asarray(value)
        own = type(bits)()
        own.state = state
        own.advance(places[name])
        rounded = np.asarray(Roundings(type(generator)(own)).of(value.shape))
        rounded *= UNIT
        rounded += 1
        rounded *= value
        return _noisy(rounded, source)

    return Made(arrays, make)


def measure(
    spec: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array],
    *,
    seed: int = 0,
    runs: int = RUNS,
    after: Callable[[], None] = lambda: None,
    tf32: bool = False,
) -> dict[str, Array]:
    """Noise scale of each output, float32, same shape as `expected`; zero for outputs that are not float.

    `after` is called at the end of each run. With `tf32`, products of matrices round their operands to ten bits of
    mantissa and add in float32, as tensor cores do (NVIDIA, "TensorFloat-32 in the A100 GPU", 2020).
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    product = TF32 if tf32 else 0.0
    total = {name: np.zeros(value.shape) for name, value in expected.items()}
    with np.errstate(all="ignore"):
        for _ in range(runs):
            noisy = [perturbed(arrays, generator, product=product) for arrays in (weights, inputs)]
            tensors = walk(spec, noisy[0], noisy[1], tuple(expected))
            for name, value in expected.items():
                if value.dtype.kind == "f":
                    error = np.asarray(tensors[name]) - value
                    total[name] += np.where(np.isfinite(error), np.square(error), 0.0)
            after()
    return {name: coarse(np.sqrt(value / runs)) for name, value in total.items()}


def in_tf32(case: Case) -> Case:
    """The case with the noise scales of arithmetic in TF32, beside the expected outputs of its goldens."""
    return replace(case, samples=tuple(_in_tf32(case, sample) for sample in case.samples))


def _in_tf32(case: Case, sample: Sample) -> Sample:
    if sample.golden is None:
        return sample
    scale = measure(case.spec, case.weights, sample.inputs, sample.golden.expected, tf32=True)
    return replace(sample, golden=replace(sample.golden, noise=scale))


def coarse(scale: Array) -> Array:
    """float32 with five bits of mantissa, which suffice for a scale; more bits would not compress."""
    bits = np.minimum(scale, np.finfo(np.float32).max).astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 17)) & np.uint32(0xFFFC0000)).view(np.float32)
