"""Input profiles: each is a distribution that shows faults that the others hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.catalogue import Draft
from harness.catalogue.sizes import OPEN_SIZE
from harness.spec import Array, Input

Profile = Callable[[tuple[int, ...], np.random.Generator], Array]
"""Draws an array of a shape."""
SECOND_SIZE = 8
"""Size of an open axis in the second inputs; in the first it is OPEN_SIZE."""


def _main(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Normal, with one mean and one deviation per sample and channel (last axis)."""
    per = tuple(n if axis in (0, len(shape) - 1) else 1 for axis, n in enumerate(shape))
    return source.uniform(-3, 3, per) + source.uniform(0.5, 3, per) * source.normal(size=shape)


def _negative(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    return -1.0 - source.exponential(2.0, shape) - 0.01


def _lowest(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Below zero over all magnitudes, float32's lowest first and last: shows a finite stand-in for minus infinity."""
    values = -(10.0 ** source.uniform(0, 38, shape))
    flat = values.reshape(-1)
    flat[:1] = flat[-1:] = np.finfo(np.float32).min
    return values


def _spread(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """-8..8 evenly, permuted, with the knots of piecewise activations among them."""
    size = int(np.prod(shape))
    values = np.linspace(-8, 8, size)
    knots = np.array([-6, -3, -2.5, -0.5, 0.5, 2.5, 3, 6], dtype=float)[:size]
    values[: knots.size] = knots
    return source.permutation(values).reshape(shape)


def _impulse(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """One 1 in each sample, elsewhere 0, so that a convolution outputs its kernel."""
    values = np.zeros(shape)
    for sample in values:
        flat = sample.reshape(-1)
        if flat.size:
            flat[source.integers(flat.size)] = 1.0
    return values


def _ties(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Few distinct values, so that windows have equal maxima."""
    return source.integers(-2, 3, shape).astype(float)


def _special(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Ordinary numbers with NaN, infinities, -0.0 and the edges of float32 at first, middle and last places."""
    values = _main(shape, source)
    flat = values.reshape(-1)
    marks = [np.nan, np.inf, -np.inf, -0.0, 1e-40, 3e38]
    if flat.size:
        places = np.unique(np.linspace(0, flat.size - 1, 2 * len(marks)).astype(int))
        for place, mark in zip(places, source.permutation(marks * 2), strict=False):
            flat[place] = mark
    return values


def _nan(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Ordinary numbers with NaN first, in the middle and last."""
    values = _main(shape, source)
    flat = values.reshape(-1)
    if flat.size:
        flat[[0, flat.size // 2, -1]] = np.nan
    return values


def _integer(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Small integers and halves of both signs; 2^24 + 1, 2^31 and ties at .5, as float32 rounds them."""
    values = source.integers(-9, 10, shape) + 0.5 * source.integers(0, 2, shape)
    flat = values.reshape(-1)
    edges = np.array([2**24 + 1, -(2**24) - 1, 2**31, -(2**31), 2.5, -2.5], dtype=float)[: flat.size]
    flat[source.permutation(flat.size)[: edges.size]] = edges
    return values


def _bytes(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Pixels: whole numbers from 0 to 255, and a quarter, so that no rounding makes another whole number of them."""
    values = source.integers(0, 256, shape) + 0.25
    flat = values.reshape(-1)
    flat[:1], flat[1:2] = 0.25, 255.25
    return values


IDS = "ids"
"""Profile of whole numbers between the draft's bounds, whatever the dtype of the input."""
HIDDEN = "hidden"
"""Profile `main`, with what is no number in the steps that a mask hides: NaN, infinities, the ends of float32."""


LAWS: Mapping[str, Profile] = {
    "main": _main,
    "negative": _negative,
    "lowest": _lowest,
    "spread": _spread,
    "large": lambda shape, g: 1e4 * _main(shape, g),
    "small": lambda shape, g: 1e-4 * _main(shape, g),
    "special": _special,
    "nan": _nan,
    "integer": _integer,
    "impulse": _impulse,
    "ties": _ties,
    "bytes": _bytes,
    HIDDEN: _main,
}


def _concrete(item: Input, batch: int, open_size: int) -> tuple[int, ...]:
    return (batch, *(open_size if n is None else n for n in item.shape))


def _mixed(shape: tuple[int, int], source: np.random.Generator) -> Array:
    """Ragged lengths; with three steps or more, the first row has a hole instead."""
    rows, steps = shape
    lengths = source.integers(1, steps + 1, rows)
    mask = np.arange(steps)[None, :] < lengths[:, None]
    if steps >= 3 and rows:
        mask[0] = True
        mask[0, source.integers(1, steps - 1)] = False
    return mask


def _ragged(shape: tuple[int, int], source: np.random.Generator) -> Array:
    """Right-padded rows of 1..steps steps. Of two rows or more, one is full and one is padded."""
    rows, steps = shape
    lengths = source.integers(1, steps + 1, rows)
    if rows >= 2:
        full, padded = source.permutation(rows)[:2]
        lengths[full], lengths[padded] = steps, source.integers(1, max(steps, 2))
    return np.arange(steps)[None, :] < lengths[:, None]


def _hole(shape: tuple[int, int], source: np.random.Generator) -> Array:
    """One row is masked at one inner step, if there are three steps."""
    rows, steps = shape
    mask = np.ones(shape, dtype=bool)
    if steps >= 3 and rows:
        mask[source.integers(rows), source.integers(1, steps - 1)] = False
    return mask


def _row(shape: tuple[int, int], source: np.random.Generator) -> Array:
    """One row is fully masked."""
    mask = np.ones(shape, dtype=bool)
    if shape[0]:
        mask[source.integers(shape[0])] = False
    return mask


MASKS: Mapping[str, Callable[[tuple[int, int], np.random.Generator], Array]] = {
    "mixed": _mixed,
    "ragged": _ragged,
    "left": lambda shape, g: _ragged(shape, g)[:, ::-1],
    "hole": _hole,
    "row": _row,
}
"""Laws of masks (rows, steps); True marks a step that counts."""


def _mask(shape: tuple[int, ...], law: str, source: np.random.Generator) -> Array:
    """A mask over the last axis; all other axes together are its rows."""
    rows = (int(np.prod(shape[:-1])), shape[-1])
    return np.ascontiguousarray(MASKS[law](rows, source)).reshape(shape)


def draw_again(draft: Draft, profile: str, batches: Sequence[int], source: np.random.Generator) -> dict[str, Array]:
    """Second inputs: another batch size, one of `batches`, and another size of every open axis."""
    others = [batch for batch in batches if batch != draft.batch]
    batch = others[int(source.integers(len(others)))]
    return draw_inputs(replace(draft, batch=batch), profile, source, open_size=SECOND_SIZE)


def _hide(values: Array, mask: Array) -> Array:
    """`values` with NaN, infinities and float32's ends by turns where `mask`, over their first axes, is False."""
    marks = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38], dtype=values.dtype)
    hidden = values.copy()
    hidden[~mask] = np.resize(marks, hidden[~mask].shape)
    return hidden


def draw_inputs(
    draft: Draft, profile: str, source: np.random.Generator, *, open_size: int = OPEN_SIZE
) -> dict[str, Array]:
    """Inputs by name, with their batch axis. Integers stay within the draft's bounds; bool inputs are masks.

    Raises KeyError for a profile or a mask law that does not exist, and ValueError for the profile `hidden` of a draft
    without a mask that hides an input.
    """
    arrays = _drawn(draft, profile, source, open_size)
    if profile != HIDDEN:
        return arrays
    if not any(draft.hides.values()):
        raise ValueError(f"the profile {HIDDEN!r} needs a mask, and the draft has none that hides an input")
    for mask, names in draft.hides.items():
        arrays |= {name: _hide(arrays[name], arrays[mask]) for name in names}
    return arrays


def _drawn(draft: Draft, profile: str, source: np.random.Generator, open_size: int) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for item in draft.spec.inputs:
        shape = _concrete(item, draft.batch, open_size)
        if item.dtype == "bool":
            arrays[item.name] = _mask(shape, draft.masks.get(item.name, "mixed"), source)
        elif item.dtype == "string":
            words = np.array(draft.words[item.name], dtype=np.str_)
            arrays[item.name] = words[source.integers(0, len(words), shape)]
        elif item.dtype.startswith(("int", "uint")) or profile == IDS:
            bound = draft.bounds[item.name]
            least = draft.least.get(item.name, 0)
            values = source.integers(least, bound, shape)
            flat = values.reshape(-1)
            if flat.size >= 2:
                flat[0], flat[-1] = bound - 1, least
            arrays[item.name] = values.astype(item.dtype)
        else:
            arrays[item.name] = LAWS[profile](shape, source).astype(item.dtype)
    return arrays
