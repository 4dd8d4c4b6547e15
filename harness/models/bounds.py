"""How large a network may be judged: the cost of the oracle by the sizes of all tensors, and sizes that are affordable.

Judging computes each layer in double precision several times, to measure the noise of float32 (`harness.oracle.noise`),
and runs PyTorch once. Both must fit into `MEMORY` bytes and the first into `SECONDS`. A network that does not fit with
the input size of its file is judged at the largest of several smaller sizes that it allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod

from harness.models.sensitivity import MOST
from harness.oracle import part
from harness.oracle.noise import RUNS
from harness.spec import Array, Layer, Spec

MEMORY = 2 * 2**30
"""Bytes that judging may take in this process, and as many in PyTorch's, beyond what both have after their imports."""
SECONDS = 60.0
"""Seconds that the oracle may take."""
MANY, QUICK = 40, 10.0
"""Layers and seconds from which `FEW` runs measure the noise: each run computes the whole network in double
precision."""
FEW = 4
SIZES = (5, 16, 64, 256, 1024)
"""Tried in this order for sizes that the file leaves open, such as the number of steps of a sequence."""
DIVISORS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Of height and width, tried in this order for networks that are too large."""
PRODUCTS, PASS, STEP, CALL = 3e-11, 3e-8, 1.2e-4, 2e-5
"""Seconds of the exact oracle for a multiplication, an element of a layer's output, a step of a recurrent layer in each
direction, and a layer: about those of two cores of a server of 2023. A noisy run takes `NOISY` times as long."""
NOISY = 4.0
TEMPORARY, BLOCKS = 8, 6 * 2**24
"""Arrays of the size of a layer's largest tensor that a noisy operation has at once; bytes of the windows in blocks."""

Sizes = tuple[tuple[int, ...], ...]
"""The shape of each input, batch included."""
Shapes = Mapping[str, Sequence[int]]
"""The shape of each tensor of the network by name."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the exact oracle, and bytes of the larger of both processes."""

    exact: float
    memory: int

    def seconds(self, runs: int) -> float:
        """Seconds of the exact oracle and of `runs` noisy runs."""
        return self.exact * (1 + NOISY * runs)


@dataclass(frozen=True)
class Plan:
    """Sizes of the inputs at which a network is judged, the number of noisy runs, and what that costs."""

    sizes: Sizes
    runs: int
    cost: Cost
    smaller: bool = False
    """Whether the sizes are smaller than those that the file declares."""

    @property
    def seconds(self) -> float:
        """Seconds of the oracle, if the inputs that are drawn first hide no layer."""
        return self.cost.seconds(self.runs) + self.changed * self.cost.exact

    @property
    def changed(self) -> int:
        """How many layers are changed, to see what the outputs hide: as many as half of `SECONDS` allow, 4 at least."""
        return max(4, min(MOST, int(SECONDS / 2 / max(self.cost.exact, 1e-9))))

    def __str__(self) -> str:
        each = " and ".join(" x ".join(map(str, shape[1:])) for shape in self.sizes)
        count = self.sizes[0][0]
        return f"{count} sample{'s' * (count > 1)} of {each}"


@dataclass(frozen=True)
class TooLarge:
    """Nothing that may be judged is affordable: what takes too much, what it costs, and why nothing less is taken."""

    cost: Cost
    what: str = "one sample of the declared size"
    why: str = "the network allows no smaller size that fits"

    def __str__(self) -> str:
        return (
            f"{self.what} takes about {gibibytes(self.cost.memory)} and {self.cost.seconds(FEW):.0f} s; the bounds are "
            f"{gibibytes(MEMORY)} and {SECONDS:.0f} s, and {self.why}"
        )


def gibibytes(count: float) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.2g} GiB"


def runs_for(spec: Spec) -> int:
    """Noisy runs where time does not matter."""
    return RUNS if len(spec.layers) < MANY else FEW


def affordable_runs(spec: Spec, cost: Cost) -> int:
    """Noisy runs for a sample that comes with the file, whose size is not ours to choose: two at least."""
    return next((runs for runs in (runs_for(spec), FEW) if _in_time(cost, runs)), 2)


