"""Calibration of the grades: the noise units of correct implementations, measured from a results file.

A stage counts as correct if it passes, and on a GPU also if the same artifact passes on the CPU: what its numbers are
there is what is to be measured. Other stages that deviate are counted, but never enter the percentiles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.outcomes import DRIFT, FAITHFUL
from harness.results.events import Result, Stage
from harness.results.file import Results


@dataclass(frozen=True)
class Spread:
    """Percentiles over cases of the largest normwise error of a layer in one runtime, in noise units."""

    dialect: str
    layer: str
    runtime: str
    cases: int
    p50: float
    p99: float
    p100: float
    componentwise: float
    drift: int
    deviating: int


def spreads(results: Results) -> list[Spread]:
    """One row per dialect, layer and runtime, sorted. A stage that several routes share counts once."""
    groups: dict[tuple[str, str, str], dict[tuple[str, ...], Stage]] = {}
    for result in results.results:
        for key, stage in _stages(result):
            groups.setdefault((result.dialect, result.layer, stage.runtime or ""), {})[key] = stage
    return [_spread(key, list(stages.values())) for key, stages in sorted(groups.items())]


def _stages(result: Result) -> Iterable[tuple[tuple[str, ...], Stage]]:
    """The stages that ran, up to and including the first that deviates; later deviations are its consequence."""
    prefix: tuple[str, ...] = (result.case,)
    for stage in result.stages:
        prefix = (*prefix, stage.by)
        if stage.runtime is not None:
            yield prefix, stage
        if not stage.outcome.passes:
            return


def _spread(key: tuple[str, str, str], stages: list[Stage]) -> Spread:
    good = [stage for stage in stages if stage.outcome.passes or stage.blamed == stage.runtime]
    units = np.array([stage.units or 0.0 for stage in good] or [0.0])
    p50, p99 = (float(np.percentile(units, q)) for q in (50, 99))
    return Spread(
        dialect=key[0],
        layer=key[1],
        runtime=key[2],
        cases=len(good),
        p50=p50,
        p99=p99,
        p100=float(units.max()),
        componentwise=max((stage.metrics.componentwise or 0.0 for stage in good), default=0.0),
        drift=sum(stage.outcome == "drift" for stage in good),
        deviating=len(stages) - len(good),
    )


IMPRECISE = ("onnxruntime", "tfkeras")
"""Runtimes whose drift has a known cause, so that they cannot calibrate the edges."""


def page(results: Results) -> str:
    """The Markdown page: the table, the edges of the grades, and the versions of the run."""
    rows = spreads(results)
    worst = max((row.p100 for row in rows), default=0.0)
    calm = max((row.p100 for row in rows if row.runtime not in IMPRECISE), default=0.0)
    versions = ", ".join(
        f"{name} {results.header.versions[name]}"
        for name in ("python", "tensorflow", "keras", "onnxruntime", "torch", "numpy")
        if name in results.header.versions
    )
    lines = [
        "# Calibration",
        "",
        "Normwise error of correct implementations, in noise units: percentiles over the stages of the golden",
        "corpus, by layer and runtime. Each number is the largest error of all elements of one stage. Made by",
        "`parity calibrate reports/results.ndjson -o docs/calibration.md`; do not edit.",
        "",
        f"The edges: `faithful` up to {FAITHFUL:g} units, `drift` up to {DRIFT:g}. The largest of all is {worst:.3g}.",
        "Without ONNX Runtime, whose sigmoid loses its tail, and Keras 2, whose layers mean other things",
        "(docs/variants.md),",
        f"the largest is {calm:.3g}.",
        "Stages that deviate (`parity list expectations` names those that are known) are counted in the last column",
        f"and left out of the percentiles. Measured with {versions}.",
        "",
        "| dialect | layer | runtime | stages | 50 % | 99 % | 100 % | componentwise 100 % | drift | deviating |",
        "|--|--|--|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.dialect} | {row.layer} | {row.runtime} | {row.cases} | {row.p50:.2f} | {row.p99:.2f} | {row.p100:.2f} "
        f"| {row.componentwise:.3g} | {row.drift} | {row.deviating} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
