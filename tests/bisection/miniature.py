"""A miniature package in several releases, as wheels in a folder that stands for an index, or as commits.

`minipkg.answer()` is what a release gives; the script of the miniature reproducer holds it to 1.0. The package is built
by a build system of its own that needs nothing, so that no test needs a network.
"""

from __future__ import annotations

import subprocess
import textwrap
import zipfile
from pathlib import Path

NAME = "minipkg"
GOOD = "def answer(): return 1.0"
BAD = "def answer(): return 2.0"
REFUSES = "def answer(): raise TypeError('keepdim must be bool')"
OTHER = "def answer(): raise OSError('disk full')"
CRASHES = "import os; os.abort()"
SCRIPT = """
import os, sys

def finish(code, line):
    print(line, flush=True)
    os._exit(code)

try:
    import minipkg
    import minidep
except ImportError as error:
    finish(2, f"ERROR: {error}")
try:
    value = minipkg.answer()
except Exception as error:
    finish(1, f"DEVIATES: {type(error).__name__}: {error}")
finish(*((0, "FIXED") if value == 1.0 else (1, f"DEVIATES: {value}")))
"""
BACKEND = """
import zipfile, pathlib

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "minipkg-9.9.0-py3-none-any.whl"
    text = pathlib.Path("minipkg.py").read_text()
    if "no build" in text:
        raise SystemExit("this commit does not build")
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as file:
        file.writestr("minipkg.py", text)
        about = "minipkg-9.9.0.dist-info/"
        file.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: minipkg\\nVersion: 9.9.0\\n")
        file.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(about + "RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "minipkg"
version = "9.9.0"
"""


def release(index: Path, version: str, source: str, *, name: str = NAME, module: str = "", requires: str = "") -> None:
    """Add the wheel of a release, a module with this source, to an index."""
    index.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{module or name}.py": source + "\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirement}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    _write(index / f"{name}-{version}-py3-none-any.whl", files, about)


def reproducer(folder: Path) -> Path:
    """The folder of the miniature reproducer, which needs `minipkg` and `minidep`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reproduce.py").write_text(textwrap.dedent(SCRIPT))
    (folder / "versions.json").write_text(
        '{"python": "3.11.2", "platform": "Linux", "minidep": "1.0", "minipkg": "1.2"}'
    )
    return folder


def commit(checkout: Path, subject: str, source: str) -> str:
    """Commit a source of the package, in a new repository if there is none. Returns the commit's name."""
    if not (checkout / ".git").exists():
        checkout.mkdir(parents=True)
        git(checkout, "init", "--quiet", "--initial-branch=main")
        (checkout / "backend.py").write_text(BACKEND)
        (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / "minipkg.py").write_text(source + "\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(checkout, "rev-parse", "HEAD")


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def stand_in(index: Path, name: str, version: str, place: Path) -> None:
    """Add a wheel that brings what is installed in a folder: no test unpacks NumPy."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}-is-elsewhere.pth": f"{place}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    _write(index / f"{name}-{version}-py3-none-any.whl", files, about)


def _write(wheel: Path, files: dict[str, str], about: str) -> None:
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as file:
        for path, text in {**files, f"{about}/RECORD": record}.items():
            file.writestr(path, text)
