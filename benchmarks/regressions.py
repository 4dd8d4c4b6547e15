"""Regressions and fixes planted in the source of the converters: does a run tell each that changes an outcome?

    python benchmarks/regressions.py --record RESULTS [--only GLOB ...] [--package NAME] [--jobs N] [--most N]

Each `benchmarks/regressions/*.toml` holds edits of one package, of the sort that pull requests bring. For each edit the
package is overlaid: a temporary folder with the edited file and links to all others comes first on Python's path, and
golden cases of the edit's layers are walked along the edit's routes, as `parity run` does. The worker must have
imported the edited file. The stages are compared with those of RESULTS, a run of the whole suite with the same
versions and unharmed converters:

    regression   passed, and deviates
    changed      deviates otherwise: another outcome, or more than four times the noise units, or less than a quarter
    fixed        deviated, and passes
    drift        passes with more than four times the units, and above one

A result counts with the worst of its stages. `failed` counts the results that fail the run and did not fail before.
Exit code 1 if an edit makes an outcome worse or other and fails no result (MISSED), or changes nothing and gives no
reason (INVISIBLE).
Prints for fixes the expectations whose deviations passed, and how many of each remain.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.corpus.store import Entry
from harness.errors import InputError
from harness.results.events import Judgement, Result, Stage
from harness.results.file import Results
from harness.run.session import Selection, Session, ranked
from harness.run.walk import Walk
from harness.spec import Case
from harness.workers.protocol import Call

FOLDER = Path(__file__).with_suffix("")
MODULE = "benchmarks.regressions"
"""The name by which workers import this module; here it may be `__main__`."""
FACTOR = 4.0
"""Noise units that grow or shrink by more than this factor are of another size."""
LEAST = 1.0
"""Noise units up to which a stage that passes does not drift."""
LIMIT = 300.0
"""Largest time in seconds of one request: the machine may be busy."""
Chain = tuple[str, ...]
"""A case, the source format, and the hops up to a stage."""


class EditError(InputError):
    """An edit that cannot be planted: no such file, or its text does not occur exactly once."""


class Change(StrEnum):
    """What became of a stage or result, the worst first."""

    REGRESSION = "regression"
    CHANGED = "changed"
    FIXED = "fixed"
    DRIFT = "drift"
    SAME = "same"


@dataclass(frozen=True)
class Edit:
    """A change of a package's source: the only occurrence of `find` in `file` becomes `replace`.

    `file` is relative to the folder that holds the package; `layers` are patterns of the golden layers in which the
    edit can show, `route` a pattern of the routes walked. `fix`: the edit mends a finding. `invisible` says why no
    golden case can show it. `release` replaces the version that the package reports.
    """

    id: str
    package: str
    file: str
    find: str
    replace: str
    what: str
    layers: tuple[str, ...]
    route: str
    fix: bool = False
    invisible: str = ""
    release: str = ""

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Edit:
        return cls(**{**data, "layers": tuple(data["layers"])})


def edits(folder: Path = FOLDER) -> list[Edit]:
    """All edits. Raises EditError if two share an id."""
    every = [
        Edit.of({"package": path.stem, **data})
        for path in sorted(folder.glob("*.toml"))
        for data in tomllib.loads(path.read_text(encoding="utf-8"))["edit"]
    ]
    twice = [name for name, count in Counter(edit.id for edit in every).items() if count > 1]
    if twice:
        raise EditError("two edits have the same id", where=folder, expected="unique ids", came=twice[0])
    return every


def installed(package: str) -> Path:
    """The folder of an installed package. Raises EditError if there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EditError(f"{package} is not installed", where=package, advice="Install the locked versions.")
    return Path(next(iter(spec.submodule_search_locations)))


def plant(edit: Edit, source: Path, overlay: Path) -> None:
    """Write the edited package to `overlay`: links to `source`, the package's folder, for all but the edited file.

    Raises EditError if `find` does not occur exactly once.
    """
    parts = Path(edit.file).parts
    path = source.parent / edit.file
    if not path.is_file():
        raise EditError("no such file", where=path, advice=f"Was {edit.package} updated? Adapt the edit {edit.id}.")
    text = path.read_text(encoding="utf-8")
    if text.count(edit.find) != 1:
        raise EditError(
            f"the edit {edit.id} cannot be planted",
            where=path,
            expected=f"one occurrence of {edit.find!r}",
            came=str(text.count(edit.find)),
            advice=f"Was {edit.package} updated? Adapt the edit.",
        )
    here, there = source, overlay / parts[0]
    for part in parts[1:]:
        there.mkdir(parents=True)
        for each in here.iterdir():
            if each.name not in (part, "__pycache__"):
                (there / each.name).symlink_to(each)
        here, there = here / part, there / part
    there.write_text(text.replace(edit.find, edit.replace), encoding="utf-8")
    if edit.release:
        info = overlay / f"{edit.package}-{edit.release}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {edit.package}\nVersion: {edit.release}\n")


