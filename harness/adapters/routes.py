"""Routes: chains of hops from a source format, and whether they can run here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.adapters.registry import Plugin, Registry
from harness.installed import AT
from harness.patterns import fits


@dataclass(frozen=True)
class Route:
    """A source format, then hops in order. Named `keras-tf2onnx-onnx2torch`.

    The first `given` stages come from a pack, and nothing that makes or runs them is needed; with `anew`, the artifact
    of the last of them is run here.
    """

    source: Plugin
    hops: tuple[Plugin, ...]
    given: int = 0
    anew: bool = False

    @property
    def taken(self) -> int:
        """How many of its first stages are taken from a pack with what their artifacts gave."""
        return self.given - self.anew

    @cached_property
    def name(self) -> str:
        return "-".join([self.source.name, *(hop.name for hop in self.hops)])

    @property
    def plain_name(self) -> str:
        """The name without the releases of converters that are walked in more than one."""
        return "-".join([self.source.name, *(hop.name.partition(AT)[0] for hop in self.hops)])

    @cached_property
    def chains(self) -> tuple[tuple[str, tuple[Plugin, ...]], ...]:
        """Name and plugins of the route up to each stage: the source, then the source and the first hop, and so on."""
        parts = (self.source, *self.hops)
        return tuple(("-".join(part.name for part in parts[:n]), parts[:n]) for n in range(1, len(parts) + 1))

    @property
    def dialect(self) -> str:
        return self.source.dialect or ""

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of the artifacts, source first."""
        return (self.source.name, *(hop.target for hop in self.hops))

    @property
    def opset(self) -> int | None:
        """The opset that a hop asks for; None if every converter takes its default."""
        return next((hop.opset for hop in self.hops if hop.opset is not None), None)

    def hidden_behind(self) -> tuple[str, ...]:
        """The chains whose deviation makes this route a detour: those that end in a hop for which its last but one
        hop stands in. Empty for other routes."""
        *before, last = self.hops[:-1] or (None,)
        if last is None or len(before) > 1:
            return ()
        return tuple(f"{self.source.name}-{name}" for name in last.stands_in_for)

    @property
    def depth(self) -> int | None:
        """Number of golden cases of each layer that the route walks by default; None for all.

        It is the least that the source, the last hop, and the `behind` of the other hops allow. It is 0 for a route
        that comes back to its source format, because what follows is walked without the detour, and for a hop behind
        another that it is `not_behind`.
        """
        names = [hop.name for hop in self.hops]
        if self.formats[-1] == self.source.name and len(set(self.formats)) > 1:
            return 0
        if any(set(hop.not_behind) & set(names[:place]) for place, hop in enumerate(self.hops)):
            return 0
        limits = [self.source.depth, *(hop.depth for hop in self.hops[-1:])]
        limits += [hop.allows(further) for further, hop in enumerate(reversed(self.hops)) if further]
        return min((limit for limit in limits if limit is not None), default=None)

    def missing(self, registry: Registry) -> str:
        """The reason why the route cannot run here; '' if it can. Every converted artifact needs a runtime."""
        hops = self.hops[max(self.given - 1, 0) :]
        unrunnable = [hop.target for hop in hops if registry.runtime_of(hop.target) is None]
        if unrunnable:
            return f"no runtime for the format {', '.join(unrunnable)}"
        wanted = [name for k, name in enumerate(self.formats) if k >= self.taken and (k or not registry.optional(name))]
        runtimes = [runtime for name in wanted if (runtime := registry.runtime_of(name))]
        parts = (*(() if self.given else (self.source,)), *hops, *runtimes)
        return "; ".join(dict.fromkeys(f"{part.name}: {part.missing}" for part in parts if part.missing))

    def plugins(self, registry: Registry) -> tuple[Plugin, ...]:
        """The source format, the hops, and the installed runtimes of the route."""
        runtimes = [runtime for name in self.formats if (runtime := registry.runtime_of(name))]
        return (self.source, *self.hops, *(runtime for runtime in runtimes if not runtime.missing))

    def walked(self, registry: Registry) -> tuple[Plugin, ...]:
        """Those plugins of the route that walking it needs: all but those of its given stages."""
        formats = self.formats[self.taken :]
        runtimes = [runtime for name in formats if (runtime := registry.runtime_of(name)) and not runtime.missing]
        return (*(self.source, *self.hops)[self.given :], *runtimes)

    def workers(self, registry: Registry) -> list[str]:
        """Names of the workers that the route needs."""
        return list(dict.fromkeys(part.worker for part in self.walked(registry)))


def all_routes(registry: Registry) -> list[Route]:
    """All chains of hops from a format that can be written, in which no two hops start from the same format.

    So a route may come back to a format, but ends there. A format from which no hop starts is a route by itself.
    """
    routes: list[Route] = []
    for source in registry.formats:
        if source.dialect is not None:
            route = Route(source, ())
            routes += list(_extended(route, registry)) or [route]
    return routes


def _extended(route: Route, registry: Registry) -> Iterable[Route]:
    for hop in registry.hops:
        if hop.source == route.formats[-1] and hop.source not in route.formats[:-1]:
            longer = Route(route.source, (*route.hops, hop))
            yield longer
            yield from _extended(longer, registry)


def select(routes: Iterable[Route], patterns: Sequence[str] = (), dialect: str | None = None) -> list[Route]:
    """The routes whose name fits one of the glob patterns (none: any), of one dialect (None: any)."""
    return [route for route in routes if fits(route.name, patterns) and dialect in (None, route.dialect)]
