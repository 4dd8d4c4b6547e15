"""An order in which layers can run."""

import pytest

from harness.matlab.readers.order import Circle, running_order


def test_each_layer_comes_after_what_it_reads_and_the_file_decides_the_rest():
    reads = {"join": ["b", "a"], "b": ["in"], "in": [], "a": ["in"], "alone": []}
    assert running_order(reads) == ["in", "b", "a", "join", "alone"]
    assert running_order({"in": [], "a": ["in"], "alone": [], "b": ["in"]}) == ["in", "a", "alone", "b"]


def test_an_order_that_works_stays():
    assert running_order({1: [], 0: [1], 2: [0, 1]}) == [1, 0, 2]


def test_layers_that_wait_for_each_other_are_named():
    with pytest.raises(Circle, match=r"^a, b, after$") as caught:
        running_order({"in": [], "a": ["b"], "b": ["a", "in"], "after": ["b"]})
    assert caught.value.members == ["a", "b", "after"]
