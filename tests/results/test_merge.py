"""Shards of a run are joined; every planted fault is refused, and then nothing is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.results.environments import OtherEnvironment
from harness.results.events import CutRun, Result
from harness.results.evidence import Evidence, Tensor, packed
from harness.results.file import Results
from harness.results.merge import MergeError, manifest_digest, merge
from harness.results.packs import PackNote
from tests.two_runs import ROUTE, result, write

CASES = ["keras-Dense-a1", "keras-Dense-b2", "keras-GRU-c3"]
ALL = [(case, ROUTE) for case in CASES]
PARTS = (slice(0, 2), slice(2, 3))
ENDS = ("exact 0", "exact 0.5", "faithful 1")


def shard(folder: Path, number: int, cases: list[str], *, count: int = 2, name: str = "", **changes: Any) -> Path:
    options = {"limit": 60.0, "shard": f"{number}/{count}", "manifest": manifest_digest(ALL)}
    options |= changes.pop("options", {})
    results: list[Result] = changes.pop("results", [result(case, *ENDS) for case in cases])
    owed = changes.pop("owed", [(case, ROUTE) for case in cases])
    return write(folder / (name or f"{number}.ndjson"), results, owed=owed, options=options, **changes)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "whole" / "results.ndjson"


def refused(paths: list[Path], target: Path, message: str, error: type[Exception] = MergeError) -> None:
    with pytest.raises(error, match=message):
        merge(paths, target)
    assert not target.exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())


def test_the_digest_is_of_the_sorted_pairs() -> None:
    assert manifest_digest([("b", "r"), ("a", "r")]) == manifest_digest([("a", "r"), ("b", "r"), ("a", "r")])
    assert (
        manifest_digest([("a", "r"), ("b", "r")]) == "1614aed1ad0bb2f32579cf2967fda1790796c7e792410c484626321fe309c51f"
    )
    assert manifest_digest([("a", "r")]) != manifest_digest([("a", "rb")])


def test_the_file_is_that_of_the_whole_run(tmp_path: Path, target: Path) -> None:
    empty = result(f"{CASES[1]}+empty", "exact 0", "refused")
    second = shard(tmp_path, 2, CASES[1:2], results=[result(CASES[1], *ENDS), empty])
    first = shard(tmp_path, 1, [CASES[2], CASES[0]], started="2026-01-01T00:00:00+00:00")
    merged = merge([second, first], target)
    assert Results.load(target) == merged
    assert merged.owed_pairs == set(ALL)
    assert [each.case for each in merged.results] == [CASES[2], CASES[0], CASES[1], f"{CASES[1]}+empty"]
    assert merged.header.options == {"limit": 60.0}
    assert (merged.header.floor, merged.header.started, merged.lost) == (3, "2026-01-01T00:00:00+00:00", ())


def test_what_a_shard_lost_is_lost_in_the_whole(tmp_path: Path, target: Path) -> None:
    first = shard(tmp_path, 1, CASES[:2], results=[result(CASES[0], *ENDS)])
    merged = merge([first, shard(tmp_path, 2, CASES[2:])], target)
    assert (merged.lost, merged.exit_code) == (((CASES[1], ROUTE),), 1)


def test_a_missing_shard(tmp_path: Path, target: Path) -> None:
    refused([shard(tmp_path, 1, CASES[:2])], target, "shard 2/2 missing; expected all 2 shards, got 1/2")


def test_a_shard_twice(tmp_path: Path, target: Path) -> None:
    first, second = shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:])
    again = shard(tmp_path, 1, CASES[:2], name="again.ndjson")
    refused([first, second, again], target, "shard 1/2 was given 2 times")


def test_an_empty_shard(tmp_path: Path, target: Path) -> None:
    first = shard(tmp_path, 1, CASES)
    refused([first, shard(tmp_path, 2, [])], target, "shard 2/2 is empty: of 0 owed results it has 0")
    refused(
        [first, shard(tmp_path, 2, CASES[2:], results=[])], target, "shard 2/2 is empty: of 1 owed results it has 0"
    )


def test_a_cut_shard(tmp_path: Path, target: Path) -> None:
    first, second = shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:])
    second.write_text("".join(second.read_text().splitlines(keepends=True)[:-1]))
    refused([first, second], target, "the run was cut", CutRun)


@pytest.mark.parametrize("text", ["3/2", "0/2", "1", "one/two", ""])
def test_a_file_that_is_no_shard(tmp_path: Path, target: Path, text: str) -> None:
    refused([shard(tmp_path, 1, CASES, options={"shard": text})], target, "the file is no shard")


def test_shards_of_different_divisions(tmp_path: Path, target: Path) -> None:
    refused([shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:], count=3)], target, "different divisions")


@pytest.mark.parametrize(
    ("changes", "message", "error"),
    [
        ({"versions": {"torch": "2.16.0"}}, "torch 2.15.0 -> 2.16.0", OtherEnvironment),
        ({"versions": {"torch": "not installed"}}, "their installed distributions differ", MergeError),
        ({"options": {"limit": 90.0}}, "their options differ", MergeError),
        ({"options": {"manifest": "0"}}, "their manifests differ", MergeError),
    ],
)
def test_shards_of_different_runs(
    tmp_path: Path, target: Path, changes: dict[str, Any], message: str, error: type[Exception]
) -> None:
    refused([shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:], **changes)], target, message, error)


def test_an_environment_that_differs_may_be_named(tmp_path: Path, target: Path) -> None:
    paths = [shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:], versions={"platform": "Linux-b"})]
    refused(paths, target, "platform Linux-a -> Linux-b", OtherEnvironment)
    assert len(merge(paths, target, across=["platform"]).results) == 3


def test_shards_behind_different_packs(tmp_path: Path, target: Path) -> None:
    """One pack was made anew between the shards: what stands before the converter is not the same."""
    packs = [PackNote("keras-tf2onnx", digest, (ROUTE,)) for digest in ("0123", "4567")]
    paths = [
        shard(tmp_path, number, CASES[at], pack=pack) for number, at, pack in zip((1, 2), PARTS, packs, strict=True)
    ]
    expected = "expected keras-tf2onnx with the digest 0123, got keras-tf2onnx with the digest 4567"
    refused(paths, target, f"shards 1 and 2 are of different runs: their packs differ; {expected}")
    other = shard(tmp_path, 2, CASES[2:])
    refused([paths[0], other], target, "their packs differ; expected keras-tf2onnx with the digest 0123, got no pack")
    alike = shard(tmp_path, 2, CASES[2:], pack=packs[0])
    assert merge([paths[0], alike], target).header.pack == packs[0]


def test_another_pytest_makes_no_other_run(tmp_path: Path, target: Path) -> None:
    paths = [shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:], versions={"pytest": "9.3.0"})]
    assert len(merge(paths, target).results) == 3


def test_a_case_in_two_shards(tmp_path: Path, target: Path) -> None:
    paths = [shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[1:])]
    refused(paths, target, f"case {CASES[1]} on route {ROUTE} is in two shards")


def test_a_result_that_its_shard_does_not_owe(tmp_path: Path, target: Path) -> None:
    results = [result(case, *ENDS) for case in CASES[1:]]
    paths = [shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:], results=results)]
    refused(paths, target, f"case {CASES[1]} on route {ROUTE} has a result that its shard does not owe")


def test_shards_that_do_not_make_up_the_run(tmp_path: Path, target: Path) -> None:
    """A shard owes a case less, or another one, than the manifest has."""
    refused([shard(tmp_path, 1, CASES[:1]), shard(tmp_path, 2, CASES[2:])], target, "do not make up the run")
    other = shard(tmp_path, 2, ["keras-GRU-c4"])
    refused([shard(tmp_path, 1, CASES[:2]), other], target, "do not make up the run")


def test_an_edited_shard(tmp_path: Path, target: Path) -> None:
    first, second = shard(tmp_path, 1, CASES[:2]), shard(tmp_path, 2, CASES[2:])
    lines = [json.loads(line) for line in second.read_text().splitlines()]
    second.write_text("".join(json.dumps(line) + "\n" for line in lines if line["event"] != "result"))
    refused([first, second], target, "the footer states 1 results", ValueError)


def test_evidence_stays_with_its_results(tmp_path: Path, target: Path) -> None:
    evidence = Evidence("a note", Tensor("y", 0, (1,), (0,), (1,), packed(np.ones(1)), packed(np.zeros(1)), 0.5))
    whole = result(CASES[0], *ENDS)
    stages = (*whole.stages[:-1], replace(whole.stages[-1], evidence=evidence))
    one = shard(tmp_path, 1, CASES[:1], results=[replace(whole, stages=stages)])
    merged = merge([one, shard(tmp_path, 2, CASES[1:])], target)
    assert [each.stages[-1].evidence for each in merged.results] == [evidence, None, None]
