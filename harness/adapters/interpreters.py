"""Workers with an interpreter of their own: TensorFlow of one environment meets torch of another.

A worker needs little of the environment that it runs in: Python, what it serves, and what this suite's own modules
import there. The suite itself comes from here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from packaging.utils import canonicalize_name
from packaging.version import Version

from harness.adapters.plugin import CPU, Plugin
from harness.adapters.registry import Registry
from harness.errors import InputError
from harness.installed import AT, NOT_INSTALLED, SUITE, version_of
from harness.patterns import pointer

OLDEST = Version("3.11")
"""The oldest Python that the suite's own modules run on."""
NEEDED = ("numpy", "packaging", "psutil")
"""Distributions that the suite's own modules import in every worker."""
SECONDS = 120
"""Seconds that an interpreter may take to say what is installed."""
_TELL = """
import json, platform
from importlib.metadata import distributions
found = {}
for each in distributions():  # the first on the path is the one that is imported
    found.setdefault(each.metadata["Name"], each.version)
print(json.dumps([platform.python_version(), found]))
"""


class InterpreterError(InputError):
    """An interpreter that no worker can run on, or a worker that does not exist."""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter for a worker: its path, its version of Python, and the versions of what is installed there."""

    python: str
    version: str
    distributions: Mapping[str, str]

    def version_of(self, name: str) -> str:
        """The version of a distribution there; `not installed` if it is missing."""
        return self.distributions.get(canonicalize_name(name), NOT_INSTALLED)


def parse(text: str, plugins: Iterable[Plugin]) -> tuple[str, Interpreter]:
    """The worker and the interpreter that `torch=PATH/python` names. Raises InterpreterError."""
    name, _, path = text.partition("=")
    workers = sorted({plugin.worker for plugin in plugins})
    if not path:
        raise InterpreterError(
            "it names no interpreter", where=f"--worker {text}", expected="NAME=PYTHON, such as torch=old/bin/python"
        )
    if name not in workers:
        raise InterpreterError(
            f"there is no worker {name!r}",
            where=f"--worker {text}",
            expected=f"one of {', '.join(workers)}",
            advice=pointer(name, workers).strip(),
        )
    return name, _described(path, f"--worker {text}")


def in_release(registry: Registry, text: str) -> tuple[Registry, str, Interpreter]:
    """The registry with one more hop, that `onnx2torch@1.5.13=PATH/python` names: a converter of ours in the release
    that another interpreter has. Then the worker of this hop, and the interpreter.

    What the converter's own worker runs is run by that interpreter too: a torch module is code. Raises
    InterpreterError.
    """
    where = f"--hop {text}"
    label, _, path = text.partition("=")
    name, _, release = label.partition(AT)
    hop = next((each for each in registry.hops if each.name == name), None)
    if hop is None or not (release and path):
        names = [each.name for each in registry.hops]
        raise InterpreterError(
            "it names no converter in a release" if hop else f"there is no converter {name!r}",
            where=where,
            expected="NAME@RELEASE=PYTHON, such as onnx2torch@1.5.13=old/bin/python",
            advice="" if hop else pointer(name, names).strip(),
        )
    interpreter = _described(path, where)
    if (there := interpreter.version_of(hop.distribution)) != release:
        raise InterpreterError("another release is there", where=where, expected=release, came=there)
    mark = f"{AT}{release}"
    if registry.device != CPU:
        raise InterpreterError(
            f"a converter in a release runs on the {CPU} only", where=where, came=f"--device {registry.device}"
        )
    runtimes = [each for each in registry.runtimes if each.format == hop.target and each.worker == hop.worker]
    target = hop.target + (mark if runtimes else "")
    worker = hop.worker + mark
    return (
        replace(
            registry,
            hops=(*registry.hops, replace(hop, name=label, worker=worker, target=target)),
            runtimes=(
                *registry.runtimes,
                *(replace(each, name=each.name + mark, worker=worker, format=target) for each in runtimes),
            ),
        ),
        worker,
        interpreter,
    )


def elsewhere(
    interpreters: Mapping[str, Interpreter], plugins: Iterable[Plugin]
) -> tuple[dict[str, str], dict[str, str]]:
    """Versions in these interpreters: of what only their workers need, and, by `onnx (torch)`, of what others need too
    and have in another version."""
    needed: dict[str, set[str]] = {}
    for plugin in plugins:
        for name in set(plugin.distributions) - {SUITE}:
            needed.setdefault(name, set()).add(plugin.worker)
    pythons = {worker: interpreter.python for worker, interpreter in interpreters.items()}
    alone, shared = {}, {}
    for worker, interpreter in interpreters.items():
        for name in sorted(name for name, workers in needed.items() if worker in workers):
            others = {pythons.get(other) for other in needed[name]} - {interpreter.python}
            there = interpreter.version_of(name)
            if not others or version_of(name) == NOT_INSTALLED:
                alone[name] = there
            elif there != version_of(name):
                shared[f"{name} ({worker})"] = there
    return alone, shared


@cache
def _described(path: str, where: str) -> Interpreter:
    python = shutil.which(os.path.expanduser(path))
    if python is None:
        raise InterpreterError(
            "there is no such interpreter", where=where, advice="Name the python in the bin folder of an environment"
        )
    python = os.path.abspath(python)  # not its real path: a link in an environment is that environment
    try:
        done = subprocess.run([python, "-c", _TELL], capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
        version, found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InterpreterError(f"it is no Python that runs: {error}", where=where) from error
    interpreter = Interpreter(python, version, {canonicalize_name(name): text for name, text in found.items()})
    if Version(version) < OLDEST:
        raise InterpreterError("its Python is too old", where=where, expected=f"{OLDEST} or later", came=version)
    if lacking := [name for name in NEEDED if interpreter.version_of(name) == NOT_INSTALLED]:
        raise InterpreterError(
            f"what every worker needs is missing there: {', '.join(lacking)}",
            where=where,
            advice=f"Install it: {python} -m pip install {' '.join(lacking)}",
        )
    return interpreter
