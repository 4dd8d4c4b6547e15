"""The pytest side of the suite: options, parameters from the goldens, results of every test, and the floor.

The process that collects and reports writes the results file; with pytest-xdist the workers send each result
with its test report. No process of pytest imports a framework.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.registry import PluginError
from harness.adapters.routes import Route
from harness.analysis.defects import Tally, sentence
from harness.catalogue import Row, rows
from harness.corpus.store import Entry, GoldenError, keep
from harness.draw.strategies import DISCOVERY, GATE, register_profiles
from harness.judge.expectations import Expectation
from harness.judge.findings import FindingsError
from harness.planted import Fault, faults, sampled
from harness.reproducer.write import is_reproducible, telling
from harness.results.events import Judgement, Result
from harness.results.file import Writer
from harness.run.explore import Exploration
from harness.run.reduce import with_first_tensor
from harness.run.session import Selection, SelectionError, Session
from harness.spec import Case
from harness.workers.pool import LIMIT

PROPERTY = "parity-result"
GOLDEN_TEST = "test_golden"
"""Name of every test over goldens: with xdist, the process that counts what is owed sees names only."""
_session = pytest.StashKey[Session]()
_ledger = pytest.StashKey["Ledger"]()

register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that outsiders rely on (docs/usage.md)."""
    group = parser.getgroup("parity", "parity suite")
    group.addoption("--route", metavar="GLOB", help="only routes whose name matches, as in 'keras-tf2onnx*'")
    group.addoption("--layer", metavar="GLOB", help="only layers whose name matches, as in 'Conv*'")
    group.addoption(
        "--explore", metavar="N", type=int, default=0, help="also N fresh random cases per layer (0: goldens only)"
    )
    group.addoption("--random", action="store_true", help="explore at random instead of the same cases each time")
    group.addoption(
        "--hop", metavar="MODULE:CLASS", action="append", default=[], help="add a converter for this run (repeatable)"
    )
    group.addoption(
        "--results", metavar="PATH", default="reports/results.ndjson", help="results file (default: %(default)s)"
    )
    group.addoption(
        "--opset", metavar="N", type=int, action="append", default=[], help="convert to this ONNX opset (repeatable)"
    )
    group.addoption(
        "--all-cases", action="store_true", help="walk every route over every case, not a few of each layer"
    )
    group.addoption(
        "--limit", metavar="SECONDS", type=float, default=LIMIT, help="time limit of one request (default: %(default)s)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the session lazily; in the process that reports, keep the ledger."""
    for kind in MARKED.values():
        config.addinivalue_line("markers", kind.about)
    selection = Selection(
        route=config.getoption("--route"),
        layer=config.getoption("--layer"),
        hops=tuple(config.getoption("--hop")),
        limit=config.getoption("--limit"),
        opset=tuple(config.getoption("--opset")),
        all_cases=config.getoption("--all-cases"),
    )
    session = config.stash[_session] = Session(selection, config.rootpath)
    if selection.route or selection.hops or selection.opset:
        try:
            session.routes  # noqa: B018 - a pattern or converter that does not fit is told before anything runs
        except (SelectionError, PluginError) as error:
            raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):
        config.stash[_ledger] = Ledger(config)
        config.pluginmanager.register(config.stash[_ledger], "parity-ledger")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the session started."""
    if _session in config.stash:
        config.stash[_session].close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Exploration is asked for explicitly."""
    return True if collection_path.name == "explore" and not config.getoption("--explore") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per golden case and route, row explored, planted fault, or expectation."""
    config, test = metafunc.config, metafunc.definition
    if test.get_closest_marker("goldens") and metafunc.function.__name__ != GOLDEN_TEST:
        raise pytest.Collector.CollectError(f"a test marked goldens is named {GOLDEN_TEST}: the floor counts it")
    if test.get_closest_marker("explored") and config.getoption("--explore") < 1:
        raise pytest.UsageError("suites/explore draws fresh cases: say how many of each layer with --explore N")
    for name, kind in MARKED.items():
        if (marker := test.get_closest_marker(name)) is not None:
            try:
                found = kind.of(config.stash[_session], *marker.args)
            except (GoldenError, PluginError, FindingsError) as error:
                raise pytest.Collector.CollectError(str(error)) from None
            metafunc.parametrize(kind.argument, found, ids=[kind.named(each) for each in found])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A dialect of which nothing was selected is deselected, not skipped; nothing at all is a usage error."""
    empty = [item for item in items if _wants_what_is_not_selected(item)]
    if empty:
        items[:] = [item for item in items if item not in empty]
        config.hook.pytest_deselected(items=empty)
    session = config.stash[_session]
    if empty and not items:
        try:
            session.entries()
        except (GoldenError, SelectionError) as error:
            raise pytest.UsageError(str(error)) from error


