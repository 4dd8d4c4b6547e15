"""Whether a user's model survives: real Keras, tf2onnx, ONNX Runtime and torch on small models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

from harness.adapters.keras_model import IMPORTS
from harness.adapters.runtimes.keras import in_order
from harness.cli import model
from harness.cli.model import _short
from harness.corpus.store import explored_cases, keep
from harness.installed import is_installed, version_of
from harness.models.alone import Alone, Culprit, Ground
from harness.models.guard import ModelError
from harness.models.origin import open_model
from harness.models.samples import described, drawn
from harness.models.sensitivity import Sensitivity
from harness.models.survival import Question, Survival, examined, model_case, piece_of, selection_of
from harness.models.truth import case_of, truth_of
from harness.models.ways import routes_of
from harness.oracle import FILES, evaluate
from harness.outcomes import DRIFT, Outcome
from harness.run.reduce import reduced
from harness.run.session import Selection, Session
from harness.spec import Array, Case
from harness.workers.protocol import Call, Failure
from tests.in_worker import keras_file
from tests.model_files import FUNCTION, GATE, LAYER, onnx_file

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime", "torch"))), reason="needs TensorFlow and torch"
)
FAULTY = "tests.model_files:Tf2OnnxWithFault"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch, Session(Selection(hops=(FAULTY,), all_cases=True)) as session:
        patch.setenv(LAYER, str(tmp_path_factory.mktemp("layer") / "name"))
        yield session


@pytest.fixture(scope="module")
def files(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    names = ("by_name", "cnn_lstm", "every_shape", "halves", "loud", "mlp", "of_four", "padded", "translating")
    return {name: keras_file(session.workers, name, folder / f"{name}.keras") for name in names}


def survival_of(session: Session, path: Path, *ways: str) -> Survival:
    with examined(Question(path, ways=ways), session) as survival:
        return survival


def test_the_oracle_computes_what_keras_does_for_every_shape_of_a_model(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    origin = open_model(files["every_shape"], session.workers, tmp_path)
    calls = [(layer.kind, layer.name, layer.of) for layer in origin.spec.layers]
    assert ("Dense", "shared", "") in calls
    assert ("Dense", "shared#2", "shared") in calls
    assert ("ops.Multiply", "multiply", "") in calls
    assert {"Sequential", "Model", "TimeDistributed", "Bidirectional", "MultiHeadAttention"} <= {
        kind for kind, *_ in calls
    }
    first, second = drawn(origin)
    assert [value.shape[0] for value in (*first.values(), *second.values())] == [2, 2, 3, 3]
    answer = session.workers["tensorflow"].request(
        Call("tests.model_files:outputs_of", (files["every_shape"], dict(first)))
    )
    expected = evaluate(origin.spec, origin.weights, first)
    for got, wanted in zip(answer.value, expected.values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    assert truth_of(origin, [first], session.workers).is_documented


def test_every_layer_that_breaks_a_way_is_named_not_the_first_only(session: Session, files: dict[str, Path]) -> None:
    survival = survival_of(session, files["cnn_lstm"], "keras-tf2onnx-onnx2torch", "keras-kerastorch")
    broken, whole = survival.ways
    assert [culprit.layer for culprit in broken.culprits] == ["conv1", "gelu", "lstm_2"]
    assert [culprit.by for culprit in broken.culprits] == ["tf2onnx", "tf2onnx", "onnx2torch"]
    assert whole.works
    assert survival.best is whole
    assert survival.sentence == (
        "1 of 2 ways computes what the model computes; `conv1`, `gelu` and `lstm_2` break the other."
    )
    assert broken.known.startswith("tf2onnx-grouped-convolution: ")  # told, and no excuse
    assert broken.result.judgement == "failed"


@pytest.mark.parametrize("layer", ["first", "second", "last"])
def test_the_layer_with_the_fault_is_named_and_not_those_behind_it(
    layer: str, session: Session, files: dict[str, Path]
) -> None:
    Path(os.environ[LAYER]).write_text(layer)
    (way,) = survival_of(session, files["mlp"], "keras-faulty").ways
    assert way.result.outcome == "divergent"
    (culprit,) = way.culprits
    assert (culprit.layer, culprit.by) == (layer, "faulty")
    assert culprit.local is not None
    assert culprit.local > DRIFT
    assert culprit.piece is not None
    assert [spec.name for spec in culprit.piece.spec.layers] == [layer]


def test_a_healthy_model_accuses_none(session: Session, files: dict[str, Path]) -> None:
    survival = survival_of(session, files["mlp"], "keras-tf2onnx", "keras-tf2onnx-onnx2torch", "keras-kerastorch")
    assert survival.sentence == "3 of 3 ways compute what the model computes."
    assert survival.culprits == ()
    assert survival.truth.by == "the documentation of the layers, in double precision"
    taken = [way.result.stages[-1].artifact for way in survival.best_by_format]
    assert taken == ["onnx", "torch", "kerastorch"]


def test_an_optimisation_of_the_runtime_that_errs_is_named_and_breaks_no_way_past_it(
    session: Session, files: dict[str, Path]
) -> None:
    """An edge of zeros became one of minus infinity up to ONNX Runtime 1.31.1; the file itself is right."""
    survival = survival_of(session, files["padded"], "keras-tf2onnx", "keras-tf2onnx-onnx2torch")
    onnx, torch = survival.ways
    assert torch.works
    assert torch.result.fault is None
    if Version(version_of("onnxruntime")) >= Version("1.32"):
        assert onnx.works
        return
    assert [(culprit.layer, culprit.by) for culprit in onnx.culprits] == [("pool", "onnxruntime")]
    told = "'pool' is right alone and wrong where ONNX Runtime fuses it with 'edge' (Pad_Fusion)"
    assert (onnx.culprits[0].message, onnx.known_as) == (told, "onnxruntime-pad-max-pool")
    assert "fixed in 1.32.0" in onnx.known
    assert (onnx.blame, torch.blame) == ("onnxruntime", "")
    assert torch.note == f"on the way, in onnxruntime: {told}"
    assert torch.culprits == ()
    assert [stage.outcome.passes for stage in torch.result.stages] == [True, True, True]
    assert torch.result.stages[1].message.startswith("without optimisations: ")
    assert torch.result.judgement == "passed"
    assert survival.sentence == "1 of 2 ways computes what the model computes; `pool` breaks the other."
    assert survival.best is torch


def test_of_open_steps_the_layer_is_named_that_needs_them_closed(session: Session, files: dict[str, Path]) -> None:
    """No other is: not the LSTM whose node has a name of the converter's own, and not those that come first."""
    (way,) = survival_of(session, files["translating"], "keras-tf2onnx").ways
    assert way.result.outcome == "malformed"
    assert [(culprit.layer, culprit.by) for culprit in way.culprits] == [("steps", "tf2onnx")]
    piece = way.culprits[0].piece
    assert piece is not None
    assert piece.spec.inputs[0].shape == (None, 12)
    assert way.known_as == "tf2onnx-time-distributed-open-time"  # that case's; of the whole model nothing is known


