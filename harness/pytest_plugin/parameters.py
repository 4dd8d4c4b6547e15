"""Parametrises tests by markers: a marker names the values, and each value becomes one test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.routes import Route
from harness.catalogue import Row, rows
from harness.errors import InputError
from harness.judge.expectations import Expectation
from harness.planted import Fault, faults, sampled
from harness.pytest_plugin.earlier import earlier_of
from harness.pytest_plugin.options import session_of
from harness.pytest_plugin.order import GOLDEN_TEST, Blocks, breadth_first, pair_of
from harness.reproducer.known import is_reproducible, telling
from harness.run.order import Order
from harness.run.session import Session


@dataclass(frozen=True)
class Marker:
    """A marker. `values` maps the session and the marker's arguments to the values of a test's `argument`."""

    help: str
    argument: str
    type: type
    values: Callable[..., Sequence[Any]]
    id: Callable[[Any], str]


def explored_rows(session: Session, dialect: str) -> list[Row]:
    """The catalogue rows of a dialect whose layer is selected."""
    return [row for row in rows(dialect) if session.selects(row.layer)]


def planted_faults(session: Session) -> list[Fault]:
    """The planted faults of the selected layers; without a selection a tenth of all faults, with `all_cases` all.

    Empty if routes are selected: such a run is about these routes.
    """
    selection = session.selection
    if selection.route:
        return []
    every = selection.all_cases or bool(selection.layer)
    candidates = faults() if every else sampled(faults())
    return [fault for fault in candidates if any(session.selects(layer) for layer in fault.layers)]


def reproduced(session: Session) -> list[Expectation]:
    """The expectations whose reproducers run: those that `telling` chooses, or with `all_cases` all.

    Empty if routes, layers or opsets are selected: such a run is about these.
    """
    selection = session.selection
    if selection.route or selection.layer or selection.opset:
        return []
    known = [item for item in session.expectations if is_reproducible(session, item)]
    return known if selection.all_cases else telling(known)


MARKERS = {
    "goldens": Marker(
        "goldens(folder): run over the golden cases of a folder of the store and their routes",
        "pair",
        tuple,
        Session.pairs,
        lambda pair: f"{pair[0].id}:{pair[1].name}",
    ),
    "explored": Marker(
        "explored(dialect): run over the catalogue rows of a dialect", "row", Row, explored_rows, lambda row: row.layer
    ),
    "planted": Marker("planted: run over the planted faults", "fault", Fault, planted_faults, lambda fault: fault.name),
    "reproduced": Marker(
        "reproduced: run over the expectations that have a reproducer",
        "item",
        Expectation,
        reproduced,
        lambda item: item.id,
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for marker in MARKERS.values():
        config.addinivalue_line("markers", marker.help)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect explorations only with --explore."""
    return True if collection_path.name == "explore" and not config.getoption("--explore") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each golden case and route, explored row, planted fault, or expectation."""
    config, test = metafunc.config, metafunc.definition
    if test.get_closest_marker("goldens") and metafunc.function.__name__ != GOLDEN_TEST:
        raise pytest.Collector.CollectError(
            f"name a test with the marker goldens {GOLDEN_TEST}: the floor counts tests of this name"
        )
    if test.get_closest_marker("explored") and config.getoption("--explore") < 1:
        raise pytest.UsageError("suites/explore draws fresh cases: give their number for each layer with --explore N")
    for name, marker in MARKERS.items():
        if (mark := test.get_closest_marker(name)) is not None:
            try:
                values = marker.values(session_of(config), *mark.args)
            except InputError as error:
                raise pytest.Collector.CollectError(str(error)) from None
            metafunc.parametrize(marker.argument, values, ids=[marker.id(value) for value in values])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests without a value, instead of skipping them, what nobody asked for, and what a cut run has
    done. Then order the rest breadth first. Raises UsageError if no test remains where none was done."""
    earlier = earlier_of(config)
    empty = [item for item in items if _is_without_value(item)]
    if earlier.done:
        empty += [item for item in items if (pair := pair_of(item)) and (pair[0].id, pair[1].name) in earlier.done]
    selection = session_of(config).selection
    beside = [item for item in items if _is_of_suites(item, config) and not _walks_cases(item)]
    if selection.is_narrow and any(_walks_cases(item) for item in items):
        empty += beside
    elif selection.shard is not None:
        empty += [item for item in beside if not selection.shard.has(item.nodeid)]
    if empty:
        dropped = set(empty)
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=empty)
    if any(map(_walks_cases, items)):
        pairs = [pair for item in items if (pair := pair_of(item))]
        items[:] = breadth_first(items, Order.of(session_of(config), pairs, earlier.failed).place, _is_long)
    if empty and not items and not earlier.done:
        try:
            session_of(config).entries()
        except InputError as error:
            raise pytest.UsageError(str(error)) from error
    if not hasattr(config, "workerinput"):  # of xdist: an error here is no usage error there
        try:
            _check_walked(config, [item.nodeid for item in items])
        except pytest.UsageError:
            items.clear()  # so that no results file is begun
            raise


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """The same check where others collect."""
    _check_walked(node.config, ids)


def _check_walked(config: pytest.Config, ids: Iterable[str]) -> None:
    """Raise UsageError for a converter that was named and is on no route of these tests."""
    if earlier_of(config).done:  # the cut run looked at all tests
        return
    session = session_of(config)
    try:
        session.check_walked(_routes(ids, session))
    except InputError as error:
        raise pytest.UsageError(str(error)) from None


def _routes(ids: Iterable[str], session: Session) -> Iterator[Route]:
    """The routes that the tests over goldens and over fresh cases walk. With xdist, their ids are all that is known."""
    named = {route.name: route for route in session.runnable}
    for test in ids:
        file, _, rest = test.partition("::")
        name, _, value = rest.removesuffix("]").partition("[")
        if name == GOLDEN_TEST:
            yield named[value.rpartition(":")[2]]
        elif "explore" in file:
            for dialect in {row.dialect for row in rows() if row.layer == value}:
                yield from session.explored(dialect)


def _is_long(item: pytest.Item) -> bool:
    """Whether a test takes more than a second, as measured over whole runs: a large model takes up to 45 seconds, a
    planted fault 28, a reproducer 22."""
    if any(item.get_closest_marker(name) for name in ("planted", "reproduced")):
        return True
    pair = pair_of(item)
    return pair is not None and pair[0].is_large


def _walks_cases(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("goldens", "explored"))


def _is_of_suites(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether a test belongs to the suites; the harness's own tests in `tests/` are another thing."""
    return not item.path.is_relative_to(config.rootpath / "tests")


def _is_without_value(item: pytest.Item) -> bool:
    """Whether a test has an empty parameter set, for which pytest makes one skipped test."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return False
    return any(
        item.get_closest_marker(name) and not isinstance(callspec.params.get(marker.argument), marker.type)
        for name, marker in MARKERS.items()
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give out tests in their order, block by block."""
    return Blocks(config, log) if config.getoption("dist") == "load" else None
