"""Routes: which hops join up, and whether they can run here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.adapters.registry import Plugin, Registry

DEPTHS: tuple[tuple[str, int], ...] = (
    # what such a route could add was walked on the way there
    ("tfkeras-h5import-*", 0),
    ("*-kerastorchexport-*", 0),
    ("matconvnet-*-torch*-*", 0),
    ("matlab-*-torch*-*", 0),
    ("onnx-*-torch*", 0),
    ("keras-kerasexport-*-torch*", 0),
    ("keras-tf2onnx??-*-torch*", 0),
    ("keras-tf2onnx-onnx2pytorch-torchonnx", 0),
    # through torch.export: a second or two for each case
    ("*-torchonnx", 1),
    ("*-torchscript", 3),
    ("keras-kerasexport-*", 2),
    ("keras-kerasexport", 3),  # on TensorFlow it is tf2onnx, called by Keras
    ("keras-kerasjax", 2),
    ("keras-kerastorch*", 4),
    ("keras-mat-octave", 3),
    ("tfkeras-*", 3),
    ("h5", 2),
    ("savedmodel", 2),
    ("weights", 2),
    ("json", 2),
)
"""Golden cases of each layer that a route is walked over by default, for the first pattern that fits its name; all
where none does. `--all-cases` walks every route over every case."""


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
        """How many golden cases of each layer the route is walked over; None for all."""
        return next((count for pattern, count in DEPTHS if fnmatchcase(self.name, pattern)), None)

    def missing(self, registry: Registry) -> str:
        """Why the route cannot run here; '' if it can. What a converter makes must be run: else nothing is judged."""
        unrunnable = [hop.target for hop in self.hops if registry.runtime_of(hop.target) is None]
        if unrunnable:
            return f"no runtime for the format {', '.join(unrunnable)}"
        wanted = [name for k, name in enumerate(self.formats) if k or not registry.optional(name)]
        runtimes = [found for name in wanted if (found := registry.runtime_of(name))]
        reasons = [f"{part.name}: {part.missing}" for part in (self.source, *self.hops, *runtimes) if part.missing]
        return "; ".join(dict.fromkeys(reasons))

    def workers(self, registry: Registry) -> list[str]:
        """Names of the workers that the route needs."""
        runtimes = [found for name in self.formats if (found := registry.runtime_of(name)) and not found.missing]
        return list(dict.fromkeys(part.worker for part in (self.source, *self.hops, *runtimes)))


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
