"""The suites: `pytest suites/` in a checkout, `pytest --pyargs harness.suites` where a wheel was installed."""
