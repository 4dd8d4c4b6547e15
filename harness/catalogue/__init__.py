"""The catalogue: one row per layer with its axes, rules, shapes and weights.

A row's builder receives one value per axis (the stratum) and a `Chooser`, which picks everything else, mostly
sizes. It returns a `Draft`: the Spec and the law of each weight. `harness.draw` draws the inputs by the value of
the row's `profile` axis.

To add a layer, write one decorated builder here and one oracle function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from itertools import combinations, product
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from harness.spec import Config, Exactness, Input, Layer, Spec, canonical

T = TypeVar("T")
Choice = Mapping[str, Any]
Choices = Mapping[str, tuple[Any, ...]]
"""Some values of some axes."""

PRIMES = (2, 3, 5, 7, 11, 13)
SECOND_BATCHES = (1, 2, 3, 5, 0)
"""Batch sizes of the second inputs, an empty batch among them; the first inputs' size is skipped."""
SOME = (1, 2, 3, 5)
"""The same without the empty batch, which Keras on TensorFlow gets wrong or refuses in some layers:
docs/variants.md."""


class Chooser(Protocol):
    """Picks the values that the stratum leaves open; backed by Hypothesis or by a seeded generator."""

    def pick(self, options: Sequence[T]) -> T: ...
    def integer(self, low: int, high: int) -> int: ...


@dataclass(frozen=True)
class Weight:
    """Shape and drawing law of one weight.

    Laws: `kernel` (needs `fan_in`), `recurrent`, `bias`, `gamma`, `beta`, `mean`, `variance`, `moments`, `alpha`,
    `embedding`, `count`; for models of many layers `deep` (needs `fan_in`), `near_one`, `near_zero`, `even`,
    `near_ten`. The numbers behind each law are in `harness.draw.weights`.
    """

    shape: tuple[int, ...]
    law: str
    fan_in: int | None = None


@dataclass(frozen=True)
class Draft:
    """A Spec whose numbers are not drawn yet. Names in `weights` are `layer/weight`, in layer order."""

    spec: Spec
    weights: Mapping[str, Weight] = field(default_factory=dict)
    batch: int = 2
    bounds: Mapping[str, int] = field(default_factory=dict)
    """Exclusive upper bound of an integer input, by input name (vocabulary size of an Embedding)."""
    least: Mapping[str, int] = field(default_factory=dict)
    """Smallest value of an integer input, by input name; 0 by default."""
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Strings that a string input is drawn from, by input name."""
    masks: Mapping[str, str] = field(default_factory=dict)
    """Law of a bool input, by input name; `mixed` by default. The laws are in `harness.draw.inputs`."""
    hides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Inputs whose steps (axis 1) a mask (batch, steps) says not to read, by the mask's input name: where the profile
    `hidden` puts what is no number."""
    channel_axis: int = -1


@dataclass(frozen=True)
class Rule:
    """A constraint between axes: `holds` receives the values of `axes`, in that order."""

    axes: tuple[str, ...]
    holds: Callable[..., bool]
    reason: str

    def given(self, fixed: Choice) -> Rule:
        """The rule that is left once the axes of `fixed` have these values."""
        if not any(axis in fixed for axis in self.axes):
            return self
        free = tuple(axis for axis in self.axes if axis not in fixed)

        def holds(*values: Any) -> bool:
            choice = {**fixed, **dict(zip(free, values, strict=True))}
            return self.holds(*(choice[axis] for axis in self.axes))

        return Rule(free, holds, self.reason)


def rule(*axes: str, reason: str) -> Callable[[Callable[..., bool]], Rule]:
    """Make a `Rule` from a predicate: `rule("strides", "dilation", reason="...")(lambda s, d: ...)`."""

    def wrap(holds: Callable[..., bool]) -> Rule:
        return Rule(axes=axes, holds=holds, reason=reason)

    return wrap


