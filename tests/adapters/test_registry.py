"""Plugins: ours are found, foreign ones are described in a process of their own, broken ones are named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.adapters.registry import PluginError, describe_foreign, installed, resolve
from harness.adapters.routes import all_routes, select
from tests.miniatures import registry

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
    assert [route.name for route in select(routes, "*-doubles")] == ["mini-doubles"]
    assert select(routes, None, "matconvnet") == []


def test_route_that_cannot_run_says_why() -> None:
    from dataclasses import replace

    known = registry()
    route = all_routes(known)[0]
    assert route.missing(known) == ""
    lacking = replace(route, hops=(replace(route.hops[0], requires=("nowhere-to-be-found>=3",)),))
    assert lacking.missing(known) == "copies: not installed: nowhere-to-be-found>=3"


def test_route_to_a_format_that_nothing_runs_cannot_run() -> None:
    from dataclasses import replace

    known = registry()
    assert (
        all_routes(known)[0].missing(replace(known, runtimes=known.runtimes[:1])) == "no runtime for the format mini2"
    )


def test_foreign_hop_is_described_elsewhere() -> None:
    found = describe_foreign("tests.miniatures:Doubles", "hops")
    assert (found.name, found.source, found.target, found.worker) == ("doubles", "mini", "mini2", "mini")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("tests.miniatures:NoContract", "lacks source, target, requires, convert"),
        ("tests.miniatures:Nobody", "cannot be imported"),
        ("tests.nowhere:Doubles", "cannot be imported"),
        ("tests.miniatures", "write module:Class"),
    ],
)
def test_broken_plugin_is_named(reference: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        describe_foreign(reference, "hops")
    if ":" not in reference:
        with pytest.raises(PluginError):
            resolve(reference)


def test_two_hops_of_one_name_are_refused() -> None:
    with pytest.raises(PluginError, match="exists already"):
        registry().with_hops(["tests.miniatures:Doubles"])
