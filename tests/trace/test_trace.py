"""Traces as values."""

import math

import pytest

from harness.results.evidence import Node
from harness.trace.trace import Trace, measured, unique


def nodes(*local: float | None) -> tuple[Node, ...]:
    return tuple(Node(f"n{number}", "Add", local=value, propagated=9e9) for number, value in enumerate(local))


@pytest.mark.parametrize(
    ("local", "first"),
    [
        ((1.0, None, 1024.0), None),
        ((1.0, 1025.0, 9e9), "n1"),
        ((None, math.inf), "n1"),
        ((math.nan,), "n0"),
        ((), None),
    ],
)
def test_the_first_local_error_above_that_of_rounding_is_the_fault(local: tuple, first: str | None) -> None:
    fault = Trace("onnx", nodes(*local)).first_fault
    assert (None if fault is None else fault.id) == first


def test_it_travels_as_plain_data() -> None:
    trace = Trace("torch", nodes(None, math.inf, 2.5), "a note")
    assert Trace.from_plain(trace.to_plain()) == trace


@pytest.mark.parametrize(
    ("at", "shown"), [(0, [0, 1, 2, 3]), (5, [3, 4, 5, 6]), (9, [6, 7, 8, 9]), (None, [6, 7, 8, 9])]
)
def test_of_a_large_graph_the_part_around_the_fault_is_shown(at: int | None, shown: list[int]) -> None:
    trace = Trace("onnx", nodes(*(2000.0 if number == at else 1.0 for number in range(10))), "so")
    graph, note = trace.graph(4)
    assert [node.id for node in graph.nodes] == [f"n{number}" for number in shown]
    assert note == "4 of 10 nodes shown; so"
    assert trace.graph(10) == (Trace("onnx", trace.nodes).graph(10)[0], "so")


def test_names_that_come_again_are_numbered() -> None:
    assert unique(["a", "b", "a", "a"]) == ["a", "b", "a#2", "a#3"]


def test_the_worst_of_several_outputs_counts() -> None:
    node = measured(measured(Node("n", "Split"), local=2.0), local=1.0, propagated=3.0)
    assert (node.local, node.propagated) == (2.0, 3.0)
