"""What did not come is walked again with the options of the run that lost it."""

from __future__ import annotations

import shlex

from harness.results.command import replay


def test_a_run_behind_a_pack_names_its_pack() -> None:
    options = {"layer": ["ELU"], "pack": "my pack.pack", "hops": ["mine:Hop"], "anew": True}
    assert shlex.split(replay("keras-ELU-1", "keras-mine", options)) == [
        *("parity", "replay", "keras-ELU-1", "--route", "keras-mine", "--hop", "mine:Hop"),
        *("--pack", "my pack.pack", "--anew"),
    ]


def test_the_only_opset_of_a_run_is_that_of_its_cases() -> None:
    assert replay("a", "r", {"opset": [13]}) == "parity replay a --route r --opset 13"
    assert replay("a", "r", {"opset": [13, 18]}) == "parity replay a --route r"
    assert replay("a", "r", {"opset": [13, 18]}, opset=18) == "parity replay a --route r --opset 18"