@dataclass(frozen=True)
class Row:
    """One row of the catalogue. The first value of each axis is the simplest: Hypothesis shrinks to it."""

    dialect: str
    layer: str
    axes: Mapping[str, tuple[Any, ...]]
    build: Callable[[Choice, Chooser], Draft]
    rules: tuple[Rule, ...] = ()
    pins: tuple[Choice, ...] = ()
    """Choices that exploration showed to matter though no pair needs them. A missing axis takes its first value. A pin
    with a value or an axis that `axes` lacks is a case beside the covering array and changes no other case."""
    exactness: Callable[[Choice], Exactness] = field(default=lambda choice: Exactness.COMPUTES)
    second_batches: tuple[int, ...] = SECOND_BATCHES
    """Batch sizes that the second inputs may have."""
    per_axis: int = 6
    """Least number of golden cases per axis: an array of pairs alone holds few triples. Smaller where a sibling's
    row tests the same, 0 where the layer does nothing at inference."""
    later: Choices = field(default_factory=dict)
    """Values of axes that joined after the row was frozen. The cases that the row had without them keep their ids, and
    cases with the pairs of the new values follow. An axis that is new keeps its first value in the earlier cases."""
    barriers: tuple[Rule, ...] = ()
    """Rules that a choice keeps if its case is to tell something of converters: released ones refuse what breaks them,
    whatever else was chosen. Every pair that they leave occurs in a case that breaks none; likewise without the last of
    them, and so on. The first stops most converters."""

    def __post_init__(self) -> None:
        for bond in (*self.rules, *self.barriers):
            unknown = [axis for axis in bond.axes if axis not in self.axes]
            if unknown:
                raise ValueError(f"{self.layer}: a rule names the unknown axes {unknown}")

    @property
    def key(self) -> tuple[str, str]:
        return (self.dialect, self.layer)

    def within(self, count: int) -> Row:
        """The row with the first `count` barriers among its rules."""
        return replace(self, rules=(*self.rules, *self.barriers[:count]), barriers=())

    @cached_property
    def earlier(self) -> Row:
        """The row without its later values and the pins that name them, and without the axes that are new.

        Raises ValueError for later values that are no values of the axis, or the first among them.
        """
        if not self.later:
            return self
        for axis, values in self.later.items():
            if not set(map(canonical, values)) <= set(map(canonical, self.axes.get(axis, ())[1:])):
                raise ValueError(f"{self.layer}: {axis} has no values {values} behind its first")
        axes = {
            axis: tuple(value for value in values if value not in self.later.get(axis, ()))
            for axis, values in self.axes.items()
            if axis not in self.joined
        }
        rules = tuple(bond.given(self.joined) for bond in self.rules)
        pins = tuple(
            pin for pin in self.pins if not any(value in self.later.get(axis, ()) for axis, value in pin.items())
        )
        return replace(self, axes=axes, rules=rules, pins=pins, later={}, barriers=())

    @cached_property
    def joined(self) -> dict[str, Any]:
        """The new axes, all whose values but the first are later ones, with their first values."""
        new = [axis for axis, values in self.later.items() if len(self.axes[axis]) == 1 + len(values)]
        return {axis: self.axes[axis][0] for axis in new}

    def allows(self, partial: Choice) -> bool:
        """Whether the values assigned so far break no rule; unassigned axes are free."""
        return all(
            bond.holds(*(partial[axis] for axis in bond.axes))
            for bond in self.rules
            if all(axis in partial for axis in bond.axes)
        )

    def complete(self, partial: Choice) -> dict[str, Any] | None:
        """First full choice, in axis order, that extends `partial` and breaks no rule; None if there is none."""
        if not self.allows(partial):
            return None
        open_axes = [axis for axis in self.axes if axis not in partial]
        if not open_axes:
            return {axis: partial[axis] for axis in self.axes}
        for value in self.axes[open_axes[0]]:
            choice = self.complete({**partial, open_axes[0]: value})
            if choice is not None:
                return choice
        return None

    @cached_property
    def pinned(self) -> list[dict[str, Any]]:
        """The pins as full choices. Raises ValueError if a rule forbids one."""
        return [self._completed(pin) for pin in self.pins]

    def _completed(self, pin: Choice) -> dict[str, Any]:
        choice = self.complete(pin)
        if choice is None:
            raise ValueError(f"{self.dialect} {self.layer}: a rule forbids the pin {dict(pin)}")
        return {**choice, **pin}

    def has(self, choice: Choice) -> bool:
        """Whether the choice has the row's axes, and values of theirs, be it in the form that JSON gives them."""
        return set(choice) == set(self.axes) and all(
            canonical(choice[axis]) in {canonical(value) for value in values} for axis, values in self.axes.items()
        )

    @cached_property
    def _bound(self) -> tuple[str, ...]:
        """Axes that appear in a rule; all others are always free."""
        named = {axis for bond in self.rules for axis in bond.axes}
        return tuple(axis for axis in self.axes if axis in named)

    @cached_property
    def _of_bound(self) -> Row:
        return replace(self, axes={axis: self.axes[axis] for axis in self._bound}, later={}, barriers=())

    @cached_property
    def _known(self) -> dict[str, bool]:
        return {}

    def possible(self, partial: Choice) -> bool:
        """Whether a full choice extends `partial`. Cached by the values of the axes that appear in a rule."""
        seen = {axis: partial[axis] for axis in self._bound if axis in partial}
        key = canonical(list(seen.items()))
        if key not in self._known:
            self._known[key] = self._of_bound.complete(seen) is not None
        return self._known[key]

    def tuples(self, strength: int = 2) -> list[dict[str, Any]]:
        """Every valid combination of values of `strength` axes: what a covering array must cover."""
        valid = []
        for names in combinations(self.axes, strength):
            for values in product(*(self.axes[name] for name in names)):
                partial = dict(zip(names, values, strict=True))
                if self.possible(partial):
                    valid.append(partial)
        return valid