def cost_of(spec: Spec, weights: Mapping[str, Array], shapes: Shapes) -> Cost:
    """The cost of computing the network where its tensors have these shapes."""
    last = {tensor: place for place, layer in enumerate(spec.layers) for tensor in layer.tensors}
    last |= dict.fromkeys(spec.outputs, len(spec.layers))
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    seconds, peak = 0.0, 0
    live = {item.name for item in spec.inputs}
    for place, layer in enumerate(spec.layers):
        made = [name for name in shapes if name.partition(":")[0] == layer.name]
        live.update(made)
        largest = max(sizes[name] for name in (*made, *layer.tensors) if name in sizes)
        peak = max(peak, sum(sizes.get(name, 0) for name in live) + TEMPORARY * largest)
        live = {name for name in live if last.get(name, place) > place}
        seconds += CALL + PASS * largest + _products(layer, weights, shapes) * PRODUCTS + _steps(layer, shapes) * STEP
    own = sum(value.size for value in weights.values())
    return Cost(seconds, max(8 * (peak + 3 * own) + BLOCKS, 4 * (sum(sizes.values()) + 3 * own)))


def _products(layer: Layer, weights: Mapping[str, Array], shapes: Shapes) -> int:
    """Multiplications: each weight is used once at each place of the output, or of the input if that is spread."""
    spread = "Transposed" in layer.kind or layer.kind == "convt"
    shape = shapes[layer.inputs[0] if spread else layer.name]
    places = shape[1] if len(shape) == 3 else prod(shape[2:])
    return int(shape[0]) * int(places) * sum(value.size for value in part(weights, layer.owner).values())


def _steps(layer: Layer, shapes: Shapes) -> int:
    """Steps of a recurrent layer in each direction, which the oracle computes one by one."""
    shape = shapes[layer.inputs[0]]
    if len(shape) != 3 or not any(kind in layer.kind for kind in ("LSTM", "GRU")):
        return 0
    return int(shape[1]) * (1 + layer.kind.startswith("Bi"))


Probe = Callable[[Sequence[Sizes]], Sequence[Shapes | None]]
"""The shapes of all tensors at each of several sizes of the inputs; None where the network does not run."""


def plan(spec: Spec, weights: Mapping[str, Array], probe: Probe) -> Plan | TooLarge | None:
    """How to judge a network; None if it runs at no size that was tried, so that its cost is not known."""
    for size in SIZES if any(None in item.shape for item in spec.inputs) else SIZES[:1]:
        whole, one = (declared_sizes(spec, batch, size) for batch in (2, 1))
        shapes, alone = probe([whole, one])
        if shapes is not None and alone is not None:
            break
    else:
        return None
    runs = runs_for(spec)
    first, single = cost_of(spec, weights, shapes), cost_of(spec, weights, alone)
    for sizes, cost, count in ((whole, first, runs), (whole, first, min(runs, FEW)), (one, single, min(runs, FEW))):
        if _fits(cost, count):
            return Plan(sizes, count, cost)
    candidates = list(_smaller(spec, size))
    for sizes, seen in zip(candidates, probe(candidates) if candidates else (), strict=True):
        if seen is not None and _fits(cost := cost_of(spec, weights, seen), FEW):
            return Plan(sizes, FEW, cost, smaller=True)
    return TooLarge(single)


def plan_given(spec: Spec, sizes: Sizes, cost: Cost) -> Plan | TooLarge:
    """How to judge a network on inputs whose sizes are not ours to choose."""
    for runs in (runs_for(spec), min(runs_for(spec), FEW)):
        if _fits(cost, runs):
            return Plan(sizes, runs, cost)
    return TooLarge(cost, "what was given", "nothing of it is left out: give fewer samples, or smaller ones")


def _fits(cost: Cost, runs: int) -> bool:
    return cost.memory <= MEMORY and _in_time(cost, runs)


def _in_time(cost: Cost, runs: int) -> bool:
    return cost.seconds(runs) <= (SECONDS if runs <= FEW else QUICK)


def declared_sizes(spec: Spec, batch: int, size: int) -> Sizes:
    """The sizes that the file declares, with `size` for those that it leaves open."""
    return tuple((batch, *(size if n is None else n for n in item.shape)) for item in spec.inputs)


def _smaller(spec: Spec, size: int) -> Iterator[Sizes]:
    """Two samples with a part of the height and width of all images, and with these as multiples of 32."""
    whole = declared_sizes(spec, 2, size)
    if all(len(shape) < 4 for shape in whole):
        return
    for divisor in DIVISORS:
        for multiple in (1, 32):
            yield tuple(
                (*shape[:2], *(_part(n, divisor, multiple) for n in shape[2:])) if len(shape) > 3 else shape
                for shape in whole
            )


def _part(size: int, divisor: int, multiple: int) -> int:
    return min(size, ceil(ceil(size / divisor) / multiple) * multiple)
