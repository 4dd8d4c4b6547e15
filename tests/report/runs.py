"""Runs for tests of the page: small, hostile, and with evidence."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from harness.outcomes import Metrics, Outcome
from harness.results.events import (
    ExpectationNote,
    Footer,
    Header,
    Judgement,
    Owed,
    PluginNote,
    RecordNote,
    Result,
    RouteStatus,
    Stage,
)
from harness.results.file import Results

EVIL = (
    "</script><script>document.title='owned'</script><img src=https://example.org/x onerror=alert(1)>"
    " <!-- & \u2028 \x1b[31mred\x1b[0m \u202egnp.exe {{7*7}} ${x}"
)
"""Markup, the end of a script, a comment, escapes of a terminal, a mark that turns the direction, templates."""
ROUTE = "keras-tf2onnx-onnx2torch"
ROUTES = ("keras-tf2onnx", ROUTE, "keras-side")


@dataclass(frozen=True)
class Kept(Stage):
    """A stage with evidence, as the contract has it, whether or not `Stage` holds any."""

    kept_evidence: Any = None

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"evidence": self.kept_evidence}


def with_evidence(stage: Stage, evidence: Mapping[str, Any]) -> Kept:
    """The stage, with evidence."""
    return Kept(**{item.name: getattr(stage, item.name) for item in fields(Stage)}, kept_evidence=evidence)


def packed(values: Any) -> str:
    """Little-endian float32 values in C order, compressed by zlib, in base64."""
    return base64.b64encode(zlib.compress(np.asarray(values, "<f4").tobytes())).decode()


def tensor(shape: Sequence[int] = (2, 6, 7, 3)) -> dict[str, Any]:
    """A tensor that is wrong at [1, 4, 5, 2]: expected 207, got 207.5, half a million units; and a NaN at [0, 0, 0, 1].

    Each other element is its place in C order, and right.
    """
    expected = np.arange(math.prod(shape), dtype="f4").reshape(shape)
    actual = expected.copy()
    actual[1, 4, 5, 2] += 0.5
    actual[0, 0, 0, 1] = math.nan
    whole = list(shape)
    return {
        "output": "y",
        "sample": 0,
        "shape": whole,
        "from": [0] * len(shape),
        "size": whole,
        "expected": packed(expected),
        "actual": packed(actual),
        "scale": 1e-6,
    }


def node(name: str, op: str, layer: str, *sources: str, local: float | None = 0.5) -> dict[str, Any]:
    """A node of a graph."""
    return {
        "id": name,
        "op": op,
        "layer": layer,
        "from": list(sources),
        "attributes": {"strides": "[2, 2]"},
        "shape": [2, 6, 7, 3],
        "local": local,
        "propagated": None,
    }


KERAS = [node("input", "InputLayer", "input", local=None), node("conv", "Conv2DTranspose", "conv", "input")]
ONNX = [
    node("Transpose_0", "Transpose", "", "input:x"),
    node("Conv_1", "ConvTranspose", "conv", "Transpose_0"),
    node("Relu_2", "Relu", "act", "Conv_1"),
]
TORCH = [
    node("conv_transpose", "ConvTranspose2d", "conv", "input:x", local=500_000.0),
    node("Relu_2", "ReLU", "", "conv_transpose", local=0.25),
]


def stages(outcome: Outcome, *, message: str = "", log: str = "", seconds: float = 0.5) -> tuple[Stage, Stage, Stage]:
    """Keras, then ONNX, which both pass, then torch, which ends so."""
    right = Metrics(units=1.0)
    last = Stage(
        "torch",
        outcome,
        hop="onnx2torch",
        runtime="torch" if outcome.harm != "loud" else None,
        metrics=Metrics(units=500_000.0 if outcome is Outcome.DIVERGENT else 2.0 if outcome.passes else None),
        seconds=seconds,
        message=message,
        where="y[1, 4, 5, 2]",
        picture=("01z", "9ab"),
        log=log,
    )
    return (
        Stage("keras", Outcome.EXACT, runtime="keras", metrics=right, seconds=0.25),
        Stage("onnx", Outcome.FAITHFUL, hop="tf2onnx", runtime="onnxruntime", metrics=right, seconds=0.125),
        last,
    )


def result(
    case: str,
    outcome: Outcome = Outcome.FAITHFUL,
    *,
    layer: str = "Conv2DTranspose",
    route: str = ROUTE,
    **changes: Any,
) -> Result:
    """One result; what does not pass failed, unless `changes` say otherwise."""
    walked = stages(outcome, message=changes.pop("said", ""), log=changes.pop("log", ""))
    known: dict[str, Any] = {
        "dialect": "keras",
        "profile": "main",
        "config": {"strides": 1, "padding": "same"},
        "stages": walked[:2] if route == "keras-tf2onnx" else walked,
        "judgement": Judgement.PASSED if outcome.passes else Judgement.FAILED,
        "replay": f"parity replay {case} --route {route}",
    }
    return Result(case=case, layer=layer, route=route, **{**known, **changes})


HEADER = Header(
    ("parity", "run", EVIL),
    {"python": "3.12.1", "onnx2torch": "1.5.15", "torch": "2.15.0", "evil": EVIL},
    (*(RouteStatus(name) for name in ROUTES), RouteStatus("keras-away", False, f"not installed {EVIL}")),
    {"route": [EVIL]},
    started="2026-01-02T03:04:05+00:00",
    plugins=(PluginNote("onnx2torch", "hop", "onnx2torch", "onnx2torch", distribution="nowhere-to-be-found"),),
)
PACKED = f"parity replay dense-3 --route {ROUTE} --hop 'an old/mine:Mine' --pack keras-tf2onnx --anew --limit 5"
"""The command of a result behind a pack."""
NOTE = ExpectationNote("known-1", Outcome.REFUSED, f"a reason {EVIL}", "https://github.com/a/b/issues/7")


def run(*results: Result, header: Header = HEADER, finished: bool = True, **changes: Any) -> Results:
    """These results as a file would have them."""
    whole = Results(header, tuple(results), None, changes.get("owed", ()))
    if not finished:
        return whole
    footer = Footer("2026-01-02T03:14:05+00:00", 600.0, len(results), whole.outcomes, whole.judgements)
    return Results(header, tuple(results), changes.get("footer", footer), changes.get("owed", ()))


def sample() -> Results:
    """The run that the tests in a browser open.

    Twelve layers named `Layer00` ... that agree, with four cases each; Conv2DTranspose, wrong for `strides` of 2 in
    `transpose-3`, `-4` and `-5` (a new defect, with evidence in `-4`, the smallest), right in `-0` to `-2`; Dense,
    refused as expected; and Evil, whose name, settings and messages are hostile.
    """
    rows = [
        result(
            f"case-{layer:02}-{place}",
            layer=f"Layer{layer:02}",
            route=route,
            config={"units": place, "bias": layer % 2 == 0},
        )
        for layer in range(12)
        for place in range(4)
        for route in ROUTES[:2]
    ]
    graphs = [{"kind": kind, "nodes": nodes} for kind, nodes in (("keras", KERAS), ("onnx", ONNX), ("torch", TORCH))]
    for place in range(6):
        wrong = place > 2
        each = result(
            f"transpose-{place}",
            Outcome.DIVERGENT if wrong else Outcome.FAITHFUL,
            config={"strides": 2 if wrong else 1, "padding": ("same", "valid")[place % 2], "filters": place},
            said="500000 noise units at y[1, 4, 5, 2]: expected 207, got 207.5" if wrong else "",
            recorded=RecordNote(2, "faithful 2") if wrong else None,
        )
        if place == 4:
            kept = zip(each.stages, graphs, strict=True)
            walked = [with_evidence(stage, {"note": "", "tensor": tensor(), "graph": graph}) for stage, graph in kept]
            each = Result(
                **{item.name: getattr(each, item.name) for item in fields(Result)} | {"stages": tuple(walked)}
            )
        rows.append(each)
        rows.append(result(f"transpose-{place}", route="keras-tf2onnx", config=each.config))
    rows.append(result("transpose-0", route="keras-side", config={"strides": 1, "padding": "same", "filters": 0}))
    known = {"judgement": Judgement.EXPECTED, "expectation": NOTE, "said": "no Dense"}
    rows += [
        result(f"dense-{place}", Outcome.REFUSED, layer="Dense", config={"units": place}, **known) for place in range(3)
    ]
    rows.append(result("dense-3", Outcome.REFUSED, layer="Dense", config={"units": 3}, replay=PACKED, **known))
    rows.append(result(f"evil-{EVIL}", Outcome.INVALID, layer=f"Evil {EVIL}", config={EVIL: EVIL}, said=EVIL, log=EVIL))
    owed = tuple(Owed(route, tuple(row.case for row in rows if row.route == route)) for route in ROUTES)
    return run(*rows, owed=owed)
