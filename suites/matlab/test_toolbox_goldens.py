"""Every golden case of every layer of Deep Learning Toolbox, along every route."""

import pytest

from harness.pytest_plugin.assertion import check
from harness.results.events import Result


@pytest.mark.goldens("matlab")
def test_golden(results: tuple[Result, ...]) -> None:
    """The route computes what the golden says, or deviates as an expectation says."""
    check(*results)