def origin(package: str) -> str:
    """The folder that a package was imported from; called in a worker."""
    return str(Path(str(importlib.import_module(package).__file__)).parent)


class Bench:
    """One session in which the edits of a package are walked one after the other.

    Stages that do not need the package are walked once: each case has a walk of its own, which keeps its artifacts, and
    loses those behind the package when the next edit is planted.
    """

    def __init__(self, package: str, most: int | None = None, cases: Sequence[str] = ("*",)) -> None:
        self.package = package
        self.session = Session(Selection(limit=LIMIT, all_cases=False))
        pairs = self.session.pairs()
        ranks = ranked({entry.id: entry for entry, _ in pairs}.values()) if most else {}
        self.pairs = [
            (entry, route)
            for entry, route in pairs
            if any(fnmatchcase(entry.id, glob) for glob in cases) and (most is None or ranks[entry.id] < most)
        ]
        self.walks: dict[str, tuple[Case, Walk]] = {}
        self._path = os.environ.get("PYTHONPATH", "")
        plugins = {plugin for route in self.session.runnable for plugin in route.plugins(self.session.registry)}
        self._using = {plugin for plugin in plugins if package in plugin.requires}

    def results(self, edit: Edit, overlay: Path) -> list[Result]:
        """The results with the overlaid package. Raises RuntimeError if a worker imports it from elsewhere."""
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(overlay), self._path)))
        pairs = [
            (entry, route)
            for entry, route in self.pairs
            if any(fnmatchcase(entry.subject, pattern) for pattern in edit.layers)
            and fnmatchcase(route.name, edit.route)
        ]
        using = {
            plugin for _, route in pairs for plugin in route.plugins(self.session.registry) if plugin in self._using
        }
        for name in {plugin.worker for plugin in self._using}:
            self.session.workers[name].stop()  # the next request starts it with the new path
        for name in {plugin.worker for plugin in using}:
            answer = self.session.workers[name].request(Call(f"{MODULE}:origin", (self.package,)), LIMIT)
            if answer.value != str(overlay / self.package):
                raise RuntimeError(f"{edit.id}: worker {name} imports {answer.value}, expected {overlay}")
        names = {plugin.name for plugin in self._using}
        for _, walk in self.walks.values():
            for key in [key for key in walk._steps if names.intersection(key)]:
                del walk._steps[key]
        return [self._walk(entry).result(self.walks[entry.id][0], route) for entry, route in pairs]

    def _walk(self, entry: Entry) -> Walk:
        if entry.id not in self.walks:
            walk = copy(self.session.walk)
            walk._steps, walk._scratch = {}, Path(tempfile.mkdtemp(prefix="parity-kept-"))
            self.walks[entry.id] = entry.load(), walk
        return self.walks[entry.id][1]

    def close(self) -> None:
        for _, walk in self.walks.values():
            walk.close()
        self.session.close()


def stages(results: Iterable[Result]) -> dict[Chain, Stage]:
    """The stages of results by case and chain of hops; results of a case share their beginnings."""
    return {chain: stage for result in results for chain, stage in chained(result)}


def chained(result: Result) -> list[tuple[Chain, Stage]]:
    """The stages of one result with their chains."""
    chain: Chain = (result.case,)
    pairs = []
    for stage in result.stages:
        chain += (stage.hop or stage.artifact,)
        pairs.append((chain, stage))
    return pairs


def change(was: Stage, now: Stage) -> Change:
    """What became of a stage."""
    if was.outcome.passes and not now.outcome.passes:
        return Change.REGRESSION
    if now.outcome.passes and not was.outcome.passes:
        return Change.FIXED
    before, after = was.units or 0.0, now.units or 0.0
    if not now.outcome.passes:
        other = was.outcome is not now.outcome or after > FACTOR * before or before > FACTOR * after
        return Change.CHANGED if other else Change.SAME
    return Change.DRIFT if after > LEAST and after > FACTOR * before else Change.SAME


def change_of(result: Result, record: Mapping[Chain, Stage]) -> Change:
    """The worst change of a result's stages.

    A stage that deviates behind a mended one is changed. A case that the record lacks is the same.
    """
    kinds, order = {Change.SAME}, list(Change)
    for chain, stage in chained(result):
        if chain in record:
            kinds.add(change(record[chain], stage))
        elif chain[:2] in record and not stage.outcome.passes and chain[:-1] in record:
            kinds.add(Change.CHANGED)
    return min(kinds, key=order.index)


