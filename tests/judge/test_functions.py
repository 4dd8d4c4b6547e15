"""Functions of a package's source, and what changes their digests."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge.functions import files_of, functions_of
from harness.results.changed import MODULE

SOURCE = '''
"""About the module."""
import math

TABLE = {"a": 1}


@register("Relu", version=1)
def _(node, graph=None):
    """About it."""
    def inner(x):
        return x + 1
    return f"{node!r:>{4}}" "{" f"{inner(1)}"


@register("PRelu", version=1)
def _(node, graph=None):
    return lambda: None


class Conv:
    kind = "conv"

    async def forward(self, x, *, slope: float = 0.5, **rest):
        return {**rest, "y": (x, -1, 1.5, 2j, b"b", ..., None)}

    class Inner:
        def forward(self):
            pass
'''


def digests(source: str) -> dict[tuple[str, int], str]:
    """By name, and number among those of one name."""
    names: list[str] = []
    found = {}
    for each in functions_of("small/a.py", source.encode()):
        found[each.name, names.count(each.name)] = each.digest
        names.append(each.name)
    return found


def changed(right: str, wrong: str) -> set[tuple[str, int]]:
    assert right in SOURCE
    was, now = digests(SOURCE), digests(SOURCE.replace(right, wrong, 1))
    return {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}


def test_functions_and_their_lines() -> None:
    found = [(each.name, each.first, each.last) for each in functions_of("small/a.py", SOURCE.encode())]
    assert found == [
        (MODULE, 0, 0), ("_", 8, 13), ("_", 16, 18), ("Conv.forward", 24, 25), ("Conv.Inner.forward", 28, 29)
    ]  # fmt: skip
    assert len(set(digests(SOURCE).values())) == 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("import math", "import math  # a comment"),
        ("About the module", "Other words"),
        ('    """About it."""\n', ""),
        ("(node, graph=None)", "(\n    node,\n    graph = None,\n)"),
        ('{"a": 1}', '{\n    "a": 1,\n}'),
        ('"{" f"{inner(1)}"', 'f"{{{inner(1)}"'),
        ('"conv"', "'conv'"),
    ],
)
def test_what_is_no_change(right: str, wrong: str) -> None:
    assert changed(right, wrong) == set()


@pytest.mark.parametrize(
    ("right", "wrong", "names"),
    [
        ("x + 1", "x - 1", {("_", 0)}),
        ("lambda: None", "lambda: 0", {("_", 1)}),
        ("version=1", "version=2", {("_", 0)}),
        ("graph=None", "graph=0", {("_", 0)}),
        ("0.5", "0.25", {("Conv.forward", 0)}),
        ("1.5", "1.25", {("Conv.forward", 0)}),
        ("...", "None", {("Conv.forward", 0)}),
        ("!r:>{4}", "!s:>{4}", {("_", 0)}),
        ('{"a": 1}', '{"a": True}', {(MODULE, 0)}),
        ('kind = "conv"', 'kind = "pool"', {(MODULE, 0)}),
        ("class Inner:", "class Inner(Base):", {(MODULE, 0)}),
        ("        def forward(self):\n            pass\n", "        pass\n", {(MODULE, 0), ("Conv.Inner.forward", 0)}),
        ("def forward(self):", "def backward(self):",
         {(MODULE, 0), ("Conv.Inner.forward", 0), ("Conv.Inner.backward", 0)}),
    ],
)  # fmt: skip
def test_what_is_a_change(right: str, wrong: str, names: set[tuple[str, int]]) -> None:
    assert changed(right, wrong) == names


def test_a_digest_is_that_of_every_python() -> None:
    """It lies beside the record, and is compared under other Pythons."""
    assert digests(SOURCE)["_", 0] == "addbedac7a01"


def test_tests_of_a_package_are_left_out(tmp_path: Path) -> None:
    for name in ("a.py", "nodes/b.py", "tests/test_a.py", "nodes/test/c.py", "nodes/data.json"):
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1")
    assert dict(files_of(tmp_path / "small")) == {"small/a.py": b"x = 1", "small/nodes/b.py": b"x = 1"}