_ROWS: dict[tuple[str, str], Row] = {}

PROFILES = ("main", "negative", "lowest", "spread", "large", "small", "special", "nan", "integer", "impulse", "ties")
"""Input profiles that make sense for any layer; the distribution of each, and more, are in `harness.draw.inputs`."""


def row(
    dialect: str,
    layer: str,
    *,
    axes: Mapping[str, Sequence[Any]],
    profiles: Sequence[str] = ("main", "negative", "spread", "large", "small"),
    rules: Sequence[Rule] = (),
    pins: Sequence[Choice] = (),
    exactness: Exactness | Callable[[Choice], Exactness] = Exactness.COMPUTES,
    second_batches: Sequence[int] = SECOND_BATCHES,
    per_axis: int = 6,
    later: Choices = MappingProxyType({}),
    barriers: Sequence[Rule] = (),
) -> Callable[[Callable[[Choice, Chooser], Draft]], Row]:
    """Register a builder as a row. `profile` becomes an axis like any other, so pairs cover it too."""

    def register(build: Callable[[Choice, Chooser], Draft]) -> Row:
        entry = Row(
            dialect=dialect,
            layer=layer,
            axes={**{name: tuple(values) for name, values in axes.items()}, "profile": tuple(profiles)},
            build=build,
            rules=tuple(rules),
            pins=tuple(pins),
            exactness=exactness if callable(exactness) else lambda choice: exactness,
            second_batches=tuple(second_batches),
            per_axis=per_axis,
            later=later,
            barriers=tuple(barriers),
        )
        if entry.key in _ROWS:
            raise ValueError(f"{dialect} {layer} is in the catalogue twice")
        _ROWS[entry.key] = entry
        return entry

    return register


def rows(dialect: str | None = None) -> list[Row]:
    """All rows of one dialect, or of every dialect, in the order of registration."""
    import_module("harness.catalogue.keras")
    import_module("harness.catalogue.matlab")
    return [entry for entry in _ROWS.values() if dialect in (None, entry.dialect)]


