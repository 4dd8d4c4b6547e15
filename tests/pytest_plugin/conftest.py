"""A pytest of its own over the miniature world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.corpus.store import Store
from tests.miniatures import dense_case

dense_case()  # pytester forgets modules that a test imports first, and catalogue and oracle register but once
ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
import harness.run.session
from tests.miniatures import Copies, LacksPackage, Refuses, registry
pytest_plugins = ["harness.pytest_plugin"]
harness.run.session.installed = lambda: registry({hops})
"""
SUITE = """
import pytest
from harness.pytest_plugin.assertion import check

@pytest.mark.goldens("keras")
def test_golden(results):
    check(*results)
"""
EXPECTATION = """
[[no_defect]]
id = "known"
versions = ["numpy>=1"]
reason = "it refuses everything there is"

[[no_defect.expectation]]
id = "known-one"
route = "*"
layer = "Dense"
outcome = "refused"
blame = "{blame}"
case = "{case}"
"""


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with two goldens and a suite, and the harness and its miniatures importable."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Store(pytester.path / "golden").put("keras", "Dense", [dense_case(), dense_case(1)], seed=0)
    pytester.makeconftest(CONFTEST.format(hops="Copies"))
    pytester.makepyfile(test_suite=SUITE)
    return pytester


@pytest.fixture
def hops(world: pytest.Pytester) -> Callable[[str], None]:
    """Says which converters the miniature world has."""
    return lambda names: world.makeconftest(CONFTEST.format(hops=names)) and None


@pytest.fixture
def expect(world: pytest.Pytester) -> Callable[..., None]:
    """Adds an expectation that a hop refuses, with more keys as TOML."""

    def add(blame: str, more: str = "") -> None:
        folder = world.path / "golden" / "findings"
        folder.mkdir()
        words = "" if "says" in more else 'says = "no converter for Dense"\n'
        (folder / "known.toml").write_text(EXPECTATION.format(blame=blame, case=dense_case().id) + words + more)

    return add
