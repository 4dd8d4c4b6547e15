"""`parity matrix`: what is printed and written, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Parity
from tests.legs import GOOD, REFUSED, A, B, C
from tests.two_runs import result, write

LATER = "2026-01-09T00:00:00+00:00"
BAD = result(A, *REFUSED, message="no")


@pytest.fixture
def files(parity: Parity) -> Parity:
    """old.ndjson (1.5.9, Dense is refused), new.ndjson (1.5.10, all good)."""
    write(Path("old.ndjson"), [BAD, result(C, *GOOD)], versions={"onnx2torch": "1.5.9"})
    write(Path("new.ndjson"), [result(A, *GOOD), result(C, *GOOD)], versions={"onnx2torch": "1.5.10"})
    return parity


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_what_is_printed(files: Parity) -> None:
    code, out, err = files("matrix", "new.ndjson", "old.ndjson")
    assert (code, err) == (0, "")
    text = lines(out)
    assert text[:3] == [
        "leg onnx2torch started results",
        "old 1.5.9 2026-01-02 00:00 2",
        "new 1.5.10 2026-01-02 00:00 2",
    ]
    assert "keras-tf2onnx-onnx2torch: onnx2torch 1.5.9, 1.5.10" in text
    assert "Dense refused 1/1 faithful 1 onnx2torch: works since 1.5.10; 1 case fixed in 1.5.10" in text
    assert "1 of 2 layers change; 1 work wherever they were run" in text
    assert text[-1] == "2 legs: 1 layer and 1 defect of 1 change with onnx2torch."


def test_a_chain_on_which_nothing_changes_has_one_line(files: Parity) -> None:
    write(Path("torch.ndjson"), [result(A, *GOOD), result(C, *GOOD)], versions={"torch": "2.14.0"})
    write(Path("now.ndjson"), [result(A, *GOOD), result(C, *GOOD)])
    text = lines(files("matrix", "torch.ndjson", "now.ndjson")[1])
    assert text[-2:] == [
        "nothing changes on 3 chains: keras, keras-tf2onnx, keras-tf2onnx-onnx2torch",
        "2 legs: 0 layers and 0 defects of 0 change with torch.",
    ]


def test_legs_can_be_named(files: Parity) -> None:
    assert lines(files("matrix", "before=old.ndjson", "now=new.ndjson")[1])[1].startswith("before 1.5.9")


def test_the_layers_that_are_asked_for_have_a_pin(files: Parity) -> None:
    _, out, _ = files("matrix", "old.ndjson", "new.ndjson", "--layer", "Den*")
    assert "What should I pin? For 1 layer: Dense" in out
    assert "keras-tf2onnx-onnx2torch: new is the newest that is all good (onnx2torch 1.5.10)" in out
    assert "Conv2D" not in out


def test_the_layers_of_a_model_have_a_pin(files: Parity) -> None:
    write(Path("newest.ndjson"), [result(A, *GOOD)], versions={"onnx2torch": "1.5.11"})
    layers = [{"module": "keras.layers", "class_name": name, "config": {}} for name in ("Conv2D", "Dense")]
    own = {"module": "mine", "class_name": "Gate", "config": {}, "build_config": {}}
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": {"layers": [*layers, own]}}))
    code, out, _ = files("matrix", "old.ndjson", "new.ndjson", "newest.ndjson", "--for", "model.keras")
    assert code == 0
    assert "What should I pin? For the 2 layers of model.keras: Conv2D, Dense" in out
    assert "not layers of Keras, of which nothing is known here: Gate" in out
    assert "new is the newest that is all good (onnx2torch 1.5.10)" in out


def test_what_is_new_since_earlier_legs(files: Parity) -> None:
    Path("week").mkdir()
    worse = [result(A, *GOOD), result(C, *REFUSED, message="no")]
    write(Path("week/new.ndjson"), worse, versions={"onnx2torch": "1.5.11"}, started=LATER)
    args = ("matrix", "old.ndjson", "week/new.ndjson", "--since", "new.ndjson", "--markdown", "m.md")
    code, out, _ = files(*args)
    sentence = (
        "New since 2026-01-02: 1 defect in 1 result, first in leg new: "
        "regression: onnx2torch refused (loud), 1 case, 1 result. New legs: old."
    )
    assert (code, lines(out)[-2]) == (0, sentence)
    assert f"new: regression: onnx2torch refused (loud), 1 case, 1 result; smallest {C}" in lines(out)
    assert "New since 2026-01-02: 1 defect in 1 result" in Path("m.md").read_text()


def test_every_file_is_written(files: Parity) -> None:
    code, *_ = files("matrix", "old.ndjson", "new.ndjson", "-o", "m.html", "--json", "m.json", "--markdown", "out/m.md")
    assert code == 0
    assert Path("m.html").read_text().startswith("<!doctype html>")
    assert Path("out/m.md").read_text().startswith("## 2 legs: 1 layer")
    content = json.loads(Path("m.json").read_text())
    (chain,) = content["chains"]
    dense = next(each for each in chain["layers"] if each["layer"] == "Dense")
    assert dense["along"][0]["turns"] == [{"version": "1.5.10", "state": "good", "before": "1.5.9", "unknown": []}]
    assert dense["along"][0]["cases"][0]["case"] == A
    assert dense["legs"]["old"] == {"state": "bad", "worst": "refused", "good": 0, "bad": 1, "behind_a_failure": 0}


def test_what_cannot_be_compared_is_told_with_what_to_do(files: Parity) -> None:
    versions = {"onnx2torch": "1.5.11", "parity-suite": "0.2.0"}
    write(Path("newest.ndjson"), [result(A, *GOOD)], versions=versions)
    _, out, _ = files("matrix", "old.ndjson", "newest.ndjson")
    text = lines(out)
    assert (
        "1 pair of legs not comparable with each other, such as old and newest, which differ in onnx2torch and "
        "parity-suite" in text
    )
    assert "newest is not comparable with any other leg; it differs least from old: onnx2torch and parity-suite" in text
    advice = "--across parity-suite makes this difference not count"
    assert f"all pairs that are not comparable differ in parity-suite; {advice}" in text
    _, out, _ = files("matrix", "old.ndjson", "newest.ndjson", "--across", "parity-suite")
    assert "onnx2torch: works since 1.5.11" in out
    assert "differences that do not count: parity-suite" in lines(out)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["old.ndjson"], "there is one leg only: old"),
        ([], "Missing argument 'RESULTS...'"),
        (["old.ndjson", "old.ndjson"], "2 legs have the name 'old'"),
        (["a=old.ndjson", "a=new.ndjson"], "2 legs have the name 'a'"),
        (["old.ndjson", "nothing.ndjson"], "there is no results file nothing.ndjson"),
        (["old.ndjson", "a=nothing.ndjson"], "there is no results file nothing.ndjson"),
        (["old.ndjson", "cut.ndjson"], "the run was cut"),
        (["old.ndjson", "text.ndjson"], "text.ndjson, line 1: not JSON"),
        (["old.ndjson", "other.ndjson"], "the leg is of another corpus"),
        (["old.ndjson", "changed.ndjson"], "has another dialect, layer or configuration than in leg old"),
        (["old.ndjson", "new.ndjson", "--layer", "dense"], "Nearest: Dense."),
        (["old.ndjson", "new.ndjson", "--route", "x*"], "no leg has a result for 'x*'"),
        (["old.ndjson", "new.ndjson", "--across", "torhc"], "no leg knows 'torhc'"),
        (["old.ndjson", "new.ndjson", "--for", "text.ndjson"], "it is no .keras file"),
        (["old.ndjson", "new.ndjson", "--for", "x.keras", "--layer", "A"], "give one of them"),
        (["old.ndjson", "new.ndjson", "--since", "z=old.ndjson"], "no leg has the name of an earlier one"),
        (["old.ndjson", "new.ndjson", "--since", "nothing.ndjson"], "there is no results file nothing.ndjson"),
    ],
)
def test_wrong_use_is_a_usage_error(files: Parity, args: list[str], message: str) -> None:
    cut = Path("new.ndjson").read_text().splitlines(keepends=True)[:-1]
    Path("cut.ndjson").write_text("".join(cut))
    Path("text.ndjson").write_text("no results\n")
    write(Path("other.ndjson"), [result(B, *GOOD)])
    write(Path("changed.ndjson"), [result(A, *GOOD, config={"units": 3})])
    code, out, err = files("matrix", *args, "--json", "m.json")
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("m.json").exists()
