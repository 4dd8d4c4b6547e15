"""Which layers of a model of Keras, ONNX, TensorFlow or torch the outputs hide, and what is said of that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED
from harness.installed import is_installed
from harness.models import counterpart
from harness.models.origin import open_model
from harness.models.perturbed import Rig, hidden
from harness.models.samples import EVERY, drawn
from harness.models.survival import _preference
from harness.models.telling import telling
from harness.models.truth import truth_of
from harness.run.session import Selection, Session
from harness.workers.pool import Workers
from tests.conftest import Command
from tests.in_worker import asked, keras_file

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime", "torch"))), reason="needs TensorFlow and torch"
)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Session(Selection(hops=(counterpart.HOPS["keras"],), all_cases=True)) as session:
        yield session.workers


@pytest.fixture(scope="module")
def files(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three models, and what tf2onnx makes of each with the filters of its first layer times a factor."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for name in ("saturated", "normalised", "loud"):
        paths[name] = keras_file(workers, name, folder / f"{name}.keras")
        for factor in (1.0, 1.01):
            asked(workers, "tests.model_files:scaled", paths[name], folder / f"{name}-{factor}.onnx", factor)
            paths[f"{name}-{factor}"] = folder / f"{name}-{factor}.onnx"
    asked(workers, "tests.model_files:write_saved", paths["saturated"], folder / "saved")
    asked(workers, "tests.model_files:write_program", folder / "program.pt2", worker="torch")
    return paths | {"saved": folder / "saved", "program": folder / "program.pt2"}


def answer(command: Command, *arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = command("check", *arguments, "--json")
    return code, json.loads(out)


@pytest.mark.parametrize(
    ("name", "other", "code", "sentence"),
    [
        ("saturated", 1.0, AGREED, "The two files are one network: the outputs agree, and inside, so do first, last."),
        (
            "normalised",
            1.0,
            AGREED,
            "The two files are one network: a change of 1 % or of single channels in the weights of any layer",
        ),
        ("saturated", 1.01, UNDECIDED, "It cannot be judged whether the two files are one network: the outputs agree"),
        ("normalised", 1.01, UNDECIDED, "It cannot be judged whether the two files are one network: the outputs agree"),
    ],
)
def test_a_pair_is_one_network_only_where_its_layers_are_seen_to_be(
    files: dict[str, Path], command: Command, name: str, other: float, code: int, sentence: str
) -> None:
    found, report = answer(command, files[name], "--against", files[f"{name}-{other}"])
    assert (found, report["same"]) == (code, None if code == UNDECIDED else True)
    assert report["sentence"].startswith(sentence)
    named = [layer["layer"] for way in report["ways"] for layer in way["layers"]]
    assert named == (["first"] if code == UNDECIDED else [])
    assert ("first" in report["sentence"]) == (code == UNDECIDED or name == "saturated")


def test_a_pair_is_judged_by_what_the_file_says_where_onnx_runtime_computes_something_else(
    files: dict[str, Path], command: Command
) -> None:
    """Its Sigmoid gives 0 where 1e-10 is right."""
    code, report = answer(command, files["loud"], "--against", files["loud-1.0"])
    (way,) = report["ways"]
    assert (code, report["same"], way["layers"]) == (AGREED, True, [])
    assert way["note"].startswith("in ONNX Runtime it deviates: ")
    code, report = answer(command, files["loud"], "--against", files["loud-1.01"])
    assert (code, report["same"]) == (DEVIATIONS, False)
    assert "first" in [layer["layer"] for layer in report["ways"][0]["layers"]]


def test_a_way_that_works_is_undecided_where_no_tensor_inside_was_compared(
    files: dict[str, Path], command: Command
) -> None:
    ways = [part for name in ("keras-tf2onnx", "keras-kerastorch") for part in ("--way", name)]
    code, report = answer(command, files["saturated"], *ways)
    assert {way["way"]: way["hidden"] for way in report["ways"]} == {
        "keras-tf2onnx": [],
        "keras-kerastorch": ["first", "last"],
    }
    assert code == UNDECIDED
    assert report["sentence"] == (
        "2 of 2 ways compute what the model computes; cannot be judged: the outputs hide first, last."
    )
    assert answer(command, files["saturated"], "--way", "keras-tf2onnx")[0] == AGREED
    assert answer(command, files["normalised"], *ways)[0] == AGREED


def test_convert_says_that_it_cannot_be_judged(files: dict[str, Path], tmp_path: Path, command: Command) -> None:
    way = ("--to", "onnx", "--way", "keras-kerastorch-kerastorchexport")
    code, out, _ = command("convert", files["saturated"], *way, "-o", tmp_path / "out")
    assert code == UNDECIDED
    assert "cannot be judged: on these inputs the outputs hide" in out
    assert (tmp_path / "out" / "model.onnx").is_file()


def test_a_way_that_can_be_judged_is_taken_before_one_with_a_smaller_error() -> None:
    def way(artifact: str, units: float, *, undecided: bool) -> Any:
        result = SimpleNamespace(stages=(SimpleNamespace(artifact=artifact),))
        return SimpleNamespace(result=result, units=units, is_undecided=undecided)

    ways = [way("onnx", 1.0, undecided=False), way("torch", 2.0, undecided=True), way("torch", 5.0, undecided=False)]
    assert min(ways, key=_preference) is ways[2]
    assert min(ways[:2], key=_preference) is ways[1], "PyTorch is what one asks for first"


@pytest.mark.parametrize(
    ("name", "unseen", "count"),
    [("saturated-1.0", 2, 2), ("saved", 2, 2), ("normalised-1.0", 0, 4), ("program", 0, 3)],
)
def test_layers_of_other_formats_are_changed_in_their_own_framework(
    workers: Workers, files: dict[str, Path], tmp_path: Path, name: str, unseen: int, count: int
) -> None:
    origin = open_model(files[name], workers, tmp_path)
    truth = truth_of(origin, drawn(origin), workers)
    found = telling(origin, truth, workers, lambda law: drawn(origin, law=law)).sensitivity
    assert found is not None
    assert (len(found.hidden), found.count, len(found.tried)) == (unseen, count, count)


@pytest.mark.parametrize(("channels", "laws"), [(False, ("main",)), (True, ("main", EVERY))])
def test_tables_are_read_whole_where_single_rows_matter(
    workers: Workers, tmp_path: Path, channels: bool, laws: tuple[str, ...]
) -> None:
    path = keras_file(workers, "of_many_words", tmp_path / "words.keras")
    origin = open_model(path, workers, tmp_path)
    truth = truth_of(origin, drawn(origin), workers)
    found = telling(origin, truth, workers, lambda law: drawn(origin, law=law), channels=channels)
    assert found.laws == laws
    assert found.sensitivity is not None
    assert (found.sensitivity.hidden, found.sensitivity.channels) == ((), channels)
    assert set(found.truth.samples[-1].inputs["words"].ravel().tolist()) == set(range(40)) or not channels


def test_rows_of_a_table_that_nobody_reads_make_no_one_network(
    workers: Workers, tmp_path: Path, command: Command
) -> None:
    """Drawn inputs read each row of the table; ten words of one's own tell nothing of the others."""
    path = keras_file(workers, "of_many_words", tmp_path / "words.keras")
    asked(workers, "tests.model_files:with_row_reversed", path, tmp_path / "other.onnx", 39)
    asked(workers, "tests.model_files:with_row_reversed", tmp_path / "other.keras", tmp_path / "same.onnx", 39)
    np.savez(tmp_path / "few.npz", words=np.arange(20, dtype=np.int32).reshape(5, 4))
    code, report = answer(command, path, "--against", tmp_path / "same.onnx")
    assert (code, report["sentence"][:33]) == (AGREED, "The two files are one network: a ")
    code, report = answer(command, path, "--against", tmp_path / "other.onnx")
    assert code == DEVIATIONS
    for other in ("same.onnx", "other.onnx"):
        code, report = answer(command, path, "--against", tmp_path / other, "--inputs", tmp_path / "few.npz")
        assert code == UNDECIDED
        assert "cannot be judged" in report["sentence"]


