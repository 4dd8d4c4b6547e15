"""`parity defects`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.outcomes import Outcome
from harness.results.events import Header, Judgement, PluginNote, Result, Stage
from harness.results.file import Writer
from tests.cli.conftest import Parity
from tests.miniatures import dense_case

EXPECTATION = f"""
[[no_defect]]
id = "known"
versions = ["numpy>=1"]
reason = "it doubles everything there is"

[[no_defect.expectation]]
id = "known-one"
route = "mini-doubles"
layer = "Dense"
when = {{ rank = [2] }}
outcome = "divergent"
blame = "doubles"
case = "{dense_case().id}"
"""


@pytest.fixture
def expected(parity: Parity) -> Parity:
    """The deviation of the miniature world is known."""
    folder = Path("golden/findings")
    folder.mkdir(parents=True)
    (folder / "doubles.toml").write_text(EXPECTATION)
    return parity


def test_an_unexpected_defect(parity: Parity) -> None:
    parity("run")
    code, out, _ = parity("defects")
    assert code == 0
    sentence, empty, first, *rest = out.splitlines()
    assert (sentence, empty) == ("1 defect, 1 result of 1 case; 1 unexpected", "")
    assert first.startswith("1. doubles: divergent (silent), 1 case, 1 result, ")
    assert f"  smallest {dense_case().id}" in rest
    assert parity("defects", "--failed")[1] == out


def test_an_expected_defect_is_not_among_those_that_failed(expected: Parity) -> None:
    expected("run")
    assert expected("defects")[1].startswith("1 defect, 1 result of 1 case; all expected\n\n1. doubles: divergent")
    assert expected("defects", "--failed")[:2] == (0, "No defects: no result deviates\n")


def test_defects_as_json(parity: Parity) -> None:
    parity("run")
    data = json.loads(parity("defects", "--json")[1])
    assert data["sentence"] == "1 defect, 1 result of 1 case; 1 unexpected"
    assert [(item["hop"], item["layers"], item["unexpected"]) for item in data["defects"]] == [
        ("doubles", ["Dense"], 1)
    ]


def test_a_cut_run_can_be_looked_at(parity: Parity) -> None:
    parity("run")
    path = Path("reports/results.ndjson")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert parity("defects")[1].startswith("1 defect")
    assert parity("calibrate")[0] == 2


@pytest.mark.parametrize(
    ("notes", "sentence"),
    [
        (
            (PluginNote("one", "hop", engine="same", base="one"), PluginNote("two", "hop", engine="same", base="two")),
            "1 d",
        ),
        ((), "2 d"),
    ],
)
def test_the_header_names_the_engine_of_a_converter(
    parity: Parity, notes: tuple[PluginNote, ...], sentence: str
) -> None:
    with Writer(Path("run.ndjson"), Header(("parity",), {}, (), plugins=notes)) as writer:
        for hop in ("one", "two"):
            stages = (Stage("keras", Outcome.EXACT), Stage("onnx", Outcome.REFUSED, hop=hop, message="no such layer"))
            writer.add(Result("c", "keras", "Dense", "main", {}, f"keras-{hop}", stages, Judgement.FAILED))
    assert parity("defects", "run.ndjson")[1].startswith(sentence)
