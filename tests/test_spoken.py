"""Every command that the software prints is typed where it is printed, or `tests/printed/spoken.toml` says why not."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.results.file import Results, Writer
from tests.printed import desk
from tests.printed.blocks import ROOT
from tests.printed.desk import Desk
from tests.printed.places import Place, of_page, of_python, places

PLAN: dict[str, dict[str, Any]] = tomllib.loads((Path(desk.__file__).parent / "spoken.toml").read_text("utf-8"))
KEYS = {"in", "help", "held_by", "why", "long", "code"}
HOWS = {"help", "held_by", "why"}
TYPED = sorted(command for command, table in PLAN.items() if not {"held_by", "why"} & set(table))
ROUTE = "keras-tf2onnx-onnx2torch"
GATE = f"parity gate --pack keras-tf2onnx --route {ROUTE} --layer ELU -n 1 --results r.ndjson"
SHOWN = re.compile(r"(?:`|again: |replay: |<code>)(parity replay [^`\n<]+)")
"""A command in what was printed, between backticks or tags, or behind a label."""
RED = 1
MINE = """\
class Mine:
    name = "mine"
    source = "onnx"
    target = "torch"
    requires = ("onnx", "torch")

    def convert(self, artifact, out):
        raise NotImplementedError("no operator is supported")
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A checkout with a few goldens, and a converter of one's own that refuses everything."""
    made = desk.checkout(tmp_path_factory.mktemp("spoken"))
    (made.folder / "mine.py").write_text(MINE)
    return made


@pytest.fixture
def broken(small: Desk) -> Iterator[Desk]:
    """The same with an onnx2torch that takes another alpha for ELU."""
    found = importlib.util.find_spec("onnx2torch")
    assert found is not None
    assert found.origin is not None
    bug = small.folder / "bug"
    shutil.copytree(Path(found.origin).parent, bug / "onnx2torch", ignore=shutil.ignore_patterns("__pycache__"))
    source = bug / "onnx2torch" / "node_converters" / "activations.py"
    text = source.read_text()
    assert "nn.ELU(alpha=alpha)" in text
    source.write_text(text.replace("nn.ELU(alpha=alpha)", "nn.ELU(alpha=alpha * 1.5 + 1)"))
    path = os.pathsep.join(filter(None, (str(bug), os.environ.get("PYTHONPATH"))))
    yield Desk(small.folder, {**small.environment, "PYTHONPATH": path})
    shutil.rmtree(bug)


def test_every_command_is_planned_and_nothing_else() -> None:
    found: dict[str, list[str]] = {}
    for place in places():
        found.setdefault(place.command, []).append(place.file)
    assert {command: table["in"] for command, table in PLAN.items()} == found


def test_a_plan_says_one_thing() -> None:
    for command, table in PLAN.items():
        assert set(table) <= KEYS, command
        assert len(HOWS & set(table)) <= 1, command
        if "why" in table:
            assert len(table["why"].split()) > 2, command
        elif "held_by" in table:
            assert command.split()[1] in source_of(table["held_by"]), command
        else:
            assert Place("", command).is_whole, f"{command} is filled in: name the test that types it"


def source_of(held_by: str) -> str:
    """The source of the test that a plan names; '' if there is none of this name."""
    file, _, name = held_by.partition("::")
    text = (ROOT / file).read_text("utf-8")
    found = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
    return "".join(ast.unparse(node) for node in found if name.startswith("test_"))


def test_only_a_test_holds_a_command() -> None:
    own = "tests/test_spoken.py::"
    assert "replay" in source_of(f"{own}test_what_a_red_gate_prints_is_red_again")
    assert [source_of(each) for each in ("tests/test_spoken.py", f"{own}follow", f"{own}test_of_nothing")] == [""] * 3


@pytest.mark.parametrize("command", [command for command in TYPED if "long" not in PLAN[command]])
def test_a_command_is_one(command: str, small: Desk) -> None:
    follow(command, small)


