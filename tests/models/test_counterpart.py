"""`check MODEL --against FILE.onnx`: one network or not, the layer that differs, and a preprocessing that does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.cli.check import command
from harness.installed import is_installed
from harness.models import counterpart
from harness.models.guard import ModelError
from harness.models.origin import open_model
from harness.models.samples import drawn
from harness.models.survival import Question, Survival, examined, selection_of
from harness.models.truth import truth_of
from harness.run.session import Selection, Session
from harness.workers.protocol import Call, Failure

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime"))), reason="needs TensorFlow and ONNX Runtime"
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(Selection(hops=(counterpart.HOPS["keras"],), all_cases=True)) as session:
        yield session


@pytest.fixture(scope="module")
def model(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "picture.keras"
    answer = session.workers["tensorflow"].request(Call("tests.model_files:write_keras", ("picture", path)))
    assert not isinstance(answer.value, Failure), answer.value
    return path


def compared(session: Session, model: Path, folder: Path, change: str) -> Survival:
    call = Call("tests.model_files:counterpart", (model, folder / "other.onnx", change))
    answer = session.workers["tensorflow"].request(call)
    assert not isinstance(answer.value, Failure), answer.value
    # the worker of the file knows its path from when it starts
    with Session(Selection(hops=(counterpart.HOPS["keras"],), all_cases=True)) as own:
        question = Question(model, ways=("*-theirs",), against=folder / "other.onnx", inputs=folder / "x.npy")
        np.save(folder / "x.npy", np.random.default_rng(0).uniform(1, 2, (2, 8, 8, 2)).astype(np.float32))
        with examined(question, own) as survival:
            return survival


def test_one_network_with_other_names_and_channels_first(session: Session, model: Path, tmp_path: Path) -> None:
    survival = compared(session, model, tmp_path, "")
    seen = "a change of 1 % or of single channels in the weights of any layer would have been seen"
    assert survival.sentence == f"The two files are one network: {seen}."
    assert [way.route for way in survival.good] == ["keras-theirs"]


def test_the_layer_that_differs_is_named(session: Session, model: Path, tmp_path: Path) -> None:
    survival = compared(session, model, tmp_path, "bias")
    assert survival.sentence == "The two files are not one network: `below` breaks the other."
    assert [culprit.by for culprit in survival.culprits] == ["theirs"]
    assert survival.equal_if == ""


def test_a_preprocessing_that_differs_is_told(session: Session, model: Path, tmp_path: Path) -> None:
    survival = compared(session, model, tmp_path, "pixels")
    assert survival.sentence == (
        "The networks are equal, their preprocessing is not: the other file agrees if its input is multiplied by 255."
    )
    assert survival.good == ()


def test_a_preprocessing_makes_equal_only_where_it_does_on_all_inputs(
    session: Session, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = open_model(model, session.workers, tmp_path)
    truth = truth_of(origin, drawn(origin), session.workers)
    first, _ = truth.samples
    found = lambda: counterpart.equal_if(origin, truth, tmp_path / "theirs.onnx", session.workers)  # noqa: E731
    monkeypatch.setattr(counterpart, "_agrees", lambda sample, *rest: True)
    assert found() == "if its input is divided by 255"
    monkeypatch.setattr(counterpart, "_agrees", lambda sample, *rest: sample is first)
    assert found() == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("output", "the numbers of outputs differ: the model has 1, the file 2"),
        ("channels", "the sizes of input 'picture' differ: 8 x 8 x 2 and 3 x 8 x 8 of a sample"),
    ],
)
def test_files_that_cannot_be_compared(
    session: Session, model: Path, tmp_path: Path, change: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        compared(session, model, tmp_path, change)


def test_only_an_onnx_file_is_compared(model: Path, tmp_path: Path) -> None:
    (tmp_path / "other.onnx").touch()
    for one, other in ((model, model), (tmp_path / "other.onnx", tmp_path / "other.onnx")):
        with pytest.raises(
            ModelError, match=f"--against {other}: these two cannot be compared; expected an .onnx file"
        ):
            selection_of(Question(one, against=other))


@pytest.mark.parametrize("axis", [None, 1, -1])
def test_preparations_undo_each_other(axis: int | None) -> None:
    changes = counterpart._changes(axis)
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 4, 3))
    there = {"divided by 255": "multiplied by 255", "from 0...255 to -1...1": "from -1...1 to 0...255"}
    for one, other in there.items():
        (first,), (second,) = ([change for words, change in changes.items() if each in words] for each in (one, other))
        np.testing.assert_allclose(second(first(x)), x)
    if axis is not None:
        normalised = changes["if its input is normalised by ImageNet's mean and deviation, from 0...255"]
        undone = changes["if ImageNet's normalisation of its input is undone, to 0...255"]
        np.testing.assert_allclose(undone(normalised(x)), x)


def test_a_name_is_changed_in_the_bodies_of_nodes_too(session: Session) -> None:
    answer = session.workers["tensorflow"].request(Call("tests.model_files:renamed_in_a_loop", ()))
    assert answer.value == [["theirs/x", "c"], ["theirs/x", "one"]]


@pytest.mark.parametrize("option", [("--way", "*"), ("--hop", "m:C"), ("--add-to-corpus",)])
def test_a_way_beside_the_other_file_is_wrong_use(tmp_path: Path, option: tuple[str, ...]) -> None:
    (tmp_path / "a.keras").touch()
    (tmp_path / "b.onnx").touch()
    files = [str(tmp_path / "a.keras"), "--against", str(tmp_path / "b.onnx")]
    done = CliRunner().invoke(command, [*files, *option])
    assert done.exit_code == 2
    assert "--way, --hop and --add-to-corpus are not for --against" in done.output
