"""How long the rest of a run takes."""

from __future__ import annotations

import random

import pytest

from harness.run.estimate import Estimate, told


def test_groups_take_different_times() -> None:
    estimate = Estimate({"quick": 100, "slow": 100}, jobs=2)
    for _ in range(20):
        estimate.add("quick", 0.1)
        estimate.add("slow", 1.0)
    assert estimate.remaining(elapsed=11.0) == pytest.approx(44.0)


def test_the_start_of_a_framework_does_not_count() -> None:
    estimate = Estimate({"route": 1000}, jobs=1)
    for seconds in (20.0, *[0.1] * 99):
        estimate.add("route", seconds)
    assert estimate.remaining(elapsed=29.9) == pytest.approx(90.0)


def test_what_is_unseen_takes_as_long_as_before_times_the_speed_of_this_run() -> None:
    estimate = Estimate({"seen": 20, "unseen": 10}, jobs=1, before={"seen": 0.5, "unseen": 4.0})
    for _ in range(10):
        estimate.add("seen", 1.0)  # this machine takes twice as long
    assert estimate.remaining(elapsed=10.0) == pytest.approx(10 * 1.0 + 10 * 8.0)


def test_time_between_tests_counts() -> None:
    estimate = Estimate({"route": 200}, jobs=2)
    for _ in range(100):
        estimate.add("route", 0.1)
    assert estimate.remaining(elapsed=10.0) == pytest.approx(10.0)


def test_there_is_no_estimate_of_nothing() -> None:
    estimate = Estimate({"route": 1000}, jobs=2)
    assert estimate.remaining(elapsed=5.0) is None
    estimate.add("route", 9.0)
    assert estimate.remaining(elapsed=9.0) is None


@pytest.mark.parametrize("seed", range(5))
def test_within_a_third_from_the_first_tenth_on(seed: int) -> None:
    """A run of twenty routes in rounds, the slow ones last, each test up to twice as long as the mean of its route."""
    draw = random.Random(seed)
    means = {f"route {n}": 0.02 * 1.3**n for n in range(20)}
    tests = [name for n in range(20) for name in list(means)[: n + 1] for _ in range(15)]
    tests = draw.sample(tests, len(tests))
    seconds = [means[name] * draw.uniform(0, 2) for name in tests]
    estimate = Estimate({name: tests.count(name) for name in means}, jobs=1)
    for place, (name, each) in enumerate(zip(tests, seconds, strict=True), 1):
        estimate.add(name, each)
        if place >= len(tests) / 10 and place % 50 == 0 and (left := sum(seconds[place:])) > sum(seconds) / 10:
            assert estimate.remaining(sum(seconds[:place])) == pytest.approx(left, rel=1 / 3)


def test_seconds_as_a_person_says_them() -> None:
    assert [told(each) for each in (3, 44, 91, 700, 3900)] == ["10 s", "40 s", "2 min", "12 min", "1 h 5 min"]
