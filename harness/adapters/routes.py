"""Routes: which hops join up, and whether they can run here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.adapters.registry import Plugin, Registry


@dataclass(frozen=True)
class Route:
    """A source format, then hops in order. Named `keras-tf2onnx-onnx2torch`."""

    source: Plugin
    hops: tuple[Plugin, ...]

    @property
    def name(self) -> str:
        return "-".join([self.source.name, *(hop.name for hop in self.hops)])

    @property
    def dialect(self) -> str:
        return self.source.dialect or ""

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of the artifacts on the way, source first."""
        return (self.source.name, *(hop.target for hop in self.hops))

    @property
    def opset(self) -> int | None:
        """The opset that the route asks for; None where a converter takes its default."""
        return next((hop.opset for hop in self.hops if hop.opset is not None), None)

    @property
    def depth(self) -> int | None:
        """How many golden cases of each layer the route is walked over by default; None for all.

        The least that its source, its last hop and the hops on the way allow. It is 0 where the route comes back to the
        format that it began with: whatever starts from there is walked without the detour.
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
        """Why the route cannot run here; '' if it can. What a converter makes must be run: else nothing is judged."""
        unrunnable = [hop.target for hop in self.hops if registry.runtime_of(hop.target) is None]
        if unrunnable:
            return f"no runtime for the format {', '.join(unrunnable)}"
        wanted = [name for k, name in enumerate(self.formats) if k or not registry.optional(name)]
        runtimes = [runtime for name in wanted if (runtime := registry.runtime_of(name))]
        reasons = [f"{part.name}: {part.missing}" for part in (self.source, *self.hops, *runtimes) if part.missing]
        return "; ".join(dict.fromkeys(reasons))

    def plugins(self, registry: Registry) -> tuple[Plugin, ...]:
        """All that the route needs: its format, its hops, and the runtimes that are there."""
        runtimes = [runtime for name in self.formats if (runtime := registry.runtime_of(name))]
        return (self.source, *self.hops, *(runtime for runtime in runtimes if not runtime.missing))

    def workers(self, registry: Registry) -> list[str]:
        """Names of the workers that the route needs."""
        return list(dict.fromkeys(part.worker for part in self.plugins(registry)))


def all_routes(registry: Registry) -> list[Route]:
    """Every chain of hops from a format that can be written, no two of which start from the same format.

    So a route may come back to a format, and ends there. A format from which no hop starts is a route by itself.
    """
    found: list[Route] = []
    for source in registry.formats:
        if source.dialect is not None:
            route = Route(source, ())
            found += list(_extended(route, registry)) or [route]
    return found


def _extended(route: Route, registry: Registry) -> Iterable[Route]:
    for hop in registry.hops:
        if hop.source == route.formats[-1] and hop.source not in route.formats[:-1]:
            longer = Route(route.source, (*route.hops, hop))
            yield longer
            yield from _extended(longer, registry)


def select(routes: Iterable[Route], pattern: str | None, dialect: str | None = None) -> list[Route]:
    """Routes whose name matches the glob pattern (None: all), of one dialect or of any."""
    return [
        route
        for route in routes
        if (pattern is None or fnmatchcase(route.name, pattern)) and dialect in (None, route.dialect)
    ]
