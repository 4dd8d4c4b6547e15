"""The results file: what is written comes back, and what cannot be trusted is refused by name."""

import json
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from harness.outcomes import Metrics, Outcome
from harness.results.events import (
    CutRun,
    EmptyResults,
    ExpectationNote,
    ForeignResults,
    Header,
    InconsistentResults,
    Judgement,
    PluginNote,
    Result,
    ResultsError,
    RouteStatus,
    Stage,
    check_line,
    plain,
    published_schema,
)
from harness.results.file import Results, Writer

HEADER = Header(
    command=("parity", "run", "--route", "keras-*"),
    versions={"python": "3.12.1", "platform": "Linux", "harness": "0.1.0"},
    routes=(RouteStatus("keras-a"), RouteStatus("keras-a-b"), RouteStatus("keras-c", False, "c is not installed")),
    options={"explore": 0, "timeout": 60.0},
    floor=2,
    started="2026-01-02T03:04:05+00:00",
    plugins=(PluginNote("a13", "hop", engine="b", base="a", opset=13, distribution="a-of-somebody"),),
)


def stage(outcome: Outcome = Outcome.FAITHFUL, **changes) -> Stage:
    metrics = Metrics(**{"units": 3.5, **{name: changes.pop(name) for name in Metrics.names() if name in changes}})
    fields = {"hop": "a", "runtime": "onnxruntime", "metrics": metrics, **changes}
    return Stage(artifact="onnx", outcome=outcome, **fields)


def result(case: str = "keras-Dense-1", *, route: str = "keras-a", stages=None, **changes) -> Result:
    stages = stages or (Stage("keras", Outcome.EXACT, runtime="keras", metrics=Metrics(units=0.0)), stage())
    worst = max((one.outcome for one in stages), key=lambda outcome: outcome.severity)
    fields = {
        "dialect": "keras",
        "layer": "Dense",
        "profile": "gate",
        "config": {"units": 3, "activation": "relu", "shape": [2, None]},
        "judgement": Judgement.PASSED if worst.passes else Judgement.FAILED,
        "replay": f"parity replay {case}",
    }
    return Result(case=case, route=route, stages=tuple(stages), **{**fields, **changes})


FULL = result(
    "keras-GRU-2",
    layer="GRU",
    stages=[
        stage(
            Outcome.DIVERGENT,
            units=math.inf,
            componentwise=math.nan,
            sqnr_db=-math.inf,
            cosine=0.5,
            seconds=1.25,
            message='<script>alert("x")</script> ünï',
            where="gru[0, 1]",
            picture=("01z", "9ab"),
            log="Traceback\n  line",
        )
    ],
    judgement=Judgement.EXPECTED,
    expectation=ExpectationNote("gru-reset", Outcome.DIVERGENT, "gates in another order", "https://example.org/1"),
    message="as expected",
    task={"top1_agreement": 0.98, "logits_max_abs": math.inf, "confusion": [[3, 0], [1, 2]]},
)


def write(path: Path, *results: Result, header: Header = HEADER) -> Path:
    with Writer(path, header) as writer:
        for item in results:
            writer.add(item)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "results.ndjson"


def edit(path: Path, number: int, **changes) -> Path:
    lines = path.read_text().splitlines()
    lines[number] = json.dumps({**json.loads(lines[number]), **changes})
    path.write_text("\n".join(lines) + "\n")
    return path


def same(one, other) -> bool:
    """Equality in which NaN equals NaN."""
    return repr(one) == repr(other)


def test_what_is_written_comes_back(path):
    loaded = Results.load(write(path, result(), FULL))
    assert loaded.header == HEADER
    assert loaded.results[0] == result()
    assert same(loaded.results[1], FULL)
    assert loaded.footer.results == 2
    assert not loaded.cut


def test_every_line_is_strict_json_and_fits_the_published_schema(path):
    schema = published_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    write(path, result(), FULL)
    for line in path.read_text().splitlines():
        data = json.loads(line, parse_constant=pytest.fail)
        assert validator.is_valid(data)
        assert check_line(data) == ""


