"""The assertion that all suites share."""

from __future__ import annotations

import pytest

from harness.results.events import Judgement, Result


def check(result: Result) -> None:
    """Fail the test if the result failed; xfail it for an expected deviation."""
    __tracebackhide__ = True
    if result.judgement is Judgement.EXPECTED:
        pytest.xfail(result.message)
    if result.judgement is Judgement.FAILED:
        pytest.fail(failure_text(result), pytrace=False)


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
