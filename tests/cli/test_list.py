"""`parity list ...`."""

from __future__ import annotations

import json

import pytest

from harness.cli.main import AGREED
from tests.cli.conftest import Parity


@pytest.mark.parametrize(
    ("what", "keys"),
    [
        ("layers", {"dialect", "layer", "cases", "pairs", "threeway", "excluded"}),
        ("hops", {"name", "source", "target", "available", "reason"}),
        ("routes", {"name", "available", "reason"}),
        ("runtimes", {"name", "format", "available", "reason"}),
        ("cases", {"case", "choice"}),
    ],
)
def test_lists_as_json(parity: Parity, what: str, keys: set[str]) -> None:
    code, out, _ = parity("list", what, "--json")
    assert code == AGREED
    assert keys <= set(json.loads(out)[0])
    assert parity("list", what)[0] == AGREED


def test_list_expectations_of_none(parity: Parity) -> None:
    assert parity("list", "expectations", "--json")[:2] == (AGREED, "[]\n")