def _wants_what_is_not_selected(item: pytest.Item) -> bool:
    """pytest makes one skipped test of an empty parameter set."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return False
    return any(
        item.get_closest_marker(name) and not isinstance(callspec.params.get(kind.argument), kind.type)
        for name, kind in MARKED.items()
    )


def explored_rows(session: Session, dialect: str) -> list[Row]:
    """Catalogue rows of a dialect whose layer is selected."""
    return [row for row in rows(dialect) if session.selects(row.layer)]


def planted_faults(session: Session) -> list[Fault]:
    """Planted faults of the selected layers, or a tenth of all; with `all_cases` all of them.

    None for a run over selected routes, which asks about those only.
    """
    chosen = session.selection
    if chosen.route is not None:
        return []
    found = faults() if chosen.all_cases or chosen.layer is not None else sampled(faults())
    return [fault for fault in found if any(session.selects(layer) for layer in fault.layers)]


def reproduced(session: Session) -> list[Expectation]:
    """Expectations whose reproducers are run: every one that may be wrong numbers, and of the others one for each
    converter and outcome; with `all_cases` all.

    None for a run over selected routes or layers, which asks about those only.
    """
    chosen = session.selection
    if chosen.route is not None or chosen.layer is not None or chosen.opset:
        return []
    known = [item for item in session.expectations if is_reproducible(session, item)]
    return known if chosen.all_cases else telling(known)


@dataclass(frozen=True)
class Marked:
    """How tests with a marker are made: one for each of what `of` gives for the session and the marker's arguments."""

    about: str
    argument: str
    type: type
    of: Callable[..., Sequence[Any]]
    named: Callable[[Any], str]


