"""The functions of released converters: those that ship fit the locked releases, and tell what a copy has changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.fingerprint import package_of
from harness.installed import SUITE, version_of
from harness.judge.released import Released, ReleasedError, load
from tests.small_converter import NAME, write

RECORD = Path(__file__).resolve().parents[2] / "golden" / "record"
RECORDED = json.loads((RECORD / "versions.json").read_text())


def test_every_converter_on_record_has_its_functions() -> None:
    """Those that are frameworks themselves have too many, and nobody changes them beside this suite."""
    known = installed()
    frameworks = {part.distribution for part in (*known.formats, *known.runtimes)}
    assert set(load(RECORD)) == {hop.distribution for hop in known.hops if hop.is_ours} - frameworks - {SUITE}


@pytest.mark.parametrize("name", sorted(load(RECORD)))
def test_they_are_those_of_the_locked_release(name: str) -> None:
    """`parity record functions NAME` writes them."""
    shipped = load(RECORD)[name]
    assert (shipped.distribution, shipped.version) == (name, RECORDED[name])
    package = package_of(name)
    if package is None or version_of(name) != shipped.version:
        pytest.skip(f"{name} {shipped.version} is not installed")
    assert list(shipped.changed(package)) == []
    assert Released.of(name, shipped.version, package) == shipped


def test_what_is_written_is_read(tmp_path: Path) -> None:
    released = Released.of(NAME, "1.0", write(tmp_path))
    released.save(tmp_path)
    assert load(tmp_path) == {NAME: released}
    assert load(tmp_path / "nothing") == {}


def test_what_a_copy_has_changed(tmp_path: Path) -> None:
    package = write(tmp_path)
    released = Released.of(NAME, "1.0", package)
    assert list(released.changed(package)) == []
    nodes = package / "nodes.py"
    nodes.write_text(nodes.read_text().replace("0.5", "0.25") + "\n\ndef prelu():\n    pass\n")
    (package / "new.py").write_text("TABLE = 1\n\n\ndef f():\n    pass\n")
    found = [(each.file, each.name, each.first, each.last) for each in released.changed(package)]
    assert found == [
        ("smallconv/new.py", "<module>", 0, 0),
        ("smallconv/new.py", "f", 4, 5),
        ("smallconv/nodes.py", "<module>", 0, 0),
        ("smallconv/nodes.py", "prelu", 6, 9),
        ("smallconv/nodes.py", "prelu", 12, 13),
    ]


def test_a_function_that_moved_is_another(tmp_path: Path) -> None:
    package = write(tmp_path)
    released = Released.of(NAME, "1.0", package)
    shutil.move(package / "nodes.py", package / "others.py")
    assert {(each.file, each.name) for each in released.changed(package)} == {
        ("smallconv/others.py", name) for name in ("<module>", "dense", "prelu")
    }


def gone(released: Released, package: Path) -> list[tuple[str, str]]:
    return [(each.file.removeprefix(f"{NAME}/"), each.name) for each in released.gone(package)]


def test_what_a_copy_lacks(tmp_path: Path) -> None:
    package = write(tmp_path)
    nodes = package / "nodes.py"
    nodes.write_text("class A:\n    def f(self):\n        return 1\n\n\n" + nodes.read_text())
    released = Released.of(NAME, "1.0", package)
    assert gone(released, package) == []
    nodes.write_text("def dense(out):\n    return out + 1\n")
    assert gone(released, package) == [("nodes.py", "A.f"), ("nodes.py", "prelu")]
    nodes.write_text("def dense(:\n")
    assert gone(released, package) == []
    nodes.unlink()
    names = ["<module>", "A.f", "dense", "prelu"]
    assert gone(released, package) == [("nodes.py", name) for name in names]


def test_what_moved_is_not_gone(tmp_path: Path) -> None:
    package = write(tmp_path)
    nodes, others = package / "nodes.py", package / "others.py"
    text = nodes.read_text()
    released = Released.of(NAME, "1.0", package)
    shutil.move(nodes, others)
    assert gone(released, package) == []
    others.write_text(f"import math\n\n\nclass A:\n{text.replace('dense', 'other')}".replace("\ndef", "\n  def", 1))
    assert gone(released, package) == []
    others.write_text(text[: text.index("def prelu")])
    assert gone(released, package) == [("nodes.py", "prelu")]


def test_one_of_several_of_one_name(tmp_path: Path) -> None:
    """What is registered by a decorator is often called `_`."""
    package = write(tmp_path)
    nodes = package / "nodes.py"
    texts = [f"@register({number})\ndef _(x):\n    return x\n\n\n" for number in range(3)]
    nodes.write_text("".join(texts))
    released = Released.of(NAME, "1.0", package)
    nodes.write_text("".join(texts).replace("return x", "return 1"))
    assert gone(released, package) == []
    nodes.write_text(texts[0] + texts[2].replace("return x", "return 1"))
    assert gone(released, package) == [("nodes.py", "_ (one of 3)")]
    nodes.write_text(texts[1].replace("return x", "return 1"))
    assert gone(released, package) == [("nodes.py", "_ (one of 3)")] * 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"distribution": "a", "version": "1", "files": {"a.py": 1}}'])
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "a.json").write_text(text)
    with pytest.raises(ReleasedError, match="holds no functions of a release"):
        load(tmp_path)
