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
    return [(entry, route.name) for entry, route in Order.of(session, session.pairs()).sorted(session.pairs())]


def test_first_comes_one_case_of_each_layer_on_the_main_routes_then_on_the_side_routes(
    walked: list[tuple[Entry, str]],
) -> None:
    kinds = {(entry.dialect, entry.subject) for entry, _ in walked}
    main = {"keras-tf2onnx", "keras-tf2onnx-onnx2torch", "keras-tf2onnx-onnx2pytorch"}
    first = walked[: next(n for n, pair in enumerate(walked) if _is_second(pair, walked[:n]))]
    side = [n for n, (_, route) in enumerate(first) if route.startswith(("keras-kerastorch", "h5", "savedmodel"))]
    early, late = first[: side[0]], first[side[0] :]
    assert {(entry.dialect, entry.subject) for entry, _ in early} == kinds
    for layer in LAYERS:
        assert main <= {route for entry, route in early if entry.subject == layer}
    assert not main & {route for _, route in late}
    assert {route for _, route in walked} == {route for _, route in first}


def _is_second(pair: tuple[Entry, str], before: list[tuple[Entry, str]]) -> bool:
    """Whether another case of its layer came before on its route."""
    layer = (pair[0].dialect, pair[0].subject, pair[1])
    return any((entry.dialect, entry.subject, route) == layer for entry, route in before)


def test_further_cases_of_side_routes_come_last(walked: list[tuple[Entry, str]]) -> None:
    side = [n for n, (_, route) in enumerate(walked) if route.startswith("keras-kerastorch")]
    further = [n for n in side if _is_second(walked[n], walked[:n])]
    main = [n for n, (_, route) in enumerate(walked) if route == "keras-tf2onnx"]
    assert len(further) > 3
    assert min(further) > max(main)


def test_each_pair_comes_once_and_routes_of_a_beginning_stay_together(
    session: Session, walked: list[tuple[Entry, str]]
) -> None:
    assert sorted((e.id, r) for e, r in walked) == sorted((e.id, r.name) for e, r in session.pairs())
    tf2onnx = [entry.id for entry, route in walked if route.startswith("keras-tf2onnx")]
    assert len([case for case, _ in groupby(tf2onnx)]) == len(set(tf2onnx))


def test_what_failed_and_what_is_new_comes_before_all_else(session: Session) -> None:
    pairs = session.pairs()
    last = Order.of(session, pairs).sorted(pairs)[-1][0].id
    again = Order.of(session, pairs, [f"{last}+empty"]).sorted(pairs)
    assert again[0][0].id == last
    new = next(entry.id for entry, _ in pairs if entry.id != last)
    known = {key: cells for key, cells in session.record.cells.items() if key[0] != new}
    order = Order.of(session, pairs)
    first = Order(order.ranks, order.main, order.first, Record(known, session.record.versions)).sorted(pairs)
    assert first[0][0].id == new
