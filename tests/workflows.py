"""GitHub's workflows, run here: the `run:` steps of a job, with the environment and the expressions that GitHub gives.

Steps that `uses` an action are not run but stood in for: what was checked out is there, Python is this one, a cache
keeps its folder, an artifact is copied. `pip install` installs a folder for real, without looking anything up; a
release is taken to be installed, because nothing may be downloaded here. `gh` shows the state of `tests/hub.py`.
Nothing is kept between the steps: to digest all files of the frameworks first would take longer than these walks.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
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
            shift 3
            echo "$@" >> "$INSTALLS"
            for last do :; done
            [ -d "$last" ] || exit 0
            exec {python} -m pip install -q --no-deps --no-index --no-build-isolation --upgrade --target "$SITE" "$last"
        fi
        exec {python} "$@"
    """,
    "pip": """exec python -m pip "$@" """,
    "parity": """exec {python} -c 'from harness.cli.main import main; main()' "$@" """,
    "gh": """exec {python} -m tests.hub "$@" """,
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
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """The job of a called workflow in a repository's working copy. `temp` is the machine's own folder."""

    path: Path
    workspace: Path
    temp: Path
    kept: Path
    """Where caches are kept from job to job, and what GitHub knows: `hub.json`."""
    event: Mapping[str, str] = field(default_factory=dict)

    def run(self, given: Mapping[str, str], *, only: Collection[str] = ()) -> Ended:
        """Run all steps with these inputs, or only those of these names. A step after one that failed runs only if it
        says so."""
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
            name = step.get("name") or step["uses"].partition("@")[0]
            if (only and name not in only) or (ended.code and step.get("if") != "${{ !cancelled() }}"):
                continue
            ended.steps.append(name)
            if "uses" in step:
                self._stand_in(step, values, ended)
            else:
                self._execute(step, {**job.get("env", {}), **step.get("env", {})}, values, ended)
        ended.outputs = {name.rpartition(".")[2]: text for name, text in values.items() if name.startswith("steps.")}
        ended.summary = self._file("summary").read_text()
        return ended

    def type(self, script: str) -> Ended:
        """Type a script where the job would run."""
        self.temp.mkdir(exist_ok=True)
        ended = Ended()
        self._execute({"run": script}, {}, {}, ended)
        return ended

    def _stand_in(self, step: Mapping[str, Any], values: Mapping[str, str], ended: Ended) -> None:
        action, options = step["uses"].partition("@")[0], step.get("with", {})
        if action == "actions/setup-python":
            assert "cache" not in options, "it fails in a repository without any of the files that it looks for"
        elif action == "actions/upload-artifact":
            source = self.workspace / options["path"]
            if source.is_dir():
                target = self.temp / "artifacts" / fill(options["name"], values)
                shutil.rmtree(target, ignore_errors=True)
                ended.artifacts[target.name] = Path(shutil.copytree(source, target))
        elif action == "actions/cache":
            key = fill(options["key"], values, self.workspace)
            assert "," not in key, f"GitHub takes no comma in the key of a cache: {key}"
            folder = Path(fill(options["path"], values))
            kept = self.kept / folder.name
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
            "HUB": str(self.kept / "hub.json"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self._file("output")),
            "GITHUB_REPOSITORY": "OWNER/x",
            "GITHUB_STEP_SUMMARY": str(self._file("summary")),
            "GITHUB_WORKFLOW": "Parity",
            "GITHUB_WORKFLOW_REF": "OWNER/x/.github/workflows/parity.yml@refs/pull/1/merge",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }


def fill(text: Any, values: Mapping[str, str], folder: Path = ROOT) -> str:
    """A text with its expressions replaced. Raises KeyError for one that nothing here gives a value.

    `hashFiles` is of the files in `folder`, and nothing where it finds none.
    """

    def value(match: re.Match[str]) -> str:
        if not match[1].startswith("hashFiles("):
            return values[match[1]]
        found = sorted(path for glob in re.findall("'(.*?)'", match[1]) for path in folder.glob(glob))
        return hashlib.sha256(b"".join(map(Path.read_bytes, found))).hexdigest() if found else ""

    return re.sub(r"\$\{\{ (.+?) \}\}", value, str(text))
