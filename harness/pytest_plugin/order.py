"""The order of tests, and how pytest-xdist hands them out.

A run goes breadth first: `harness.run.order` says which pair of case and route comes when. A process gets one *block*
at a time: the routes of a case that are neighbours, as they share their first stages, or a few tests of one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any

import pytest
from xdist.scheduler import LoadScheduling

_Tests = list[pytest.Item]
FEW = 16
"""Most tests of a block that walk no goldens."""
WAITING = 4
"""Tests that a process of xdist has at least, as long as there are any. It begins a test only when it knows the next;
with fewer it would wait for an answer at the end of each block."""
EARLY = 0.75
"""Tests beside the goldens begin within this share of the run, so that no process waits for a long one at the end."""
GOLDEN_TEST = "test_golden"
"""Name of every test over goldens. With xdist, the process that counts owed results sees only names."""


def pair_of(item: pytest.Item) -> tuple[Any, Any] | None:
    """The case and route of a test over goldens."""
    pair = getattr(item, "callspec", None) and item.callspec.params.get("pair")  # type: ignore[attr-defined]
    return pair if isinstance(pair, tuple) else None


def breadth_first(
    items: Sequence[pytest.Item], place: Callable[[Any], tuple[Any, ...]], is_long: Callable[[pytest.Item], bool]
) -> list[pytest.Item]:
    """The quick goldens by their places. All other tests are spread among them behind the first round, so that the
    first page comes soon: long goldens, long tests, and the quick tests of a file together.
    """
    quick = [item for item in items if not is_long(item)]
    goldens = sorted((item for item in quick if pair_of(item) is not None), key=lambda item: place(pair_of(item)))
    units = _neighbours(
        (item for item in items if is_long(item)),
        lambda item: item.nodeid if pair_of(item) is None else block_of(item.nodeid),
    )
    units += _neighbours((item for item in quick if pair_of(item) is None), lambda item: block_of(item.nodeid))
    blocks = _neighbours(goldens, lambda item: block_of(item.nodeid))
    rounds = [place(pair_of(block[0]))[:2] for block in blocks]
    begin = next((n for n, each in enumerate(rounds) if each != rounds[0]), len(blocks))
    return list(chain.from_iterable(_spread(blocks, units, begin)))


def _neighbours(items: Iterable[pytest.Item], key: Callable[[pytest.Item], str]) -> list[_Tests]:
    return [list(some) for _, some in groupby(items, key)]


def _spread(blocks: Sequence[_Tests], units: Sequence[_Tests], begin: int) -> Iterator[_Tests]:
    """All blocks in order, with the units at even distances among those from `begin` on."""
    end = max(int(EARLY * len(blocks)), begin)
    taken = 0
    for number, block in enumerate(blocks):
        due = len(units) if number >= end else len(units) * max(number - begin + 1, 0) // max(end - begin, 1)
        yield from units[taken : max(due, taken)]
        taken = max(due, taken)
        yield block
    yield from units[taken:]


def block_of(test: str) -> str:
    """The name of the block to which the test with this id belongs."""
    file, _, rest = test.partition("::")
    return test.rpartition(":")[0] if rest.startswith(f"{GOLDEN_TEST}[") else file


def lengths(tests: Iterable[str]) -> Iterator[int]:
    """The lengths of the blocks that these ids form, in order."""
    for name, block in groupby(tests, key=block_of):
        count = sum(1 for _ in block)
        if name.endswith(".py"):
            yield from [FEW] * (count // FEW)
            count %= FEW
        if count:
            yield count


class Blocks(LoadScheduling):
    """Hands out blocks of neighbouring tests in their order, the next one when a process has almost none left."""

    collection: list[str] | None
    _lengths: list[int]

    def schedule(self) -> None:
        """Begin, or let new processes take part."""
        if self.collection is None and self._check_nodes_have_same_collection():
            tests = next(iter(self.node2collection.values()))
            self.collection = tests
            self.pending[:] = range(len(tests))
            self._lengths = list(lengths(tests))[::-1]
        for _ in range(WAITING):
            for node in self.nodes:
                self.check_schedule(node)

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Send the next block to a process that has almost no test left, or end it where there is none."""
        if node.shutting_down or self.collection is None:
            return
        if self.pending and len(self.node2pending[node]) < WAITING:
            self._send_tests(node, self._lengths.pop() if self._lengths else WAITING)
        elif not self.pending:
            node.shutdown()
