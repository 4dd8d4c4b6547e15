"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import harness.run.session
from harness.cli.main import AGREED, DEVIATIONS, INTERNAL, USAGE, main
from harness.corpus.store import Store
from harness.results.file import Results
from tests.miniatures import Copies, Doubles, dense_case, registry


@pytest.fixture
def parity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs `parity ARGS` in a folder with one golden; returns exit code, stdout and stderr."""
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies, Doubles))

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["parity", *args])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_run_that_agrees_and_run_that_deviates(parity) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = parity("run", "--route", "mini-copies")
    assert code == AGREED
    assert "Nothing that matters is wrong" in out
    code, out, _ = parity("run")
    assert code == DEVIATIONS
    assert "FAILED keras-Dense-" in out
    assert len(Results.load(Path("reports/results.ndjson")).results) == 2


def test_replay_shows_every_stage(parity) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = parity("replay", dense_case().id[:-2])
    assert code == DEVIATIONS
    assert "doubles -> mini2 on oracle32two" in out
    assert "divergent" in out


def test_report_is_written(parity) -> None:  # type: ignore[no-untyped-def]
    parity("run", "--route", "mini-copies")
    code, out, _ = parity("report", "reports/results.ndjson", "-o", "page.html")
    assert (code, out.strip()) == (AGREED, "page.html")
    assert "mini-copies" in Path("page.html").read_text()


def test_golden_verify_as_json(parity) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = parity("golden", "verify", "--layer", "Dense", "--json")
    data = json.loads(out)
    assert code == DEVIATIONS
    assert {"cases", "drifted", "edited", "unused", "missing", "pairs"} <= set(data)
    assert data["missing"] > 0
    assert parity("golden", "freeze", "--layer", "Dense")[0] == AGREED
    code, out, _ = parity("golden", "verify", "--layer", "Dense", "--json")
    assert code == AGREED
    assert json.loads(out)["pairs"] == 100.0


@pytest.mark.parametrize(
    ("what", "keys"),
    [
        ("layers", {"dialect", "layer", "cases", "pairs", "threeway", "excluded"}),
        ("hops", {"name", "source", "target", "available", "reason"}),
        ("routes", {"name", "available", "reason"}),
        ("runtimes", {"name", "format", "available", "reason"}),
        ("cases", {"case", "choice"}),
    ],
)
def test_lists_as_json(parity, what: str, keys: set[str]) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = parity("list", what, "--json")
    assert code == AGREED
    assert keys <= set(json.loads(out)[0])
    assert parity("list", what)[0] == AGREED


def test_list_expectations_of_none(parity) -> None:  # type: ignore[no-untyped-def]
    assert parity("list", "expectations", "--json")[:2] == (AGREED, "[]\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("dance",), "No such command"),
        (("run", "--layer", "Nope"), "no golden layer fits"),
        (("run", "--route", "Nope"), "no route fits"),
        (("run", "--hop", "tests.miniatures:NoContract"), "is no hop"),
        (("replay", "keras-Conv"), "no golden case"),
        (("report", "nowhere.ndjson"), "there is no results file"),
        (("golden", "freeze", "--layer", "Nope"), "no layer of the catalogue fits"),
    ],
)
def test_wrong_use_is_exit_code_2_with_a_clear_error(parity, args: tuple[str, ...], said: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = parity(*args)
    assert code == USAGE
    assert said in err + out
    assert "Traceback" not in err + out


@pytest.mark.parametrize("text", ["", "hello\n", '{"event": "result"}\n', "{}\n"])
def test_damaged_results_are_exit_code_2(parity, text: str) -> None:  # type: ignore[no-untyped-def]
    Path("x.ndjson").write_text(text)
    code, _, err = parity("report", "x.ndjson")
    assert code == USAGE
    assert "x.ndjson" in err
    assert "Traceback" not in err


def test_damaged_golden_is_exit_code_2(parity) -> None:  # type: ignore[no-untyped-def]
    path = Path("golden/keras/Dense.zip")
    path.write_bytes(path.read_bytes()[:100])
    for args in (("run",), ("replay", "keras-Dense"), ("golden", "verify", "--layer", "Dense"), ("list", "layers")):
        code, out, err = parity(*args)
        assert code == USAGE, args
        assert "Dense.zip" in out + err


def test_our_own_fault_is_exit_code_3(parity, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(harness.run.session.Session, "pairs", lambda self: 1 / 0)
    code, _, err = parity("run")
    assert code == INTERNAL
    assert "ZeroDivisionError" in err


def test_help_of_every_command_has_an_example(parity) -> None:  # type: ignore[no-untyped-def]
    from harness.cli.main import cli

    for name, command in cli.commands.items():
        group = getattr(command, "commands", {name: command})
        for sub, each in group.items():
            assert each.help, sub
            assert "Example: parity " in (each.epilog or ""), sub
