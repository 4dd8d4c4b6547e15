"""Breadth first: which pair of case and route comes when."""

from __future__ import annotations

from itertools import groupby

import pytest

from harness.corpus.store import Entry
from harness.judge.record import Record
from harness.run.order import Order
from harness.run.session import Selection, Session

LAYERS = ("ReLU", "Dense", "GRU")


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(Selection(layer=LAYERS))


@pytest.fixture(scope="module")
def walked(session: Session) -> list[tuple[Entry, str]]:
    """The pairs of three layers in order, each with the name of its route."""
    return [(entry, route.name) for entry, route in Order.of(session).sorted(session.pairs())]


def test_first_comes_one_case_of_each_layer_on_each_main_route(walked: list[tuple[Entry, str]]) -> None:
    kinds = {(entry.dialect, entry.subject) for entry, _ in walked}
    main = {"keras-tf2onnx", "keras-tf2onnx-onnx2torch", "keras-tf2onnx-onnx2pytorch"}
    first = walked[
        : next(n for n, (entry, _) in enumerate(walked) if entry.id != walked[0][0].id and _again(walked, n))
    ]
    assert {(entry.dialect, entry.subject) for entry, _ in first} == kinds
    assert len({entry.id for entry, _ in first}) == len(kinds)
    for layer in LAYERS:
        assert main <= {route for entry, route in first if (entry.dialect, entry.subject) == ("keras", layer)}
    assert not {route for _, route in first if route.startswith(("keras-kerastorch", "h5", "savedmodel"))}


def _again(walked: list[tuple[Entry, str]], place: int) -> bool:
    """Whether a layer begins its second case here."""
    entry = walked[place][0]
    return any((e.dialect, e.subject) == (entry.dialect, entry.subject) and e.id != entry.id for e, _ in walked[:place])


def test_side_routes_come_early_once_and_then_last(walked: list[tuple[Entry, str]]) -> None:
    side = [n for n, (_, route) in enumerate(walked) if route.startswith("keras-kerastorch")]
    cases = [walked[n][0].id for n in side]
    once = len(set(cases[: cases.index(cases[-1])]))
    assert side[0] < len(walked) / 3
    assert side[-1] > 0.9 * len(walked)
    assert once > 3


def test_each_pair_comes_once_and_routes_of_a_beginning_stay_together(
    session: Session, walked: list[tuple[Entry, str]]
) -> None:
    assert sorted((e.id, r) for e, r in walked) == sorted((e.id, r.name) for e, r in session.pairs())
    tf2onnx = [entry.id for entry, route in walked if route.startswith("keras-tf2onnx")]
    assert len([case for case, _ in groupby(tf2onnx)]) == len(set(tf2onnx))


def test_what_failed_and_what_is_new_comes_before_all_else(session: Session) -> None:
    pairs = session.pairs()
    last = Order.of(session).sorted(pairs)[-1][0].id
    again = Order.of(session, [f"{last}+empty"]).sorted(pairs)
    assert again[0][0].id == last
    new = next(entry.id for entry, _ in pairs if entry.id != last)
    known = {key: cells for key, cells in session.record.cells.items() if key[0] != new}
    order = Order.of(session)
    first = Order(order.ranks, order.main, Record(known, session.record.versions)).sorted(pairs)
    assert first[0][0].id == new
