"""Reproducers of known deviations: which expectations have one, and the minimal case of each as a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from harness.adapters.routes import Route, all_routes
from harness.fingerprint import Fingerprints
from harness.judge.expectations import Expectation
from harness.outcomes import Harm
from harness.reproducer.recipes import is_shown
from harness.reproducer.running import Answer, run_reproducer
from harness.reproducer.write import SCRIPT, ReproduceError, Reproducer, write
from harness.results.events import SOURCE
from harness.run.selection import check_patterns
from harness.run.session import Session


def choose(session: Session, glob: str) -> list[Expectation]:
    """Expectations whose id matches, sorted by case. Raises SelectionError if none does."""
    known, advice = session.expectations, "`parity list expectations` shows all"
    check_patterns((glob,), (item.id for item in known), noun="expectation", where="--id", advice=advice)
    return sorted((item for item in known if fnmatchcase(item.id, glob)), key=lambda item: item.case)


def is_reproducible(session: Session, item: Expectation) -> bool:
    """Whether an expectation applies here, and blames a converter or format that runs here and without the harness.

    What happens at random need not happen when the reproducer is written.
    """
    registry = session.registry
    plugins = [hop for hop in registry.hops if item.blames(hop.name)]
    plugins += registry.formats if item.blames(SOURCE) else ()
    return (
        item.applies
        and not item.random
        and any(is_shown(plugin, registry) and not plugin.missing for plugin in plugins)
    )


def telling(known: Iterable[Expectation]) -> list[Expectation]:
    """The first expectation for each converter and harm."""
    chosen: dict[tuple[str, Harm], Expectation] = {}
    for item in known:
        chosen.setdefault((item.blame[0], item.outcome[0].harm), item)
    return list(chosen.values())


def of_expectation(session: Session, item: Expectation, folder: Path) -> Reproducer:
    """Write the reproducer of an expectation's minimal case. Raises ReproduceError."""
    case = session.store.find(item.case).load()
    endings = []
    for route in routes_of(session, item, case.spec.dialect):
        result = session.walk.result(case, route)
        if result.fault is not None and item.foresees(result.fault):
            return write(session, case, route, folder, item)
        endings.append(f"{result.outcome} on {route.name}")
    raise ReproduceError(
        "the minimal case does not end as the expectation foresees",
        where=item.case,
        expected=f"{' or '.join(item.outcome)} at {' or '.join(item.blame)}",
        came="; ".join(endings) or "no route that can run here",
    )


def shows(session: Session, item: Expectation, folder: Path) -> tuple[Answer, str]:
    """The answer of a reproducer's script, and its last line.

    A script that deviated in an earlier run, with the same plugins and written by the same code, is not run again.
    """
    kept, case = session.kept, session.store.find(item.case)
    routes = routes_of(session, item, case.dialect)
    plugins = list(dict.fromkeys(part for route in routes for part in route.plugins(session.registry)))
    script = (folder / SCRIPT).read_text(encoding="utf-8")
    fact = "\0".join(["the script deviates", case.id, str(case.data["answers"]), script, _code()])
    if kept is not None and kept.knows(fact, plugins):
        return Answer.FAILED, "DEVIATES: it did in an earlier run"
    answer, line = run_reproducer(folder)
    if kept is not None and answer is Answer.FAILED:
        kept.learn(fact, plugins)
    return answer, line


@cache
def _code() -> str:
    """Digest of the code that writes reproducers."""
    return Fingerprints().of_folder(Path(__file__).parent)


def obstacle(session: Session, item: Expectation) -> str:
    """The reason why no route of an expectation can run here; '' if one can, or if it covers none."""
    dialect = session.store.find(item.case).dialect
    reasons = [part.missing(session.registry) for part in _parts(session, item, dialect)]
    return reasons[0] if reasons and all(reasons) else ""


def routes_of(session: Session, item: Expectation, dialect: str) -> list[Route]:
    """The routes that an expectation covers, each cut after a hop that it blames, and able to run here.

    The shortest come first; of equally long ones those without an opset, then those that end with the converter that
    the expectation names first: the other converters call it.
    """
    routes = {part.name: part for part in _parts(session, item, dialect) if not part.missing(session.registry)}

    def rank(route: Route) -> tuple[int, bool, int]:
        last = route.hops[-1].name if route.hops else SOURCE
        place = next(k for k, pattern in enumerate(item.blame) if fnmatchcase(last, pattern))
        return len(route.hops), route.opset is not None, place

    return sorted(routes.values(), key=rank)


def _parts(session: Session, item: Expectation, dialect: str) -> Iterator[Route]:
    """The routes that an expectation covers, each cut after a hop that it blames."""
    for route in all_routes(session.registry):
        if route.dialect == dialect and fnmatchcase(route.name, item.route):
            for count, name in enumerate([SOURCE, *(hop.name for hop in route.hops)]):
                if item.blames(name):
                    yield Route(route.source, route.hops[:count])


def write_known(session: Session, expectations: Iterable[Expectation], folder: Path) -> list[str]:
    """Write `folder/<id>` for each expectation. Returns a sentence for each that could not be written."""
    problems = []
    for item in expectations:
        try:
            of_expectation(session, item, folder / item.id)
        except ReproduceError as error:
            problems.append(f"{item.id}: {error}")
    return problems
