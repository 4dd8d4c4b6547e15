"""Regressions and fixes planted in the source of the converters: does a run tell each that changes an outcome?

    python benchmarks/regressions.py [--only GLOB ...] [--package NAME] [--most N] [--jobs N]

Each `benchmarks/regressions/*.toml` holds edits of one package, of the sort that pull requests bring. For each edit the
package is overlaid: a temporary folder with the edited file and links to all others comes first on Python's path, and
golden cases of the edit's layers are walked along the edit's routes, as `parity run` does. The worker must have
imported the edited file, and this process must see the edit's release. Each result is judged by the record; the table
counts the results by their answers, and those that fail. The verdict on an edit:

    told        outcomes became worse or other, and the run fails
    MISSED      a regression or a change for the worse does not fail its result
    changed     deviations became other ones, none of them worse
    fixed       nothing became worse, and deviations pass; the expectations that explained them follow
    drift       errors grew, and still pass
    explained   nothing became other, and the edit says why
    INVISIBLE   nothing became other, and the edit does not say why
    UNFOUNDED   the edit says that nothing becomes other, and something did
    UNRECORDED  nothing became other, and some results are not on record

Exit code 1 for a verdict in capitals, and for an edit that cannot be planted.
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
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from harness.adapters.routes import Route
from harness.analysis.changes import Changes
from harness.corpus.store import Entry
from harness.errors import InputError
from harness.judge.answers import is_worse
from harness.judge.record import OR, Cell
from harness.patterns import fits
from harness.results.events import Answer, Judgement, Result
from harness.run.session import Selection, Session, ranked
from harness.run.walk import Walk
from harness.spec import Case
from harness.workers.protocol import Call

FOLDER = Path(__file__).with_suffix("")
MODULE = "benchmarks.regressions"
"""The name by which workers import this module; here it may be `__main__`."""
LIMIT = 300.0
"""Largest time in seconds of one request: the machine may be busy."""
COLUMNS = (Answer.REGRESSION, Answer.CHANGED, Answer.FIXED, Answer.DRIFT, Answer.NEW)
"""Answers that the table counts."""


class EditError(InputError):
    """An edit that cannot be planted: no such file, or its text does not occur exactly once."""


@dataclass(frozen=True)
class Edit:
    """A change of a package's source: the only occurrence of `find` in `file` becomes `replace`.

    `file` is relative to the folder that holds the package; `layers` are patterns of the golden layers in which the
    edit can show, `route` a pattern of the routes walked, `cases` the ids of cases to walk however few are wanted.
    `fix`: the edit mends a finding. `invisible` says why no golden case can show it. `release` replaces the version
    that the package reports, to the suite too.
    """

    id: str
    package: str
    file: str
    find: str
    replace: str
    what: str
    layers: tuple[str, ...]
    route: str
    cases: tuple[str, ...] = ()
    fix: bool = False
    invisible: str = ""
    release: str = ""

    @property
    def group(self) -> tuple[str, str]:
        """Edits of one group are walked in one process: those of a package, but one with a release for itself."""
        return self.package, self.release and self.id

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Edit:
        return cls(**{**data, "layers": tuple(data["layers"]), "cases": tuple(data.get("cases", ()))})

    def walks(self, entry: Entry, route: Route, *, rank: int, most: int) -> bool:
        """Whether a case with this rank in its layer is walked along a route, at most `most` of each layer."""
        wanted = not most or rank < most or entry.id in self.cases
        return wanted and fits(entry.subject, self.layers) and fits(route.name, (self.route,))


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


def see(edit: Edit, overlay: Path) -> None:
    """Have this process find the edit's release, as one that began with the overlay on PYTHONPATH.

    A process that `multiprocessing` starts takes its path from its parent, whatever PYTHONPATH says. Call it before
    anything asks for a version: answers are kept. Raises RuntimeError if another version is found.
    """
    sys.path.insert(0, str(overlay))
    if (came := version(edit.package)) != edit.release:
        raise RuntimeError(f"{edit.id}: this process finds {edit.package} {came}, expected {edit.release}")


def origin(package: str) -> str:
    """The folder that a package was imported from; called in a worker."""
    return str(Path(str(importlib.import_module(package).__file__)).parent)


class Bench:
    """One session in which the edits of a package are walked one after the other.

    Stages that do not need the package are walked once: each case has a walk of its own, which keeps its artifacts, and
    loses those behind the package when the next edit is planted.
    """

    def __init__(self, package: str, most: int) -> None:
        self.package = package
        self.session = Session(Selection(limit=LIMIT))
        self.most = most
        self.pairs = self.session.pairs()
        self.ranks = ranked(self.session.entries())
        self.walks: dict[str, tuple[Case, Walk]] = {}
        self._path = os.environ.get("PYTHONPATH", "")
        plugins = {plugin for route in self.session.runnable for plugin in route.plugins(self.session.registry)}
        self._using = {plugin for plugin in plugins if package in plugin.requires}

    def results(self, edit: Edit, overlay: Path) -> list[Result]:
        """The results with the overlaid package. Raises RuntimeError if a worker imports it from elsewhere."""
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(overlay), self._path)))
        pairs = [pair for pair in self.pairs if edit.walks(*pair, rank=self.ranks[pair[0].id], most=self.most)]
        used = {plugin for _, route in pairs for plugin in route.plugins(self.session.registry)}
        for name in {plugin.worker for plugin in self._using}:
            self.session.workers[name].stop()  # the next request starts it with the new path
        for name in {plugin.worker for plugin in self._using & used}:
            answer = self.session.workers[name].request(Call(f"{MODULE}:origin", (self.package,)), LIMIT)
            if answer.value != str(overlay / self.package):
                raise RuntimeError(f"{edit.id}: worker {name} imports {answer.value}, expected {overlay}")
        names = {plugin.name for plugin in self._using}
        for _, walk in self.walks.values():
            for key in [key for key in walk._steps if names.intersection(key)]:
                del walk._steps[key]
        return [each for entry, route in pairs for each in self._walk(entry).apart(self.walks[entry.id][0], route)]

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


def is_missed(result: Result) -> bool:
    """Whether a regression or a change for the worse does not fail its result."""
    if result.judgement is Judgement.FAILED or result.answer not in (Answer.REGRESSION, Answer.CHANGED):
        return False
    note = result.recorded
    if note is None or result.answer is Answer.REGRESSION:
        return True
    return is_worse(result.stages[note.stage], tuple(map(Cell.parse, note.cells.split(OR))))


@dataclass(frozen=True)
class Told:
    """What a run with an edit tells."""

    edit: Edit
    results: tuple[Result, ...]
    seconds: float = 0.0

    @property
    def answers(self) -> Counter[Answer]:
        return Counter(result.answer for result in self.results)

    @property
    def failed(self) -> int:
        return sum(result.judgement is Judgement.FAILED for result in self.results)

    @property
    def verdict(self) -> str:
        """One word, as the beginning of this module explains; in capitals where a hole shows."""
        answers = self.answers
        if any(map(is_missed, self.results)):
            return "MISSED"
        if self.edit.invisible and answers[Answer.SAME] < len(self.results):
            return "UNFOUNDED"
        if answers[Answer.REGRESSION] or answers[Answer.CHANGED]:
            return "told" if self.failed else "changed"
        for answer in (Answer.FIXED, Answer.DRIFT):
            if answers[answer]:
                return answer.value
        if answers[Answer.NEW]:
            return "told" if self.failed else "UNRECORDED"
        return "explained" if self.edit.invisible else "INVISIBLE"

    @property
    def line(self) -> str:
        counts = " ".join(f"{self.answers[answer]:5}" for answer in COLUMNS)
        head = f"{self.edit.id:44} {len(self.results):5}"
        return f"{head} {counts} {self.failed:6}  {self.verdict:10} {self.seconds:5.0f}"

    @property
    def expectations(self) -> list[str]:
        """The expectations that explained what is fixed, each with the number of its results."""
        changes = Changes()
        for result in self.results:
            changes.add(result)
        fixed = changes.differing[Answer.FIXED]
        counts = Counter(result.expectation.id for result in fixed if result.expectation is not None)
        return [
            f"    {name}: {count} fixed" + ("; obsolete in these cases" if name in changes.obsolete else "")
            for name, count in sorted(counts.items())
        ]


HEAD = f"{'edit':44} walks regr.  chgd fixed drift   new failed  verdict        s"


def run(group: Sequence[Edit], keep: Path | None, most: int) -> list[str]:
    """Walk a group of edits, print what each run tells, and return the verdicts on those that could be planted."""
    verdicts: list[str] = []
    with tempfile.TemporaryDirectory(prefix="parity-overlay-") as folder:
        planted = []
        for edit in group:
            overlay = Path(folder) / edit.id
            try:
                plant(edit, installed(edit.package), overlay)
            except EditError as error:
                print(f"{edit.id}: NOT PLANTED: {error}", flush=True)
                continue
            planted.append((edit, overlay))
            if edit.release:
                see(edit, overlay)
        bench = Bench(group[0].package, most)
        try:
            for edit, overlay in planted:
                begun = time.perf_counter()
                results = tuple(bench.results(edit, overlay))
                told = Told(edit, results, time.perf_counter() - begun)
                verdicts.append(told.verdict)
                print(told.line, *told.expectations, sep="\n", flush=True)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    lines = (json.dumps(result.to_json(), allow_nan=False) + "\n" for result in results)
                    (keep / f"{edit.id}.ndjson").write_text("".join(lines), encoding="utf-8")
        finally:
            bench.close()
    return verdicts


def main() -> int:
    """Plant the chosen edits and print the table. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=["*"], metavar="GLOB")
    parser.add_argument("--package", default="*")
    parser.add_argument("--most", type=int, default=8, help="Walk at most this many cases of each layer; 0: all.")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Keep the results of each edit in this folder.")
    options = parser.parse_args()
    chosen = [edit for edit in edits() if fits(edit.id, options.only) and fits(edit.package, (options.package,))]
    if not chosen:
        parser.error(f"no edit fits --only {' '.join(options.only)} --package {options.package}")
    print(HEAD, flush=True)
    by_group = attrgetter("group")
    groups = [list(group) for _, group in groupby(sorted(chosen, key=by_group), by_group)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context, max_tasks_per_child=1) as pool:
        futures = [pool.submit(run, group, options.keep, options.most) for group in groups]
        verdicts = Counter(verdict for future in futures for verdict in future.result())
    print(f"{len(chosen)} edits: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    return 0 if verdicts.total() == len(chosen) and not any(map(str.isupper, verdicts)) else 1


if __name__ == "__main__":
    sys.exit(main())
