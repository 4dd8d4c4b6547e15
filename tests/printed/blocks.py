"""Finds the shell blocks and the workflows that the documentation prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "examples/*/README.md")
PROGRAMS = (
    *("parity", "pytest", "python", "python3", "pip", "uv", "tox", "mutmut", "git", "bash", "sh", "apt-get", "octave"),
    *("octave-cli", "curl", "cd", "export", "code=0", r"\.", r"\.ci/run", r"\.venv/bin/\w+", r"\./\S+"),
)
"""A block that begins with one of these words is for a shell."""
SHELL = re.compile(rf"(?:\$ )?(?:[A-Z_]+=\S* )*(?:{'|'.join(PROGRAMS)})(?: |$)")
LANGUAGES = ("", "sh", "bash", "shell", "console")
"""Fences whose content may be for a shell."""


@dataclass(frozen=True)
class Block:
    """A block of a page: the `number`-th of its kind below a heading, counted from 1."""

    page: str
    heading: str
    number: int
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the plan calls it: `docs/ci.md: Elsewhere 1`."""
        return f"{self.page}: {self.heading} {self.number}"

    @property
    def script(self) -> str:
        """What a reader types: all lines, or, where a prompt stands before commands, these without what they print."""
        if not any(line.startswith("$ ") for line in self.lines):
            return "\n".join(self.lines)
        typed: list[str] = []
        for line in self.lines:
            if line.startswith("$ ") or (typed and typed[-1].endswith("\\")):
                typed.append(line.removeprefix("$ "))
        return "\n".join(typed)

    @property
    def commands(self) -> tuple[str, ...]:
        """The lines of the script, each whole; those of a shell program, which stand or fall together, are one."""
        joined = re.sub(r"\\\n\s*", "", self.script)
        lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
        return ("\n".join(lines),) if any(re.match(r"\w+=\S*$|exit ", line) for line in lines) else tuple(lines)

    @property
    def is_workflow(self) -> bool:
        """Whether it is YAML of GitHub."""
        return bool(self.lines) and re.match(r"(name|jobs|on|\s*- uses|\s+\w+):", self.lines[0]) is not None


def blocks(root: Path = ROOT) -> list[Block]:
    """Every shell block and every workflow of every page, in the order of pages."""
    paths = [path for pattern in PAGES for path in sorted(root.glob(pattern))]
    return [block for path in paths for block in of_page(path.relative_to(root).as_posix(), path.read_text())]


def of_page(page: str, text: str) -> Iterator[Block]:
    """The shell blocks and workflows of one page."""
    numbers: dict[str, int] = {}
    for heading, language, lines in _code(text):
        is_shell = language in LANGUAGES and bool(lines) and SHELL.match(lines[0]) is not None
        if is_shell or language == "yaml":
            numbers[heading] = numbers.get(heading, 0) + 1
            yield Block(page, heading, numbers[heading], tuple(lines))


def _code(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Heading, language and lines of each block of code: fenced, or indented by four blanks."""
    heading, before = "", ""
    rest = iter(text.splitlines())
    for line in rest:
        if fence := re.match(r"```(\w*)$", line):
            inside = []
            for each in rest:
                if each == "```":
                    break
                inside.append(each)
            yield heading, fence[1], inside
        elif title := re.match(r"#+ (.*)", line):
            heading = title[1]
        elif line.startswith("    ") and not before:
            inside = [line[4:]]
            following = ""
            for following in rest:
                if following and not following.startswith("    "):
                    break
                inside.append(following[4:])
            for part in re.split(r"\n\s*\n(?=\$ )", "\n".join(inside).rstrip()):
                yield heading, "", part.splitlines()
            if title := re.match(r"#+ (.*)", following):
                heading = title[1]
        before = line.strip()
