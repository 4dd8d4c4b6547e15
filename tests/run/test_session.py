"""Which cases see which routes."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.adapters.registry import Plugin
from harness.adapters.routes import Route
from harness.run.session import Selection, SelectionError, Session, ranked
from tests.miniatures import Copies, Doubles, Uninstalled, registry


def entry(name: str, **choice: object) -> SimpleNamespace:
    return SimpleNamespace(id=name, dialect="keras", subject="Dense", choice=choice, is_large=False)


def hop(name: str, source: str, target: str, opset: int | None = None, depth: int | None = None) -> Plugin:
    return Plugin("x:Y", name, "w", (), source=source, target=target, opset=opset, depth=depth)


KERAS = Plugin("x:K", "keras", "w", (), suffix=".keras", dialect="keras")


def test_the_case_with_most_unseen_values_is_next() -> None:
    ranks = ranked([entry("a", rank=2, bias=True), entry("b", rank=2, bias=False), entry("c", rank=3, bias=False)])
    assert ranks == {"a": 0, "c": 1, "b": 2}


def test_a_route_has_the_opset_of_its_converter() -> None:
    assert Route(KERAS, (hop("tf2onnx13", "keras", "onnx", 13), hop("onnx2torch", "onnx", "torch"))).opset == 13
    assert Route(KERAS, (hop("tf2onnx", "keras", "onnx"),)).opset is None


def test_opsets_are_asked_for() -> None:
    default = {route.name for route in Session(Selection()).routes}
    at13 = {route.name for route in Session(Selection(opset=(13,))).routes}
    assert "keras-tf2onnx" in default
    assert not any("tf2onnx1" in name for name in default)
    assert "keras-tf2onnx13-onnx2torch" in at13
    assert all("tf2onnx13" in name for name in at13)
    with pytest.raises(SelectionError, match="--opset: no converter writes opset 12; expected one of 13, 15, 17, 18"):
        Session(Selection(opset=(12,))).routes  # noqa: B018
    with pytest.raises(SelectionError, match="opset 18; expected none: a pack has that with which it was made"):
        Session(Selection(opset=(18,), pack=Path("keras-tf2onnx"))).routes  # noqa: B018


def test_routes_that_are_not_walked_by_default_are_with_all_cases() -> None:
    name = "tfkeras-h5import-tf2onnx"
    assert name not in {route.name for route in Session(Selection()).every_route}
    assert name in {route.name for route in Session(Selection(all_cases=True)).every_route}


@pytest.mark.parametrize(
    ("chosen", "count"), [(Selection(), 1), (Selection(route=("keras-*",)), 2), (Selection(all_cases=True), 2)]
)
def test_fresh_cases_go_along_side_routes_that_were_asked_for(
    chosen: Selection, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(chosen)
    routes = [Route(KERAS, (hop("tf2onnx", "keras", "onnx"),)), Route(KERAS, (hop("kerasjax", "keras", "x", depth=2),))]
    monkeypatch.setattr(session, "runnable_for", lambda dialect: routes)
    assert session.explored("keras") == routes[:count]


def test_minimal_cases_see_the_routes_of_their_expectations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = Session(Selection(), tmp_path)
    entries = [entry(f"c{k}", value=k) for k in range(5)]
    thin = Route(
        KERAS, (hop("tf2onnx", "keras", "onnx"), hop("x", "onnx", "torch"), hop("torchonnx", "torch", "onnx", depth=1))
    )
    session.__dict__["store"] = SimpleNamespace(entries=lambda *layers, folder=None: entries, root=tmp_path)
    monkeypatch.setattr(session, "entries", lambda folder=None: entries)
    session.__dict__["store"] = SimpleNamespace(root=tmp_path, entries=lambda *layers, folder=None: entries)
    monkeypatch.setattr(session, "runnable_for", lambda dialect: [thin])
    monkeypatch.setattr(
        type(session), "expectations", property(lambda self: [SimpleNamespace(case="c4", route="*-torchonnx")])
    )
    assert [member.id for member, _ in session.pairs()] == ["c0", "c4"]


def test_a_dialect_of_which_no_selected_route_can_run_is_an_error() -> None:
    session = Session(Selection(route=("mini-*",)))
    session.__dict__["registry"] = registry(Copies, Doubles)
    assert [route.name for route in session.routes_from("keras")] == ["mini-copies", "mini-doubles"]
    with pytest.raises(SelectionError, match=r"^no selected route starts from 'matconvnet'\. `parity list routes`"):
        session.routes_from("matconvnet")


def test_what_is_not_selected_is_told_from_what_cannot_run() -> None:
    session = Session(Selection())
    session.__dict__["registry"] = registry(Copies, Uninstalled)
    assert session.obstacle("keras") == ""
    assert session.obstacle("matlab") == "no selected route starts from 'matlab'"
    assert session.obstacle("keras", "doubles") == "no selected route starts from 'keras' with 'doubles'"
    assert session.obstacle("keras", "uninstalled") == (
        "no selected route from 'keras' can run here: uninstalled: not installed: numpy>=99, no-such-thing"
    )


def test_processes_of_runs_over_one_checkout_take_turns(tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "manifest.json").touch()
    one, other = Session(root=tmp_path), Session(root=tmp_path)
    with one, other, one.workers["mini"].turns.alone():
        descriptor = other.workers["mini"].turns._opened()[1]
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_the_header_tells_the_load_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.session.load", lambda: 0.75)
    session = Session()
    session.__dict__["registry"] = registry(Copies)
    assert session.header([], {}, 1).load == 0.75
