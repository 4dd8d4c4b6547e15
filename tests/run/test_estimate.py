"""How long the rest of a run takes."""

from __future__ import annotations

import random

import pytest

from harness.run.estimate import Estimate, told


def test_groups_take_different_times() -> None:
    quick, slow = ("route", "ReLU"), ("route", "LSTM")
    estimate = Estimate({quick: 100, slow: 100}, jobs=2)
    for _ in range(20):
        estimate.add(quick, 0.1)
        estimate.add(slow, 1.0)
    assert estimate.remaining(elapsed=11.0) == pytest.approx(44.0)


def test_the_start_of_a_framework_counts_for_little() -> None:
    layers = [("route", f"layer {n}") for n in range(50)]
    estimate = Estimate(dict.fromkeys(layers, 11), jobs=1)
    for layer in layers:
        estimate.add(layer, 20.0 if layer == layers[0] else 0.1)
    assert estimate.remaining(elapsed=24.9) == pytest.approx(10 * (49 * 0.1 + 0.3))


def test_an_unseen_group_takes_what_is_usual_for_its_kind() -> None:
    totals = {("a", "1"): 6, ("a", "2"): 6, ("a", "3"): 6, ("a", "4"): 10, ("b", "1"): 6}
    estimate = Estimate(totals, jobs=1)
    for group, seconds in zip(totals, (1.0, 2.0, 9.0, None, 50.0), strict=True):
        for _ in range(6 if seconds else 0):
            estimate.add(group, seconds or 0.0)
    assert estimate.remaining(elapsed=6 * 62.0) == pytest.approx(10 * 2.0)


def test_an_unseen_kind_takes_as_long_as_before_times_the_speed_of_this_run() -> None:
    estimate = Estimate({("seen", ""): 20, ("unseen", ""): 10}, jobs=1, before={"seen": 0.5, "unseen": 4.0})
    for _ in range(10):
        estimate.add(("seen", ""), 1.0)  # this machine takes twice as long
    assert estimate.remaining(elapsed=10.0) == pytest.approx(10 * 1.0 + 10 * 8.0)
    assert estimate.means == {"seen": 1.0}


def test_time_between_tests_counts() -> None:
    estimate = Estimate({("route", "ReLU"): 200}, jobs=2)
    for _ in range(100):
        estimate.add(("route", "ReLU"), 0.1)
    assert estimate.remaining(elapsed=10.0) == pytest.approx(10.0)


def test_there_is_no_estimate_of_nothing() -> None:
    estimate = Estimate({("route", "ReLU"): 1000}, jobs=2)
    assert estimate.remaining(elapsed=5.0) is None
    estimate.add(("route", "ReLU"), 9.0)
    assert estimate.remaining(elapsed=9.0) is None


@pytest.mark.parametrize("seed", range(5))
def test_within_a_third_from_the_first_tenth_on(seed: int) -> None:
    """A run of ten routes over thirty layers in rounds, as breadth first goes. The first test of a route starts a
    framework. A test takes up to twice as long as the mean of its group, and a tenth of the layers is slow."""
    draw = random.Random(seed)
    means = {
        (f"route {n}", f"layer {k}"): 0.02 * 1.3**n * (3 if k % 10 == 0 else 1) for n in range(10) for k in range(30)
    }
    tests = [group for _ in range(10) for group in draw.sample(sorted(means), len(means))]
    begun: set[str] = set()
    seconds = []
    for group in tests:
        seconds.append(means[group] * draw.uniform(0, 2) + (0 if group[0] in begun else 5))
        begun.add(group[0])
    estimate = Estimate(dict.fromkeys(means, 10), jobs=1)
    for place, (group, each) in enumerate(zip(tests, seconds, strict=True), 1):
        estimate.add(group, each)
        if place >= len(tests) / 10 and place % 50 == 0 and (left := sum(seconds[place:])) > sum(seconds) / 10:
            assert estimate.remaining(sum(seconds[:place])) == pytest.approx(left, rel=1 / 3)


def test_seconds_as_a_person_says_them() -> None:
    assert [told(each) for each in (3, 44, 91, 700, 3900)] == ["10 s", "40 s", "2 min", "12 min", "1 h 5 min"]
