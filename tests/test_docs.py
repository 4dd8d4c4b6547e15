"""The documentation: links resolve, commands and options exist, diffs are what the files say."""

from __future__ import annotations

import fnmatch
import re
import runpy
from pathlib import Path

import pytest

from harness.adapters.registry import facts_of
from harness.cli.main import cli
from harness.planted import faults

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTION = r"--[a-z]+(?:-[a-z]+)*"
OPTIONS = set(re.findall(f'"({OPTION})"', (ROOT / "harness" / "pytest_plugin" / "__init__.py").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parity_commands_exist(page: Path) -> None:
    for words in re.findall(r"(?:^    \$? ?|`)parity ((?:[a-z]+ ?)+)", page.read_text(), flags=re.MULTILINE):
        command, *rest = words.split()
        assert command in cli.commands, f"{page.name}: parity {words}"
        group = getattr(cli.commands[command], "commands", None)
        assert group is None or not rest or rest[0] in group, f"{page.name}: parity {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pytest_options_exist(page: Path) -> None:
    for line in re.findall(r"^    (?:.*/)?pytest .*$", page.read_text(), flags=re.MULTILINE):
        for option in re.findall(OPTION, line):
            assert option in OPTIONS, f"{page.name}: {line.strip()}"


def test_usage_names_every_pytest_option() -> None:
    text = (ROOT / "docs" / "usage.md").read_text()
    assert not [option for option in OPTIONS if f"`{option}" not in text]


def test_example_of_extending_is_the_one_that_runs() -> None:
    """The method shown is the file's, and the file keeps the contract without importing a framework."""
    text = (ROOT / "docs" / "extending.md").read_text()
    (shown,) = re.findall(r"```python\n(    def convert.*?)```", text, flags=re.DOTALL)
    example = ROOT / "examples" / "own_converter" / "dense_to_torch.py"
    assert example.read_text().endswith(shown)
    made = runpy.run_path(str(example))["DenseToTorch"]
    assert facts_of(made, "hops", "dense_to_torch:DenseToTorch")["worker"] == "torch"


def test_diffs_of_contributing_are_what_the_files_say() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"```diff\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        path = re.search(r"^\+\+\+ b/(.*)$", block, flags=re.MULTILINE)
        assert path is not None
        added = [line[1:] for line in block.splitlines() if line.startswith("+") and not line.startswith("+++")]
        assert "\n".join(added) in (ROOT / path[1]).read_text(), path[1]


def test_planted_faults_are_all_named_by_kind_and_no_others() -> None:
    table = [line for line in (ROOT / "docs" / "planted-faults.md").read_text().splitlines() if line.startswith("|")]
    named = [name for line in table for cell in line.split("|")[2:] for name in re.findall(r"`([a-z0-9*-]+)`", cell)]
    known = [fault.name.removeprefix("planted-") for fault in faults()]
    assert not [name for name in named if not fnmatch.filter(known, name)]
    assert not [name for name in known if not any(fnmatch.fnmatch(name, pattern) for pattern in named)]
