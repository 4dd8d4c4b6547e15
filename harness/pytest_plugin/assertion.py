"""The assertion of every suite."""

from __future__ import annotations

import pytest

from harness.results.events import Judgement, Result


def check(result: Result) -> None:
    """Fail on what is unexpected, xfail on a known deviation."""
    __tracebackhide__ = True
    if result.judgement is Judgement.EXPECTED:
        pytest.xfail(result.message)
    if result.judgement is Judgement.FAILED:
        pytest.fail(failure_text(result), pytrace=False)


def failure_text(result: Result) -> str:
    """A failure as a person wants it: what, where, with which configuration, and what to run next."""
    stages = " -> ".join(
        f"{stage.hop or stage.artifact}: {stage.outcome}" + (f" {stage.units:.3g} units" if stage.units else "")
        for stage in result.stages
    )
    config = ", ".join(f"{key}={value!r}" for key, value in result.config.items())
    return (
        f"{result.layer} on {result.route}: {result.message}\n"
        f"  stages: {stages}\n  configuration: {config}\n  again: {result.replay}"
    )
