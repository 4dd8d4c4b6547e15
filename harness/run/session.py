"""What one run needs, opened once: plugins, routes, goldens, expectations, workers and the walk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.adapters.interpreters import elsewhere, in_release, parse
from harness.adapters.plugin import CPU
from harness.adapters.registry import Plugin, Registry, installed
from harness.adapters.routes import Route, select
from harness.corpus.store import Entry, GoldenError, Store, explored_cases
from harness.errors import InputError
from harness.installed import COMPUTES_WITH, count_elsewhere, shipped, versions
from harness.judge.baseline import baseline
from harness.judge.expectations import Expectation
from harness.judge.findings import Findings
from harness.judge.findings import load as load_findings
from harness.judge.record import Record, plain_id, split_id
from harness.judge.record import load as load_record
from harness.judge.released import load as load_releases
from harness.patterns import fits
from harness.results.environments import DEVICE
from harness.results.events import Header, PluginNote, RouteStatus
from harness.results.file import Results
from harness.results.load import load
from harness.results.merge import manifest_digest
from harness.results.packs import PackNote
from harness.run.changes import Changes
from harness.run.kept import OFF, Kept, Shelf, folder
from harness.run.pack import Pack
from harness.run.selection import (
    LISTED,
    Selection,
    SelectionError,
    again,
    check_patterns,
    detours,
    obstacle,
    offered,
    selected,
)
from harness.run.spared import Spared, Walks
from harness.run.walk import Walk
from harness.spec import EMPTY_BATCH
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure
from harness.workers.turns import Turns

__all__ = ["Selection", "SelectionError", "Session", "home", "ranked"]

PROBED = "harness.workers.serve:probed"
RECORD, PACKS = "record", "packs"
"""Folders of the store for the record, and for the packs that come with it."""


def home() -> Path:
    """The folder that holds `golden/`: the current folder, else the checkout or the installed package of this code."""
    here = Path.cwd()
    return here if (here / "golden" / "manifest.json").exists() else shipped("golden").parent


def ranked(entries: Iterable[Entry]) -> dict[str, int]:
    """The rank of each case in its layer. The case with the most axis values that no case before it has comes next."""
    layers: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        layers.setdefault((entry.dialect, entry.subject), []).append(entry)
    ranks: dict[str, int] = {}
    for members in layers.values():
        unranked = {entry.id: {f"{name} {value!r}" for name, value in entry.choice.items()} for entry in members}
        seen: set[str] = set()
        for rank in range(len(members)):
            best = max(sorted(unranked), key=lambda name: len(unranked[name] - seen))
            seen |= unranked.pop(best)
            ranks[best] = rank
    return ranks


class Session:
    """What one run needs, each part opened on first use. A context manager: on leaving, it ends the workers."""

    def __init__(self, selection: Selection | None = None, root: Path | None = None) -> None:
        self.selection = selection or Selection()
        self.root = root or home()
        known = installed().on(self.selection.device)
        self.interpreters = dict(parse(text, known.plugins) for text in self.selection.workers)
        of_workers, self._shared = elsewhere(self.interpreters, self.registry.plugins)
        count_elsewhere(of_workers)
        self._pairs: dict[str | None, list[tuple[Entry, Route]]] = {}
        self._rules: dict[str | None, Walks] = {}

    @cached_property
    def pack(self) -> Pack | None:
        """The pack that gives the beginnings of routes, if one is selected: a file, or the name of one that comes with
        the goldens. Without one, the pack that comes with the goldens and has the beginning of a route that was named
        and cannot run here.

        Raises PackError if it is damaged or made for other goldens.
        """
        if (path := self.selection.pack or self._fitting_pack) is None:
            return None
        shipped = self.root / "golden" / PACKS / f"{path.name}.pack"
        pack = Pack.read(shipped if shipped.exists() and not path.exists() else path)
        try:
            pack.check((pack.store or Store(self.root / "golden")).entries())
        except InputError:
            pack.close()
            raise
        return pack

    @cached_property
    def store(self) -> Store:
        """The goldens: those of the pack, if it has any. Raises PackError as `pack` does."""
        return (self.pack and self.pack.store) or Store(self.root / "golden")

    @property
    def _fitting_pack(self) -> Path | None:
        """The pack that comes with the goldens and has the beginning of a named route that cannot run here. A pack that
        comes with the goldens is called as its chain."""
        if not self.selection.route:
            return None
        named = select(offered(self.registry, self.selection), self.selection.route)
        stuck = [route for route in named if route.missing(self.registry)]
        packs = sorted((self.root / "golden" / PACKS).glob("*.pack"))
        return next((path for path in packs if any(r.name.startswith(f"{path.stem}-") for r in stuck)), None)

    @property
    def _takes_pack(self) -> bool:
        """Whether a pack is taken by itself: then the routes that can run here are walked whole as ever."""
        return self.selection.pack is None and self.pack is not None

    def _given(self, route: Route) -> int:
        """The stages of a route that come from the pack: of a pack that was named all that it has; of one taken by
        itself, all that it has of a route that cannot run here."""
        if self.pack is None or (self.selection.pack is None and not route.missing(self.registry)):
            return 0
        places = self.pack.places(route)
        return places if self.selection.pack is not None or places - self.selection.anew < len(route.chains) else 0

    @property
    def beginning(self) -> str:
        """What is said of a pack that is taken by itself; '' if none is."""
        route = next((each for each in self.runnable if each.given), None) if self._takes_pack else None
        if route is None or self.pack is None:
            return ""
        parts = dict.fromkeys(part.distribution for part in (route.source, *route.hops)[: route.given])
        made = ", ".join(f"{name} {self.pack.versions[name]}" for name in parts if name in self.pack.versions)
        return (
            f"the beginning {route.chains[route.given - 1][0]} cannot run here, and is taken from the pack "
            f"{self.pack.path.stem}, made with {made}"
        )

    def again(self, case: str, route: Route) -> str:
        """The command that shows a case on a route again."""
        return again(self.selection, case, route, pack="" if self.pack is None else self.pack.path.stem)

    @cached_property
    def registry(self) -> Registry:
        """The installed plugins, and the converters that were named. Opens the interpreters of those in a release."""
        releases = [text for text in self.selection.hops if "=" in text]
        registry = (
            installed()
            .on(self.selection.device)
            .with_hops(text for text in self.selection.hops if text not in releases)
        )
        for text in releases:
            registry, worker, interpreter = in_release(registry, text)
            self.interpreters[worker] = interpreter
        return registry

    @cached_property
    def routes(self) -> list[Route]:
        """The selected routes, including routes that cannot run here. Raises SelectionError as `selected` does."""
        given = None if self.pack is None else self._given
        return selected(self.registry, self.selection, given, whole=self._takes_pack)

    def check(self) -> None:
        """Raise SelectionError if something was named that does not exist or cannot run here: a layer, a route, an
        opset, a converter, a shard. Otherwise nothing is opened: an unselective run needs no check."""
        self._check_layers()
        if self.selection.anew and self.pack is None:
            raise SelectionError("there is no pack to run anew", where="--anew", advice="Name one by --pack")
        if self.selection.route or self.selection.hops or self.selection.opset or self.pack:
            self.routes  # noqa: B018 - it raises
        if self.selection.shard is not None:
            self.pairs()
        self.device  # noqa: B018 - it raises

    @cached_property
    def device(self) -> str:
        """The device on which artifacts run, with its name and capability: `cuda (NVIDIA H100 PCIe, 9.0)`.

        Each runtime of the selected routes that computes there is asked. Raises SelectionError where there is none, or
        one cannot reach it.
        """
        asked = self.registry.device
        if asked == CPU:
            return CPU
        parts = dict.fromkeys(part for route in self.runnable for part in route.walked(self.registry))
        runtimes = [part for part in parts if part.device == asked]
        if not runtimes:
            of_device = [part for part in self.registry.runtimes if part.device == asked]
            why = next(
                (f"{part.name}: {part.missing}" for part in of_device if part.missing), "none is on these routes"
            )
            raise SelectionError(f"no runtime for {asked} can run here ({why})", where=f"--device {asked}")
        self.workers.expect([part.worker for part in runtimes])
        names = [self._probed(part) for part in runtimes]
        return f"{asked} ({', '.join(dict.fromkeys(names))})"

    def _probed(self, runtime: Plugin) -> str:
        """The name and capability of the device as a runtime sees it. Raises SelectionError if it sees none."""
        try:
            facts = self.workers[runtime.worker].request(Call(PROBED, (runtime.reference,))).value
        except WorkerFailure as failure:
            raise SelectionError(
                f"{runtime.name} died when asked: {failure}", where=f"--device {runtime.device}"
            ) from None
        if isinstance(facts, Failure):
            raise SelectionError(facts.message, where=f"--device {runtime.device}")
        return f"{facts['name']}, {facts['capability']}"

    def check_walked(self, routes: Iterable[Route]) -> None:
        """Raise SelectionError for a converter that was named and is on none of these routes, those of a run's cases.

        Layers or tests were selected that do not start from its format, or none at all.
        """
        if not self.selection.hops:
            return
        walked = {hop for route in routes for hop in route.hops}
        for hop in self.registry.hops:
            if hop.reference in self.selection.hops and hop not in walked:
                through = next(route for route in self.runnable if hop in route.hops)
                raise SelectionError(
                    f"no selected case is converted by {hop.name!r}",
                    where=f"--hop {hop.reference}",
                    advice=f"Select cases of the dialect {through.dialect!r}: `parity list cases`",
                )

    def _check_layers(self) -> None:
        if self.selection.layer:
            layers = sorted({Path(name).stem for name in self.store.manifest["archives"]})
            advice = "`parity list layers` shows all"
            check_patterns(self.selection.layer, layers, noun="golden layer", where="--layer", advice=advice)

    @cached_property
    def every_route(self) -> list[Route]:
        """The routes of every opset that are walked by default; with `all_cases` all routes."""
        given = None if self.pack is None else self._given
        return offered(self.registry, self.selection, given, whole=self._takes_pack)

    @cached_property
    def runnable(self) -> list[Route]:
        """The selected routes whose converters and runtimes are installed."""
        return [route for route in self.routes if not route.missing(self.registry)]

    @cached_property
    def detours(self) -> list[Route]:
        """Routes to a converter past another one that fails: walked over the cases that this one hides from it."""
        routes = (
            () if self.selection.opset or self.selection.pack else select(detours(self.registry), self.selection.route)
        )
        return [route for route in routes if not route.missing(self.registry)]

    @cached_property
    def findings(self) -> Findings:
        """The known defects of the converters. Raises FindingsError."""
        return load_findings(self.store.root / "findings")

    @property
    def expectations(self) -> list[Expectation]:
        return self.findings.expectations

    @cached_property
    def record(self) -> Record:
        """What each stage of the golden cases did with the recorded versions, or in the baseline.

        With a pack, only its cases. Raises RecordError; ResultsError for the baseline, and OtherEnvironment if it was
        made with other versions.
        """
        known = load_record(self.store.root / RECORD)
        if self.pack is not None:  # it may lack cases, which is known since it was made
            spared = self._walked_whole
            cells = {
                key: cells
                for key, cells in known.cells.items()
                if key[1] in spared or plain_id(key[0]) in self.pack.cases
            }
            known = replace(known, cells=cells)
        if self.selection.baseline is None:
            return known
        run = Results.load(self.selection.baseline)
        return baseline(run, self._versions, across=self.selection.across, known=known)

    @property
    def _walked_whole(self) -> set[str]:
        """The chains of routes that are walked whole, beside a pack that is taken by itself."""
        whole = [route for route in self.runnable if not route.given] if self._takes_pack else []
        return {chain for route in whole for chain, _ in route.chains}

    @cached_property
    def workers(self) -> Workers:
        turns = Turns(self.store.root, self.store.manifest_path)
        pythons = {name: interpreter.python for name, interpreter in self.interpreters.items()}
        return Workers(self.registry.plugins, pythons=pythons, turns=turns, watched=self.changes.folders)

    @cached_property
    def kept(self) -> Kept | None:
        """The steps of earlier runs; None if the selection, or PARITY_CACHE=off, goes without, and on a device."""
        if not self.selection.cache or self.selection.device != CPU or os.environ.get("PARITY_CACHE") == OFF:
            return None
        beside = f"{self.selection.limit} {self.pack.digest if self.pack else ''}"
        return Kept(Shelf(folder()), self.registry, beside=beside, elsewhere=self.interpreters)

    @cached_property
    def walk(self) -> Walk:
        return Walk(
            self.registry,
            self.workers,
            self.expectations,
            record=self.record,
            sources=tuple(filter(None, [self.pack, self.kept])),
            given={} if self.pack is None else self.pack.versions,
            limit=self.selection.limit,
            changes=self.changes,
            again=self.again,
        )

    @cached_property
    def changes(self) -> Changes:
        """What has changed since their releases in the converters on record that the selected routes walk here."""
        releases = load_releases(self.root / "golden" / RECORD)
        walked = {
            hop.distribution
            for route in (*self.runnable, *self.detours)
            for hop in route.hops[max(route.given - 1, 0) :]
            if hop.worker not in self.interpreters
        }
        return Changes.since(released for name, released in releases.items() if name in walked)

    def runnable_for(self, dialect: str) -> list[Route]:
        return [route for route in self.runnable if route.dialect == dialect]

    def obstacle(self, dialect: str, by: str = "") -> str:
        """The reason why no route of a dialect, whose first hop is `by` if that is given, is walked; '' if one is."""
        routes = [route for route in self.routes if route.dialect == dialect]
        routes = [route for route in routes if by in ("", *(hop.name for hop in route.hops[:1]))]
        if not routes:
            return f"no selected route starts from {dialect!r}" + (f" with {by!r}" if by else "")
        why = obstacle(self.registry, routes)
        return f"no selected route from {dialect!r} can run here: {why}" if why else ""

    def routes_from(self, dialect: str) -> list[Route]:
        """The selected routes of a dialect that can run here. Raises SelectionError if there is none."""
        if why := self.obstacle(dialect):
            raise SelectionError(why, advice=LISTED)
        return self.runnable_for(dialect)

    def routes_of(self, entry: Entry) -> list[Route]:
        """The selected routes along which a case can be walked here. Raises SelectionError if there is none."""
        routes = self.routes_from(entry.dialect)
        able = [route for route in routes if self._has(entry, route)]
        if not able and self.pack is not None:
            raise SelectionError(
                f"the pack {self.pack.path.stem} does not have the case {entry.id}",
                where=routes[0].name,
                advice=f"Walk it where {routes[0].chains[routes[0].given - 1][0]} is installed, without a pack",
            )
        return able

    def _has(self, entry: Entry, route: Route) -> bool:
        """Whether the beginning of a route is there for a case: walked here, or in the pack."""
        return not route.given or (self.pack is not None and self.pack.has(entry.id, route.chains[route.given - 1][0]))

    def explored(self, dialect: str) -> list[Route]:
        """The routes for fresh cases of a dialect: routes without a depth, or all if `route` or `all_cases` is set. A
        pack that is taken by itself has none of these cases."""
        every = self.selection.all_cases or bool(self.selection.route)
        routes = [route for route in self.runnable_for(dialect) if not (route.given and self._takes_pack)]
        return [route for route in routes if every or route.depth is None]

    @cached_property
    def fresh(self) -> list[tuple[Entry, Route]]:
        """The selected fresh cases, which are no goldens, with the routes that walk them. No pack has them.

        Raises SelectionError if no route walks one.
        """
        if (asked := self.selection.explore) is None:
            return []
        from harness.catalogue import rows  # which other runs do not need
        from harness.run.fresh import drawn

        routes = {dialect: self._walked_fresh(dialect) for dialect in {row.dialect for row in rows()}}
        walked = [row for row in rows() if routes[row.dialect] and self.selects(row.layer)]
        if not walked:
            raise SelectionError(
                "no selected route walks fresh cases of these layers",
                where="--explore",
                advice="No pack has any: select a route whose beginning can run here",
            )
        known = {entry.id for entry in self.store.entries(*self.selection.layer)}
        entries = [entry for entry in drawn(asked, walked) if entry.id not in known]
        return [(entry, route) for entry in entries for route in routes[entry.dialect]]

    def _walked_fresh(self, dialect: str) -> list[Route]:
        return [route for route in self.explored(dialect) if not route.given]

    def pairs(self, folder: str | None = None) -> list[tuple[Entry, Route]]:
        """Golden cases, and the selected fresh ones, with the routes that walk them, all routes of a case together:
        those of the selected shard.

        Raises SelectionError for a shard without a case.
        """
        every, shard = self.every_pair(folder), self.selection.shard
        if shard is None:
            return every
        pairs = [(entry, route) for entry, route in every if shard.has(entry.id)]
        if every and not pairs and folder is None:
            raise SelectionError(f"shard {shard} has no case", where="--shard", advice="Use fewer shards")
        return pairs

    def every_pair(self, folder: str | None = None) -> list[tuple[Entry, Route]]:
        """Golden cases, and the selected fresh ones, with the routes that walk them, whatever the shard.

        A route of depth n walks the first n cases of each layer, as `ranked` orders them, and the minimal cases of its
        expectations; a route without a depth walks all. Large models go along routes without a depth only. Detours
        walk the cases that a failing converter hides.
        """
        if folder not in self._pairs:
            self._pairs[folder] = self._paired(folder) + (self.fresh if folder is None else [])
        return self._pairs[folder]

    def _paired(self, folder: str | None) -> list[tuple[Entry, Route]]:
        entries = self.entries(folder)
        walks = self._walks(folder)
        pairs = []
        for entry in entries:
            pairs += [(entry, route) for route in self.runnable_for(entry.dialect) if walks(route, entry)]
            pairs += [(entry, route) for route in self.detours if not entry.is_large and self._is_hidden(entry, route)]
        return [(entry, route) for entry, route in pairs if self._has(entry, route)]

    def _is_hidden(self, entry: Entry, detour: Route) -> bool:
        """Whether, on record, a converter for which the detour stands in deviates, and nothing on the way past it."""
        if entry.dialect != detour.dialect:
            return False
        failing = any(self.record.deviates(entry.id, chain) for chain in detour.hidden_behind())
        return failing and not any(self.record.deviates(entry.id, chain) for chain, _ in detour.chains[:-1])

    def _walks(self, folder: str | None = None) -> Walks:
        """Whether a route walks a golden of the selected layers by default, be it in the pack or not."""
        if folder not in self._rules:
            self._rules[folder] = self._rule(ranked(self.store.entries(*self.selection.layer, folder=folder)))
        return self._rules[folder]

    def _rule(self, ranks: Mapping[str, int]) -> Walks:
        minimal: dict[str, list[str]] = {}
        for item in self.expectations:
            minimal.setdefault(item.case, []).append(item.route)

        def walks(route: Route, entry: Entry) -> bool:
            if self.selection.all_cases or route.depth is None:
                return True
            return not entry.is_large and (
                ranks[entry.id] < route.depth
                or any(fnmatchcase(route.name, pattern) for pattern in minimal.get(entry.id, ()))
            )

        return walks

    def unwalked(self) -> list[tuple[str, str]]:
        """The stages on record, case and chain, of the selected layers and routes that no pair reaches any more.

        What the record knows is owed: a golden that vanished or a route that got shorter is lost, not forgotten, unless
        a route that is not walked answers for it (`harness.run.spared`).
        """
        chains = {chain for route in self.runnable for chain, _ in route.chains}
        reached = {(entry.id, chain) for entry, route in self.every_pair() for chain, _ in route.chains}
        shard = self.selection.shard
        spared = self.spared((route.name for route in self.runnable), self.pack_note)
        return sorted(
            (case, chain)
            for case, chain in self.record.cells
            if chain in chains
            and self.selects(split_id(case)[1])
            and (shard is None or shard.has(case))
            and (plain_id(case), chain) not in reached
            and not spared(plain_id(case), chain)
        )

    def spared(self, walked: Iterable[str], pack: PackNote | None = None) -> Spared:
        """Which stages on record a run over the routes of these names need not reach, some of them behind a pack."""
        entries, routes = self.store.entries(*self.selection.layer), offered(self.registry, self.selection)
        return Spared.of(entries, routes, self._walks(), walked=set(walked), pack=pack, led_past=self.led_past)

    @cached_property
    def pack_note(self) -> PackNote | None:
        """The pack, the selected routes whose beginnings it gives, and the cases of the selected layers that are on
        record there, here or in the pack, and that it lacks. None without a pack."""
        if self.pack is None:
            return None
        cells = {**load_record(self.root / "golden" / RECORD).cells, **self.record.cells}
        behind = [route for route in self.runnable if route.given]
        chains = {chain for route in behind for chain, _ in route.chains} - self._walked_whole
        known = {plain_id(case) for case, chain in cells if chain in chains and self.selects(split_id(case)[1])}
        lacking = tuple(sorted(known - self.pack.cases.keys()))
        return PackNote(self.pack.path.stem, self.pack.digest, tuple(route.name for route in behind), lacking)

    def led_past(self, case: str, chain: str) -> bool:
        """Whether a stage is on record as part of a detour, which is not walked again where it leads past nothing."""
        return any(self.record.deviates(case, other) for other in self._hiding.get(chain, ()))

    @cached_property
    def _hiding(self) -> dict[str, set[str]]:
        """For each chain of a detour the chains for which it stands in. The record asks for thousands of stages, and
        finding the detours goes through every route."""
        hiding: dict[str, set[str]] = {}
        for detour in detours(self.registry):
            for chain, _ in detour.chains[1:]:
                hiding.setdefault(chain, set()).update(detour.hidden_behind())
        return hiding

    def entries(self, folder: str | None = None) -> list[Entry]:
        """The golden cases of the selected layers, the minimal cases of expectations first.

        Raises SelectionError for a pattern that fits no layer, GoldenError if the store is damaged, FindingsError if an
        expectation of these layers names a case that is no golden.
        """
        self._check_layers()
        entries = self.store.entries(*self.selection.layer, folder=folder)
        if self.pack is None or self._takes_pack:
            self.findings.check_cases({entry.id for entry in entries})
        else:
            entries = [entry for entry in entries if entry.id in self.pack.cases]
        minimal = {item.case for item in self.expectations}
        return sorted(entries, key=lambda entry: entry.id not in minimal)

    def find(self, case: str) -> Entry:
        """The entry of a golden case, or of a case that exploration kept, by its id or the beginning of its id.

        Raises GoldenError if no case or several cases fit.
        """
        case = case.removesuffix(EMPTY_BATCH)
        try:
            return self.store.find(case)
        except GoldenError:
            entries = [entry for entry in explored_cases(self.root) if entry.id.startswith(case)]
            if len(entries) != 1:
                raise
            return entries[0]

    def selects(self, layer: str) -> bool:
        """Whether a layer fits a selected pattern."""
        return fits(layer, self.selection.layer)

    def warm(self, routes: Iterable[Route]) -> None:
        """Have the workers of these routes start side by side, as soon as one is needed; where steps are kept, each
        starts when it is needed, as most may not be."""
        if self.kept is not None and not self.kept.is_empty:
            return
        self.workers.expect(dict.fromkeys(name for route in routes for name in route.workers(self.registry)))

    @property
    def _every_plugin(self) -> Iterable[Plugin]:
        """The plugins of the selected routes and of the detours, each once."""
        routes = (*self.routes, *self.detours)
        return dict.fromkeys(part for route in routes for part in route.plugins(self.registry))

    def header(self, command: Sequence[str], options: Mapping[str, Any], floor: int) -> Header:
        if self.selection.shard is not None:
            pairs = ((entry.id, route.name) for entry, route in self.every_pair())
            options = {**options, "shard": str(self.selection.shard), "manifest": manifest_digest(pairs)}
        if self._takes_pack and self.pack is not None:
            options = {**options, "pack": self.pack.path.stem, "beginning": self.beginning}
        return Header(
            command=tuple(command),
            versions=self._versions,
            routes=tuple(
                RouteStatus(route.name, not (why := route.missing(self.registry)), why)
                for route in (*self.routes, *self.detours)
            ),
            plugins=tuple(
                PluginNote(
                    part.name, part.kind, part.engine, part.base, part.opset, part.distribution, part.distributions
                )
                for part in dict.fromkeys(
                    part for route in (*self.routes, *self.detours) for part in route.plugins(self.registry)
                )
            ),
            options=dict(options),
            floor=floor,
            load=load(),
            changed=self.changes.told(),
            pack=self.pack_note,
        )

    @property
    def _versions(self) -> dict[str, str]:
        """The versions here; for what only the given stages need, those with which the pack was made."""
        here = versions(self.registry.distributions) | self._shared
        here |= {
            f"python ({name})": each.version
            for name, each in self.interpreters.items()
            if each.version != here["python"]
        }
        here[DEVICE] = self.device
        if self.pack is None:
            return here
        behind = {part for route in self.runnable for part in route.walked(self.registry)}
        needed = {
            "python",
            "platform",
            DEVICE,
            *COMPUTES_WITH,
            *(name for part in behind for name in part.distributions),
        }
        return {name: text if name in needed else self.pack.versions.get(name, text) for name, text in here.items()}

    def close(self, *, in_haste: bool = False) -> None:
        """End the walk and the workers, if they were opened. In haste, nothing that still takes time is kept."""
        if "walk" in self.__dict__:
            self.walk.close()
        if "kept" in self.__dict__ and self.kept is not None:
            self.kept.close(in_haste=in_haste)
        if "pack" in self.__dict__ and self.pack is not None:
            self.pack.close()
        if "workers" in self.__dict__:
            self.workers.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(in_haste=kind is not None)
