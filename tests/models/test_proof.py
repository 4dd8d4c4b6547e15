"""What `parity convert` writes of a model of Keras or ONNX: real converters, real Octave, and faults behind both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli.delivery import ConvertError, check_target, convert_model, form_of, refusal
from harness.installed import is_installed
from harness.matlab.octave import executable
from harness.models import proof, standalone
from harness.models.predict import PredictionError, model_file, predict
from harness.models.proof import prove
from harness.models.survival import Question, Survival, examined
from harness.optional import absence
from harness.run.session import Selection, Session
from harness.workers.protocol import Call, Failure
from tests.in_worker import keras_file

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime", "torch"))), reason="needs TensorFlow and torch"
)
needs_octave = pytest.mark.skipif(executable() is None, reason=absence("octave"))
NAMES = ("cnn_lstm", "mlp", "two_outputs", "recurrent")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(Selection(all_cases=True)) as session:
        yield session


@pytest.fixture(scope="module")
def files(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: keras_file(session.workers, name, folder / f"{name}.keras") for name in NAMES}


def question(path: Path, target: str, *ways: str) -> Question:
    return Question(path, ways=ways, form=form_of(target))


@pytest.mark.parametrize(
    ("target", "way", "needs"),
    [("onnx", "keras-tf2onnx", []), ("torch", "keras-tf2onnx-onnx2torch", ["torch", "onnx2torch"])],
)
def test_the_written_model_computes_what_the_model_does(
    target: str, way: str, needs: list[str], session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    with examined(question(files["two_outputs"], target, way), session) as survival:
        assert survival.best is not None
        proven = prove(session, survival, survival.best, target, tmp_path / "out")
    assert [path.name for path in proven.files] == ["README.md", proof.FILES[target], "proof.json"]
    facts = json.loads((tmp_path / "out" / "proof.json").read_text())
    assert (facts["way"], facts["file"], facts["needs"]) == (way, proof.FILES[target], needs)
    assert facts["inputs"] == [{"name": "image", "shape": [None, 8, 8, 3], "dtype": "float32"}]
    assert facts["outputs"] == ["classes", "score"]
    assert facts["outcome"] in ("exact", "faithful")
    assert facts["noise_units"] < 32
    assert facts["runs_on"] == ["image 2 x 8 x 8 x 3 float32", "image 3 x 8 x 8 x 3 float32"]
    assert facts["versions"]["tf2onnx"] not in ("", "not installed")
    sample = survival.truth.samples[1]
    assert sample.golden is not None
    outputs = predict(tmp_path / "out", sample.inputs, session.workers, trust=target == "torch")
    for got, wanted in zip(outputs, sample.golden.expected.values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_a_written_model_that_deviates_is_not_delivered(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    with examined(question(files["mlp"], "onnx", "keras-tf2onnx"), session) as survival:
        way = survival.best
        assert way is not None
        assert way.artifacts[-1] is not None
        answer = session.workers["onnxruntime"].request(
            Call("tests.model_files:spoil_onnx", (way.artifacts[-1], tmp_path / "spoilt.onnx"))
        )
        assert not isinstance(answer.value, Failure), answer.value
        spoilt = replace(way, artifacts=(*way.artifacts[:-1], tmp_path / "spoilt.onnx"))
        proven = prove(session, survival, spoilt, "onnx", tmp_path / "out")
    assert proven.files == ()
    assert proven.comparison.outcome == "divergent"
    assert not (tmp_path / "out").exists()


@needs_octave
@pytest.mark.parametrize("name", ["two_outputs", "recurrent"])
def test_octave_runs_the_folder_by_itself(name: str, session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    with examined(question(files[name], "mat"), session) as survival:
        assert [way.route for way in survival.ways] == ["keras-mat-octave"]
        assert survival.best is not None
        proven = prove(session, survival, survival.best, "mat", tmp_path / "it's")
    assert [path.name for path in proven.files] == ["README.md", "layers", "model.mat", "proof.json", "run_model.m"]
    assert proven.comparison.outcome.passes
    assert not (tmp_path / "it's" / "layers" / "parity_serve.m").exists()
    sample = survival.truth.samples[0]
    assert sample.golden is not None
    wanted = list(sample.golden.expected.values())
    outputs = standalone.run_program(tmp_path / "it's", list(sample.inputs.values()), len(wanted))
    for got, expected in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(PredictionError, match="MATLAB and Octave run this folder by themselves"):
        model_file(tmp_path / "it's")


@needs_octave
def test_a_wrong_layer_in_the_folder_is_seen(
    session: Session, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_faulty(folder: Path) -> None:
        standalone.add_program(folder)
        (folder / "layers" / "+layers" / "ReLULayer.m").write_text(
            "function y = ReLULayer(p, x)\n  y = tensor(abs(x.value), x.format);\nend\n"
        )

    monkeypatch.setattr(proof, "add_program", add_faulty)
    with examined(question(files["two_outputs"], "mat"), session) as survival:
        assert survival.best is not None
        proven = prove(session, survival, survival.best, "mat", tmp_path / "out")
    assert proven.comparison.outcome == "divergent"
    assert not (tmp_path / "out").exists()


def refused(session: Session, asked: Question) -> Survival:
    with examined(asked, session) as survival:
        assert survival.best is None
        return survival


@needs_octave
def test_layers_without_a_counterpart_in_matlab_are_named(session: Session, files: dict[str, Path]) -> None:
    survival = refused(session, question(files["cnn_lstm"], "mat"))
    assert refusal(survival, "mat") == (
        "No way to MATLAB computes what the model computes (1 walked); in the way: rows."
    )


def test_nothing_is_written_where_no_way_agrees(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = question(files["cnn_lstm"], "torch", "keras-tf2onnx-onnx2torch")
    assert convert_model(asked, "torch", tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()
    printed = capsys.readouterr().out
    assert "(1 walked); in the way: conv1, gelu, lstm_2. Keras itself runs on PyTorch" in printed
    assert printed.rstrip().endswith("Nothing was written.")


def test_targets_that_a_model_has_no_way_to(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.touch()
    with pytest.raises(ConvertError, match=r"it is ONNX already; expected --to torch, got --to onnx"):
        check_target(model, "onnx")
    with pytest.raises(ConvertError, match=r"nothing converts it to MATLAB"):
        check_target(model, "mat")


def test_the_model_of_a_folder(tmp_path: Path) -> None:
    assert model_file(tmp_path) == tmp_path
    (tmp_path / "model.onnx").touch()
    assert model_file(tmp_path) == tmp_path / "model.onnx"
    (tmp_path / "model.py").touch()
    assert model_file(tmp_path) == tmp_path / "model.py"
    (tmp_path / "saved_model.pb").touch()
    assert model_file(tmp_path) == tmp_path
    shutil.rmtree(tmp_path)
    assert model_file(tmp_path) == tmp_path
