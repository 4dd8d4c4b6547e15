"""The pytest plugin behind `pytest suites/`. conftest.py registers it by this name, outside a checkout entry.py.

The process that collects and reports writes the results file; with pytest-xdist, the workers send each result with its
test report. No process of pytest imports a framework.
"""

pytest_plugins = [
    "harness.pytest_plugin.options",
    "harness.pytest_plugin.earlier",
    "harness.pytest_plugin.budget",
    "harness.pytest_plugin.processes",
    "harness.pytest_plugin.parameters",
    "harness.pytest_plugin.fixtures",
    "harness.pytest_plugin.ledger",
]
