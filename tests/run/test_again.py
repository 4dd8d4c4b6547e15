"""The printed command that shows a case again has all on which the answer depends."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from harness.adapters.routes import all_routes
from harness.run.selection import Selection, again
from tests.gates import world


def test_a_command_has_every_option_that_changes_the_answer() -> None:
    route = next(route for route in all_routes(world()) if route.name == "mini-copies")
    whole = Selection(
        route=("mini-*",),
        layer=("Dense",),
        hops=("mine.hop:Mine", "onnx2torch@1.5.13=an old/python"),
        workers=("torch=old/python",),
        pack=Path("my pack.pack"),
        anew=True,
        device="cuda",
        limit=5.0,
        baseline=Path("main.ndjson"),
        across=("onnx2torch",),
        compared=("--baseline", "other.ndjson"),
    )
    text = again(whole, "keras-Dense-1+empty", replace(route, given=1))
    assert shlex.split(text) == [
        *("parity", "replay", "keras-Dense-1+empty", "--route", "mini-copies"),
        *("--hop", "mine.hop:Mine", "--hop", "onnx2torch@1.5.13=an old/python", "--worker", "torch=old/python"),
        *("--pack", "my pack.pack", "--anew", "--device", "cuda", "--limit", "5"),
        *("--baseline", "main.ndjson", "--across", "onnx2torch", "--baseline", "other.ndjson"),
    ]


def test_a_route_that_is_walked_whole_names_no_pack() -> None:
    route = next(route for route in all_routes(world()) if route.name == "mini-copies")
    assert again(Selection(), "a", route, pack="small") == "parity replay a --route mini-copies"