def test_a_model_of_one_size_of_batch_gets_that(session: Session, files: dict[str, Path]) -> None:
    survival = survival_of(session, files["of_four"], "keras-kerastorch")
    assert survival.sentence == "1 of 1 ways computes what the model computes."
    assert survival.notes == ("the model takes a batch of 4 only: no other was tried",)
    assert [sample.inputs["steps"].shape for sample in survival.truth.samples] == [(4, 5, 2)]


def test_outputs_of_a_signature_count() -> None:
    assert in_order(["output_10", "output_2", "output_1"]) == ["output_1", "output_2", "output_10"]


def test_half_precision_rounds_more(session: Session, files: dict[str, Path]) -> None:
    ways = ("keras-tf2onnx", "keras-tf2onnx-onnx2torch", "keras-kerastorch", "keras-faulty")
    Path(os.environ[LAYER]).write_text("inner")
    found = {way.route: way for way in survival_of(session, files["halves"], *ways).ways}
    assert {name: way.works for name, way in found.items()} == {name: name != "keras-faulty" for name in ways}
    assert found["keras-faulty"].result.outcome == "divergent"


def test_outputs_in_a_dictionary_have_the_order_of_their_names(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    survival = survival_of(session, files["by_name"], "keras-kerasexport*", "keras-kerastorch")
    assert survival.sentence == "4 of 4 ways compute what the model computes."
    assert survival.truth.is_documented
    target = tmp_path / "saved"
    answer = session.workers["tensorflow"].request(Call("tests.model_files:write_saved", (files["by_name"], target)))
    assert not isinstance(answer.value, Failure), answer.value
    question = Question(target, ways=("savedmodel-tf2onnxsaved",))
    with Session(selection_of(question)) as own, examined(question, own) as survival:
        assert [way.result.fault for way in survival.ways] == [None]
        assert survival.notes == ("whole numbers are drawn as 0 and 1 only",)  # 255 is no row of its table


def test_inputs_are_drawn_anew_where_outputs_hide_errors(session: Session, files: dict[str, Path]) -> None:
    survival = survival_of(session, files["loud"], "keras-tf2onnx")
    assert survival.notes == ("inputs are drawn a tenth as large: on others the outputs hide errors",)
    assert survival.sensitivity == Sensitivity(("first", "last"), (), 2)


def test_an_unknown_layer_is_judged_by_the_framework(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    origin = open_model(files["mlp"], session.workers, tmp_path)
    strange = replace(origin.spec.layers[1], kind="mine.Gate")
    spec = replace(origin.spec, layers=(origin.spec.layers[0], strange, *origin.spec.layers[2:]))
    samples = drawn(origin)
    truth = truth_of(replace(origin, spec=spec), samples, session.workers)
    assert truth.why == "our oracle does not compute it: no oracle for 'mine.Gate' in dialect 'keras'"
    assert "Keras" in truth.by
    documented = truth_of(origin, samples, session.workers)
    for mine, theirs in zip(truth.samples, documented.samples, strict=True):
        assert mine.golden is not None
        assert theirs.golden is not None
        (got,), (wanted,) = mine.golden.expected.values(), theirs.golden.expected.values()
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
        (noise,) = mine.golden.noise.values()
        (scale,) = theirs.golden.noise.values()
        assert 0.05 < float(np.median(noise / scale)) < 20


def test_an_onnx_file_is_judged_by_its_operators_in_double_precision(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    with examined(Question(files["mlp"], ways=("keras-tf2onnx",)), session) as survival:
        artifact = survival.ways[0].artifacts[-1]
        assert artifact is not None
        target = tmp_path / "mlp.onnx"
        target.write_bytes(artifact.read_bytes())
    survival = survival_of(session, target)
    assert [way.route for way in survival.ways] == ["onnx-onnx2torch", "onnx-onnx2pytorch"]
    assert survival.sentence == "2 of 2 ways compute what the model computes."
    assert survival.truth.by == "ONNX operators in double precision, and ONNX Runtime without optimisations agrees"


def test_of_an_onnx_file_the_nodes_that_a_converter_refuses_are_named(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    value = session.workers["onnxruntime"].request(Call("tests.model_files:write_old_onnx", (tmp_path / "old.onnx",)))
    assert not isinstance(value.value, Failure), value.value
    refused, works = survival_of(session, tmp_path / "old.onnx").ways
    assert [(culprit.layer, culprit.kind, culprit.by) for culprit in refused.culprits] == [
        ("norm", "BatchNormalization", "onnx2torch")
    ]
    assert "Converter is not implemented" in refused.culprits[0].message
    assert works.works


def test_a_layer_of_the_user_is_imported(
    own_semantics: None, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, model = tmp_path / "gates_of_mine.py", tmp_path / "gated.keras"
    layers.write_text(GATE)
    value = session.workers["tensorflow"].request(Call("tests.model_files:write_gated", (layers, model)))
    assert not isinstance(value.value, Failure), value.value
    session.workers["tensorflow"].stop()
    with pytest.raises(ModelError, match=r"--import layers\.py"):
        survival_of(session, model, "keras-tf2onnx")
    session.workers["tensorflow"].stop()
    monkeypatch.setenv(IMPORTS, str(layers))
    survival = survival_of(session, model, "keras-tf2onnx")
    session.workers["tensorflow"].stop()
    assert survival.sentence == "1 of 1 ways computes what the model computes."
    assert survival.truth.why == "our oracle does not compute it: no oracle for 'gates_of_mine.Gate' in dialect 'keras'"
    functions = tmp_path / "what_gates_do.py"
    functions.write_text(FUNCTION)
    monkeypatch.setenv(FILES, str(functions))
    survival = survival_of(session, model, "keras-tf2onnx")
    session.workers["tensorflow"].stop()
    assert survival.sentence == "1 of 1 ways computes what the model computes."
    assert survival.truth.is_documented


def test_beside_a_layer_that_the_oracle_does_not_know_the_others_are_tried_alone(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, model = tmp_path / "more_gates.py", tmp_path / "gated.keras"
    layers.write_text(GATE)
    value = session.workers["tensorflow"].request(Call("tests.model_files:write_gated", (layers, model, "gelu")))
    assert not isinstance(value.value, Failure), value.value
    session.workers["tensorflow"].stop()
    monkeypatch.setenv(IMPORTS, str(layers))
    survival = survival_of(session, model, "keras-tf2onnx")
    (way,) = survival.ways
    assert [(culprit.layer, culprit.outcome, culprit.by) for culprit in way.culprits] == [
        ("last", Outcome.INVALID, "tf2onnx")
    ]
    assert way.untried == ()
    assert survival.sentence == "0 of 1 ways compute what the model computes; `last` breaks it."
    value = session.workers["tensorflow"].request(Call("tests.model_files:write_gated", (layers, model)))
    assert not isinstance(value.value, Failure), value.value
    Path(os.environ[LAYER]).write_text("first")
    wrong, right = survival_of(session, model, "keras-faulty", "keras-tf2onnx").ways
    session.workers["tensorflow"].stop()
    assert [(culprit.layer, culprit.by) for culprit in wrong.culprits] == [("first", "faulty")]
    assert right.works


def test_the_users_own_inputs(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    def asked(array: Array) -> Survival:
        np.save(tmp_path / "x.npy", array)
        question = Question(files["mlp"], inputs=tmp_path / "x.npy", ways=("keras-tf2onnx",))
        with examined(question, session) as survival:
            return survival

    survival = asked(np.ones((7, 5)))
    assert [value.shape for sample in survival.truth.samples for value in sample.inputs.values()] == [(7, 5)]
    with pytest.raises(ModelError, match="its size does not fit; expected N x 5, got 7 x 6"):
        asked(np.ones((7, 6)))


def test_a_saved_model_is_judged_by_tensorflow(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "saved"
    answer = session.workers["tensorflow"].request(Call("tests.model_files:write_saved", (files["mlp"], target)))
    assert not isinstance(answer.value, Failure), answer.value
    question = Question(target, ways=("savedmodel-tf2onnxsaved", "*-onnx2torch"))
    with Session(selection_of(question)) as own, examined(question, own) as survival:
        assert [way.route for way in survival.ways] == ["savedmodel-tf2onnxsaved", "savedmodel-tf2onnxsaved-onnx2torch"]
        assert survival.sentence == "2 of 2 ways compute what the model computes."
        assert survival.truth.by.startswith("TensorFlow ")
        assert survival.best is survival.ways[1]  # it ends in PyTorch


def test_an_exported_program_of_torch_is_judged_by_itself_in_double_precision(session: Session, tmp_path: Path) -> None:
    target = tmp_path / "cnn.pt2"
    answer = session.workers["torch"].request(Call("tests.model_files:write_program", (target,)))
    assert not isinstance(answer.value, Failure), answer.value
    survival = survival_of(session, target, "torch-torchonnx")
    (way,) = survival.ways
    assert survival.truth.by.startswith("torch ")
    assert [value.shape for sample in survival.truth.samples for value in sample.inputs.values()] == [
        (2, 3, 8, 8),
        (3, 3, 8, 8),
    ]
    assert [stage.outcome.passes for stage in way.result.stages] == [True, True]
    golden = survival.truth.samples[0].golden
    assert golden is not None
    (noise,) = golden.noise.values()
    assert 0 < float(noise.max()) < 1e-5


def test_what_is_no_model_is_refused(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(files["mlp"].read_bytes()[:200])
    with pytest.raises(ModelError, match=r"damaged\.keras"):
        survival_of(session, damaged)
    with pytest.raises(ModelError, match="--way: no way fits"):
        survival_of(session, files["mlp"], "keras-nothing")
    with pytest.raises(ModelError, match="there is no such file"):
        survival_of(session, tmp_path / "none.keras")


def test_a_layer_that_breaks_alone_is_a_case_of_its_own(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    route = "keras-tf2onnx-onnx2torch"
    survival = survival_of(session, files["cnn_lstm"], route)
    assert [(piece.layer, piece.by, piece.route) for piece in survival.pieces] == [
        ("conv1", "tf2onnx", route),
        ("gelu", "tf2onnx", route),
        ("lstm_2", "onnx2torch", route),
    ]
    case = piece_of(files["cnn_lstm"], [route], "lstm_2", session).case
    assert (case.subject, case.inputs["x0"].shape) == ("LSTM", (2, 6, 24))
    keep(case, tmp_path)
    (entry,) = explored_cases(tmp_path)
    assert entry.load().id == case.id
    with pytest.raises(ModelError, match=r"'bn' breaks it alone on .*; expected one of conv1, gelu, lstm_2"):
        piece_of(files["cnn_lstm"], [route], "bn", session)
    with pytest.raises(ModelError, match=r"no layer breaks it alone on keras-tf2onnx\. `parity reduce` cuts"):
        piece_of(files["mlp"], ["keras-tf2onnx"], None, session)


def test_a_model_file_is_reduced_as_a_case_is(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    case = model_case(files["cnn_lstm"], session)
    assert [layer.name for layer in case.spec.layers] == ["conv1", "gelu", "bn", "rows", "lstm_2", "classes"]
    (route,) = [route for route in session.every_route if route.name == "keras-tf2onnx"]
    reduction = reduced(session.walk, case, route)
    assert [layer.name for layer in reduction.case.spec.layers] == ["conv1"]
    with pytest.raises(ModelError, match=r"a model of onnx cannot be cut; expected a \.keras or \.h5 file"):
        model_case(onnx_file(tmp_path, 3), session)


def test_layers_that_break_a_way_join_the_corpus(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept: list[Case] = []
    monkeypatch.setattr(model, "keep", lambda case, root: kept.append(case))
    question = Question(files["cnn_lstm"], ways=("keras-tf2onnx-onnx2torch",))
    assert model.check_model(question, imports=(), functions=(), folder=None, to_corpus=True, as_json=False) == 1
    assert [case.subject for case in kept] == ["Conv2D", "Activation", "LSTM"]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("kept: ")]
    assert lines == [f"kept: parity replay {case.id} --route keras-tf2onnx-onnx2torch" for case in kept]


def test_of_many_layers_the_sentence_names_the_first(session: Session, files: dict[str, Path]) -> None:
    survival = survival_of(session, files["mlp"], "keras-kerastorch")
    (way,) = survival.ways
    failed = replace(way.result.stages[-1], outcome=Outcome.DIVERGENT)
    broken = replace(
        way,
        result=replace(way.result, stages=(*way.result.stages[:-1], failed)),
        culprits=tuple(Culprit(f"l{n}", "Dense", "mine", local=2e3) for n in range(7)),
    )
    assert replace(survival, ways=(broken,)).sentence == (
        "0 of 1 ways compute what the model computes; `l0`, `l1`, `l2`, `l3` and 3 more layers break it."
    )


def test_a_layer_refused_alone_where_the_whole_was_converted_is_not_accused(
    session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    origin = open_model(files["cnn_lstm"], session.workers, tmp_path)
    truth = truth_of(origin, drawn(origin)[:1], session.workers)
    alone = Alone(Ground(session, origin, truth, case_of(origin, truth), tmp_path))
    (route,) = [each for each in routes_of(session, origin) if each.name == "keras-tf2onnx-onnx2torch"]
    named = [[culprit.layer for culprit in alone.tried(route, made=made).culprits] for made in (0, 2, 3)]
    alone.close()
    # of source and tf2onnx's file alone, onnx2torch may refuse the LSTM; had it converted the whole, it may not
    assert named == [["conv1", "gelu", "lstm_2"], ["conv1", "gelu", "lstm_2"], ["conv1", "gelu"]]


def test_the_screen_says_strings_and_what_keras_met_within() -> None:
    assert list(described(({"s": np.array([["a"]])},))) == ["s 1 x 1 string"]
    assert _short("could not be deserialized. Exception encountered: Unknown layer 'x'") == "Unknown layer 'x'"
    frame = '    File "keras/x.py", line 1, in f  **\n        raise e from None\n'
    assert (
        _short(f"ValueError: in user code:\n\n{frame}{frame}\n    ValueError: what it is") == "ValueError: what it is"
    )
