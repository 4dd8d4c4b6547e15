"""Over how many golden cases each route is walked by default: every route there is, with its number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.adapters.registry import Plugin, Registry, installed
from harness.adapters.routes import Route, all_routes
from tests.miniatures import registry

WALKED: dict[int | None, tuple[str, ...]] = {
    None: (
        *(
            f"keras-tf2onnx{opset}{then}"
            for opset in ("", 13, 15, 17, 18)
            for then in ("", "-onnx2torch", "-onnx2pytorch")
        ),
        "matconvnet-matconvnet2torch",
        "matlab-matlab2torch",
        "onnx-onnx2torch",
        "onnx-onnx2pytorch",
    ),
    1: (
        "h5",
        "json",
        "keras-kerasexport",
        "keras-kerasexport-onnx2pytorch",
        "keras-kerasexport-onnx2torch",
        "keras-kerasjax",
        "keras-tf2onnx-onnx2torch-torchonnx",
        "matconvnet-matconvnet2torch-torchonnx",
        "matlab-matlab2torch-torchonnx",
        "savedmodel",
        "weights",
    ),
    3: (
        "keras-mat-octave",
        "keras-tf2onnx-onnx2pytorch-torchscript",
        "keras-tf2onnx-onnx2torch-torchscript",
        "matconvnet-matconvnet2torch-torchscript",
        "matlab-matlab2torch-torchscript",
        "tfkeras-h5import",
    ),
    4: ("keras-kerastorch", "keras-kerastorch-kerastorchexport", "keras-kerastorch-kerastorchexport18"),
}
"""Routes by depth. The other 104 have depth 0: what they could add was walked on the way."""


def test_depth_of_every_route() -> None:
    depths = {route.name: route.depth for route in all_routes(ours())}
    literal = {name: depth for depth, names in WALKED.items() for name in names}
    assert len(literal) == 39
    assert len(depths) == 143
    assert depths == {**dict.fromkeys(depths, 0), **literal}


def ours() -> Registry:
    """Without what other packages in this environment add."""
    known = installed()
    return replace(known, hops=tuple(hop for hop in known.hops if hop.is_ours))


def hop(name: str, source: str = "mini", target: str = "mini2", **facts: object) -> Plugin:
    return Plugin("x:Y", name, "mini", (), source=source, target=target, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "hops", "depth"),
    [
        ({}, [hop("a")], None),
        ({}, [hop("a", depth=4)], 4),
        ({"depth": 3}, [hop("a", depth=4)], 3),
        ({"depth": 3}, [hop("a")], 3),
        ({}, [hop("a", depth=1), hop("b", "mini2", "c")], None),
        ({}, [hop("a", behind=(2, 0)), hop("b", "mini2", "c")], 2),
        ({}, [hop("a", behind=(2, 0)), hop("b", "mini2", "c"), hop("c", "c", "d")], 0),
        ({}, [hop("a", behind=(5,)), hop("b", "mini2", "c"), hop("c", "c", "d"), hop("d", "d", "e")], 5),
        ({}, [hop("a", behind=(None, 1)), hop("b", "mini2", "c")], None),
        ({}, [hop("a", behind=(None, 6)), hop("b", "mini2", "c", behind=(5,)), hop("c", "c", "d", depth=7)], 5),
        ({}, [hop("a"), hop("b", "mini2", "c"), hop("c", "c", "d", not_behind=("a",))], 0),
        ({}, [hop("a"), hop("b", "mini2", "c"), hop("c", "c", "d", not_behind=("d",))], None),
        ({}, [hop("a", not_behind=("b",)), hop("b", "mini2", "c")], None),
        ({}, [hop("there"), hop("back", "mini2", "mini")], 0),
        ({}, [hop("optimizes", "mini", "mini")], None),
    ],
)
def test_depth_is_the_least_that_anything_on_the_way_allows(
    source: dict[str, int], hops: list[Plugin], depth: int | None
) -> None:
    assert Route(replace(registry().formats[0], **source), tuple(hops)).depth == depth


def test_hops_join_into_every_route() -> None:
    names = [route.name for route in all_routes(registry())]
    assert names == [
        "mini-copies", "mini-refuses", "mini-writesnothing", "mini-writesrubbish", "mini-exits", "mini-killsitself",
        "mini-sleeps", "mini-doubles", "mini-bakes",
    ]  # fmt: skip


def test_importers_past_a_failing_exporter_are_detours() -> None:
    """The converter that stands in is the last before the importer; what goes on from the importer is no detour."""
    detours = {route.name: route.hidden_behind() for route in all_routes(ours()) if route.hidden_behind()}
    assert detours == dict.fromkeys(
        (
            "keras-kerastorch-kerastorchexport18-onnx2pytorch",
            "keras-kerastorch-kerastorchexport18-onnx2torch",
        ),
        ("keras-tf2onnx",),
    )
