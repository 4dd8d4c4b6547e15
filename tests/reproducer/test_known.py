"""Reproducers of the known deviations: which are chosen, and what could not be written is said."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.reproducer import known
from harness.reproducer.running import Answer
from harness.reproducer.write import SCRIPT, ReproduceError
from harness.run.contents import said
from harness.run.kept import Kept
from harness.run.session import SelectionError, Session
from tests.miniatures import Copies, Uninstalled, registry


def _session(*items: tuple[str, str]) -> Session:
    """A session that knows expectations of these ids and cases."""
    return cast("Session", SimpleNamespace(expectations=[SimpleNamespace(id=i, case=case) for i, case in items]))


SESSION = _session(("mini-a", "case-2"), ("mini-b", "case-1"), ("other", "case-0"))


def test_those_of_one_case_are_together() -> None:
    assert [item.id for item in known.choose(SESSION, "mini-*")] == ["mini-b", "mini-a"]


def test_a_pattern_that_fits_nothing() -> None:
    with pytest.raises(SelectionError, match=r"--id: no expectation fits 'x'\. `parity list expectations` shows all"):
        known.choose(SESSION, "x")


def test_what_could_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def of_expectation(session: Session, item: Any, folder: Path) -> None:
        folders.append(folder)
        if item.id == "mini-b":
            raise ReproduceError("it agrees")

    monkeypatch.setattr(known, "of_expectation", of_expectation)
    assert known.write_known(SESSION, known.choose(SESSION, "mini-*"), tmp_path) == ["mini-b: it agrees"]
    assert folders == [tmp_path / "mini-b", tmp_path / "mini-a"]


def test_of_many_expectations_those_that_tell_most_are_run() -> None:
    def item(name: str, blame: str, *outcomes: str) -> Expectation:
        return cast("Expectation", SimpleNamespace(id=name, blame=(blame,), outcome=tuple(map(Outcome, outcomes))))

    items = [
        item("a", "x", "refused"),
        item("b", "x", "refused"),
        item("c", "x", "invalid"),
        item("d", "x", "divergent"),
        item("e", "x", "refused", "divergent"),
        item("f", "y", "refused"),
        item("g", "y", "divergent"),
    ]
    assert [each.id for each in known.telling(items)] == ["a", "d", "f", "g"]


class Absent(Uninstalled):
    """The first of all converters by name."""

    name: ClassVar[str] = "absent"


@pytest.mark.parametrize(
    ("route", "blame", "why"),
    [
        ("mini-copies", "copies", ""),
        ("mini-absent", "absent", "absent: not installed: numpy>=99"),
        ("mini-*", "[!s]*", ""),  # not of the source; one of its routes can run
        ("mini-none", "*", ""),  # a route that there is not is no excuse
    ],
)
def test_where_no_route_can_run_the_reason_is_told(route: str, blame: str, why: str) -> None:
    store = SimpleNamespace(find=lambda case: SimpleNamespace(dialect="keras"))
    session = SimpleNamespace(store=store, registry=registry(Absent, Copies))
    item = SimpleNamespace(case="case", route=route, blames=lambda name: fnmatchcase(name, blame))
    told = known.obstacle(cast("Session", session), cast("Expectation", item))
    assert told.startswith(why)
    assert bool(told) is bool(why)


def test_what_is_random_has_no_reproducer() -> None:
    with Session() as session:
        random = [item for item in session.expectations if item.random]
        assert {"keras-export-augments", "keras-export-augments-loudly"} <= {item.id for item in random}
        assert not any(known.is_reproducible(session, item) for item in random)


def test_a_script_that_deviated_is_not_run_again(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the script, or what writes scripts, has changed; one that does not deviate is run each time."""
    ran: list[Path] = []
    answers = iter([Answer.FIXED, Answer.FAILED, Answer.FAILED, Answer.FAILED])
    monkeypatch.setattr(Kept, "_asked", lambda kept, plugin: said(plugin.name))  # to read all of torch takes long
    monkeypatch.setattr(known, "run_reproducer", lambda folder: (ran.append(folder), (next(answers), "line"))[1])
    (tmp_path / SCRIPT).write_text("script")

    def shows() -> Answer:
        with Session() as session:
            item = next(item for item in session.expectations if item.id == "onnx2torch-auto-pad")
            return known.shows(session, item, tmp_path)[0]

    assert [shows(), shows(), shows()] == [Answer.FIXED, Answer.FAILED, Answer.FAILED]
    assert len(ran) == 2
    (tmp_path / SCRIPT).write_text("another")
    assert (shows(), len(ran)) == (Answer.FAILED, 3)
    monkeypatch.setattr(known, "_code", lambda: "edited")
    assert (shows(), len(ran)) == (Answer.FAILED, 4)