@pytest.mark.parametrize("command", [command for command in TYPED if "long" in PLAN[command]])
def test_a_command_that_takes_long_is_one(command: str, small: Desk, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("takes long; --long runs it")
    follow(command, small)


def follow(command: str, small: Desk) -> None:
    """Type a command, which ends with the code of the plan."""
    table = PLAN[command]
    typed = f"{command} --help" if table.get("help") else command
    small.lay(f"{typed} {desk.LATEST}" if command.startswith("parity report") else typed)
    ended = small.run(typed)
    assert ended.code == table.get("code", 0), f"{typed}\n{ended.output}"


def test_what_a_red_gate_prints_is_red_again(broken: Desk) -> None:
    """Behind a pack: the output, the summary, the results, the page as text, and the other formats of the answer."""
    ended = broken.run(f"{GATE} --markdown g.md --junit g.xml")
    assert ended.code == RED, ended.output
    broken.run("parity diff recorded r.ndjson --markdown d.md")
    broken.must("parity report r.ndjson --markdown p.md -o p.html")
    printed = {"gate": shown(ended.output)} | {
        name: shown((broken.folder / name).read_text("utf-8")) for name in ("g.md", "g.xml", "d.md")
    }
    kept = set(re.findall(r'"replay": ?"(parity [^"]+)"', (broken.folder / "r.ndjson").read_text("utf-8")))
    assert all(printed.values()), printed
    assert set().union(*printed.values()) <= kept
    first = min(set(printed["gate"]))
    again = broken.run(first)
    assert again.code == RED, f"{first}\n{again.output}"
    results = Results.load(broken.folder / "r.ndjson").results
    for blame, code in (("onnx2torch", 0), ("tf2onnx", 2)):
        result = next(each for each in results if each.blame == blame)
        reproduce = result.replay.replace("parity replay", "parity reproduce") + " -o elu"
        written = broken.run(reproduce)
        assert written.code == code, f"{reproduce}\n{written.output}"
    assert "the pack does not hold the file that it read" in written.output
    again = broken.run("parity replay elu")
    assert again.code == RED, again.output


def test_what_a_converter_of_ones_own_prints_is_red_again(small: Desk) -> None:
    run = "parity run --pack keras-tf2onnx --hop mine:Mine --route keras-tf2onnx-mine --layer ELU --results m.ndjson"
    ended = small.run(run)
    text = (small.folder / "m.ndjson").read_text("utf-8")
    commands = sorted({*shown(ended.output), *re.findall(r'"replay": ?"(parity [^"]+)"', text)})
    assert commands, ended.output
    again = small.run(commands[0])
    assert again.code == RED, f"{commands[0]}\n{again.output}"
    assert "no operator is supported" in again.output
    (report,) = re.findall("`(parity report [^`]+)`", ended.output)
    small.must(report)


def test_what_is_lost_is_walked_as_it_says(small: Desk) -> None:
    """The result of a case is struck from a run: what tells of the loss names a command that walks it."""
    small.must(GATE)
    run = Results.load(small.folder / "r.ndjson")
    first, *rest = run.results
    with Writer(small.folder / "l.ndjson", run.header, run.owed) as writer:
        for each in rest:
            writer.add(each)
    small.run("parity diff recorded l.ndjson --junit l.xml")
    (command,) = shown((small.folder / "l.xml").read_text("utf-8"))
    assert command.split()[2] == first.case
    again = small.run(command)
    assert again.code == 0, f"{command}\n{again.output}"
    assert first.case in again.output


def shown(text: str) -> list[str]:
    """The replay commands in what was printed, each as a reader copies it."""
    return [unescape(each) for each in SHOWN.findall(text)]


def test_places_are_found() -> None:
    source = '''"""Not `parity run` of a docstring."""
print(f"look: `parity report {path} -o x` now")
say("Example: parity list layers --json", "`parity merge` joins; the parity suite walks")
words = ["parity", "replay", case]
'''
    assert sorted(of_python(source)) == [
        "parity list layers --json",
        "parity merge",
        "parity replay {case}",
        "parity report {path} -o x",
    ]
    page = "// `parity run`\nconst a = `parity replay ${id}`;\n<code>parity report --markdown</code>"
    assert list(of_page(page)) == ["parity replay {id}", "parity report --markdown"]
