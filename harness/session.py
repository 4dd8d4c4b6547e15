"""Everything one run needs, opened once: plugins, routes, goldens, expectations, workers and the walk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import harness
from harness import expectations
from harness.golden import Entry, Store
from harness.registry import Registry, installed
from harness.results import Header, RouteStatus
from harness.routes import Route, all_routes, select
from harness.run import Walk, versions
from harness.workers import LIMIT, Workers


class SelectionError(ValueError):
    """A route or layer pattern that fits nothing."""


def home() -> Path:
    """The folder with `golden/`: the current one, or else the checkout this package is installed from."""
    here = Path.cwd()
    return here if (here / "golden" / "manifest.json").exists() else Path(harness.__file__).parent.parent


@dataclass(frozen=True)
class Selection:
    """What of the suite is to be run."""

    route: str | None = None
    layer: str | None = None
    hops: tuple[str, ...] = ()
    limit: float = LIMIT


class Session:
    """One run's collaborators, each made when first asked for; a context manager that ends the workers."""

    def __init__(self, selection: Selection | None = None, root: Path | None = None) -> None:
        self.selection = selection or Selection()
        self.root = root or home()
        self.store = Store(self.root / "golden")

    @cached_property
    def registry(self) -> Registry:
        return installed().with_hops(self.selection.hops)

    @cached_property
    def routes(self) -> list[Route]:
        """Selected routes, whether they can run here or not. Raises SelectionError if there is none."""
        every = all_routes(self.registry)
        found = select(every, self.selection.route)
        if not found:
            names = ", ".join(route.name for route in every)
            raise SelectionError(f"no route fits {self.selection.route!r}; there are {names}")
        return found

    @cached_property
    def runnable(self) -> list[Route]:
        """Selected routes whose converters and runtimes are installed."""
        return [route for route in self.routes if not route.missing(self.registry)]

    @cached_property
    def expectations(self) -> list[expectations.Expectation]:
        return expectations.load(self.store.root / "expectations")

    @cached_property
    def workers(self) -> Workers:
        return Workers((*self.registry.formats, *self.registry.hops, *self.registry.runtimes))

    @cached_property
    def walk(self) -> Walk:
        return Walk(self.registry, self.workers, self.expectations, limit=self.selection.limit)

    def runnable_for(self, dialect: str) -> list[Route]:
        return [route for route in self.runnable if route.dialect == dialect]

    def entries(self, folder: str | None = None) -> list[Entry]:
        """Golden cases of the selected layers, the minimal cases of expectations first.

        Raises SelectionError if the layer pattern fits none, GoldenError for a damaged store.
        """
        found = self.store.entries(layer=self.selection.layer, folder=folder)
        if not found and folder is None:
            layers = ", ".join(Path(name).stem for name in self.store.manifest["archives"])
            raise SelectionError(f"no golden layer fits {self.selection.layer!r}; there are {layers}")
        minimal = {item.case for item in self.expectations}
        return sorted(found, key=lambda entry: entry.id not in minimal)

    def selects(self, layer: str) -> bool:
        """Whether a layer fits the selected pattern."""
        return fnmatchcase(layer, self.selection.layer or "*")

    def warm(self, routes: Iterable[Route]) -> None:
        """Start the workers of these routes side by side."""
        self.workers.warm(dict.fromkeys(name for route in routes for name in route.workers(self.registry)))

    def header(self, command: Sequence[str], options: dict[str, Any], floor: int) -> Header:
        return Header(
            command=tuple(command),
            versions=versions(),
            routes=tuple(
                RouteStatus(route.name, not (why := route.missing(self.registry)), why) for route in self.routes
            ),
            options=options,
            floor=floor,
        )

    def close(self) -> None:
        """End what was started."""
        if "walk" in self.__dict__:
            self.walk.close()
        if "workers" in self.__dict__:
            self.workers.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
