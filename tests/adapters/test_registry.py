"""Plugins: ours are found, foreign ones are described in a process of their own, broken ones are named."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness.adapters.registry
from harness.adapters.registry import PluginError, describe_foreign, installed, resolve
from harness.adapters.routes import all_routes, select
from tests import miniatures
from tests.miniatures import Doubles, registry

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("tensorflow", "keras", "torch", "onnxruntime", "onnx", "tf2onnx", "onnx2torch", "onnx2pytorch", "jax")


def test_own_plugins_are_found() -> None:
    known = installed()
    assert {"tf2onnx", "kerasexport", "onnx2torch", "onnx2pytorch", "matconvnet2torch"} <= {h.name for h in known.hops}
    assert {"keras", "onnxruntime", "torch"} <= {r.name for r in known.runtimes}


PROBE = """
import pkgutil, sys
from importlib import import_module
import harness.cli, harness.pytest_plugin
for door in harness.cli, harness.pytest_plugin:
    for module in pkgutil.iter_modules(door.__path__, door.__name__ + "."):
        import_module(module.name)
from harness.catalogue import rows
from harness.adapters.registry import installed
from harness.adapters.routes import all_routes
from harness.corpus.store import Store
installed(), all_routes(installed()), rows()
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""


def test_the_process_of_the_suite_imports_no_framework() -> None:
    """In an interpreter of its own: other tests of this one do import them."""
    done = subprocess.run([sys.executable, "-c", PROBE, *FRAMEWORKS], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_hops_join_into_every_route() -> None:
    names = {route.name for route in all_routes(installed())}
    assert {
        "keras-tf2onnx",
        "keras-tf2onnx-onnx2torch",
        "keras-tf2onnx-onnx2pytorch",
        "keras-kerasexport",
        "keras-kerasexport-onnx2pytorch",
        "matconvnet-matconvnet2torch",
    } <= names


def test_route_selection_by_glob() -> None:
    routes = all_routes(registry())
    assert [route.name for route in select(routes, ("*-doubles",))] == ["mini-doubles"]
    assert select(routes, (), "matconvnet") == []


def test_route_that_cannot_run_says_why() -> None:
    known = registry()
    route = all_routes(known)[0]
    assert route.missing(known) == ""
    lacking = replace(route, hops=(replace(route.hops[0], requires=("nowhere-to-be-found>=3",)),))
    assert lacking.missing(known) == "copies: not installed: nowhere-to-be-found>=3"


def test_route_to_a_format_that_nothing_runs_cannot_run() -> None:
    known = registry()
    assert (
        all_routes(known)[0].missing(replace(known, runtimes=known.runtimes[:1])) == "no runtime for the format mini2"
    )


def test_foreign_hop_is_described_elsewhere() -> None:
    plugin = describe_foreign("tests.miniatures:Doubles", "hops")
    assert (plugin.name, plugin.source, plugin.target, plugin.worker) == ("doubles", "mini", "mini2", "mini")


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        (
            "tests.miniatures:NoContract",
            {
                "problem": "it is no hop: it lacks source, target, requires, convert",
                "where": "tests.miniatures:NoContract",
                "expected": "a class with name, source, target, requires and convert()",
                "came": "",
                "advice": "docs/extending.md explains each fact",
            },
        ),
        (
            "tests.miniatures:Nobody",
            {
                "problem": "it cannot be imported: module 'tests.miniatures' has no attribute 'Nobody'",
                "where": "tests.miniatures:Nobody",
                "expected": "",
                "came": "",
                "advice": "Call this command in the folder that holds the module, or install it",
            },
        ),
        (
            "tests.nowhere:Doubles",
            {
                "problem": "it cannot be imported: No module named 'tests.nowhere'",
                "where": "tests.nowhere:Doubles",
                "expected": "",
                "came": "",
                "advice": "Call this command in the folder that holds the module, or install it",
            },
        ),
        (
            "tests.miniatures",
            {
                "problem": "it names no class",
                "where": "tests.miniatures",
                "expected": "module:Class",
                "came": "",
                "advice": "",
            },
        ),
    ],
)
def test_a_broken_plugin_is_named_part_by_part_across_processes(reference: str, parts: dict[str, str]) -> None:
    with pytest.raises(PluginError) as caught:
        describe_foreign(reference, "hops")
    assert vars(caught.value) == parts
    if ":" not in reference:
        with pytest.raises(PluginError):
            resolve(reference)


