"""The documentation: links resolve, commands and options exist, diffs are what the files say."""

from __future__ import annotations

import fnmatch
import re
import runpy
import tomllib
from pathlib import Path

import click
import pytest

from benchmarks import legs, planted_layers, planted_matlab
from harness.adapters.registry import facts_of
from harness.cli.main import cli, summaries
from harness.planted import faults

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTION = r"--[a-z]+(?:-[a-z]+)*"
OPTIONS = set(re.findall(f'"({OPTION})"', (ROOT / "harness" / "pytest_plugin" / "options.py").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parity_commands_exist(page: Path) -> None:
    for words in re.findall(r"(?:^    \$? ?|`)parity ((?:[a-z]+ ?)+)", page.read_text(), flags=re.MULTILINE):
        verb, *rest = words.split()
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None, f"{page.name}: parity {words}"
        if isinstance(command, click.Group) and rest:
            assert command.get_command(click.Context(command), rest[0]), f"{page.name}: parity {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parity_options_exist(page: Path) -> None:
    for line in re.findall(r"^    (?:\$ |.*/)?parity [a-z].*$", page.read_text(), flags=re.MULTILINE):
        _, verb, *words = line.partition("#")[0].replace("$ ", "").split()
        command = cli.get_command(click.Context(cli), verb)
        if isinstance(command, click.Group) and words:
            command = command.get_command(click.Context(command), words[0])
        assert command is not None, f"{page.name}: {line}"
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in words:
            assert not word.startswith("-") or word in options, f"{page.name}: {line.strip()}"


def test_readme_names_every_verb() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [verb for verb in summaries() if f"| `parity {verb}" not in text]


def test_usage_describes_every_verb() -> None:
    """In the heading of a section; several verbs may share one."""
    headings = re.findall(r"^### (.*)$", (ROOT / "docs" / "usage.md").read_text(), flags=re.MULTILINE)
    described = {verb for heading in headings for verb in heading.split(", ")}
    assert not [verb for verb in summaries() if verb not in described]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pytest_options_exist(page: Path) -> None:
    for line in re.findall(r"^    (?:.*/)?pytest .*$", page.read_text(), flags=re.MULTILINE):
        for option in re.findall(OPTION, line):
            assert option in OPTIONS | {"--pyargs"}, f"{page.name}: {line.strip()}"


@pytest.mark.parametrize("name", ["README.md", "docs/usage.md"])
def test_every_pytest_option_is_in_the_table(name: str) -> None:
    table = set(re.findall(r"^\| `(--[a-z-]+)", (ROOT / name).read_text(), flags=re.MULTILINE))
    assert len(OPTIONS) == 22
    assert table == OPTIONS


def test_example_of_extending_is_the_one_that_runs() -> None:
    """The method shown is the file's, and the file keeps the contract without importing a framework."""
    text = (ROOT / "docs" / "extending.md").read_text()
    (shown,) = re.findall(r"```python\n(    def convert.*?)```", text, flags=re.DOTALL)
    example = ROOT / "examples" / "own_converter" / "dense_to_torch.py"
    assert example.read_text().endswith(shown)
    converter = runpy.run_path(str(example))["DenseToTorch"]
    assert facts_of(converter, "hops", "dense_to_torch:DenseToTorch")["worker"] == "torch"


def test_the_converter_of_the_readme_imports_what_is_installed_and_keeps_the_contract(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```python\n(class MyConverter.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    module = tmp_path / "my_module.py"
    module.write_text(shown)
    facts = facts_of(runpy.run_path(str(module))["MyConverter"], "hops", "my_module:MyConverter")
    assert set(re.findall(r"^ +import (\w+)$", shown, flags=re.MULTILINE)) <= set(facts["requires"])


def test_diffs_of_contributing_are_what_the_files_say() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    sections = {part.partition("\n")[0]: part for part in text.split("\n## Add ")[1:]}
    assert {
        "a layer",
        "a layer of MATLAB",
        "a converter",
        "a runtime",
        "a verb",
        "an outcome or a metric",
        "to the page",
    } <= set(sections)
    assert all("```diff" in part or "```toml" in part for part in sections.values())
    for block in re.findall(r"```diff\n(.*?)```", text, flags=re.DOTALL):
        first, *parts = re.split(r"^--- .*\n\+\+\+ b/", block, flags=re.MULTILINE)
        assert (first, bool(parts)) == ("", True), block
        for part in parts:
            path, _, hunks = part.partition("\n")
            for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE):
                added = "\n".join(line[1:] for line in hunk.splitlines() if line.startswith("+"))
                assert added, f"{path} adds nothing"
                assert added in (ROOT / path).read_text(), path


def test_planted_faults_are_all_named_by_kind_and_no_others() -> None:
    table = [line for line in (ROOT / "docs" / "planted-faults.md").read_text().splitlines() if line.startswith("|")]
    named = [name for line in table for cell in line.split("|")[2:] for name in re.findall(r"`([a-z0-9*-]+)`", cell)]
    known = [fault.name.removeprefix("planted-") for fault in faults()]
    assert not [name for name in named if not fnmatch.filter(known, name)]
    assert not [name for name in known if not any(fnmatch.fnmatch(name, pattern) for pattern in named)]


WORDS = {12: "twelve", 15: "fifteen"}
MATRIX = re.search(r"^## What it says: (\d+) legs", (ROOT / "docs" / "matrix.md").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "said", "count"),
    [
        ("CONTRIBUTING.md", r"plants (\d+) faults, each in one layer", sum(map(len, planted_layers.PLANTED.values()))),
        ("CONTRIBUTING.md", r"the same with (\d+) faults", len(planted_matlab.FAULTS.keys() - {"none"})),
        ("docs/usage.md", r"tox run +# (\w+) legs", legs.MOST),
        ("docs/usage.md", r"\(matrix.md\) has what (\w+) legs showed", int(MATRIX[1]) if MATRIX else 0),
        ("docs/matrix.md", r"^(\w+) legs, each another release", int(MATRIX[1]) if MATRIX else 0),
    ],
)
def test_what_a_page_counts_is_as_many(name: str, said: str, count: int) -> None:
    found = re.findall(said, (ROOT / name).read_text(), flags=re.MULTILINE)
    assert [word.lower() for word in found] == [WORDS.get(count, str(count))]


def test_every_converter_has_as_many_regressions_as_contributing_says() -> None:
    assert "fifteen or more regressions of each" in (ROOT / "CONTRIBUTING.md").read_text()
    for path in (ROOT / "benchmarks" / "regressions").glob("*.toml"):
        edits = tomllib.loads(path.read_text())["edit"]
        assert sum("release" not in edit and not edit.get("fix") for edit in edits) >= 15, path.name


def test_contributing_names_the_parts_of_continuous_integration() -> None:
    """Each part of `.ci/run` begins with its title."""
    (paragraph,) = re.findall(
        r"^`\.ci/run` does .*?\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r'^echo "(\w[^"$]*)"$', (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    assert titles == re.findall(r"\*([^*]+)\*", " ".join(paragraph.split()))
    assert len(titles) == 2
    assert set(re.findall(r"\.ci/run( --[^`]*)", paragraph)) == {" --shard 2/2"}