def test_the_contracts_names_are_in_the_file(path):
    line = json.loads(write(path, FULL).read_text().splitlines()[1])
    assert {"case", "dialect", "layer", "config", "route", "stages", "blame", "outcome", "expectation"} <= set(line)
    names = {"artifact", "hop", "runtime", "outcome", "units", "max_abs", "max_rel", "max_ulp", "rmse", "cosine"}
    assert names | {"sqnr_db", "seconds"} <= set(line["stages"][0])


@pytest.mark.parametrize(("value", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")])
def test_numbers_json_cannot_hold_are_words(value, text):
    data = stage(units=value).to_json()
    assert data["units"] == text
    assert same(Stage.from_json(data).metrics.units, value)


def test_plain_takes_what_frameworks_hand_out():
    values = {"a": (1, np.float32(0.5)), "b": np.int64(3), "c": np.array([1.0, np.inf]), 4: Outcome.HANG}
    assert plain(values) == {"a": [1, 0.5], "b": 3, "c": [1.0, "inf"], "4": "hang"}
    with pytest.raises(TypeError, match="expected JSON data, got object"):
        plain(object())


def test_a_result_has_a_stage():
    with pytest.raises(ValueError, match="no stage"):
        replace(result(), stages=())


def test_units_of_a_result_are_the_largest_and_nan_is_infinite():
    assert result().units == 3.5
    assert result(stages=[stage(units=None)]).units is None
    assert result(stages=[stage(units=math.nan), stage(units=2.0)]).units == math.inf


def test_an_exception_leaves_a_cut_run(path):
    with suppress(KeyboardInterrupt), Writer(path, HEADER) as writer:
        writer.add(result())
        raise KeyboardInterrupt
    with pytest.raises(CutRun, match="cut after 1 results"):
        Results.load(path)
    loaded = Results.load(path, cut_ok=True)
    assert loaded.cut
    assert not loaded.passed
    assert "cut" in loaded.sentence


def test_a_torn_last_line_is_a_cut_run(path):
    text = write(path, result(), FULL).read_text()
    path.write_text(text[: text.rindex('"event":"footer"') - 40])
    with pytest.raises(CutRun, match="torn line"):
        Results.load(path)
    assert len(Results.load(path, cut_ok=True).results) == 1


def test_lines_are_there_before_the_run_ends(path):
    writer = Writer(path, HEADER).open()
    writer.add(result())
    assert len(Results.load(path, cut_ok=True).results) == 1
    writer.close()
    assert not Results.load(path).cut


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file(path, text):
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(EmptyResults, match="expected a header"):
        Results.load(path, cut_ok=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"PK\x03\x04\xff\xfe", "UTF-8"),
        (b"<html>\n", "line 1: .*expected one line of strict JSON"),
        (b"[1]\n", "line 1: .*expected a JSON object"),
        (b'{"event":"result"}\n', "line 1: .*expected the header"),
        (b'{"event":"header","schema":3', "line 1: .*expected a whole header"),
        (b'{"event":"header","schema":3}\n', "line 1.*required property"),
        (b'{"event":"header","schema":NaN}\n', "NaN is not JSON"),
    ],
)
def test_files_of_others(path, text, message):
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(ForeignResults, match=message):
        Results.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"judgement": "fine"}, r"line 2: \$\.judgement: 'fine' is not one of"),
        ({"stages": []}, r"line 2: \$\.stages"),
        ({"event": "note"}, "line 2: expected event"),
        ({"extra": 1}, "line 2.*'extra' was unexpected"),
    ],
)
def test_lines_that_break_the_schema(path, changes, message):
    with pytest.raises(ForeignResults, match=message):
        Results.load(edit(write(path, result(), FULL), 1, **changes))


def test_a_word_that_is_no_number_breaks_the_schema():
    line = FULL.to_json()
    line["stages"][0]["units"] = "many"
    assert "$.stages[0].units" in check_line(line)


def test_two_files_in_one(path):
    text = write(path, result(), FULL).read_text()
    path.write_text(text + text)
    with pytest.raises(ForeignResults, match=r"line 5: .*second header"):
        Results.load(path)
    path.write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(ForeignResults, match=r"line 5: .*expected nothing after the footer"):
        Results.load(path)
    path.write_text(text + "tail")
    with pytest.raises(ForeignResults, match=r"line 5: .*expected nothing after the footer"):
        Results.load(path)


