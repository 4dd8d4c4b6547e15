"""Hops that die, hang, flood or lie: each gets its outcome, and the next case finds a working worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.adapters.registry import Plugin, Registry, facts_of, installed
from harness.adapters.routes import Route
from harness.corpus.store import Store
from harness.draw import with_golden
from harness.outcomes import Outcome
from harness.results.events import Result
from harness.run.walk import Walk
from harness.spec import Case
from harness.workers import pool as workers
from harness.workers import watch
from harness.workers.pool import Setting, Workers
from tests import liars

STORE = Store(Path(__file__).resolve().parents[2] / "golden")
LIARS = {
    cls.name: Plugin(**facts_of(cls, "hops", f"{liars.__name__}:{cls.__name__}"))
    for cls in vars(liars).values()
    if isinstance(cls, type) and hasattr(cls, "convert")
}
OUTCOMES = {
    "liar-segfaults": (Outcome.CRASH, "SIGSEGV"),
    "liar-hangs": (Outcome.HANG, "no answer within 10 s, in which it used less than 2 s of processor time"),
    "liar-hangs-holding-on": (Outcome.HANG, "no answer within 2 s of processor time"),
    "liar-eats-memory": (Outcome.REFUSED, "MemoryError"),
    "liar-exits": (Outcome.CRASH, "exit status 0"),
    "liar-exits-politely": (Outcome.REFUSED, "SystemExit: 3"),
    "liar-floods-and-dies": (Outcome.CRASH, "exit status 9"),
    "liar-writes-nothing": (Outcome.INVALID, "wrote no file"),
    "liar-writes-folder": (Outcome.INVALID, "InvalidProtobuf"),
    "liar-cuts-file": (Outcome.INVALID, "InvalidProtobuf"),
    "liar-empties-file": (Outcome.INVALID, ""),
    "liar-writes-another": (Outcome.DIVERGENT, "noise units"),
    "liar-answers-nothing": (Outcome.INVALID, "no path"),
    "liar-outputs-turned": (Outcome.MALFORMED, "outputs come as"),
    "liar-inputs-renamed": (Outcome.INVALID, "the artifact takes the inputs"),
    "liar-outputs-added": (Outcome.MALFORMED, "expected 2 outputs"),
    "liar-other-each-time": (Outcome.DIVERGENT, ""),
    "liar-not-a-number-later": (Outcome.DIVERGENT, "a second call on the same inputs"),
    "liar-drifts-later": (Outcome.DIVERGENT, "a second call on the same inputs"),
}
PASSES = ("liar-honest", "liar-floods")


@pytest.fixture(scope="module")
def case() -> Case:
    """A golden case, with the image that went in as a second output of the same shape."""
    entry = STORE.entries("SoftmaxLayer", folder="onnx")[0].load()
    image, softmax = (layer.name for layer in entry.spec.layers)
    return with_golden(replace(entry, spec=replace(entry.spec, outputs=(softmax, image)), samples=entry.samples[:1]))


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The formats and runtimes of the harness, and liars for converters."""
    known = installed()
    return Registry(known.formats, tuple(LIARS.values()), known.runtimes)


@pytest.fixture(scope="module")
def walk(registry: Registry) -> Iterator[Walk]:
    plugins = (*registry.formats, *registry.hops, *registry.runtimes)
    modest = Setting("onnxruntime", modules=("numpy", "onnx", "onnxruntime"), memory=4 * 2**30)
    with Workers(plugins, [modest]) as workers:
        walk = Walk(registry, workers)
        yield walk
        walk.close()


def route(registry: Registry, name: str) -> Route:
    source = registry.format("onnx")
    assert source is not None
    return Route(source, (LIARS[name],))


def walked(walk: Walk, case: Case, name: str) -> Result:
    """What a liar's route comes to; skips the test where a framework of the route is missing."""
    path = route(walk.registry, name)
    missing = path.missing(walk.registry)
    if missing:
        pytest.skip(missing)
    walk.limit = 2 if "hangs" in name else 60
    walk._case = ""  # so that the case is walked afresh
    return walk.result(case, path)


@pytest.mark.parametrize("name", OUTCOMES)
def test_liar_gets_its_outcome_and_the_next_case_a_working_worker(
    walk: Walk, case: Case, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, message = OUTCOMES[name]
    if "processor time" in message and "less" not in message:
        monkeypatch.setattr(watch, "PATIENCE", 100)  # however busy the machine that runs this test
    result = walked(walk, case, name)
    assert result.stages[0].outcome.passes
    assert (result.outcome, result.blame) == (outcome, name), result.message
    assert message in result.message
    assert walked(walk, case, "liar-honest").outcome.passes


@pytest.mark.parametrize("name", PASSES)
def test_what_is_no_lie_about_the_model_passes(walk: Walk, case: Case, name: str) -> None:
    assert walked(walk, case, name).outcome.passes


def test_log_is_kept_short_and_its_end_is_kept(walk: Walk, case: Case) -> None:
    result = walked(walk, case, "liar-floods-and-dies")
    assert "the last word" in result.stages[-1].log
    assert walk.workers["onnxruntime"].log.stat().st_size <= workers.LOG_LIMIT


def test_what_a_worker_writes_while_its_log_is_cut_is_kept(
    walk: Walk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at the end of the log takes so long here that the worker would write its last word meanwhile."""
    end_of_log = workers.Worker._end_of_log

    def slow(worker: workers.Worker) -> bytes:
        end = end_of_log(worker)
        time.sleep(0.5)
        return end

    monkeypatch.setattr(workers.Worker, "_end_of_log", slow)
    assert "the last word" in walked(walk, case, "liar-floods-and-dies").stages[-1].log


@pytest.mark.parametrize("name", LIARS)
def test_liar_is_walked_wherever_its_frameworks_can_be_imported(registry: Registry, name: str) -> None:
    """So that no mistake about what is missing can skip the tests above."""
    needed = {"onnx", "onnxruntime", *(("torch", "torchvision", "onnx2torch") if name.endswith("-later") else ())}
    lacking = {module for module in needed if find_spec(module) is None}
    missing = route(registry, name).missing(registry)
    assert bool(missing) == bool(lacking)
    assert all(module in missing for module in lacking)


def test_every_liar_is_listed_here_and_in_the_documentation() -> None:
    assert {*OUTCOMES, *PASSES} == set(LIARS)
    text = (STORE.root.parent / "docs" / "extending.md").read_text(encoding="utf-8")
    assert not [name for name in LIARS if f"`{name}`" not in text]
