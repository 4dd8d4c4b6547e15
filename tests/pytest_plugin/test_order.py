"""The order of tests, and the blocks in which processes get them."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from harness.pytest_plugin.order import Blocks, block_of, breadth_first, lengths

GOLDEN = "suites/keras/test_keras_goldens.py::test_golden"
TESTS = [
    *(f"{GOLDEN}[keras-ELU-1:{route}]" for route in ("keras-tf2onnx", "keras-tf2onnx-onnx2torch")),
    "suites/planted/test_planted.py::test_fault[a]",
    f"{GOLDEN}[keras-ReLU-2:keras-tf2onnx]",
    *(f"tests/test_rooms.py::test_{n}" for n in range(20)),
]


def test_a_block_is_the_routes_of_a_case_or_a_few_tests_of_a_file() -> None:
    assert list(lengths(TESTS)) == [2, 1, 1, 16, 4]
    assert block_of(TESTS[0]) == block_of(TESTS[1]) != block_of(TESTS[3])


class Item:
    """A test as far as its order asks."""

    def __init__(self, name: str, pair: tuple[Any, Any] | None = None, *, long: bool = False) -> None:
        self.nodeid, self.long = name, long
        if pair is not None:
            self.callspec = SimpleNamespace(params={"pair": pair})

    def __repr__(self) -> str:
        return self.nodeid


def _items(rounds: int, layers: int, long: int) -> list[Any]:
    goldens = [Item(f"{GOLDEN}[k-{n}-{r}:a]", (r, "a")) for n in range(layers) for r in range(rounds)]
    return [
        *goldens,
        *(Item(f"suites/planted/test_planted.py::test[{n}]", long=True) for n in range(long)),
        *(Item(f"{file}::x[{n}]") for file in ("t.py", "u.py") for n in range(3)),
    ]


def test_other_tests_of_a_file_stay_together_behind_the_first_round() -> None:
    names = [item.nodeid for item in breadth_first(_items(20, 10, 3), lambda pair: (pair[0],), lambda item: item.long)]  # type: ignore[attr-defined]
    for file in ("t.py", "u.py"):
        begin = names.index(f"{file}::x[0]")
        assert names[begin : begin + 3] == [f"{file}::x[{n}]" for n in range(3)]
        assert begin > 10


def test_the_routes_of_a_large_model_come_together_behind_the_first_round() -> None:
    items = _items(20, 10, 3)
    items[5:5] = [Item(f"{GOLDEN}[k-Large-0:{route}]", (0, route), long=True) for route in "abc"]
    names = [item.nodeid for item in breadth_first(items, lambda pair: (pair[0],), lambda item: item.long)]  # type: ignore[attr-defined]
    begin = names.index(f"{GOLDEN}[k-Large-0:a]")
    assert names[begin : begin + 3] == [f"{GOLDEN}[k-Large-0:{route}]" for route in "abc"]
    assert begin >= 10
    assert len(names) == len(items)


def test_long_tests_begin_behind_the_first_round_and_end_before_the_last() -> None:
    items = _items(rounds=20, layers=10, long=30)
    ordered = breadth_first(items, lambda pair: (pair[0],), lambda item: item.long)  # type: ignore[attr-defined]
    places = [n for n, item in enumerate(ordered) if item.long]  # type: ignore[attr-defined]
    assert sorted(map(repr, ordered)) == sorted(map(repr, items))
    assert 10 <= places[0] < 16  # behind the first case of each of ten layers
    assert places[-1] < 0.8 * len(ordered)
    assert max(b - a for a, b in pairwise(places)) <= 6


@pytest.mark.parametrize(("rounds", "layers", "long"), [(1, 1, 5), (1, 3, 0), (2, 1, 50), (0, 0, 4)])
def test_no_test_is_lost_however_few_there_are(rounds: int, layers: int, long: int) -> None:
    items = _items(rounds, layers, long)
    ordered = breadth_first(items, lambda pair: (pair[0],), lambda item: item.long)  # type: ignore[attr-defined]
    assert sorted(map(repr, ordered)) == sorted(map(repr, items))


class Node:
    """A process of xdist that notes what it gets, as the real one does over a wire."""

    def __init__(self, name: str) -> None:
        self.got: list[list[int]] = []
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False

    def send_runtest_some(self, tests: list[int]) -> None:
        self.got.append(list(tests))

    def shutdown(self) -> None:
        self.shutting_down = True


def test_processes_get_blocks_in_order_and_end_when_none_is_left() -> None:
    config: Any = SimpleNamespace(
        getvalue=lambda _: ["popen", "popen"], getoption=lambda _: None, option=SimpleNamespace(), hook=None
    )
    scheduler = Blocks(config)
    scheduler.numnodes = 2
    nodes = [Node("gw0"), Node("gw1")]
    for node in nodes:
        scheduler.add_node(node)  # type: ignore[arg-type]
        scheduler.add_node_collection(node, TESTS)  # type: ignore[arg-type]
    scheduler.schedule()
    assert [node.got[0] for node in nodes] == [[0, 1], [2]]
    while scheduler.has_pending:
        for node in nodes:
            if scheduler.node2pending[node]:  # type: ignore[index]
                scheduler.mark_test_complete(node, scheduler.node2pending[node][0])  # type: ignore[arg-type,index]
    assert sorted(n for node in nodes for some in node.got for n in some) == list(range(len(TESTS)))
    assert all(node.shutting_down for node in nodes)
    assert scheduler.tests_finished
