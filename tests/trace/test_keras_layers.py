"""Traces of Keras models: shared, nested and wrapped layers, several outputs; the layer at fault is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.adapters.registry import installed
from harness.trace.trace import Trace
from harness.workers.pool import Workers
from harness.workers.protocol import Call, Failure

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)
PASSES_ON = {"": "", "a/kernel": "a b b#2 c nested d", "b/bias": "b b#2 c nested d"}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    known = installed()
    with Workers((*known.formats, *known.hops, *known.runtimes)) as opened:
        yield opened


def ask(workers: Workers, *arguments: Any, worker: str = "tensorflow") -> dict[str, Any]:
    answer = workers[worker].request(Call("tests.trace.keras_models:traced", arguments))
    assert not isinstance(answer.value, Failure), answer.value
    return answer.value


@pytest.mark.parametrize(("change", "first"), [("", None), ("a/kernel", "a"), ("b/bias", "b")])
@pytest.mark.parametrize("worker", ["tensorflow", "kerastorch"])
def test_the_layer_that_is_wrong_is_named(
    workers: Workers, tmp_path: Path, worker: str, change: str, first: str | None
) -> None:
    answer = ask(workers, tmp_path, {"x": X}, change, worker=worker)
    trace = Trace.from_plain(answer)
    assert (trace.kind, trace.note) == ("keras", "")
    assert answer["first"] == first
    assert [(node.id, node.op, node.layer) for node in trace.nodes] == [
        ("a", "TimeDistributed", "a"), ("b", "Dense", "b"), ("b#2", "Dense", "b2"), ("c", "Add", "c"),
        ("nested", "Functional", "nested"), ("d", "GlobalAveragePooling1D", "d"),
    ]  # fmt: skip
    assert [node.sources for node in trace.nodes] == [
        ("input:x",), ("a",), ("b",), ("b", "b#2"), ("c",), ("nested",),
    ]  # fmt: skip
    assert [node.shape for node in trace.nodes] == [(2, 3, 4)] * 5 + [(2, 4)]
    assert trace.nodes[1].attributes["units"] == "4"
    assert all(node.local is not None and node.propagated is not None for node in trace.nodes)
    wrong = {"a": ["a"], "b": ["b", "b#2"], None: []}[first]
    assert [node.id for node in trace.nodes if node.local > 1024] == wrong
    assert [node.id for node in trace.nodes if node.propagated > 1024] == PASSES_ON[change].split()


def test_a_model_that_watching_disturbs_is_told(workers: Workers, tmp_path: Path) -> None:
    assert ask(workers, tmp_path, {"x": X}, "", True)["note"] == "while layers are watched the outputs are others"


def test_without_an_oracle_there_is_a_graph_without_errors(workers: Workers, tmp_path: Path) -> None:
    trace = Trace.from_plain(ask(workers, tmp_path, {"x": X}, "", False, True))
    assert trace.note == "the oracle does not know every layer"
    assert [node.id for node in trace.nodes] == ["a", "b", "b#2", "c", "nested", "d"]
    assert {(node.local, node.propagated) for node in trace.nodes} == {(None, None)}
