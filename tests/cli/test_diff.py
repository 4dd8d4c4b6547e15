"""`parity diff`: exit codes, what is refused, what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Parity
from tests.miniatures import dense_case
from tests.two_runs import ROUTE, result, write

A = "keras-Dense-a1"
GOOD = ("exact 0", "exact 0.5", "faithful 1")
LATER = "2026-01-03T00:00:00+00:00"
RECORD = ("record", "accept", "reports/results.ndjson", "--reason", "the first whole run")
ENTRY = f"""
[[accepted]]
case = "{A}"
route = "{ROUTE}"
outcome = "refused"
reason = "we mend it in 1.6"
link = "https://a.b/1"
until = 2999-01-31
"""


@pytest.fixture
def files(parity: Parity) -> Parity:
    """base.ndjson, the same later (same.ndjson), with a regression (bad.ndjson), with a fix (fixed.ndjson)."""
    refused = result(A, *GOOD[:2], "refused", message="no")
    write(Path("base.ndjson"), [result(A, *GOOD)])
    write(Path("same.ndjson"), [result(A, *GOOD)], started=LATER)
    write(Path("bad.ndjson"), [refused], started=LATER)
    write(Path("old.ndjson"), [refused])
    return parity


def test_exit_codes(files: Parity) -> None:
    assert files("diff", "base.ndjson", "same.ndjson")[0] == 0
    assert files("diff", "base.ndjson", "bad.ndjson")[0] == 1
    code, out, _ = files("diff", "old.ndjson", "same.ndjson")
    assert (code, out.splitlines()[-1]) == (0, "Nothing got worse in 1 compared result: 1 fixed.")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing.ndjson", "same.ndjson"], "there is no results file nothing.ndjson"),
        (["base.ndjson", "nothing.ndjson"], "there is no results file nothing.ndjson"),
        (["same.ndjson", "base.ndjson"], "they may be swapped"),
        (["base.ndjson", "base.ndjson"], "the same run"),
        (["base.ndjson", "same.ndjson", "--across", "torhc"], "Nearest: torch."),
        (["recorded", "same.ndjson"], "there is no record"),
        (["base.ndjson", "bad.ndjson", "--accepted", "nothing.toml"], "not a TOML file"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(files: Parity, args: list[str], message: str) -> None:
    code, out, err = files("diff", *args)
    assert (code, out) == (2, "")
    assert message in err


def test_a_cut_file_is_refused_on_either_side(files: Parity) -> None:
    path = Path("same.ndjson")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    for args in (("base.ndjson", "same.ndjson"), ("same.ndjson", "bad.ndjson")):
        code, _, err = files("diff", *args)
        assert code == 2
        assert "the run was cut" in err


def test_an_acceptance_lets_it_pass_and_needs_a_whole_id(files: Parity) -> None:
    Path("accepted.toml").write_text(ENTRY)
    assert files("diff", "base.ndjson", "bad.ndjson", "--accepted", "accepted.toml")[0] == 0
    Path("accepted.toml").write_text(ENTRY.replace("2999", "2020"))
    code, out, _ = files("diff", "base.ndjson", "bad.ndjson", "--accepted", "accepted.toml")
    assert code == 1
    assert "has expired, and it still happens" in out
    Path("accepted.toml").write_text(ENTRY.replace(A, A[:-1]))
    code, _, err = files("diff", "base.ndjson", "bad.ndjson", "--accepted", "accepted.toml")
    assert code == 2
    assert f"there is no case '{A[:-1]}'" in err


def test_every_output_is_written(files: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = files(
        "diff", "base.ndjson", "bad.ndjson", "--json", "--markdown", "d.md", "--junit", "d.xml", "--github"
    )
    assert code == 1
    assert json.loads(out)["groups"][0]["smallest"] == A
    assert err.startswith("::error title=regression")
    assert Path("d.md").read_text().startswith("## ")
    assert '<testcase name="keras-Dense-a1"' in Path("d.xml").read_text()


def test_annotations_are_on_standard_output(files: Parity) -> None:
    assert "\n::error title=regression" in files("diff", "base.ndjson", "bad.ndjson", "--github")[1]


def test_a_run_is_compared_with_the_record(parity: Parity) -> None:
    parity("run")
    parity(*RECORD)
    code, out, _ = parity("diff", "recorded", "reports/results.ndjson")
    assert (code, out.splitlines()[-1]) == (0, "Nothing got worse in 2 compared results.")
    path = Path("golden/record/keras/Dense.txt")
    path.write_text(re.sub(r"divergent \S+", "faithful 1", path.read_text()))
    code, out, _ = parity("diff", "recorded", "reports/results.ndjson")
    assert code == 1
    assert f"smallest {dense_case().id}" in out


def test_what_is_on_record_and_was_not_walked_is_lost(parity: Parity) -> None:
    parity("run")
    parity(*RECORD)
    with Path("golden/record/keras/Dense.txt").open("a") as file:
        file.write("ffff exact 0\n")
    code, out, _ = parity("diff", "recorded", "reports/results.ndjson")
    assert code == 1
    assert "keras-Dense-ffff" in out
