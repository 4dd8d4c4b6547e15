"""No test touches the user's kept steps."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept steps, empty for each test; processes that a test starts inherit it."""
    folder = tmp_path.parent / f"{tmp_path.name}-cache"
    monkeypatch.setenv("PARITY_CACHE", str(folder))
    return folder
