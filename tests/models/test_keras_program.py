"""Our own way from Keras to a PyTorch program: each layer against the goldens, planted faults, a delivered folder.

The goldens of a layer cover all valid pairs of its options; the programs are computed by torch in its worker.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.installed import is_installed
from harness.models.keras_program.layers import WRITERS
from harness.models.keras_program.models import unfolded
from harness.models.survival import Question, Survival, examined
from harness.models.ways import PROGRAM
from harness.oracle import evaluate
from harness.run.session import Selection, Session
from harness.spec import Array, Input, Layer, Spec
from harness.workers.protocol import Call, Failure
from tests.conftest import Command
from tests.in_worker import asked, keras_file

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "golden"
OPERATORS = [kind for kind in WRITERS if kind.startswith("ops.")]
KINDS = [kind for kind in WRITERS if kind not in (*OPERATORS, "LayerScale", "Sequential")]
"""Layers with goldens of their own; the others are tested below."""
REASONS = {
    "channels_first",
    "lora_rank",
    "output_padding or dilation",
    "interpolation 'bilinear'",
    "interpolation 'bicubic'",
    "rms_scaling",
    "no axis",
    "neither center nor scale",
    "mask",
    "axes [1, -1]",
    *(f"activation {name!r}" for name in ("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus")),
}
"""Why a golden of these layers may be refused: an option that no program has."""
FEWEST = 4
"""Goldens, with their second inputs, of a layer that must be computed at least."""

pytestmark = pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
needs_keras = pytest.mark.skipif(not is_installed("tensorflow"), reason="TensorFlow is not installed")
Torch = Callable[..., Any]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    hops = (PROGRAM, "tests.model_files:SwappedGates")
    with Session(Selection(hops=hops, all_cases=True)) as session:
        yield session


@pytest.fixture(scope="module")
def torch(session: Session) -> Torch:
    """Calls a function of `tests.keras_programs` where torch is."""

    def call(function: str, *arguments: Any) -> Any:
        value = session.workers["torch"].request(Call(f"tests.keras_programs:{function}", arguments)).value
        if isinstance(value, Failure):
            raise ValueError(value.message)
        return value

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_what_the_oracle_does(torch: Torch, kind: str) -> None:
    found = torch("judged", GOLDEN, kind)
    wrong = [each for each in found if each[1] not in ("exact", "faithful", "refused")]
    assert wrong == []
    reasons = {re.findall(r"\((.*)\)$", message)[0] for _, outcome, message in found if outcome == "refused"}
    assert reasons <= REASONS
    assert sum(outcome != "refused" for _, outcome, _ in found) >= FEWEST


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN", "Bidirectional", "Masking"])
def test_of_recurrence_and_masks_nothing_is_refused(torch: Torch, kind: str) -> None:
    assert "refused" not in {outcome for _, outcome, _ in torch("judged", GOLDEN, kind)}


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_exchanged_gates_are_divergent(torch: Torch, kind: str) -> None:
    outcomes = Counter(outcome for _, outcome, _ in torch("judged_with_other_gates", GOLDEN, kind))
    assert outcomes["divergent"] > 0.9 * outcomes.total()


def one(kind: str, config: Mapping[str, Any], *shapes: tuple[int, ...]) -> Spec:
    names = [f"x{place}" for place in range(len(shapes))]
    inputs = tuple(Input(name, shape) for name, shape in zip(names, shapes, strict=True))
    return Spec("keras", inputs, (Layer(kind, "layer", config, tuple(names)),), ("layer",))


def drawn(spec: Spec) -> dict[str, Array]:
    source = np.random.default_rng(7)
    return {
        item.name: source.uniform(0.1, 2, (3, *(n or 5 for n in item.shape))).astype(item.dtype) for item in spec.inputs
    }


def same(torch: Torch, spec: Spec, weights: Mapping[str, Array] | None = None) -> None:
    """The program gives what the oracle gives, in its order."""
    inputs = drawn(spec)
    wanted = evaluate(spec, weights or {}, inputs)
    for got, expected in zip(torch("outputs", spec, dict(weights or {}), inputs), wanted.values(), strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-6)


UNARY = {"Absolute", "Cos", "Exp", "Expm1", "Log", "Log1p", "LogicalNot", "Negative", "Sin", "Sqrt", "Square", "Tanh"}
ALONG = {"Any": np.any, "Max": np.max, "Mean": np.mean, "Min": np.min, "Sum": np.sum}


@pytest.mark.parametrize("name", [kind[4:] for kind in OPERATORS if kind[4:] not in ALONG])
def test_operators_between_layers(torch: Torch, name: str) -> None:
    if name in UNARY:
        same(torch, one(f"ops.{name}", {"operands": [None]}, (4,)))
        return
    same(torch, one(f"ops.{name}", {"operands": [None, None]}, (2, 4), (2, 4)))
    if not name.startswith("Logical"):
        same(torch, one(f"ops.{name}", {"operands": [1.5, None]}, (4,)))
        same(torch, one(f"ops.{name}", {"operands": [None, 0]}, (4,))) if "ivide" not in name else None


@pytest.mark.parametrize("name", ALONG)
def test_operators_along_axes(torch: Torch, name: str) -> None:
    spec = one(f"ops.{name}", {"operands": [None], "axis": (1, -1), "keepdims": True}, (2, 3, 4))
    inputs = drawn(spec)
    (got,) = torch("outputs", spec, {}, inputs)
    np.testing.assert_allclose(got, ALONG[name](inputs["x0"], axis=(1, 3), keepdims=True), rtol=1e-6)
    with pytest.raises(ValueError, match=rf"ops\.{name} 'layer' \(over all axes\)"):
        torch("outputs", one(f"ops.{name}", {"operands": [None], "axis": None}, (2,)), {}, {})


def test_a_scale_for_each_channel(torch: Torch) -> None:
    same(torch, one("LayerScale", {}, (3, 5)), {"layer/variable": np.float32([1, 2, 3, -4, 5])})


def dense(*names: str, inputs: int = 4, units: int = 4) -> dict[str, Array]:
    source = np.random.default_rng(1)
    return {
        f"{name}/{key}": source.normal(0, 1, shape).astype(np.float32)
        for name in names
        for key, shape in {"kernel": (inputs, units), "bias": (units,)}.items()
    }


INNER = Spec(
    "keras",
    (Input("entry", (4,)),),
    (
        Layer("Dense", "d", {"units": 4, "activation": "tanh"}, ("entry",)),
        Layer("Dense", "d#2", {"units": 4, "activation": "tanh"}, ("d",), of="d"),
    ),
    ("d#2", "entry"),
)
DENSE = {"kind": "Dense", "config": {"units": 4, "activation": "relu"}}


def test_models_within_are_written_out(torch: Torch) -> None:
    """Called twice, with a layer that is called twice, two outputs of which one is an input, and a Sequential."""
    layers = (
        Layer("Model", "m", {"spec": INNER.to_json()}, ("x",)),
        Layer("Model", "m#2", {"spec": INNER.to_json()}, ("m",), of="m"),
        Layer("Sequential", "chain", {"layers": [DENSE, DENSE]}, ("m#2:1",)),
        Layer("Sequential", "chain#2", {"layers": [DENSE, DENSE]}, ("chain",), of="chain"),
        Layer("Add", "sum", {}, ("m#2", "chain#2", "m:1")),
    )
    spec = Spec("keras", (Input("x", (4,)),), layers, ("sum", "x"))
    same(torch, spec, dense("m/d", "chain/0", "chain/1"))
    flat = unfolded(spec)
    assert [layer.name for layer in flat.layers][:3] == ["m/d", "m/d#2", "m#2/d"]
    assert [layer.of for layer in flat.layers] == ["", "m/d", "m/d", "m/d", "", "", "chain/0", "chain/1", ""]


def test_a_layer_called_twice_is_one_module(torch: Torch) -> None:
    layers = (Layer("Dense", "a", {"units": 4}, ("x",)), Layer("Dense", "a#2", {"units": 4}, ("a",), of="a"))
    spec = Spec("keras", (Input("x", (3, 4)),), layers, ("a#2",))
    same(torch, spec, dense("a"))
    assert torch("modules", spec, dense("a")) == ["a"]


def test_all_that_no_program_has_is_named(torch: Torch) -> None:
    lstm = {"kind": "LSTM", "config": {"units": 2, "stateful": True}}
    layers = (
        Layer("mine.Gate", "gate", {}, ("x",)),
        Layer("Dense in mixed_float16", "half", {}, ("gate",)),
        Layer("Bidirectional", "both", {"layer": lstm}, ("half",)),
        Layer("Attention", "heads", {}, ("both",), {"mask": ("x",)}),
        Layer("Dense", "right", {"units": 4, "activation": "mine"}, ("heads",)),
        Layer("Conv2D", "conv", {"data_format": "channels_first"}, ("right",)),
        Layer("Add", "sum", {}, ("conv",), {}, {"swift": True}),
    )
    spec = Spec("keras", (Input("x", (3, 4)),), layers, ("sum",))
    with pytest.raises(ValueError, match="no PyTorch program has") as caught:
        torch("outputs", spec, dense("right"), {})
    assert str(caught.value).removeprefix("no PyTorch program has ").split("; ") == [
        "mine.Gate 'gate'",
        "Dense in mixed_float16 'half'",
        "Bidirectional 'both' (around LSTM, stateful)",
        "Attention 'heads'",
        "Dense 'right' (activation 'mine')",
        "Conv2D 'conv' (channels_first)",
        "Add 'sum' (call with swift)",
    ]


CODE = "__import__('os').mkdir('made')"


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        *(("Masking", "mask_value"), ("LeakyReLU", "negative_slope"), ("ELU", "alpha"), ("Dropout", "rate")),
        *(("ReLU", "max_value"), ("ReLU", "threshold"), ("Softmax", "axis"), ("Concatenate", "axis")),
        *(("RepeatVector", "n"), ("MaxPooling1D", "padding")),
        *(("Reshape", "target_shape"), ("Permute", "dims"), ("ZeroPadding2D", "padding"), ("UpSampling1D", "size")),
        *(("MaxPooling1D", "pool_size"), ("ops.Add", "operands"), ("ops.Sum", "axis"), ("Activation", "activation")),
    ],
)
@pytest.mark.parametrize("value", [CODE, [CODE, CODE], float("nan")])
def test_options_of_a_file_are_no_code(torch: Torch, kind: str, option: str, value: Any) -> None:
    spec = one(kind, {option: value}, (3, 4))
    with pytest.raises(ValueError, match=rf"no PyTorch program has {re.escape(kind)} 'layer' \("):
        torch("outputs", spec, {}, drawn(spec))


# --- models of a user --------------------------------------------------------------------------------------------

MODELS = ("translating", "lstm", "words", "blank_steps", "recurrent", "two_outputs", "by_name")


@pytest.fixture(scope="module")
def files(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: keras_file(session.workers, name, folder / f"{name}.keras") for name in MODELS}


def survival_of(session: Session, path: Path, *ways: str) -> Survival:
    with examined(Question(path, ways=ways), session) as survival:
        return survival


@needs_keras
@pytest.mark.parametrize("name", ["words", "blank_steps", "two_outputs"])
def test_a_model_survives(session: Session, files: dict[str, Path], name: str) -> None:
    """Masks that Keras hands on, as tensors of the graph and within a Sequential; several outputs."""
    (way,) = survival_of(session, files[name], "keras-program").ways
    assert way.result.outcome in ("exact", "faithful")


@needs_keras
def test_a_layer_at_fault_is_named(session: Session, files: dict[str, Path]) -> None:
    (way,) = survival_of(session, files["recurrent"], "keras-swapped").ways
    assert way.result.outcome == "divergent"
    assert [(culprit.layer, culprit.by) for culprit in way.culprits] == [("gru", "swapped")]


@needs_keras
def test_a_model_around_a_layer_that_no_program_has_is_refused(session: Session, files: dict[str, Path]) -> None:
    (way,) = survival_of(session, files["by_name"], "keras-program").ways
    assert way.result.outcome == "refused"
    assert "TimeDistributed 'one' (around Model)" in way.result.message


@needs_keras
def test_a_kept_layer_is_replayed_with_our_converter(
    parity: Command, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.model.keep", lambda case, root: None)
    code, out, err = parity("check", str(files["translating"]), "--way", "keras-program", "--add-to-corpus")
    assert code == DEVIATIONS, out + err
    (kept,) = [line for line in out.splitlines() if line.startswith("kept: parity replay keras-Attention-")]
    assert kept.endswith(f" --route keras-program --hop {PROGRAM}")


@pytest.fixture
def parity(command: Command, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `parity ARGS` in an empty folder, with workers that outlive it; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(session.workers, "close", lambda: None)
    monkeypatch.setattr("harness.run.session.Workers", lambda plugins, **_: session.workers)
    return command


USE = """
import importlib.util, json, sys
import numpy, torch
with_torch = set(sys.modules)
spec = importlib.util.spec_from_file_location("delivered", sys.argv[1])
delivered = importlib.util.module_from_spec(spec)
spec.loader.exec_module(delivered)
network = delivered.load()
more = {name.partition(".")[0] for name in set(sys.modules) - with_torch} - set(sys.stdlib_module_names)
x = torch.from_numpy(numpy.load(sys.argv[2]))
with torch.no_grad():
    y = network(x)
