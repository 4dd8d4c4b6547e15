"""uv: what releases of a package there are, what fits together, and environments that share their files on disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from harness.errors import InputError

LAST_WORDS = 600
"""Most characters of what uv says that are kept: the end, where it says why."""
_UNBUILDABLE = re.compile(r"(?i)failed to (?:build|download|parse metadata)[^`]*`([\w.-]+)==([^`\s]+)`")
"""The release whose own set-up fails, in uv's words."""


class UvError(InputError):
    """uv is missing, or did not do what it was asked for; `problem` ends with its last words."""


@dataclass(frozen=True)
class Uv:
    """Calls uv. `command` starts it, `python` is the interpreter, or its version, that environments are made with.

    It runs in `folder`, so that no project's settings there count; the user's own settings do.
    """

    command: tuple[str, ...]
    python: str
    folder: Path

    @classmethod
    def here(cls, folder: Path, python: str | None = None) -> Uv:
        """The uv on the PATH, or of this interpreter, for environments of this interpreter's version."""
        return cls(program(), python or sys.executable, folder)

    def releases(self, name: str, *, above: str | None, below: str, pre: bool = False) -> list[str]:
        """The releases of a package that this interpreter can have, the oldest first, without both bounds.

        uv is asked for the newest one, then for the newest below that, and so on: it knows the index, leaves out what
        was yanked, and takes pre-releases only if told. A release whose set-up fails counts. Raises UvError.
        """
        listed: list[str] = []
        bounds = [f">={above}", f"!={above}"] if above else []
        while True:
            top = [f"<={below}", f"!={below}"]
            done = self._call(
                "pip", "compile", "-", "--no-deps", "--no-header", "--no-annotate", "--python", self.python,
                "--prerelease", "allow" if pre else "disallow", text=f"{name}{','.join(bounds + top)}\n",
            )  # fmt: skip
            version = dict(pins(done.stdout)).get(canonicalize_name(name)) or _unbuildable(done.stderr, name)
            if version is None or Version(version) >= Version(below):
                if "No solution found" not in done.stderr or "was not found" in done.stderr:
                    raise UvError(f"uv cannot list the releases: {last_words(done)}", where=name)
                return sorted(listed, key=Version)
            listed.append(version)
            below = version

    def resolve(self, wanted: Iterable[str], preferred: Mapping[str, str], locked: Path) -> dict[str, str]:
        """Versions that fit together, by canonical name: those of `preferred` where they fit, else the newest.

        They are written to the file `locked`. A pre-release is taken only where `wanted` names one. Raises UvError if
        nothing fits.
        """
        locked.write_text("".join(f"{name}=={version}\n" for name, version in preferred.items()), encoding="utf-8")
        done = self._call(
            "pip", "compile", "-", "--output-file", str(locked), "--no-header", "--no-annotate",
            "--prerelease", "explicit", "--python", self.python, text="".join(f"{each}\n" for each in wanted),
        )  # fmt: skip
        if done.returncode:
            raise UvError(last_words(done))
        return dict(pins(locked.read_text(encoding="utf-8")))

    def install(self, locked: Path, environment: Path) -> Path:
        """Make an environment hold what a file says, and nothing else. Returns its interpreter. Raises UvError.

        One that could not be completed is removed.
        """
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        earlier = environment / "locked.txt"
        calls = [] if python.exists() else [("venv", "--no-project", "--python", self.python, str(environment))]
        for call in (*calls, ("pip", "sync", "--python", str(python), str(locked))):
            done = self._call(*call)
            if done.returncode:
                shutil.rmtree(environment, ignore_errors=True)
                raise UvError(last_words(done))
        if earlier.exists():
            _forget_bytecode(environment, _read(earlier) ^ _read(locked))
        shutil.copyfile(locked, earlier)
        return python

    def unpack(self, requirement: str, folder: Path) -> None:
        """Install what a requirement names into a folder of its own, without what it requires. Raises UvError."""
        done = self._call("pip", "install", "--no-deps", "--python", self.python, "--target", str(folder), requirement)
        if done.returncode:
            raise UvError(last_words(done))

    @property
    def cache(self) -> Path:
        """The folder from which environments on the same file system take their files."""
        return Path(self._call("cache", "dir").stdout.strip())

    def _call(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [*self.command, "--color", "never", "--quiet", *words]
        ours = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
        return subprocess.run(  # noqa: S603
            command, cwd=self.folder, env=ours, input=text, capture_output=True, text=True, check=False
        )


def program() -> tuple[str, ...]:
    """The command that starts uv. Raises UvError if there is none."""
    path = shutil.which("uv")
    if path is not None:
        return (path,)
    if find_spec("uv") is not None:
        return sys.executable, "-m", "uv"
    raise UvError(
        "there is no uv, which makes the environments",
        expected="`uv` on the PATH, or `python -m uv`",
        advice="`python -m pip install uv` brings it",
    )


def pins(text: str) -> Iterable[tuple[str, str]]:
    """Canonical name and version of each line `name==version`; of a line `name @ url` the name and the URL."""
    for line in text.splitlines():
        name, _, version = line.partition(" ;")[0].partition(" @ " if " @ " in line else "==")
        if version and not line.startswith("#"):
            yield canonicalize_name(name.strip()), version.strip()


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what uv said, on one line."""
    text = " ".join((done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").split())
    return text if len(text) <= LAST_WORDS else f"... {text[-LAST_WORDS:]}"


def _read(locked: Path) -> set[tuple[str, str]]:
    return set(pins(locked.read_text(encoding="utf-8")))


def _forget_bytecode(environment: Path, changed: Iterable[tuple[str, str]]) -> None:
    """Remove what Python compiled of distributions that were replaced.

    uv leaves it for modules outside a package, and Python takes it for that of the new source if this has the same size
    and was unpacked in the same second.
    """
    sources = _sources(environment)
    for folder in {file.parent / "__pycache__" for name, _ in changed for file in sources.get(name, ())}:
        shutil.rmtree(folder, ignore_errors=True)


def rivals(environment: Path, name: str) -> list[str]:
    """The other distributions of an environment that bring a source file of this one: which of them it is depends on
    who came last. So does `keras-nightly`, which some releases of TensorFlow require, beside `keras`."""
    sources = _sources(environment)
    ours = sources.get(name, frozenset())
    return sorted(other for other, files in sources.items() if other != name and ours & files)


def _sources(environment: Path) -> dict[str, frozenset[Path]]:
    """The Python files of each distribution of an environment, by canonical name."""
    site = environment / "Lib" if os.name == "nt" else next((environment / "lib").glob("python*"))
    return {
        canonicalize_name(each.metadata["Name"]): frozenset(
            Path(str(file.locate())) for file in each.files or [] if file.suffix == ".py"
        )
        for each in distributions(path=[str(site / "site-packages")])
    }


def _unbuildable(text: str, name: str) -> str | None:
    for package, version in _UNBUILDABLE.findall(text):
        if canonicalize_name(package) == canonicalize_name(name):
            return str(version)
    return None
