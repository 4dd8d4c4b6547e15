"""The entry point that every run of pytest reads: it registers the plugin for the suites and for nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.pytest_plugin.entry import pytest_load_initial_conftests
from harness.pytest_plugin.options import is_foreign, workplace

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--pyargs", "harness.suites"], True),
        (["-q", "--pyargs", "harness.suites.keras", "--layer", "ELU"], True),
        (["--pyargs", "harness.suites.onnx.test_onnx_goldens::test_golden"], True),
        (["--pyargs", "harness.suitest"], False),
        (["tests/harness.suites"], False),
        (["suites"], False),
        ([], False),
    ],
)
def test_suites_among_the_arguments_bring_the_plugin(words: list[str], wanted: bool) -> None:
    registered: list[str] = []
    config = SimpleNamespace(pluginmanager=SimpleNamespace(import_plugin=registered.append))
    pytest_load_initial_conftests(config, words)
    assert registered == (["harness.pytest_plugin"] if wanted else [])


def test_results_go_to_the_root_that_has_goldens_else_to_the_current_folder(tmp_path) -> None:
    sub = tmp_path / "sub"
    config = SimpleNamespace(rootpath=tmp_path, invocation_params=SimpleNamespace(dir=sub))
    assert (is_foreign(config), workplace(config)) == (True, sub)
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "manifest.json").write_text("{}")
    assert (is_foreign(config), workplace(config)) == (False, tmp_path)
