"""GitHub's workflows, run here: the `run:` steps of a job, with the environment and the expressions that GitHub gives.

Steps that `uses` an action are not run but stood in for: what was checked out is there, Python is this one, a cache
keeps its folder, an artifact is copied. `pip install` installs a folder for real, without looking anything up; a
release is taken to be installed, because nothing may be downloaded here. `gh` serves the artifacts of earlier jobs.
Nothing is kept between the steps: to digest all files of the frameworks first would take longer than these walks.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.run.kept import OFF

ROOT = Path(__file__).resolve().parents[1]
SUITE = "OWNER/parity-suite"
"""What a workflow of another repository calls this one."""
TOOLS = {
    "python": """
        if [ "$1 $2 $3" = "-m pip install" ]; then
            echo "$4" >> "$INSTALLS"
            [ -d "$4" ] || exit 0
            exec {python} -m pip install -q --no-deps --no-index --no-build-isolation --upgrade --target "$SITE" "$4"
        fi
        exec {python} "$@"
    """,
    "parity": """exec {python} -c 'from harness.cli.main import main; main()' "$@" """,
    "gh": """
        echo "$@" >> "$ASKED"
        case "$1 $2" in
            "run list") [ ! -d "$GREEN" ] || echo 17 ;;
            "run download") mkdir -p "$7" && cp -r "$GREEN/." "$7" ;;
            *) cat parity/summary.md > "$ASKED.comment" ;;
        esac
    """,
}


def load(path: Path) -> dict[str, Any]:
    """A file of GitHub's. YAML 1.1 reads the key `on` as True."""
    data: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in data.items()}


def called(reference: str) -> Path:
    """The file of this repository that a workflow of another one calls."""
    assert reference.startswith((f"{SUITE}/", f"{SUITE}@")), reference
    return ROOT / reference.partition("@")[0].removeprefix(SUITE).removeprefix("/")


@dataclass
class Ended:
    """A job that ended: exit code of the step that failed, or 0; what all steps printed; files that it left."""

    code: int = 0
    output: str = ""
    summary: str = ""
    steps: list[str] = field(default_factory=list)
    artifacts: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """The job of a called workflow in a repository's working copy. `temp` is the machine's own folder."""

    path: Path
    workspace: Path
    temp: Path
    green: Path
    """The artifact of the last green run of the default branch, if that folder exists."""
    event: Mapping[str, str] = field(default_factory=dict)

    def run(self, given: Mapping[str, str]) -> Ended:
        """Run all steps with these inputs. A step after one that failed runs only if it says so."""
        workflow = load(self.path)
        (job,) = workflow["jobs"].values()
        declared = workflow["on"]["workflow_call"]["inputs"]
        assert given.keys() <= declared.keys()
        values = {f"inputs.{name}": given.get(name, each.get("default")) for name, each in declared.items()}
        assert None not in values.values(), f"an input is required: {values}"
        values |= {"runner.os": "Linux", "runner.temp": str(self.temp), "github.sha": "0" * 40, "github.token": "t"}
        values |= {"github.event.repository.default_branch": "main", "github.repository": "OWNER/x", **self.event}
        self.temp.mkdir(exist_ok=True)
        ended = Ended()
        for step in job["steps"]:
            if ended.code and step.get("if") != "${{ !cancelled() }}":
                continue
            ended.steps.append(step.get("name", step.get("uses", "")))
            if "uses" in step:
                self._stand_in(step, values, ended)
            else:
                self._execute(step, {**job.get("env", {}), **step.get("env", {})}, values, ended)
        ended.summary = self._file("summary").read_text()
        return ended

    def _stand_in(self, step: Mapping[str, Any], values: Mapping[str, str], ended: Ended) -> None:
        action, options = step["uses"].partition("@")[0], step.get("with", {})
        if action == "actions/setup-python":
            assert any(any(self.workspace.glob(glob)) for glob in options["cache-dependency-path"].split())
        elif action == "actions/upload-artifact":
            source = self.workspace / options["path"]
            if source.is_dir():
                target = self.temp / "artifacts" / fill(options["name"], values)
                shutil.rmtree(target, ignore_errors=True)
                ended.artifacts[target.name] = Path(shutil.copytree(source, target))
        elif action == "actions/cache":
            folder = Path(fill(options["path"], values))
            kept = self.green.parent / folder.name
            kept.mkdir(exist_ok=True)
            if not folder.exists():
                folder.symlink_to(kept)
        else:
            assert action == "actions/checkout", action

    def _execute(self, step: Mapping[str, Any], given: Mapping[str, str], values: dict[str, str], ended: Ended) -> None:
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        outputs = self._file("output")
        outputs.write_text("")
        environment = {**self._environment, **{name: fill(text, values) for name, text in given.items()}}
        environment["PARITY_CACHE"] = OFF
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(
            command, cwd=self.workspace, env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT, check=False
        )
        ended.output += done.stdout
        ended.code = ended.code or done.returncode
        for line in outputs.read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value

    def _file(self, name: str) -> Path:
        path = self.temp / f"github-{name}"
        path.touch()
        return path

    @property
    def _environment(self) -> dict[str, str]:
        tools = self.temp / "tools"
        tools.mkdir(exist_ok=True)
        for name, text in TOOLS.items():
            path = tools / name
            path.write_text("#!/bin/sh\n" + text.replace("{python}", shlex.quote(sys.executable)))
            path.chmod(0o755)
        site = self.temp / "site"
        return {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
            "SITE": str(site),
            "INSTALLS": str(self.temp / "installs"),
            "ASKED": str(self.temp / "asked"),
            "GREEN": str(self.green),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self._file("output")),
            "GITHUB_REPOSITORY": "OWNER/x",
            "GITHUB_REPOSITORY_OWNER": "OWNER",
            "GITHUB_STEP_SUMMARY": str(self._file("summary")),
            "GITHUB_WORKFLOW": "Parity",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }


def fill(text: Any, values: Mapping[str, str]) -> str:
    """A text with its expressions replaced. Raises KeyError for one that nothing here gives a value."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values[match[1]], str(text))
