"""Registers the parity plugin for `pytest suites/` and `pytest tests/`."""

pytest_plugins = ["harness.pytest_plugin"]
