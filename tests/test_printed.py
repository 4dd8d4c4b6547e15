"""Every shell block of the documentation is run where a reader types it, or says here why not.

`tests/printed/plan.toml` has a table for each block, so a new block fails until somebody says where it runs. Blocks
that take long, most of them for TensorFlow, run with `--long`, as in `.ci/run`.
"""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.printed import desk
from tests.printed.blocks import ROOT, Block, blocks, of_page
from tests.printed.desk import Desk

PLAN: dict[str, dict[str, Any]] = tomllib.loads((Path(desk.__file__).parent / "plan.toml").read_text(encoding="utf-8"))
BLOCKS = {block.name: block for block in blocks()}
KEYS = {"pending", "codes", "environment", "held_by", "desk", "folder", "long"}


def pending(block: Block) -> dict[int, str]:
    """Why each line that is not run is not run, by its number."""
    said = {int(number): why for number, why in PLAN[block.name].get("pending", {}).items()}
    return dict.fromkeys(range(1, len(block.commands) + 1), said[0]) if 0 in said else said


def lasting(block: Block) -> set[int]:
    """The numbers of the lines that run with `--long` only."""
    said = PLAN[block.name].get("long", ())
    return set(range(1, len(block.commands) + 1)) if 0 in said else set(said)


def run(block: Block) -> set[int]:
    """The numbers of the lines that a test below runs."""
    return set() if "held_by" in PLAN[block.name] else {*range(1, len(block.commands) + 1)} - set(pending(block))


QUICK = [block for name, block in BLOCKS.items() if name in PLAN and run(block) - lasting(block)]
LONG = [block for name, block in BLOCKS.items() if name in PLAN and run(block) & lasting(block)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk.checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def own(tmp_path: Path) -> Desk:
    """A checkout for one block, which changes the store."""
    return desk.checkout(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A folder with all goldens, which its commands only read."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "golden").symlink_to(ROOT / "golden")
    return Desk(folder)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A converter's repository, and an environment that has nothing but what the converter needs."""
    return desk.repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def empty(repository: Desk) -> Desk:
    """The same, without this project."""
    repository.must("python -m pip uninstall -q -y parity-suite")
    return repository


@pytest.fixture
def installed(repository: Desk) -> Desk:
    """The same, with this project's wheel."""
    repository.must("python -m pip install -q parity-suite")
    return repository


def test_every_block_is_planned_and_nothing_else() -> None:
    assert sorted(PLAN) == sorted(BLOCKS)
    assert {key for table in PLAN.values() for key in table} <= KEYS


def test_what_is_not_run_says_why() -> None:
    for block in BLOCKS.values():
        assert all(len(why.split()) > 1 for why in pending(block).values()), block.name
        assert set(pending(block)) <= set(range(1, len(block.commands) + 1)), block.name


def held(file: str) -> set[str]:
    """The names of the blocks that tests of a file take as parameters."""
    module = import_module(".".join(Path(file).with_suffix("").parts))
    marks = [mark for name, test in vars(module).items() if name.startswith("test_") for mark in of_test(test)]
    return {
        each.name for mark in marks if mark.name == "parametrize" for each in mark.args[1] if isinstance(each, Block)
    }


def of_test(test: Any) -> list[pytest.Mark]:
    return list(getattr(test, "pytestmark", ()))


def test_what_another_test_runs_is_taken_there() -> None:
    said: dict[str, set[str]] = {}
    for name, table in PLAN.items():
        if "held_by" in table:
            said.setdefault(table["held_by"], set()).add(name)
    assert said == {file: held(file) for file in said}
    assert len(said) == 2


def test_a_file_that_takes_no_block_holds_none() -> None:
    assert held("tests/test_docs.py") == set()


def follow(block: Block, place: Desk, numbers: set[int]) -> None:
    """Type these lines of a block, which end with the codes of the plan."""
    table = PLAN[block.name]
    codes = {int(number): code for number, code in table.get("codes", {}).items()}
    for number, command in enumerate(block.commands, start=1):
        if number in numbers:
            place.lay(command)
            ended = place.run(f"cd {table.get('folder', '.')}\n{command}", **table.get("environment", {}))
            assert ended.code == codes.get(number, 0), f"{command}\n{ended.output}"


@pytest.mark.parametrize("block", QUICK, ids=lambda block: block.name)
def test_a_block_does_what_it_says(block: Block, request: pytest.FixtureRequest) -> None:
    place: Desk = request.getfixturevalue(PLAN[block.name].get("desk", "small"))
    follow(block, place, run(block) - lasting(block))


@pytest.mark.parametrize("block", LONG, ids=lambda block: block.name)
def test_a_block_that_takes_long_does_what_it_says(block: Block, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("takes long; --long runs it")
    place: Desk = request.getfixturevalue(PLAN[block.name].get("desk", "small"))
    follow(block, place, run(block))


def test_blocks_are_found() -> None:
    lines = ["# A", "", "    parity list", "    $ ls", "", "text", "", "    outputs", "", "## B", ""]
    lines += ["```yaml", "jobs:", "```", "", "    $ pytest x \\", "        -q", "    1 passed"]
    page = "\n".join(lines) + "\n"
    first, second, third = of_page("docs/x.md", page)
    assert (first.name, first.commands) == ("docs/x.md: A 1", ("ls",))
    assert second.is_workflow
    assert (third.name, third.commands) == ("docs/x.md: B 2", ("pytest x -q",))
