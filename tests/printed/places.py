"""Finds the commands that the software prints: in strings of its Python, and on its page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.cli.main import summaries
from tests.printed.blocks import ROOT

VERB = rf"(?:parity (?:{'|'.join(summaries())})|pytest suites/?)(?![\w-])"
QUOTED = re.compile(rf"`({VERB}[^`]*)`|(?:Example: |\A)({VERB}.*)|<code>({VERB}[^<]*)</code>", re.DOTALL)
PLAIN = re.compile(VERB)
PROGRAMS = ("parity", "pytest")


@dataclass(frozen=True)
class Place:
    """A command in a file of the software. What is filled in when it is printed stands in braces."""

    file: str
    command: str

    @property
    def is_whole(self) -> bool:
        """Whether a reader can type it as it stands in the source."""
        return not re.search(r"[{}]", self.command)


def places(root: Path = ROOT) -> list[Place]:
    """Every command of every file that prints, each once for a file."""
    found = []
    for path in sorted((root / "harness").rglob("*.py")):
        found += [Place(path.relative_to(root).as_posix(), each) for each in of_python(path.read_text("utf-8"))]
    for path in sorted([*(root / "page" / "src").rglob("*.ts*"), *(root / "page").glob("*.html")]):
        found += [Place(path.relative_to(root).as_posix(), each) for each in of_page(path.read_text("utf-8"))]
    return list(dict.fromkeys(found))


def of_python(source: str) -> Iterator[str]:
    """The commands in the strings of a module, its docstrings apart, and those that it puts together of words."""
    tree = ast.parse(source)
    parents = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, parents) and _documented(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node)}
            yield from commands("".join(_text(part) for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from commands(node.value)
        elif isinstance(node, ast.List) and len(node.elts) > 1:
            first = node.elts[0]
            if isinstance(first, ast.Constant) and first.value in PROGRAMS:
                yield " ".join(_text(each) for each in node.elts)


def of_page(source: str) -> Iterator[str]:
    """The commands in a source of the page, its comments apart."""
    bare = re.sub(r"^\s*(?:/\*(?:.|\n)*?\*/|//.*$)", "", source, flags=re.MULTILINE)
    yield from commands(bare.replace("${", "{").replace("\\`", "`"))


def commands(text: str) -> Iterator[str]:
    """The commands in what is printed: between backticks or tags, behind `Example:`, or else the program and verb."""
    for found in QUOTED.finditer(text):
        yield " ".join(next(filter(None, found.groups())).replace("\\\n", " ").split())
    yield from PLAIN.findall(QUOTED.sub("", text))


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _text(node: ast.expr) -> str:
    """What a part of a string says; what is filled in, in braces."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return f"{{{ast.unparse(node.value if isinstance(node, ast.FormattedValue | ast.Starred) else node)}}}"
