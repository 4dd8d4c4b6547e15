"""Workers with an interpreter of their own, over two real environments: this one, and one that has another release."""

from __future__ import annotations

import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import harness.run.session
from harness.adapters.interpreters import InterpreterError, elsewhere, in_release, parse
from harness.adapters.registry import Registry
from harness.installed import NOT_INSTALLED, count_elsewhere, is_installed, version_of
from harness.run.session import Selection, Session
from harness.workers.pool import Workers
from harness.workers.protocol import Call
from tests.miniatures import Copies, registry
from tests.test_fingerprint import install

TOOL = "parity-mini-tool"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has what this one has, and release 1 of a tool besides."""
    folder = tmp_path_factory.mktemp("old")
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/*/site-packages"))
    (site / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install(site, TOOL.replace("-", "_"), {"parity_mini_tool.py": "NAME = 'old'"})
    return folder / "bin/python"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    count_elsewhere({})


def world(*, others: bool = False) -> Registry:
    """The miniature world, whose converter is that tool, on a worker of its own."""
    known = registry(Copies)
    (copies,) = known.hops
    copies = replace(copies, worker="tool", requires=(f"{TOOL}>=1",), distribution=TOOL)
    runtimes = [replace(each, worker="tool") if each.format == "mini2" else each for each in known.runtimes]
    if others:
        runtimes[0] = replace(runtimes[0], requires=(f"{TOOL}>=1",))
    return replace(known, hops=(copies,), runtimes=tuple(runtimes))


def test_what_it_is_and_has(old: Path) -> None:
    name, interpreter = parse(f"tool={old}", world().plugins)
    assert (name, interpreter.python, interpreter.version_of(TOOL)) == ("tool", str(old), "1")
    assert interpreter.version_of("Parity_Mini.Tool") == "1"
    assert interpreter.version_of("numpy") == version("numpy")
    assert interpreter.version_of("no-such-thing") == NOT_INSTALLED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tool", "--worker tool: it names no interpreter; expected NAME=PYTHON"),
        ("tol=python3", "--worker tol=python3: there is no worker 'tol'; expected one of mini, tool. Nearest: tool"),
        ("tool=no/such/python", "there is no such interpreter. Name the python in the bin folder"),
        ("tool=/bin/true", "it is no Python that runs"),
    ],
)
def test_wrong_use(text: str, told: str) -> None:
    with pytest.raises(InterpreterError) as error:
        parse(text, world().plugins)
    assert told in str(error.value)


def test_an_environment_without_what_every_worker_needs(tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=True)
    with pytest.raises(InterpreterError, match="is missing there: numpy, packaging, psutil"):
        parse(f"tool={tmp_path / 'bin/python'}", world().plugins)


def test_what_only_the_worker_needs_counts_in_its_release(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session, "installed", world)
    with Session(Selection(cache=False)) as session:
        assert session.runnable == []
        assert session.header((), {}, 0).versions[TOOL] == NOT_INSTALLED
    with Session(Selection(workers=(f"tool={old}",), cache=False)) as session:
        assert [route.name for route in session.runnable] == ["mini-copies"]
        assert session.header((), {}, 0).versions[TOOL] == "1"
        assert is_installed(f"{TOOL}<2")
    with Session(Selection(cache=False)):
        assert version_of(TOOL) == NOT_INSTALLED, "a later session is not misled"


def test_what_others_need_too_is_told_beside(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = world(others=True)
    workers = dict([parse(f"tool={old}", known.plugins)])
    count_elsewhere({TOOL: "3"})  # as if this environment had another release
    assert elsewhere(workers, known.plugins) == ({}, {f"{TOOL} (tool)": "1"})


def test_the_worker_runs_there_with_the_suite_from_here(old: Path) -> None:
    with Workers(world().plugins, pythons={"tool": str(old)}) as workers:
        there, here = workers["tool"], workers["mini"]
        told = [each.request(Call("harness.installed:version_of", (TOOL,))).value for each in (there, here)]
        assert told == ["1", NOT_INSTALLED]
        assert there.request(Call("importlib:import_module", ("harness.nothing",))).value.error == "ModuleNotFoundError"


def test_nothing_is_kept_of_what_it_does(old: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session, "installed", world)
    with Session(Selection(workers=(f"tool={old}",))) as session:
        assert session.kept is not None
        assert session.kept._of_plugin(replace(session.registry.hops[0], origin="numpy")).result() == ""
        assert session.kept._of_plugin(replace(session.registry.formats[0], origin="numpy")).result()


def test_two_releases_of_a_converter_in_one_run(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session, "installed", world)
    with Session(Selection(hops=(f"copies@1={old}",), cache=False)) as session:
        assert [hop.name for hop in session.registry.hops] == ["copies", "copies@1"]
        other = session.registry.hops[1]
        assert (other.worker, other.target) == ("tool@1", "mini2@1")
        assert session.registry.runtime_of("mini2@1").worker == "tool@1"  # type: ignore[union-attr]
        names = {route.name: route.plain_name for route in session.runnable}
        assert names["mini-copies@1"] == "mini-copies"
        assert session.interpreters["tool@1"].python == str(old)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("copies@2={old}", "another release is there; expected 2, got 1"),
        ("copies={old}", "it names no converter in a release; expected NAME@RELEASE=PYTHON"),
        ("copes@1={old}", "there is no converter 'copes'; expected NAME@RELEASE=PYTHON"),
    ],
)
def test_wrong_releases(old: Path, text: str, told: str) -> None:
    with pytest.raises(InterpreterError, match=told):
        in_release(world(), text.format(old=old))
