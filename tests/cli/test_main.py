"""The command itself: finding verbs, help, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import harness.cli
import harness.run.session
from harness.cli.main import INTERNAL, USAGE, cli, summaries
from tests.cli.conftest import Parity

VERBS = [
    "bisect", "cache", "calibrate", "check", "constraints", "convert", "defects", "diff", "findings", "gate",
    "golden", "list", "matrix", "merge", "pack", "predict", "record", "reduce", "replay", "report", "reproduce",
    "run", "selftest",
    "table",
]  # fmt: skip
DANCE = '''"""Dance on one leg."""

import click


@click.command(help=__doc__)
@click.option("--fall", is_flag=True)
def command(fall):
    click.echo("dancing")
    return 1 if fall else 0
'''
HELP = """
import sys
before = set(sys.modules)
from harness.cli.main import cli
cli.main(["--help"], standalone_mode=False)
print(*sorted(set(sys.modules) - before))
"""


def test_every_verb_is_in_the_help(parity: Parity) -> None:
    code, out, _ = parity("--help")
    lines = out.partition("Commands:\n")[2].splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == VERBS
    assert "replay Walk one case again and show every stage." in [" ".join(line.split()) for line in lines]


@pytest.fixture
def dance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A verb that lies in a second folder of the package, and a module beside it that is no verb."""
    folder = tmp_path / "dropped"
    folder.mkdir()
    (folder / "dance.py").write_text(DANCE)
    (folder / "steps.py").write_text('"""Not a verb."""\ncommand = None\ndef other(): pass\n')
    monkeypatch.setattr(harness.cli, "__path__", [*harness.cli.__path__, str(folder)])
    yield folder
    sys.modules.pop("harness.cli.dance", None)


def test_a_file_dropped_into_the_package_is_a_verb(dance: Path, parity: Parity) -> None:
    _, out, _ = parity("--help")
    assert "dance Dance on one leg." in [" ".join(line.split()) for line in out.splitlines()]
    assert "steps" not in out
    assert "harness.cli.dance" not in sys.modules
    assert parity("dance") == (0, "dancing\n", "")
    assert parity("dance", "--fall")[0] == 1
    assert parity("dance", "--help")[1].startswith("Usage: parity dance [OPTIONS]\n\n  Dance on one leg.\n")


@pytest.mark.parametrize("name", ["dance", "console", "main", "network", "__init__", "os", ".run"])
def test_what_is_no_verb_is_refused(parity: Parity, name: str) -> None:
    code, _, err = parity(name)
    assert code == USAGE
    assert f"No such command '{name}'" in err


def test_help_imports_click_alone() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], check=True, capture_output=True, text=True)
    imported = done.stdout.splitlines()[-1].split()
    packages = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert packages == {"click", "harness"}
    assert [name for name in imported if name.startswith("harness")] == [
        "harness",
        "harness.cli",
        "harness.cli.main",
        "harness.errors",
        "harness.signals",
    ]


def _commands(group: click.Group, path: str = "parity") -> Iterator[tuple[str, click.Command]]:
    """Every command below a group that has no commands of its own, by what one types."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_help_of_every_command_ends_with_an_example() -> None:
    commands = dict(_commands(cli))
    assert {"parity run", "parity list routes", "parity golden verify"} <= set(commands)
    for typed, command in commands.items():
        assert command.help, typed
        assert (command.epilog or "").startswith(f"\b\nExample: {typed}"), typed


def test_every_option_says_what_it_does() -> None:
    for typed, command in _commands(cli):
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{typed} {option.name}"
                assert option.help[0].isupper(), f"{typed} {option.name}"
                assert option.help.endswith("."), f"{typed} {option.name}"


def test_summaries_fit_a_line_of_80_columns() -> None:
    assert not [name for name, text in summaries().items() if not text.endswith(".") or len(text) > 65]


def test_defaults_are_shown(parity: Parity) -> None:
    text = " ".join(parity("run", "--help")[1].split())
    assert "[default: reports/results.ndjson]" in text
    assert "[default: 60.0]" in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("dance",), "No such command"),
        (("run", "--layer", "Nope"), "no golden layer fits"),
        (("run", "--route", "Nope"), "no route fits"),
        (("run", "--hop", "tests.miniatures:NoContract"), "is no hop"),
        (("replay", "keras-Conv"), "no golden case"),
        (("report", "nowhere.ndjson"), "there is no results file"),
        (("golden", "freeze", "--layer", "Nope"), "no layer of the catalogue fits"),
        (
            ("golden", "freeze", "--layer", "GRU", "--layer", "gru"),
            "no layer of the catalogue fits 'gru'. Nearest: GRU",
        ),
        (("golden", "verify", "--layer", "conv2d"), "no layer of the catalogue fits 'conv2d'. Nearest: Conv2D"),
        (("list", "cases", "--layer", "dens"), "no golden layer fits 'dens'. Nearest: Dense"),
        (("replay", "keras-Dense", "--route", "mini-dobules"), "no route fits 'mini-dobules'. Nearest: mini-doubles"),
        (("selftest", "--fault", "nope"), "no planted fault fits 'nope'"),
        (("reproduce", "keras-Dense", "-o", "x"), "give a CASE with its --route, or --expectations"),
        (("reproduce", "--expectations", "--id", "nope", "-o", "x"), "no expectation fits 'nope'"),
        (("reduce", "keras-Dense", "--route", "mini-copies"), "agrees on every route that fits 'mini-copies'"),
    ],
)
def test_wrong_use_is_exit_code_2_with_a_clear_error(parity: Parity, args: tuple[str, ...], message: str) -> None:
    code, out, err = parity(*args)
    assert code == USAGE
    assert message in err + out
    assert "Traceback" not in err + out


@pytest.mark.parametrize("text", ["", "hello\n", '{"event": "result"}\n', "{}\n"])
def test_damaged_results_are_exit_code_2(parity: Parity, text: str) -> None:
    Path("x.ndjson").write_text(text)
    code, _, err = parity("report", "x.ndjson")
    assert code == USAGE
    assert "x.ndjson" in err
    assert "Traceback" not in err


def test_damaged_golden_is_exit_code_2(parity: Parity) -> None:
    path = Path("golden/keras/Dense.zip")
    path.write_bytes(path.read_bytes()[:100])
    for args in (("run",), ("replay", "keras-Dense"), ("golden", "verify", "--layer", "Dense"), ("list", "layers")):
        code, out, err = parity(*args)
        assert code == USAGE, args
        assert "Dense.zip" in out + err


def test_an_internal_error_is_exit_code_3(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session.Session, "pairs", lambda self: 1 / 0)
    code, _, err = parity("run")
    assert code == INTERNAL
    assert "ZeroDivisionError" in err


def test_ctrl_c_is_exit_code_130(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(harness.run.session.Session, "pairs", interrupted)
    assert parity("run")[0] == 130