def test_an_unknown_schema_number(path):
    with pytest.raises(InconsistentResults, match="expected schema 3, got 4"):
        Results.load(edit(write(path, result(), FULL), 0, schema=4))


def test_a_pair_written_twice(path):
    with Writer(path, HEADER) as writer:
        writer.add(result())
        with pytest.raises(InconsistentResults, match="written twice"):
            writer.add(result())
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1], lines[1], lines[2]]) + "\n")
    with pytest.raises(InconsistentResults, match=r"line 3: .* already on line 2"):
        Results.load(path)


def test_a_footer_that_counts_otherwise(path):
    with pytest.raises(InconsistentResults, match="footer states 5 results"):
        Results.load(edit(write(path, result(), FULL), -1, results=5))
    with pytest.raises(InconsistentResults, match="footer states"):
        Results.load(edit(write(path, result(), FULL), -1, outcomes={"exact": 2}))


def test_an_outcome_that_its_stages_do_not_have(path):
    with pytest.raises(InconsistentResults, match=r"line 2: .*has outcome exact, its stages say faithful"):
        Results.load(edit(write(path, result(), FULL), 1, outcome="exact"))


def test_a_case_that_changes_between_routes(path):
    write(path, result(), result(route="keras-a-b", config={"units": 4}))
    with pytest.raises(InconsistentResults, match=r"line 3: .*another dialect, layer or configuration than on line 2"):
        Results.load(path)


def test_all_errors_are_one_kind():
    for kind in (EmptyResults, CutRun, ForeignResults, InconsistentResults):
        assert issubclass(kind, ResultsError)
    assert issubclass(ResultsError, ValueError)


def test_a_writer_must_be_open_and_refuses_what_the_schema_forbids(path):
    with pytest.raises(ResultsError, match="not open"):
        Writer(path, HEADER).add(result())
    with Writer(path, HEADER) as writer, pytest.raises(ForeignResults, match=r"\$\.layer"):
        writer.add(result(layer=None))
    assert Results.load(path).results == ()


def test_questions(path):
    bad = result(route="keras-a-b", stages=[stage(Outcome.CRASH, units=None)])
    loaded = Results.load(write(path, bad, result(), FULL))
    assert loaded.outcomes == {"faithful": 1, "divergent": 1, "crash": 1}
    assert loaded.judgements == {"passed": 1, "expected": 1, "failed": 1}
    assert list(loaded.routes) == ["keras-a", "keras-a-b"]
    assert list(loaded.layers) == [("keras", "Dense"), ("keras", "GRU")]
    cell = loaded.matrix["keras", "Dense"]["keras-a-b"]
    assert (cell.worst, cell.outcomes, cell.judgements, cell.units) == (
        Outcome.CRASH,
        {"crash": 1},
        {"failed": 1},
        None,
    )
    assert loaded.routes["keras-a"].units == math.inf
    assert loaded.failures == (bad,)
    assert len(loaded.expected) == 1
    assert (loaded.passed, loaded.exit_code) == (False, 1)
    assert loaded.sentence == "1 of 3 results of 2 cases along 2 routes failed. 1 more deviates as expected."


def test_an_expected_deviation_passes(path):
    loaded = Results.load(write(path, result(), FULL))
    assert (loaded.passed, loaded.exit_code) == (True, 0)
    assert loaded.sentence.startswith("Nothing unexpected: 1 of 2 results")


@pytest.mark.parametrize("floor", [0, 1, 3])
def test_nothing_is_green_on_nothing(path, floor):
    loaded = Results.load(write(path, header=replace(HEADER, floor=floor)))
    assert loaded.below_floor
    assert (loaded.passed, loaded.exit_code) == (False, 1)
    assert "too little" in loaded.sentence


def test_unavailable_routes_keep_their_reason(path):
    loaded = Results.load(write(path, result(), FULL))
    assert [(route.name, route.reason) for route in loaded.header.unavailable] == [("keras-c", "c is not installed")]


def test_a_large_file(path):
    routes = [f"r{place}" for place in range(5)]
    write(path, *(result(f"case-{number}", route=route) for number in range(300) for route in routes))
    assert path.stat().st_size > 2**20  # more than any buffer
    loaded = Results.load(path)
    assert len(loaded.results) == 1500
    assert loaded.passed
