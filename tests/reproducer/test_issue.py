"""What an upstream issue says of versions: of a working copy that it is one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.adapters.registry import Registry
from harness.adapters.routes import Route
from harness.installed import version_of
from harness.outcomes import Outcome
from harness.reproducer import issue
from harness.reproducer.deviation import Deviation
from harness.reproducer.recipes import Recipe
from harness.results.events import Stage
from harness.run.walk import Step
from harness.spec import Case, Layer

LAYER = Layer("Dense", "layer", {"units": 2}, ("x",))


def facts() -> dict[str, object]:
    """The facts of a refusal by the distribution `mini` at the first step."""
    spec = SimpleNamespace(layers=(LAYER,), dialect="keras")
    deviation = Deviation(
        cast("Case", SimpleNamespace(samples=(None,), spec=spec)),
        cast("Route", SimpleNamespace(hops=())),
        (Step(Stage("onnx", Outcome.REFUSED, message="NotImplementedError: no"), None),),
        None,
    )
    recipe = SimpleNamespace(package="mini", packages=("mini", "numpy"), calls="mini.convert", artifact="")
    return issue.facts(deviation, cast("Recipe", recipe), cast("Registry", SimpleNamespace(hops=(), runtimes=())))


def test_a_release_is_named_by_its_version_and_a_working_copy_is_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, checkout = tmp_path / "site", tmp_path / "checkout"
    for path in (site / "mini/__init__.py", checkout / "mini/__init__.py", site / "mini-1.5.dist-info/METADATA"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (site / "mini-1.5.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: mini\nVersion: 1.5\n")
    (site / "mini-1.5.dist-info/RECORD").write_text("mini/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(site))
    released = facts()
    assert released["title"] == "mini 1.5: Dense is refused (NotImplementedError)"
    assert cast("dict[str, str]", released["versions"])["mini"] == "1.5"
    monkeypatch.syspath_prepend(str(checkout))
    mine = facts()
    assert mine["title"] == "mini (working copy): Dense is refused (NotImplementedError)"
    versions = cast("dict[str, str]", mine["versions"])
    assert versions["mini"] == "a working copy; its metadata says 1.5"
    assert versions["numpy"] == version_of("numpy")
    assert str(tmp_path) not in str(mine)
