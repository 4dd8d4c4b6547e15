"""Which stages on record a run need not walk.

The record knows stages, case by case, and not which route put them there. A stage of a selected route is lost where the
run does not reach it, unless another route answers for it: `keras-kerastorch` walks four cases of a layer, and the
stage `keras` of all others is on record because `keras-tf2onnx` walks them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.results.packs import PackNote

Walks = Callable[[Route, Entry], bool]
"""Whether a route walks a golden case by default."""


@dataclass(frozen=True)
class Spared:
    """Called with a case and a chain of hops, it says whether a run need not reach that stage on record.

    `own` are the routes that the run walks: a golden that one of them walks is never spared. `others` are the routes
    that it does not walk; they answer for the goldens that they walk. For a golden that vanished nobody can answer.
    `pack` gives the beginnings of some of its routes, which need not reach what it lacks. `led_past` says which stages
    a detour put on record.
    """

    entries: Mapping[str, Entry]
    own: Mapping[str, tuple[Route, ...]]
    others: Mapping[str, tuple[Route, ...]]
    walks: Walks
    pack: PackNote | None
    led_past: Callable[[str, str], bool]

    @classmethod
    def of(
        cls,
        entries: Iterable[Entry],
        routes: Iterable[Route],
        walks: Walks,
        *,
        walked: Container[str],
        pack: PackNote | None = None,
        led_past: Callable[[str, str], bool] = lambda case, chain: False,
    ) -> Spared:
        """Of all routes, `walked` names those that the run walks."""
        every = list(routes)
        own = _by_chain(route for route in every if route.name in walked)
        others = _by_chain(route for route in every if route.name not in walked)
        return cls({entry.id: entry for entry in entries}, own, others, walks, pack, led_past)

    def __call__(self, case: str, chain: str) -> bool:
        if self._lacks(case, chain) or self.led_past(case, chain):
            return True
        entry = self.entries.get(case)
        if entry is None or any(self.walks(route, entry) for route in self.own.get(chain, ())):
            return False
        return any(self.walks(route, entry) for route in self.others.get(chain, ()))

    def _lacks(self, case: str, chain: str) -> bool:
        """Whether the pack lacks the case, and no route leads there that is walked whole."""
        if self.pack is None or case not in self.pack.lacking:
            return False
        return all(route.name in self.pack.routes for route in self.own.get(chain, ()))


def _by_chain(routes: Iterable[Route]) -> dict[str, tuple[Route, ...]]:
    """The routes that lead through each chain."""
    through: dict[str, list[Route]] = {}
    for route in routes:
        for chain, _ in route.chains:
            through.setdefault(chain, []).append(route)
    return {chain: tuple(found) for chain, found in through.items()}
