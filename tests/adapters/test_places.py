"""What a worker starts with follows from its plugins, and two that contradict each other are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.places import Place
from harness.adapters.plugin import Plugin, PluginError
from harness.adapters.registry import Registry, installed
from harness.workers.pool import Setting, Workers
from tests.miniatures import Copies, registry

ONE = Plugin("one:One", "one", "corner", ("numpy",), target="x", environment=(("A", "1"), ("B", "2")))
OTHER = replace(
    ONE, reference="other:Other", name="other", requires=(), environment=(("B", "2"), ("C", "3")), without=("keras",)
)


def test_a_place_is_all_that_its_plugins_say() -> None:
    elsewhere = replace(ONE, worker="elsewhere", environment=(("D", "4"),))
    place = Place.of("corner", (ONE, OTHER, elsewhere))
    assert place == Place({"A": "1", "B": "2", "C": "3"}, ("keras",))
    assert Place.of("nowhere", (ONE, OTHER)) == Place({}, ())


def test_what_is_not_installed_has_no_say() -> None:
    absent = replace(OTHER, requires=("nowhere-to-be-found",), environment=(("B", "9"),))
    assert Place.of("corner", (ONE, absent)).environment == {"A": "1", "B": "2"}


def test_contradictions_name_both() -> None:
    with pytest.raises(PluginError) as caught:
        Place.of("corner", (ONE, replace(OTHER, environment=(("B", "7"),))))
    assert str(caught.value) == (
        "one:One and other:Other: they cannot share the worker 'corner': one sets B to '2', other to '7'. Give one of "
        "them another worker; docs/extending.md explains each fact"
    )
    for plugins in ((ONE, replace(OTHER, without=("numpy",))), (replace(OTHER, without=("numpy",)), ONE)):
        with pytest.raises(PluginError, match="other runs without numpy, which one requires"):
            Place.of("corner", plugins)


@pytest.mark.parametrize(
    ("worker", "environment", "without"),
    [
        (
            "tensorflow",
            {
                "KERAS_BACKEND": "tensorflow",
                "TF_ENABLE_ONEDNN_OPTS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "2",
                "TF_NUM_INTRAOP_THREADS": "1",
                "TF_NUM_INTEROP_THREADS": "1",
            },
            (),
        ),
        (
            "tfkeras",
            {
                "TF_USE_LEGACY_KERAS": "1",
                "TF_ENABLE_ONEDNN_OPTS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "2",
                "TF_NUM_INTRAOP_THREADS": "1",
                "TF_NUM_INTEROP_THREADS": "1",
            },
            (),
        ),
        ("kerastorch", {"KERAS_BACKEND": "torch"}, ("tensorflow",)),
        ("kerasjax", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}, ("tensorflow",)),
        ("torch", {}, ()),
        ("onnxruntime", {}, ()),
        ("octave", {}, ()),
    ],
)
def test_workers_of_this_project(worker: str, environment: dict[str, str], without: tuple[str, ...]) -> None:
    plugins = [replace(plugin, requires=(), programs=()) for plugin in installed().plugins if plugin.is_ours]
    place = Place.of(worker, plugins)
    assert (place.environment, place.without) == (environment, without)


def test_every_worker_of_this_project_is_tested_here() -> None:
    assert {plugin.worker for plugin in installed().plugins if plugin.is_ours} == {
        "tensorflow", "tfkeras", "kerastorch", "kerasjax", "torch", "onnxruntime", "octave"
    }  # fmt: skip


def test_a_worker_starts_with_what_its_plugins_say(tmp_path: Path) -> None:
    setting = Setting.of("corner", (ONE, OTHER), tmp_path)
    assert {key: setting.environment[key] for key in "ABC"} == {"A": "1", "B": "2", "C": "3"}
    assert (setting.modules, setting.without) == (("numpy", "one", "other"), ("keras",))
    assert setting.environment["OMP_NUM_THREADS"] == "1"
    contradicting = (ONE, replace(OTHER, environment=(("B", "7"),)))
    with Workers(contradicting) as workers, pytest.raises(PluginError, match="other"):
        workers["corner"].start()


class ContradictsTheFormat(Copies):
    name = "contradicts"
    without = ("numpy",)


def test_a_hop_that_contradicts_its_worker_is_refused_when_it_is_added() -> None:
    known: Registry = registry(Copies)
    with pytest.raises(PluginError, match=r"contradicts runs without numpy, which mini requires"):
        known.with_hops(["tests.adapters.test_places:ContradictsTheFormat"])
