"""Evidence as text, and how much of it a results file takes."""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.outcomes import Outcome
from harness.results.events import Judgement, Stage, check_line
from harness.results.evidence import Allowance, Evidence, Graph, Node, Tensor, packed, unpacked
from harness.results.file import Results, Writer
from tests.results.test_results import HEADER, result, stage

TENSOR = Tensor(
    output="y",
    sample=1,
    shape=(1, 9),
    start=(0, 4),
    size=(1, 2),
    expected=packed(np.array([1.0, 2.0])),
    actual=packed(np.array([1.0, np.inf])),
    scale=0.5,
)
GRAPH = Graph(
    "onnx",
    (
        Node("Pad_2", "Pad", sources=("input:x",), attributes={"mode": "constant"}, shape=None),
        Node("Conv_3", "Conv", "conv1", ("Pad_2",), {}, (1, 2, 2), local=0.5, propagated=math.inf),
    ),
)
FULL = Evidence("2 of 9 values kept", TENSOR, GRAPH)


def deviating(case: str = "keras-Dense-1", evidence: Evidence | None = FULL, **changes):
    return result(case, stages=[stage(Outcome.DIVERGENT, evidence=evidence)], **changes)


def test_values_are_little_endian_float32_compressed_by_zlib_in_base64() -> None:
    text = packed(np.array([[1.0, -2.5]]))
    assert struct.unpack("<2f", zlib.decompress(base64.b64decode(text))) == (1.0, -2.5)
    assert unpacked(text, (2, 1)).tolist() == [[1.0], [-2.5]]
    with pytest.raises(ValueError, match="reshape"):
        unpacked(text, (3,))


def test_keys_are_those_that_readers_know() -> None:
    data = FULL.to_json()
    assert list(data) == ["note", "tensor", "graph"]
    assert list(data["tensor"]) == ["output", "sample", "shape", "from", "size", "expected", "actual", "scale"]
    assert data["graph"]["nodes"][0] == {
        "id": "Pad_2", "op": "Pad", "layer": "", "from": ["input:x"], "attributes": {"mode": "constant"},
        "shape": None, "local": None, "propagated": None,
    }  # fmt: skip
    assert data["graph"]["nodes"][1]["shape"] == [1, 2, 2]
    assert data["graph"]["nodes"][1]["propagated"] == "inf"
    assert Evidence("nothing").to_json() == {"note": "nothing"}


@pytest.mark.parametrize("evidence", [FULL, Evidence("gone"), Evidence(tensor=TENSOR), Evidence(graph=GRAPH)])
def test_what_is_written_comes_back(evidence: Evidence, tmp_path: Path) -> None:
    with Writer(tmp_path / "r", replace(HEADER, floor=1)) as writer:
        writer.add(deviating(evidence=evidence))
    back = Results.load(tmp_path / "r").results[0].stages[0]
    assert back.evidence == evidence
    assert Stage.from_json(json.loads(json.dumps(back.to_json()))).evidence == evidence


def test_a_stage_without_evidence_has_no_such_key() -> None:
    assert "evidence" not in stage(Outcome.DIVERGENT).to_json()


def test_stages_are_equal_whatever_evidence_they_have() -> None:
    assert stage(evidence=FULL) == stage(evidence=None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["note"], None),
        (["more"], 1),
        (["tensor", "scale"], 0),
        (["tensor", "from"], [-1]),
        (["tensor", "actual"], "<b>"),
        (["graph", "kind"], "html"),
        (["graph", "nodes", 0, "attributes"], {"a": 1}),
        (["graph", "nodes", 0, "local"], "many"),
    ],
)
def test_the_schema_refuses(path: list, value: object) -> None:
    data = deviating().to_json()
    assert check_line(data) == ""
    part = data["stages"][0]["evidence"]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert check_line(data) != ""


def test_what_does_not_fit_is_left_out_and_the_note_says_so() -> None:
    one = Evidence(tensor=TENSOR)
    allowance = Allowance(2 * one.characters)
    gone = f"the run's {2 * one.characters:,} characters of evidence were used up"
    assert allowance.admit(one, expected=True) == one
    assert allowance.admit(one, expected=True).note == f"{gone}; deviations as expected get half of them"
    assert allowance.admit(one, expected=False) == one
    assert allowance.admit(one, expected=False) == Evidence(gone)
    assert allowance.admit(Evidence("only a note"), expected=False) == Evidence("only a note")


def test_large_allowances_are_told_in_mebibytes() -> None:
    allowance = Allowance(1 << 20)
    large = Evidence(tensor=replace(TENSOR, actual="A" * (1 << 20)))
    assert allowance.admit(large, expected=False).note == "the run's 1 MiB of evidence were used up"


def test_a_file_takes_as_much_evidence_as_it_may(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", HEADER)
    writer._allowance = Allowance(FULL.characters * 2)
    with writer:
        for number in range(3):
            writer.add(deviating(f"keras-Dense-{number}", judgement=Judgement.EXPECTED))
        writer.add(deviating("keras-Dense-9"))
    kept = [each.stages[0].evidence for each in Results.load(tmp_path / "r").results]
    assert [each is not None and each.tensor is not None for each in kept] == [True, False, False, True]
