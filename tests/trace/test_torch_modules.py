"""Traces of torch modules: the part at fault is named, those behind it are not, and a healthy module has none."""

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

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    known = installed()
    with Workers((*known.formats, *known.hops, *known.runtimes)) as opened:
        yield opened


def ask(workers: Workers, function: str, *arguments: Any) -> dict[str, Any]:
    answer = workers["torch"].request(Call(f"tests.trace.torch_models:{function}", arguments))
    assert not isinstance(answer.value, Failure), answer.value
    return answer.value


def large(trace: Trace, what: str) -> list[bool]:
    return [getattr(node, what) > 1024 for node in trace.nodes]


@pytest.mark.parametrize("converter", ["onnx2torch", "onnx2pytorch"])
@pytest.mark.parametrize("change", [-1, 0, 2, 4])
def test_the_part_of_a_converted_module_that_is_wrong_is_named(
    workers: Workers, tmp_path: Path, converter: str, change: int
) -> None:
    answer = ask(workers, "converted", tmp_path, {"x": X}, converter, change)
    trace = Trace.from_plain(answer)
    assert trace.kind == "torch"
    assert trace.note == ""
    assert [node.id for node in trace.nodes] == answer["names"]
    assert [node.layer for node in trace.nodes] == ["a", "a", "b", "b", "c"]
    assert [node.shape for node in trace.nodes] == [(3, 4)] * 5
    assert [node.sources for node in trace.nodes] == [("input:x",), *((name,) for name in answer["names"][:4])]
    assert answer["first"] == (None if change < 0 else answer["names"][change])
    assert large(trace, "local") == [number == change for number in range(5)]
    assert large(trace, "propagated") == [0 <= change <= number for number in range(5)]


@pytest.mark.parametrize("change", ["", "a", "b"])
def test_the_part_of_a_module_of_layers_that_is_wrong_is_named(workers: Workers, tmp_path: Path, change: str) -> None:
    trace = Trace.from_plain(answer := ask(workers, "layered", tmp_path, {"x": X}, change))
    assert trace.note == ""
    assert answer["first"] == (change or None)
    assert [(node.id, node.op, node.layer) for node in trace.nodes] == [
        ("a", "Dense", "a"), ("b", "Dense", "b"), ("c", "Sum", "c"),
    ]  # fmt: skip
    assert [node.sources for node in trace.nodes] == [("input:x",), ("a",), ("a", "b")]
    assert large(trace, "local") == [node.id == change for node in trace.nodes]
    assert large(trace, "propagated") == [bool(change) and node.id >= change for node in trace.nodes]


def test_a_module_that_hooks_disturb_is_told(workers: Workers, tmp_path: Path) -> None:
    trace = Trace.from_plain(ask(workers, "layered", tmp_path, {"x": X}, "", False))
    assert trace.note == "with hooks the outputs are others than without"