print(json.dumps({"y": y.tolist(), "more": sorted(more), "dtype": str(y.dtype)}))
"""


def alone(folder: Path, inputs: Array) -> dict[str, Any]:
    """What a delivered program gives in an empty place, where nothing of the suite can be imported."""
    place = folder.parent / "elsewhere"
    place.mkdir()
    np.save(place / "x.npy", inputs)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", USE, str(folder / "model.py"), "x.npy"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def read(session: Session, path: Path) -> tuple[Spec, dict[str, Array]]:
    answer = asked(session.workers, "harness.models.keras_reader:described", path)
    return answer["spec"], answer["weights"]


@needs_keras
def test_an_lstm_comes_as_a_program(parity: Command, session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    ways = "--way", "keras-tf2onnx-onnx2torch", "--way", "keras-program"
    code, out, err = parity("convert", str(files["lstm"]), "--to", "torch", *ways, "-o", "made")
    assert code == AGREED, out + err
    assert sorted(path.name for path in (tmp_path / "made").iterdir() if path.suffix in (".py", ".pt")) == ["model.py"]
    facts = json.loads((tmp_path / "made" / "proof.json").read_text())
    assert (facts["way"], facts["file"], facts["needs"]) == ("keras-program", "model.py", ["torch"])
    assert "from model import load" in (tmp_path / "made" / "README.md").read_text()
    x = np.random.default_rng(3).normal(0, 1, (5, 6, 3)).astype(np.float32)
    spec, weights = read(session, files["lstm"])
    (wanted,) = evaluate(spec, weights, {"steps": x}).values()
    answer = alone(tmp_path / "made", x)
    assert (answer["more"], answer["dtype"]) == ([], "torch.float32")
    np.testing.assert_allclose(answer["y"], wanted, rtol=1e-5, atol=1e-6)


@needs_keras
def test_a_delivered_program_is_run_by_predict(
    parity: Command, session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    """It declares its inputs: numbers of MATLAB become the words that it takes. Masks are as in Keras: within the
    Sequential, too, where our oracle knows none."""
    code, out, err = parity("convert", str(files["words"]), "--way", "keras-program", "-o", "made")
    assert code == AGREED, out + err
    words = np.array([[1, 2, 3, 0, 0, 0, 0], [4, 5, 6, 7, 8, 9, 1]])
    savemat(tmp_path / "in.mat", {"x": words.astype(np.float64)})
    files_of_it = "--inputs", "in.mat", "--outputs", "out.mat"
    code, out, err = parity("predict", "made", *files_of_it, "--trust")
    assert code == AGREED, out + err
    asked = Call("harness.models.sources:keras_tensors", (files["words"], {"words": words.astype(np.int32)}))
    wanted = session.workers["tensorflow"].request(asked).value["last"]
    np.testing.assert_allclose(loadmat(tmp_path / "out.mat")["y1"], wanted, rtol=1e-5, atol=1e-6)
    savemat(tmp_path / "in.mat", {"x": words + 0.5})
    code, _, err = parity("predict", "made", *files_of_it, "--trust")
    assert (code, "int32 cannot hold x(1,1) = 1.5 exactly" in err) == (USAGE, True)
