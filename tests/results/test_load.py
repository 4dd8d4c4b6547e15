"""The load of the machine."""

from __future__ import annotations

import psutil
import pytest

from harness.results import load as module


def test_load_is_that_of_the_last_minute_for_each_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (14.446, 2.0, 1.0))
    monkeypatch.setattr(module, "PROCESSORS", 4)
    assert module.load() == 3.61
