"""The entry point by which pytest finds the plugin where no conftest registers it: `pytest --pyargs harness.suites`.

pytest imports this module in every run of an environment that has the project installed, also in those that are about
something else. So it does nothing unless the suites are named.
"""

from __future__ import annotations

import pytest

SUITES = "harness.suites"
"""The suites as a package, in a wheel."""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Register the plugin before pytest reads its options, if a suite is among the arguments."""
    if any(f"{word}.".replace("::", ".").startswith(f"{SUITES}.") for word in args):
        early_config.pluginmanager.import_plugin("harness.pytest_plugin")
