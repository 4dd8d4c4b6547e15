"""`parity constraints`: the versions on record, as pip takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.cli.main import AGREED, USAGE
from harness.installed import LOCK, NOT_INSTALLED
from tests.cli.conftest import Parity

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path("golden") / "record" / "versions.json"


@pytest.fixture
def record(parity: Parity) -> Path:
    """The record of the current folder."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps({"Torch": "9.9.1", "tf_keras": "9.9.2", "mine": "9.9.3", "jax": NOT_INSTALLED}))
    return RECORD


def pins(text: str) -> dict[str, str]:
    requirements = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in requirements}


def test_they_are_those_of_the_record_and_else_of_the_lock(parity: Parity, record: Path) -> None:
    code, out, _ = parity("constraints")
    found, locked = pins(out), pins(LOCK.read_text())
    assert (code, len(found)) == (AGREED, len(out.splitlines()) - 1)  # one comment, no distribution twice
    assert found == locked | {"torch": "9.9.1", "tf-keras": "9.9.2", "mine": "9.9.3"}


def test_they_are_written_to_a_file(parity: Parity, record: Path) -> None:
    text = parity("constraints")[1]
    assert parity("constraints", "-o", "out/constraints.txt")[1] == "out/constraints.txt\n"
    assert Path("out/constraints.txt").read_text() == text


def test_a_damaged_record_is_refused(parity: Parity, record: Path) -> None:
    record.write_text("{")
    code, _, err = parity("constraints")
    assert (code, "it is not JSON" in err) == (USAGE, True)


def test_the_record_of_the_project_was_made_with_the_locked_versions() -> None:
    locked = pins(LOCK.read_text())
    recorded = json.loads((ROOT / RECORD).read_text())
    assert {name: locked[name] for name in recorded} == recorded