STATE = {"a/w": np.array([2.0]), "b/w": np.array([3.0]), "c/w": np.zeros(2)}


def plain_rig(path: Path, trust: bool) -> Rig:
    """Of a model that gives `a` times its input, and never reads `b`."""
    state = {name: value.copy() for name, value in STATE.items()}
    path.write_text("")

    def put(changed: Any) -> None:
        path.write_text(f"{path.read_text()}{sorted(changed)} ")
        state.update(changed)

    def run(sample: Any) -> list[Any]:
        assert np.array_equal(state["b/w"], STATE["b/w"]) or np.array_equal(state["a/w"], STATE["a/w"])
        return [state["a/w"] * sample["x"]]

    return Rig(run, STATE, {name: [f"{name}/w"] for name in "abc"}, put)


def test_one_layer_is_changed_at_a_time_and_put_back(tmp_path: Path) -> None:
    x = np.ones((2, 1))
    data = {"x": x}, {"y": 2 * x}, {"y": np.full((2, 1), 1e-7)}
    found = hidden(f"{__name__}:plain_rig", tmp_path / "log", data, (None, False), False)
    assert found == (("a", "b"), ("b",), 2), "c has no number to change"
    assert (tmp_path / "log").read_text() == "['a/w'] " * 4 + "['b/w'] " * 2


def test_a_law_that_shows_a_layer_adds_its_inputs(workers: Workers, tmp_path: Path) -> None:
    path = keras_file(workers, "loud", tmp_path / "loud.keras")
    origin = open_model(path, workers, tmp_path)
    truth = truth_of(origin, drawn(origin), workers)
    found = telling(origin, truth, workers, lambda law: drawn(origin, law=law))
    assert found.laws == ("a tenth as large",)
    given = telling(origin, truth, workers, None)
    assert given.truth is not found.truth
    assert given.sensitivity is not None
    assert given.sensitivity.hidden == ("first", "last")
    assert any("hides errors" in note for note in given.notes)
