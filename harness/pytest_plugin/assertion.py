"""The assertion that all suites share."""

from __future__ import annotations

import pytest

from harness.results.events import Judgement, Result


def check(*results: Result) -> None:
    """Fail the test if a result failed; else xfail it if one is an expected deviation."""
    __tracebackhide__ = True
    if failed := [result for result in results if result.judgement is Judgement.FAILED]:
        pytest.fail("\n".join(map(failure_text, failed)), pytrace=False)
    if expected := [result for result in results if result.judgement is Judgement.EXPECTED]:
        pytest.xfail(expected[0].message)


def failure_text(result: Result) -> str:
    """The text of a failure: layer, route, message, stages, configuration, and the command to repeat it."""
    stages = " -> ".join(
        f"{stage.hop or stage.artifact}: {stage.outcome}" + (f" {stage.units:.3g} units" if stage.units else "")
        for stage in result.stages
    )
    config = ", ".join(f"{key}={value!r}" for key, value in result.config.items())
    return (
        f"{result.layer} on {result.route}: {result.message}\n"
        f"  stages: {stages}\n  configuration: {config}\n  again: {result.replay}"
    )
