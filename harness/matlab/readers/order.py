"""An order in which the layers of a network can run."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


class Circle(Exception):
    """Layers that wait for each other; `members` are all that cannot run."""

    def __init__(self, members: list[T]) -> None:
        self.members = members
        super().__init__(", ".join(map(str, members)))


def running_order(reads: Mapping[T, Collection[T]]) -> list[T]:
    """Each layer after all that it reads; where several could be next, the first of the mapping.

    Raises Circle where layers wait for each other.
    """
    order: list[T] = []
    waiting = list(reads)
    while waiting:
        ready = next((layer for layer in waiting if all(source in order for source in reads[layer])), None)
        if ready is None:
            raise Circle(waiting)
        order.append(ready)
        waiting.remove(ready)
    return order
