"""A store with one archive of two cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.corpus.store import Store
from tests.miniatures import dense_case


@pytest.fixture
def store(tmp_path: Path) -> Store:
    goldens = Store(tmp_path / "golden")
    goldens.put("keras", "Dense", [dense_case(), dense_case(1, rank=3)], seed=0)
    return goldens