@dataclass(frozen=True)
class Told:
    """What a run with an edit tells: results by change, and those that fail now and did not before."""

    edit: Edit
    cases: int
    changes: Mapping[Change, int]
    failed: int
    mended: Mapping[str, int]
    """Results by expectation that deviated with it and pass now."""
    remaining: Mapping[str, int]
    """Results that deviate still, of the same expectations."""
    seconds: float

    @classmethod
    def of(
        cls, edit: Edit, results: Sequence[Result], everything: Mapping[tuple[str, str], Result], seconds: float
    ) -> Told:
        before = {result.key: everything[result.key] for result in results if result.key in everything}
        record = stages(before.values())
        kinds = {result.key: change_of(result, record) for result in results}
        known = {key: result.expectation.id for key, result in before.items() if result.expectation is not None}
        mended = Counter(known[result.key] for result in results if result.key in known and result.outcome.passes)
        remaining = Counter(
            known[result.key] for result in results if known.get(result.key) in mended and not result.outcome.passes
        )
        failed = [
            result
            for result in results
            if result.judgement is Judgement.FAILED
            and (result.key not in before or before[result.key].judgement is not Judgement.FAILED)
        ]
        return cls(
            edit,
            len({result.case for result in results}),
            Counter(kinds.values()),
            len(failed),
            mended,
            remaining,
            seconds,
        )

    @property
    def verdict(self) -> str:
        """`told`: outcomes became worse or other, and the run fails. MISSED: it does not. `fixed`: all are better."""
        if self.changes.get(Change.REGRESSION, 0) + self.changes.get(Change.CHANGED, 0):
            return "told" if self.failed else "MISSED"
        if self.changes.get(Change.FIXED):
            return "fixed"
        if self.changes.get(Change.DRIFT):
            return "drift"
        return "explained" if self.edit.invisible else "INVISIBLE"

    @property
    def line(self) -> str:
        counts = " ".join(f"{self.changes.get(kind, 0):5}" for kind in list(Change)[:-1])
        total = sum(self.changes.values())
        head = f"{self.edit.id:44} {self.cases:5} {total:5}"
        return f"{head} {counts} {self.failed:6}  {self.verdict:10} {self.seconds:4.0f}"

    @property
    def expectations(self) -> list[str]:
        """For a fix: what became of the expectations."""
        return [
            f"    {name}: {count} pass, {self.remaining.get(name, 0)} deviate still"
            + ("" if self.remaining.get(name) else "; obsolete in these layers")
            for name, count in sorted(self.mended.items())
        ]


HEAD = (
    f"{'edit':44} {'cases':>5} {'walks':>5} {'regr.':>5} {'chgd':>5} {'fixed':>5} {'drift':>5} {'failed':>6}  "
    f"{'verdict':10} {'s':>5}"
)


def run(group: Sequence[Edit], record: Path, keep: Path | None, most: int | None, cases: Sequence[str]) -> list[Told]:
    """Walk the edits of one package and print what each run tells."""
    everything = {result.key: result for result in Results.load(record).results}
    told = []
    bench = Bench(group[0].package, most, cases)
    try:
        for edit in group:
            begun = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="parity-overlay-") as folder:
                try:
                    plant(edit, installed(edit.package), Path(folder))
                except EditError as error:
                    print(f"{edit.id}: NOT PLANTED: {error}", flush=True)
                    continue
                results = bench.results(edit, Path(folder))
            told.append(Told.of(edit, results, everything, time.perf_counter() - begun))
            print(told[-1].line, *told[-1].expectations, sep="\n", flush=True)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                lines = (json.dumps(result.to_json(), allow_nan=False) + "\n" for result in results)
                (keep / f"{edit.id}.ndjson").write_text("".join(lines), encoding="utf-8")
    finally:
        bench.close()
    return told


def main() -> int:
    """Plant the chosen edits and print the table. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, default=Path("reports/results.ndjson"))
    parser.add_argument("--only", nargs="+", default=["*"], metavar="GLOB")
    parser.add_argument("--package", default="*")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Keep the results of each edit in this folder.")
    parser.add_argument("--case", nargs="+", default=["*"], metavar="GLOB", help="Walk these cases only.")
    parser.add_argument("--most", type=int, help="Walk at most this many cases of each layer.")
    options = parser.parse_args()
    chosen = [
        edit
        for edit in edits()
        if any(fnmatchcase(edit.id, glob) for glob in options.only) and fnmatchcase(edit.package, options.package)
    ]
    if not chosen:
        parser.error(f"no edit fits --only {' '.join(options.only)} --package {options.package}")
    print(HEAD, flush=True)
    groups = [list(group) for _, group in groupby(chosen, key=lambda edit: edit.package)]
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        futures = [
            pool.submit(run, group, options.record, options.keep, options.most, options.case) for group in groups
        ]
        told = [one for future in futures for one in future.result()]
    verdicts = Counter(one.verdict for one in told)
    print(f"{len(chosen)} edits: " + ", ".join(f"{count} {name}" for name, count in verdicts.items()))
    return 0 if len(told) == len(chosen) and not verdicts.keys() & {"MISSED", "INVISIBLE"} else 1


if __name__ == "__main__":
    sys.exit(main())
