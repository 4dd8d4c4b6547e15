"""What is said of small models on which the answer was once wrong or empty: layer, way, known defect, inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.adapters.keras_model import IMPORTS
from harness.cli.model import begins
from harness.installed import is_installed
from harness.models.guard import ModelError, RandomModelError
from harness.models.origin import open_model
from harness.models.samples import EVERY, drawn
from harness.models.survival import Question, Survival, examined
from harness.models.ways import PROGRAM
from harness.outcomes import Outcome
from harness.run.session import Selection, Session
from tests.in_worker import asked, keras_file
from tests.model_files import SHAKY

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime", "onnx2torch", "onnx2pytorch"))),
    reason="needs TensorFlow and the converters",
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(Selection(hops=(PROGRAM,), all_cases=True)) as session:
        yield session


def survival_of(session: Session, folder: Path, name: str, *ways: str) -> Survival:
    path = keras_file(session.workers, name, folder / f"{name}.keras")
    with examined(Question(path, ways=ways), session) as survival:
        return survival


def test_a_layer_that_ends_without_a_name_is_not_accused(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "resized", "keras-tf2onnx")
    assert survival.sentence == "0 of 1 ways compute what the model computes; `last` breaks it."


def test_what_is_right_behind_a_broken_file_is_offered(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "gelu", "keras-tf2onnx", "keras-tf2onnx-onnx2*")
    assert survival.sentence == (
        "0 of 3 ways compute what the model computes, 1 more in spite of a file on the way that does not; "
        "`last` breaks them."
    )
    (way,) = survival.arriving
    assert (way.route, way.result.outcome, way.works) == ("keras-tf2onnx-onnx2pytorch", Outcome.INVALID, False)
    assert way.units is not None
    assert way.units < 16
    assert survival.best is way
    assert survival.best_by_format == (way,)


def test_a_sequential_is_a_known_defect_and_no_layer_behind_it_is_blamed_first(
    session: Session, tmp_path: Path
) -> None:
    survival = survival_of(session, tmp_path, "sequential", "keras-tf2onnx", "keras-tf2onnx-onnx2torch")
    alone, behind = survival.ways
    assert [(way.blame, way.first, way.known_as) for way in survival.ways] == [
        ("tf2onnx", None, "tf2onnx-sequential")
    ] * 2
    assert "keras.Model(m.inputs, m.outputs)" in alone.known
    assert alone.note == "each layer works alone: what breaks is the model as a whole"
    assert [culprit.layer for culprit in behind.culprits] == ["lstm"]
    refused = replace(behind.culprits[0], by="tf2onnx")
    assert replace(alone, culprits=(refused,)).first is refused
    converted = replace(refused, outcome=Outcome.DIVERGENT)
    assert replace(alone, culprits=(converted,)).first is None, "tf2onnx converts it alone, and refuses the whole"
    assert survival.sentence.endswith(
        "`lstm` breaks them; no layer alone breaks keras-tf2onnx, keras-tf2onnx-onnx2torch."
    )


def test_of_what_is_refused_in_the_whole_only_the_node_names_the_layer(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "pooled", "keras-tf2onnx-onnx2torch")
    (way,) = survival.ways
    assert [(culprit.layer, culprit.kind, culprit.by) for culprit in way.culprits] == [
        ("pool", "GlobalMaxPooling1D", "onnx2torch")
    ]
    assert way.note == ""


def test_rounding_of_half_precision_is_no_fault_of_a_layer(session: Session, tmp_path: Path) -> None:
    """The layers are traced, because a change of 1 % does not show at the outputs, and tried alone."""
    survival = survival_of(session, tmp_path, "halves", "keras-tf2onnx-onnx2torch", "keras-program")
    right, refused = survival.ways
    assert (right.works, right.culprits, right.is_undecided) == (True, (), True)
    assert (refused.culprits, refused.untried) == ((), ("conv", "mean", "inner"))
    assert survival.sentence.endswith(
        "not tried: conv, mean, inner; cannot be judged: the outputs hide conv, inner, last."
    )


def test_whole_numbers_fit_the_tables_behind_layers_that_move_them(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "of_words", "keras-tf2onnx")
    inputs = survival.truth.samples[0].inputs
    words, kinds, years = (set(np.unique(inputs[name]).tolist()) for name in ("words", "kinds", "years"))
    assert words <= set(range(7))
    assert max(words) > 1
    assert kinds <= set(range(5))
    assert years <= {1990, 2000, 2001}


def test_whole_numbers_fit_the_tables_of_an_onnx_file(session: Session, tmp_path: Path) -> None:
    asked(session.workers, "tests.model_files:write_table", tmp_path / "table.onnx", worker="onnxruntime")
    origin = open_model(tmp_path / "table.onnx", session.workers, tmp_path)
    assert origin.counts == {"words": 7}
    drawn_words = np.concatenate([drawn(origin, seed=seed)[0]["words"].ravel() for seed in range(9)])
    assert set(drawn_words.tolist()) == set(range(7))
    assert set(drawn(origin, law=EVERY)[0]["words"].ravel().tolist()) == set(range(7))


def test_a_slice_between_layers_is_read_and_computed(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "sliced", "keras-tf2onnx")
    assert survival.truth.is_documented
    assert survival.sentence == "1 of 1 ways computes what the model computes."


def test_inputs_in_a_dictionary_break_the_model_as_a_whole(session: Session, tmp_path: Path) -> None:
    survival = survival_of(session, tmp_path, "by_dictionary", "keras-tf2onnx", "keras-kerasexport")
    refused, right = survival.ways
    assert right.works
    assert refused.result.fault is not None
    assert "structure" in refused.result.fault.message
    assert refused.note == "each layer works alone: what breaks is the model as a whole"


@pytest.fixture
def of_a_user(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file with the layers of a user, which the worker imports."""
    file = tmp_path / "layers_of_mine.py"
    file.write_text(SHAKY)
    session.workers["tensorflow"].stop()
    monkeypatch.setenv(IMPORTS, str(file))
    yield file
    session.workers["tensorflow"].stop()


