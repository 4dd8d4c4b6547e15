"""`parity run`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

import harness.run.session
from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.corpus.store import Store
from harness.judge.record import Cell, Record
from harness.results.file import Results
from tests.cli.conftest import Parity
from tests.miniatures import Copies, MatlabFormat, dense_case, plugin, registry


def test_run_that_agrees_and_run_that_deviates(parity: Parity) -> None:
    code, out, _ = parity("run", "--route", "mini-copies")
    assert code == AGREED
    assert "Nothing that matters is wrong" in out
    code, out, _ = parity("run")
    assert code == DEVIATIONS
    assert "FAILED keras-Dense-" in out
    assert len(Results.load(Path("reports/results.ndjson")).results) == 2


def test_options_and_command_are_in_the_header(parity: Parity) -> None:
    parity("run", "--route", "mini-copies", "--limit", "30", "--results", "mine.ndjson")
    header = Results.load(Path("mine.ndjson")).header
    assert header.command == ("parity", "run", "--route", "mini-copies", "--limit", "30", "--results", "mine.ndjson")
    assert header.options == {"route": ["mini-copies"], "limit": 30.0}
    assert header.floor == 1


def test_route_and_layer_may_be_repeated(parity: Parity) -> None:
    parity("run", "--route", "mini-doubles", "--route", "*-copies", "--layer", "Den*", "--layer", "*se")
    assert set(Results.load(Path("reports/results.ndjson")).routes) == {"mini-doubles", "mini-copies"}
    code, _, err = parity("run", "--layer", "Dense", "--layer", "dense")
    assert (code, "no golden layer fits 'dense'. Nearest: Dense." in err) == (USAGE, True)


def test_a_converter_that_was_named_and_would_not_run_is_an_error(parity: Parity) -> None:
    code, _, err = parity("run", "--hop", "tests.miniatures:Uninstalled")
    assert (code, "the converter 'uninstalled' cannot run here: not installed: numpy>=99" in err) == (USAGE, True)
    code, _, err = parity("run", "--hop", "tests.miniatures:Refuses", "--route", "mini-doubles")
    assert code == USAGE
    assert "no selected route goes through the converter 'refuses'. Nearest: mini-refuses." in err
    assert not Path("reports").exists()


def test_a_converter_on_no_case_of_the_selected_layers_is_an_error(
    parity: Parity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its format begins a route of another dialect, of which there is no golden."""
    known = registry(Copies)
    both = replace(known, formats=(*known.formats, plugin(MatlabFormat, "formats")))
    monkeypatch.setattr(harness.run.session, "installed", lambda: both)
    code, _, err = parity("run", "--hop", "tests.miniatures:OfMatlab")
    assert (code, "no selected case is converted by 'ofmatlab'. Select cases of the dialect 'matlab'" in err) == (
        USAGE,
        True,
    )


def test_run_tells_what_differs_from_the_record_and_what_is_lost(parity: Parity) -> None:
    case = dense_case().id
    cells = {
        (case, "mini-copies"): "refused",
        (case, "mini-doubles"): "exact 0",
        ("keras-Dense-ffff", "mini-copies"): "exact 0",
    }
    Record({key: (Cell.parse(text),) for key, text in cells.items()}).save(Path("golden/record"))
    code, out, _ = parity("run", "--route", "mini-copies")
    assert code == DEVIATIONS  # a case on record is lost
    assert "beside the record: 1 fixed, 1 lost\n" in out
    assert f"fixed: {case} at copies: refused -> exact 0.16 (mini-copies)\n" in out
    assert "lost: keras-Dense-ffff on mini-copies\n" in out
    code, out, _ = parity("run", "--route", "mini-doubles")
    assert code == DEVIATIONS
    assert f"regression: {case} at doubles: exact 0 -> divergent " in out


@pytest.fixture
def three(tmp_path: Path, parity: Parity) -> Parity:
    """The world with three goldens, walked by one converter, and written before this second."""
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case(), dense_case(1), dense_case(2)], seed=0)
    time.sleep(1.1)  # a results file tells the second in which its run began
    assert parity("run", "--route", "mini-copies")[0] == AGREED
    return parity


def told(results: Results) -> set[tuple[str, str, str]]:
    return {(*each.key, each.outcome.value) for each in results.results}


def test_a_budget_cuts_a_run_and_the_command_it_prints_goes_on(three: Parity) -> None:
    path = Path("reports/results.ndjson")
    whole = Results.load(path)
    code, out, _ = three("run", "--route", "mini-copies", "--budget", "0.001s")
    assert code == AGREED
    command = "parity run --route mini-copies --budget 0.001s --resume"
    assert f"the budget is spent: 0 of 3; go on with `{command}`; reports/results.html shows what came" in out
    assert Path("reports/results.html").exists()
    assert Results.load(path, cut_ok=True).cut
    assert three(*command.split()[1:], "--budget", "5m")[0] == AGREED
    assert told(Results.load(path)) == told(whole)


def test_a_cut_run_goes_on_behind_its_last_whole_line(three: Parity) -> None:
    path = Path("reports/results.ndjson")
    whole, lines = Results.load(path), path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-3][:40])
    assert three("run", "--route", "mini-copies", "--resume")[0] == AGREED
    assert path.read_text().startswith("".join(lines[:-3]))
    assert told(Results.load(path)) == told(whole)
    code, _, err = three("run", "--route", "mini-copies", "--resume")
    assert (code, "the run has its end: there is nothing to go on with" in err) == (USAGE, True)


def test_it_goes_on_with_the_same_run_only(three: Parity) -> None:
    path = Path("reports/results.ndjson")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    code, _, err = three("run", "--resume")
    assert code == USAGE
    assert "the cut run was another: different are route" in err
    assert "expected the run `parity run --route mini-copies`" in err
    code, _, err = three("run", "--budget", "5 parsecs")
    assert (code, "expected seconds, minutes or hours: 90s, 5m, 1h" in err) == (USAGE, True)