MARKED = {
    "goldens": Marked(
        "goldens(folder): run over the golden cases of a folder of the store and their routes",
        "pair",
        tuple,
        Session.pairs,
        lambda pair: f"{pair[0].id}:{pair[1].name}",
    ),
    "explored": Marked(
        "explored(dialect): run over the catalogue rows of a dialect", "row", Row, explored_rows, lambda row: row.layer
    ),
    "planted": Marked("planted: run over the planted faults", "fault", Fault, planted_faults, lambda fault: fault.name),
    "reproduced": Marked(
        "reproduced: run over the expectations that have a reproducer",
        "item",
        Expectation,
        reproduced,
        lambda item: item.id,
    ),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out tests in runs of neighbours: the routes of a case share their first stages in one worker."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture(scope="session")
def parity(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The run's session, its workers starting side by side."""
    session = request.config.stash[_session]
    session.warm(session.runnable)
    yield session
    session.close()


@pytest.fixture(scope="session")
def real_files(request: pytest.FixtureRequest) -> Path:
    """Folder of real files written by MATLAB; skips, saying so, where there is none."""
    given = os.environ.get("PARITY_REAL_FILES")
    folder = Path(given) if given else request.config.rootpath.parent / "shared" / "realmat"
    if not folder.is_dir():
        pytest.skip(f"no real MATLAB files: {folder} is no folder; set PARITY_REAL_FILES to one")
    return folder


Record = Callable[[Result], Result]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Keeps a result for the results file; the same case and route once."""
    seen: set[tuple[str, str]] = set()

    def keep(result: Result) -> Result:
        if result.key not in seen:
            seen.add(result.key)
            request.node.user_properties.append((PROPERTY, json.dumps(result.to_json())))
        return result

    return keep


@pytest.fixture
def result(pair: tuple[Entry, Route], parity: Session, record: Record) -> Result:
    """The result of one golden case along one route."""
    entry, route = pair
    case = _loaded(parity, entry)
    found = parity.walk.result(case, route)
    return record(found if entry.is_large else with_first_tensor(parity.walk, case, route, found))


_last: dict[str, Case] = {}


def _loaded(session: Session, entry: Entry) -> Case:
    """The case, kept while its routes are walked one after the other."""
    if entry.id not in _last:
        _last.clear()
        _last[entry.id] = entry.load()
    return _last[entry.id]


@pytest.fixture
def explore(parity: Session, record: Record, request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Walks fresh cases of a row along every route of its dialect; what fails is shrunk, kept and told."""
    from hypothesis import settings

    config = request.config

    def run(row: Row) -> None:
        __tracebackhide__ = True
        profile = settings.get_profile(DISCOVERY if config.getoption("--random") else GATE)
        routes = parity.explored(row.dialect)
        found = Exploration(parity.walk, routes, record).smallest(
            row, settings(profile, max_examples=config.getoption("--explore"))
        )
        if found is not None:
            path = keep(found.case, parity.root).relative_to(parity.root)
            model = "\n    ".join(found.case.spec.lines)
            pytest.fail(f"{told(found.result)}\n  kept: {path}\n  model:\n    {model}", pytrace=False)

    return run


def check(result: Result) -> None:
    """The assertion of every suite: fail on what is unexpected, xfail on a known deviation."""
    __tracebackhide__ = True
    if result.judgement is Judgement.EXPECTED:
        pytest.xfail(result.message)
    if result.judgement is Judgement.FAILED:
        pytest.fail(told(result), pytrace=False)


def told(result: Result) -> str:
    """A failure as a person wants it: what, where, with which configuration, and what to run next."""
    stages = " -> ".join(
        f"{stage.hop or stage.artifact}: {stage.outcome}" + (f" {stage.units:.3g} units" if stage.units else "")
        for stage in result.stages
    )
    config = ", ".join(f"{key}={value!r}" for key, value in result.config.items())
    return (
        f"{result.layer} on {result.route}: {result.message}\n"
        f"  stages: {stages}\n  configuration: {config}\n  again: {result.replay}"
    )


class Ledger:
    """Writes the results file in the one process that sees every test report, and holds the run to its floor."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.path = Path(config.rootpath, config.getoption("--results"))
        self.writer: Writer | None = None
        self.floor = 0
        self.seen: set[tuple[str, str]] = set()
        self.spoke: Counter[str] = Counter()
        self.tally = Tally()
        self.failed = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        goldens = sum(name.partition("::")[2].startswith(f"{GOLDEN_TEST}[") for name in ids)
        explored = sum("explore" in name.partition("::")[0] for name in ids)
        self.open(goldens, goldens + explored)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        marked = [item for item in session.items if item.get_closest_marker("goldens")]
        explored = [item for item in session.items if item.get_closest_marker("explored")]
        if not self.config.getoption("collectonly"):
            self.open(len(marked), len(marked) + len(explored))

    def open(self, floor: int, walked: int) -> None:
        """Begin the file, once it is known that results will come and how many at least."""
        if self.writer is not None or not walked:
            return
        self.floor = floor
        session = self.config.stash[_session]
        options = {
            name: self.config.getoption(f"--{name}")
            for name in ("route", "layer", "explore", "random", "hop", "opset", "all-cases", "limit")
        }
        command = ["pytest", *self.config.invocation_params.args]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = Writer(self.path, session.header([str(arg) for arg in command], options, floor))
        self.writer.open()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or self.writer is None:
            return
        for name, value in report.user_properties:
            found = Result.from_json(json.loads(str(value))) if name == PROPERTY else None
            if found is not None and found.key not in self.seen:
                self.seen.add(found.key)
                self.writer.add(found)
                self.tally.add(found)
                if found.expectation is not None and found.judgement is Judgement.EXPECTED:
                    self.spoke[found.expectation.id] += 1

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.writer is None:
            return
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.writer.close()
        else:
            self.writer.abandon()
        if self.gone and exitstatus == pytest.ExitCode.OK:
            names = ", ".join(self.gone)
            self.failed = f"fixed upstream: remove these expectations, whose minimal cases no longer deviate: {names}"
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if len(self.seen) < self.floor and exitstatus == pytest.ExitCode.OK:
            self.failed = f"only {len(self.seen)} results came, the run owes {self.floor}: nothing green on nothing"
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def gone(self) -> list[str]:
        """Expectations that speak of some cases and spoke of none here, though their minimal case was in the run."""
        if self.config.getoption("--route"):  # the routes on which it deviates may not be among those selected
            return []
        cases = {case for case, _ in self.seen}
        own = self.config.stash[_session].expectations
        return [x.id for x in own if x.says and x.applies and x.case in cases and x.id not in self.spoke]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.writer is None:
            return
        terminalreporter.section("parity")
        parity = self.config.stash[_session]
        for route in parity.routes:
            if why := route.missing(parity.registry):
                terminalreporter.write_line(f"route {route.name} could not run: {why}", yellow=True)
        for problem in parity.registry.problems:
            terminalreporter.write_line(f"plugin not usable: {problem}", yellow=True)
        cases = {case for case, _ in self.seen}
        for item in parity.expectations:
            if item.case in cases and item.id not in self.spoke:
                terminalreporter.write_line(
                    f"expectation {item.id} matched nothing, though its minimal case {item.case} was run", yellow=True
                )
        for name, count in self.spoke.most_common():
            terminalreporter.write_line(f"{count:5} deviate as expected: {name}")
        if found := self.tally.causes():
            terminalreporter.write_line(f"{sentence(found)}; see `parity causes`")
        terminalreporter.write_line(f"{len(self.seen)} results in {self.path} (python {sys.version.split()[0]})")
        if self.failed:
            terminalreporter.write_line(self.failed, red=True)