def written(session: Session, file: Path, name: str) -> Path:
    path = file.with_name(f"{name}.keras")
    asked(session.workers, "tests.model_files:write_of_a_user", file, path, name)
    session.workers["tensorflow"].stop()
    return path


def test_a_layer_of_the_user_is_tried_alone_with_the_users_code(session: Session, of_a_user: Path) -> None:
    path = written(session, of_a_user, "Bent")
    with examined(Question(path, ways=("keras-tf2onnx",)), session) as survival:
        (way,) = survival.ways
    assert [(culprit.layer, culprit.outcome, culprit.by) for culprit in way.culprits] == [
        ("mine", Outcome.INVALID, "tf2onnx")
    ]
    assert way.untried == ()


def test_a_random_model_has_no_right_answer(session: Session, of_a_user: Path) -> None:
    path = written(session, of_a_user, "Shaky")
    with (
        pytest.raises(RandomModelError, match="a second call on the same inputs gives other values"),
        examined(Question(path), session),
    ):
        pass


def test_a_lambda_without_a_shape_is_told_what_to_do(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "lambda.keras"
    asked(session.workers, "tests.model_files:write_lambda", path)
    with pytest.raises(ModelError, match="loaded with --trust"), examined(Question(path), session):
        pass
    with pytest.raises(ModelError, match="output_shape") as told, examined(Question(path, trust=True), session):
        pass
    assert "--trust" not in str(told.value)
    assert "Arguments received" not in str(told.value)


def test_how_long_it_takes_is_said_before_where_it_is_long(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[tuple[float, str]] = []
    path = keras_file(session.workers, "gelu", tmp_path / "gelu.keras")
    question = Question(path, ways=("keras-tf2onnx",))
    with examined(question, session, begins=lambda seconds, text: said.append((seconds, text))):
        pass
    ((seconds, text),) = said
    assert text == "1 way of a model of 1 layer"
    assert 1 < seconds < 2
    begins(seconds, text)
    assert capsys.readouterr().err == ""
    begins(60.4, "8 ways of a model of 155 layers")
    assert capsys.readouterr().err == "8 ways of a model of 155 layers: about 60 s\n"
