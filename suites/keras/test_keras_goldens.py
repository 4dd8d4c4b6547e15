"""Every golden case of every Keras layer, along every route."""

import pytest

from harness.pytest_plugin.assertion import check
from harness.results.events import Result


@pytest.mark.goldens("keras")
def test_golden(results: tuple[Result, ...]) -> None:
    """The route computes what the golden says, or deviates as an expectation says."""
    check(*results)
