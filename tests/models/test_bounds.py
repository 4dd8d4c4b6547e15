"""Sizes at which a network is judged: the declared one, fewer samples, a smaller image, none."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from harness.matlab.readers.toolbox import Network
from harness.models import bounds
from harness.models.bounds import Cost, Plan, Shapes, Sizes, TooLarge, affordable_runs, cost_of, plan
from harness.models.conversion import resized
from harness.models.deliver import shapes
from harness.oracle import evaluate, walk
from harness.spec import Input, Layer, Spec
from tests.matlab.large import Chain, bilstm, resnet50, segnet

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def convolution(height: int | None = 64, width: int | None = 48) -> tuple[Spec, dict[str, np.ndarray]]:
    net = Chain("in", (2, height, width))
    net.conv("conv", 3, 2, 4)
    return net.network()


def same_size(sizes: Sequence[Sizes]) -> list[Shapes | None]:
    """Shapes of `convolution`, whose output is as large as its input."""
    return [{"in_in": one[0], "in": one[0], "conv": (one[0][0], 4, *one[0][2:])} for one in sizes]


def test_cost_of_a_convolution():
    spec, weights = convolution()
    cost = cost_of(spec, weights, {"in_in": (2, 2, 64, 48), "in": (2, 2, 64, 48), "conv": (2, 4, 64, 48)})
    image, wide = 2 * 2 * 64 * 48, 2 * 4 * 64 * 48
    products = 2 * 64 * 48 * (9 * 2 * 4 + 4)  # each weight once at each place
    seconds = 2 * bounds.CALL + bounds.PASS * (image + wide) + bounds.PRODUCTS * products
    assert cost.exact == pytest.approx(seconds)
    assert cost.memory == 8 * (image + wide + bounds.TEMPORARY * wide + 3 * 76) + bounds.BLOCKS
    assert cost.seconds(4) == pytest.approx(seconds * 17)


def test_steps_of_recurrent_layers_cost_time():
    spec, weights = bilstm()

    def cost(steps: int) -> float:
        seen = {"sequence_in": (1, steps, 12), "sequence": (1, steps, 12), "biLSTM": (1, 200)}
        return cost_of(spec, weights, {**seen, "fc": (1, 9), "softmax": (1, 9)}).exact

    assert cost(10_000) - cost(5_000) == pytest.approx(2 * 5_000 * bounds.STEP, rel=0.1)


def test_a_small_network_is_judged_whole():
    spec, weights = convolution()
    chosen = plan(spec, weights, same_size)
    assert isinstance(chosen, Plan)
    assert (chosen.sizes, chosen.runs, chosen.smaller) == (((2, 2, 64, 48),), 16, False)
    assert str(chosen) == "2 samples of 2 x 64 x 48"


@pytest.mark.parametrize(("exact", "changed"), [(1e-4, 24), (1.25, 24), (3.0, 10), (10.0, 4), (1000.0, 4)])
def test_a_costly_network_has_fewer_layers_changed(exact, changed):
    """In half a minute, but for the least number."""
    chosen = bounds.Plan(((1, 2),), 4, Cost(exact, 0))
    assert chosen.changed == changed
    assert chosen.seconds == pytest.approx(exact * (17 + changed))


def test_less_time_takes_fewer_runs_then_one_sample_then_a_smaller_image(monkeypatch):
    spec, weights = convolution()
    whole = cost_of(spec, weights, same_size([((2, 2, 64, 48),)])[0] or {}).exact
    seen = []
    for seconds in (whole * 65.01, whole * 64, whole * 16, whole * 8, 0.0):
        monkeypatch.setattr(bounds, "QUICK", seconds)
        monkeypatch.setattr(bounds, "SECONDS", seconds)
        chosen = plan(spec, weights, same_size)
        seen.append((chosen.sizes[0], chosen.runs) if isinstance(chosen, Plan) else type(chosen))
    assert seen == [
        ((2, 2, 64, 48), 16),
        ((2, 2, 64, 48), 4),
        ((1, 2, 64, 48), 4),
        ((2, 2, 32, 24), 4),
        TooLarge,
    ]


def test_less_memory_takes_a_smaller_image_that_the_network_allows(monkeypatch):
    """The network runs on multiples of 32 only."""
    spec, weights = convolution(640, 480)

    def probe(sizes: Sequence[Sizes]) -> list[Shapes | None]:
        fits = [all(n % 32 == 0 for n in one[0][2:]) for one in sizes]
        return [seen if fit else None for seen, fit in zip(same_size(sizes), fits, strict=True)]

    monkeypatch.setattr(bounds, "MEMORY", 150 * 2**20)
    chosen = plan(spec, weights, probe)
    assert isinstance(chosen, Plan)
    assert (chosen.sizes, chosen.smaller) == (((2, 2, 320, 256),), True)
    assert chosen.cost.memory <= 150 * 2**20
    whole = plan(
        spec,
        weights,
        lambda sizes: [s if t[0][2] == 640 else None for s, t in zip(same_size(sizes), sizes, strict=True)],
    )
    assert isinstance(whole, TooLarge)
    assert "about 0.18 GiB" in str(whole)
    assert "the bounds are 0.15 GiB and 60 s, and the network allows no smaller size that fits" in str(whole)


def test_open_sizes_grow_until_the_network_runs():
    """A filter longer than five steps."""
    net = Chain("s", (None, 3), "SequenceInputLayer")
    spec, weights = net.network()

    def probe(sizes: Sequence[Sizes]) -> list[Shapes | None]:
        return [{"s_in": one[0], "s": one[0]} if one[0][1] >= 50 else None for one in sizes]

    chosen = plan(spec, weights, probe)
    assert isinstance(chosen, Plan)
    assert (chosen.sizes, chosen.smaller) == (((2, 64, 3),), False)
    assert plan(spec, weights, lambda sizes: [None] * len(sizes)) is None


def test_samples_of_a_file_are_always_judged():
    spec, _ = convolution()
    assert affordable_runs(spec, Cost(0.15, 0)) == 16
    assert affordable_runs(spec, Cost(0.16, 0)) == 4
    assert affordable_runs(spec, Cost(3.5, 0)) == 4
    assert affordable_runs(spec, Cost(3.6, 0)) == 2
    assert affordable_runs(spec, Cost(1000.0, 0)) == 2


@needs_torch
def test_shapes_are_those_of_the_oracle():
    """Nothing is computed, unpooling included."""
    spec, weights = segnet(24, 40, depth=2, filters=3, classes=4)
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 24, 40))
    (seen, none) = shapes(spec, weights, [[[2, 3, 24, 40]], [[2, 4, 24, 40]]])
    tensors = walk(spec, weights, {"inputImage_in": x})
    assert seen == {name: list(value.shape) for name, value in tensors.items() if ":" not in name}
    assert none is None


@needs_torch
@pytest.mark.parametrize(
    ("network", "sizes", "smaller"),
    [(segnet, ((2, 3, 90, 120),), True), (resnet50, ((2, 3, 224, 224),), False), (bilstm, ((2, 5, 12),), False)],
)
def test_networks_of_people(network, sizes, smaller):
    spec, weights = network()
    chosen = plan(spec, weights, lambda wanted: shapes(spec, weights, wanted))
    assert isinstance(chosen, Plan)
    assert (chosen.sizes, chosen.smaller) == (sizes, smaller)
    assert chosen.cost.memory < bounds.MEMORY


def test_statistics_are_cut_to_a_smaller_image():
    spec, weights = segnet(24, 40, depth=1, filters=3, classes=4)
    small = resized(Network("test", spec, weights), ((2, 3, 6, 10),))
    assert small.spec.inputs == (Input("inputImage_in", (3, 6, 10)),)
    np.testing.assert_array_equal(small.weights["inputImage/Mean"], weights["inputImage/Mean"][:6, :10])
    other = {name: value for name, value in small.weights.items() if name != "inputImage/Mean"}
    assert all(value is weights[name] for name, value in other.items())
    x = np.random.default_rng(0).uniform(0, 255, (1, 3, 6, 10))
    (y,) = evaluate(small.spec, small.weights, {"inputImage_in": x}).values()
    assert y.shape == (1, 4, 6, 10)


def test_statistics_of_channels_are_not_cut():
    layers = (Layer("ImageInputLayer", "in", {"Normalization": "zerocenter"}, ("in_in",)),)
    spec = Spec("matlab", (Input("in_in", (3, 8, 8)),), layers, ("in",))
    mean = np.ones(3, np.float32)
    assert resized(Network("test", spec, {"in/Mean": mean}), ((2, 3, 4, 4),)).weights["in/Mean"] is mean
