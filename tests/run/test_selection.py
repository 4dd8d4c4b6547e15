"""Shards, and what a selection says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.run.selection import Selection, SelectionError, Shard

CASES = [f"keras-Dense-{number:012x}" for number in range(1000)]


def test_a_shard_is_read_and_written() -> None:
    assert (Shard.parse("2/4"), str(Shard(2, 4))) == (Shard(2, 4), "2/4")
    assert Shard.parse("1/1").has("anything")


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "0/2", "3/2", "-1/2", "1/2/3", "a/b", "1.0/2", " 1/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(SelectionError, match="no such shard"):
        Shard.parse(text)


def test_each_case_is_in_one_shard_of_about_the_same_size() -> None:
    shards = [[case for case in CASES if Shard(number, 4).has(case)] for number in (1, 2, 3, 4)]
    assert sorted(case for shard in shards for case in shard) == CASES
    assert all(200 < len(shard) < 300 for shard in shards)


def test_a_shard_does_not_depend_on_the_process() -> None:
    """SHA-256 of the id, divided by the count, worked out apart."""
    assert [number for number in range(8) if Shard(1, 2).has(CASES[number])] == [1, 3, 6, 7]


@pytest.mark.parametrize(
    "chosen",
    [
        {"route": ("a",)}, {"layer": ("A",)}, {"hops": ("m:C",)}, {"opset": (13,)}, {"pack": Path("a")},
        {"baseline": Path("a")},
    ],
)  # fmt: skip
def test_what_names_something_is_narrow(chosen: dict[str, Any]) -> None:
    assert Selection(**chosen).is_narrow


@pytest.mark.parametrize(
    "chosen",
    [{}, {"all_cases": True}, {"cache": False}, {"limit": 3.0}, {"across": ("x",)}, {"shard": Shard(1, 2)}],
)
def test_how_to_run_is_not_narrow(chosen: dict[str, Any]) -> None:
    assert not Selection(**chosen).is_narrow


def test_options_are_those_that_were_chosen() -> None:
    assert Selection().options() == {}
    chosen = Selection(route=("a*",), cache=False, shard=Shard(2, 3), pack=Path("a.pack"))
    assert chosen.options() == {"route": ("a*",), "cache": False, "shard": "2/3", "pack": Path("a.pack")}