@pytest.mark.parametrize(
    ("source", "last"),
    [("raise RuntimeError('no licence')", "RuntimeError: no licence"), ("import os; os._exit(7)", "exit status 7")],
)
def test_a_module_that_ends_the_describing_process_is_named(
    source: str, last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fatal.py").write_text(source + "\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(ROOT))))
    with pytest.raises(PluginError) as caught:
        describe_foreign("fatal:Hop", "hops")
    assert str(caught.value) == f"fatal:Hop: its module cannot be imported; got {last}"


def test_a_module_that_takes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(ROOT))))
    monkeypatch.setattr(harness.adapters.registry, "DESCRIBE_LIMIT", 0.2)
    with pytest.raises(PluginError) as caught:
        describe_foreign("slow:Hop", "hops")
    assert str(caught.value) == "slow:Hop: its module takes too long to import; expected its facts within 0.2 s"


def test_two_hops_of_one_name_are_refused() -> None:
    with pytest.raises(PluginError) as caught:
        registry().with_hops(["tests.miniatures:Doubles"])
    assert str(caught.value) == (
        "tests.miniatures:Doubles: a hop named 'doubles' exists already: tests.miniatures:Doubles. Give it another name"
    )


@pytest.mark.parametrize(
    ("hop", "obstacle"),
    [
        ("Copies", ""),
        ("Uninstalled", "not installed: numpy>=99, no-such-thing"),
        ("NoSource", "nothing makes the source format 'mimi'. Nearest: mini, mini2. Known: mini, mini2"),
        ("NoTarget", "no runtime takes the target format 'mini3'. Nearest: mini, mini2. Known: mini, mini2"),
    ],
)
def test_what_keeps_a_hop_from_every_route_is_told(hop: str, obstacle: str) -> None:
    known = registry(Doubles, getattr(miniatures, hop))
    assert known.obstacle(known.hops[1]) == obstacle


def test_a_hop_does_not_make_its_own_source() -> None:
    known = registry(Doubles)
    (hop,) = known.hops
    alone = replace(known, hops=(replace(hop, source="mini2"),))
    assert alone.obstacle(alone.hops[0]) == "nothing makes the source format 'mini2'. Nearest: mini. Known: mini"
    assert replace(alone, hops=(*alone.hops, hop)).obstacle(alone.hops[0]) == ""


def test_a_hop_whose_runtime_is_not_installed() -> None:
    known = registry(Doubles)
    without = replace(known, runtimes=(known.runtimes[0], replace(known.runtimes[1], requires=("no-such-thing",))))
    assert without.obstacle(known.hops[0]) == "oracle32two: not installed: no-such-thing"


def test_an_installed_hop_that_joins_nothing_is_a_problem_one_that_lacks_something_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is not installed is told with its routes; a hop without routes would be told nowhere else."""
    entries = [
        SimpleNamespace(name="e", value=f"tests.miniatures:{name}", dist=None) for name in ("NoTarget", "NoSource")
    ]
    hops = [*entries, SimpleNamespace(name="e", value="tests.miniatures:Uninstalled", dist=None)]
    monkeypatch.setattr(
        harness.adapters.registry, "entry_points", lambda group: hops if group == "harness.hops" else []
    )
    problems = installed.__wrapped__().problems
    assert [problem.partition(". ")[0] for problem in problems] == [
        "notarget: nothing makes the source format 'mini'",
        "nosource: nothing makes the source format 'mimi'",
    ]