def find(dialect: str, layer: str) -> Row:
    """The row of a layer. Raises KeyError for an unknown layer; its message lists the layers of the dialect."""
    known = {entry.layer: entry for entry in rows(dialect)}
    if layer not in known:
        raise KeyError(f"no row for {layer!r} in dialect {dialect!r}; known: {', '.join(sorted(known))}")
    return known[layer]


def single(
    dialect: str,
    kind: str,
    config: Config,
    shapes: Sequence[tuple[int | None, ...]],
    *,
    weights: Mapping[str, Weight] | None = None,
    dtype: str = "float32",
    outputs: int = 1,
    batch: int = 2,
    bounds: Mapping[str, int] | None = None,
    channel_axis: int = -1,
) -> Draft:
    """A one-layer Draft. Inputs are `x` (or `x1`, `x2`, ... when there are several), the layer is `layer`."""
    names = ["x"] if len(shapes) == 1 else [f"x{k}" for k in range(1, len(shapes) + 1)]
    spec = Spec(
        dialect=dialect,
        inputs=tuple(Input(name, shape, dtype) for name, shape in zip(names, shapes, strict=True)),
        layers=(Layer(kind=kind, name="layer", config=dict(config), inputs=tuple(names)),),
        outputs=tuple("layer" if k == 0 else f"layer:{k}" for k in range(outputs)),
    )
    return Draft(
        spec=spec,
        weights={f"layer/{name}": law for name, law in (weights or {}).items()},
        batch=batch,
        bounds=bounds or {},
        channel_axis=channel_axis,
    )


def called(draft: Draft, **arguments: Any) -> Draft:
    """The draft, with further arguments, which are not tensors, in the call of its last layer."""
    *before, last = draft.spec.layers
    layers = (*before, replace(last, arguments={**last.arguments, **arguments}))
    return replace(draft, spec=replace(draft.spec, layers=layers))


def masked(
    draft: Draft, shape: tuple[int | None, ...], law: str, *, name: str = "mask", hides: Sequence[str] = ()
) -> Draft:
    """The draft with a further bool input of `shape` (without the batch), passed to its last layer as `name`.

    `hides` are the inputs whose steps it masks.
    """
    *before, last = draft.spec.layers
    spec = replace(
        draft.spec,
        inputs=(*draft.spec.inputs, Input(name, shape, "bool")),
        layers=(*before, replace(last, keywords={**last.keywords, name: (name,)})),
    )
    return replace(draft, spec=spec, masks={**draft.masks, name: law}, hides={**draft.hides, name: tuple(hides)})


def inner(kind: str, config: Config) -> dict[str, Any]:
    """A layer or cell as the constructor argument of a wrapper.

    Its weights take the wrapper's name and the name of the part, as in `layer/forward/kernel`;
    `harness.oracle.part` selects those of one part.
    """
    return {"kind": kind, "config": dict(config)}


def distinct(fill: Chooser, count: int, options: Sequence[int] = PRIMES) -> list[int]:
    """`count` pairwise different sizes, so that an exchange of two axes shows."""
    remaining = list(options)
    sizes = []
    for _ in range(count):
        value = fill.pick(remaining)
        remaining.remove(value)
        sizes.append(value)
    return sizes


def sized(kind: str, fill: Chooser, count: int, *, batch: int = 1, options: Sequence[int] = (2, 3, 5, 7)) -> list[int]:
    """`count` small sizes of axes other than the batch: `distinct` from each other and the batch, or all `equal`."""
    if kind == "equal":
        return [fill.pick(options[:3])] * count
    return distinct(fill, count, [n for n in options if n != batch])


def explicit(choice: Choice, *names: str) -> dict[str, Any]:
    """The constructor arguments `names` with their values in the choice, except those with the value "default"."""
    return {name: choice[name] for name in names if choice[name] != "default"}
