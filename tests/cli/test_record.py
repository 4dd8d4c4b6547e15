"""`parity record accept` and `parity record show`."""

from __future__ import annotations

import json
from pathlib import Path

from harness.cli.main import AGREED, USAGE
from harness.judge.record import Record, acceptances, load
from harness.results.file import Results
from tests.cli.conftest import Parity
from tests.miniatures import dense_case

RESULTS = Path("reports/results.ndjson")
FOLDER = Path("golden/record")
CASE = dense_case().id


def test_a_run_is_accepted_and_the_next_one_is_the_same(parity: Parity) -> None:
    assert parity("run", "--route", "mini-*")[0] == 1  # `doubles` deviates, and nothing says so
    code, out, _ = parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    assert (code, out) == (AGREED, f"3 new: accepted into {Path.cwd() / FOLDER}\n")
    assert set(load(FOLDER).cells) == {(CASE, "mini"), (CASE, "mini-copies"), (CASE, "mini-doubles")}
    assert [each.reason for each in acceptances(FOLDER)] == ["the first whole run"]
    assert parity("run", "--route", "mini-*")[0] == AGREED
    assert Results.load(RESULTS).answers == {"same": 2}
    assert (
        parity("record", "accept", str(RESULTS), "--reason", "and once more")[1] == "nothing differs from the record\n"
    )


def test_what_deviates_since_is_listed_and_kept_with_its_reason(parity: Parity) -> None:
    parity("run")
    parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    path = FOLDER / "keras" / "Dense.txt"
    path.write_text(path.read_text().replace("divergent", "refused"))
    assert parity("run")[0] == 1
    _, out, _ = parity("record", "accept", str(RESULTS), "--reason", "it doubles since 2.0")
    assert out.startswith(f"{CASE} mini-doubles: refused ")
    assert out.splitlines()[-1].startswith("1 changed: accepted into")
    (line,) = acceptances(FOLDER)[1].stages
    assert line == out.splitlines()[0]


def test_what_is_lost_is_taken_off_by_an_acceptance(parity: Parity) -> None:
    parity("run", "--route", "mini-copies")
    parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    with (FOLDER / "keras" / "Dense.txt").open("a") as file:
        file.write("ffff exact 0\n")
    parity("run", "--route", "mini-copies")
    _, out, _ = parity("record", "accept", str(RESULTS), "--reason", "the case is gone")
    assert out.splitlines()[0] == "keras-Dense-ffff mini-copies: exact 0 -> nothing"
    assert ("keras-Dense-ffff", "mini-copies") not in load(FOLDER).cells


def test_a_random_outcome_is_kept_beside_the_other(parity: Parity) -> None:
    parity("run", "--route", "mini-copies")
    parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    path = FOLDER / "keras" / "Dense.txt"
    path.write_text(path.read_text().replace("exact 0.16", "invalid"))
    parity("run", "--route", "mini-copies")
    parity("record", "accept", str(RESULTS), "--random", "--reason", "it depends on the weather")
    assert "invalid | exact 0.16" in path.read_text()


def test_an_acceptance_needs_a_reason_and_a_whole_run_of_the_same_versions(parity: Parity) -> None:
    parity("run", "--route", "mini-copies")
    code, _, err = parity("record", "accept", str(RESULTS), "--reason", "so")
    assert code == USAGE
    assert "an acceptance needs a reason" in err
    assert not FOLDER.exists()
    parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    record = load(FOLDER)
    Record(record.cells, {**record.versions, "numpy": "0.1"}).save(FOLDER)
    code, _, err = parity("record", "accept", str(RESULTS), "--reason", "the second whole run")
    assert code == USAGE
    assert "the run had other versions than the record" in err
    RESULTS.write_text("".join(RESULTS.read_text().splitlines(keepends=True)[:-1]))
    code, _, err = parity("record", "accept", str(RESULTS), "--reason", "a run that was cut")
    assert code == USAGE
    assert "the run was cut" in err


def test_the_record_is_shown_by_case_and_by_stage(parity: Parity) -> None:
    parity("run")
    parity("record", "accept", str(RESULTS), "--reason", "the first whole run")
    _, out, _ = parity("record", "show", CASE, "--json")
    cells = {row["stage"]: row["outcome"] for row in json.loads(out)}
    assert cells["mini-doubles"] == "divergent"
    assert set(cells) == {"mini", "mini-copies", "mini-doubles"}
    _, out, _ = parity("record", "show", "--json")
    assert json.loads(out)[2] == {"stage": "mini-doubles", "cases": 1, "outcomes": "1 divergent"}


def test_a_case_that_is_not_on_record(parity: Parity) -> None:
    code, _, err = parity("record", "show", CASE)
    assert code == USAGE
    assert "the case is not on record" in err
