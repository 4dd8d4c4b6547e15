"""Model files run for MATLAB: the border's rules, the runtimes, the command, and the M-file in Octave.

Expected numbers come from a direct call of the framework (tests/prediction_models.py) and are met exactly.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.cli.main import AGREED, USAGE
from harness.installed import is_installed
from harness.matlab.octave import Octave, executable
from harness.models.predict import PredictionError, plugins, predict, read_mat, write_mat
from harness.models.predictors import Declared, counted, fitted, plain_output
from harness.optional import absence
from harness.spec import Array
from harness.workers.pool import Workers
from harness.workers.protocol import Convert, Failure
from tests.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
PARITY = f"'{sys.executable}' -c 'from harness.cli.main import main; main()'"

needs_keras = pytest.mark.skipif(not is_installed("tensorflow"), reason="TensorFlow is not installed")
needs_onnx = pytest.mark.skipif(not is_installed("onnxruntime"), reason="ONNX Runtime is not installed")
needs_torch = pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
needs_octave = pytest.mark.skipif(executable() is None, reason=absence("octave"))


# ---- the border: sizes and types --------------------------------------------------------------------------------


def fit(array: Array, shape: tuple[int | None, ...] | None = None, dtype: str | None = None) -> Array:
    return fitted(Declared("in", shape, dtype), array, "x1")


@pytest.mark.parametrize(
    ("came", "declared", "shape"),
    [
        ((3, 4, 5), (None, 4, 5, 1), (3, 4, 5, 1)),
        ((3, 4), (None, 4, 1, 1), (3, 4, 1, 1)),
        ((3, 1), (None,), (3,)),
        ((1, 1), (), ()),
        ((0, 4), (None, 4, 1), (0, 4, 1)),
        ((3, 4), None, (3, 4)),
    ],
)
def test_the_models_rank_restores_singleton_axes(
    came: tuple[int, ...], declared: tuple[int | None, ...] | None, shape: tuple[int, ...]
) -> None:
    array = np.asfortranarray(np.arange(np.prod(came), dtype=np.float64).reshape(came))
    tensor = fit(array, declared)
    assert tensor.shape == shape
    assert np.array_equal(tensor.reshape(came), array)


@pytest.mark.parametrize(
    ("came", "declared", "advice"),
    [
        (
            (4, 5),
            (None, 4, 5, 1),
            r"input in: x1 has .*expected any type \[\? 4 5 1\], got double \[4 5\]\. .*\[1 size\(x1\)\]",
        ),
        ((3, 1, 4, 5), (None, 4, 5, 1), "permute"),
        ((1, 3), (None,), r"Give a column: x1\(:\)"),
        ((3, 4, 2), (None, 4), r"x1 has another size; .*got double \[3 4 2\]"),
    ],
)
def test_other_sizes_are_refused(came: tuple[int, ...], declared: tuple[int | None, ...], advice: str) -> None:
    with pytest.raises(PredictionError, match=advice):
        fit(np.zeros(came), declared)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.float64([[1 / 3, np.nan, -np.inf, 2.0**24 + 1]]), "float32"),
        (np.int32([[2**24, -5]]), "float32"),
        (np.int64([[-(2**63), 2**62]]), "float32"),
        (np.float64([[255, -0.0]]), "uint8"),
        (np.uint64([[2**63 - 1]]), "int64"),
        (np.float64([[-(2.0**63)]]), "int64"),
        (np.array([[True, False]]), "float32"),
        (np.array([[True, False]]), "int32"),
        (np.float64([[1, 0]]), "bool"),
        (np.int16([[256]]), "bfloat16"),
        (np.complex128([[1j]]), "complex64"),
    ],
)
def test_types_that_hold_the_numbers(values: Array, dtype: str) -> None:
    wanted = np.dtype("float32" if dtype == "bfloat16" else dtype)
    tensor = fit(values, dtype=dtype)
    assert tensor.dtype == wanted
    assert np.array_equal(tensor, values.astype(wanted), equal_nan=wanted.kind == "f")


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        (np.int32([[1, 2**24 + 1]]), "float32", r"x1\(1,2\) = 16777217 .*got int32 \[1 2\]\. .*give double\(x1\)"),
        (np.int64([[2**63 - 1]]), "float64", "9223372036854775807"),
        (np.uint64([[2**64 - 1]]), "float32", "18446744073709551615"),
        (np.int16([[257]]), "bfloat16", "257"),
        (np.float64([[1, 2.5], [3, 4]]), "int32", r"x1\(1,2\) = 2.5 .*whole numbers from -2147483648 to 2147483647"),
        (np.float64([[np.nan]]), "int64", "nan"),
        (np.float64([[2.0**63]]), "int64", "cannot hold"),
        (np.int8([[-1]]), "uint64", "-1"),
        (np.float64([[1e39]]), "float32", "1e[+]39"),
        (np.uint8([[2]]), "bool", "logical"),
        (np.float64([[np.nan]]), "bool", "logical"),
        (np.complex128([[1]]), "float32", r"x1 is complex; .* Give real\(x1\)"),
        (np.float64([[1]]), "string", "input in: string is a type that MATLAB does not have"),
    ],
)
def test_types_that_do_not_hold_the_numbers(values: Array, dtype: str, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        fit(values, dtype=dtype)


WHOLE = ("int8", "uint8", "int32", "uint32", "int64", "uint64")


@given(
    hnp.arrays(st.sampled_from(WHOLE).map(np.dtype), (2, 2)),
    st.sampled_from([*WHOLE, "float16", "float32", "float64", "bool"]),
)
def test_whole_numbers_arrive_exactly_or_not_at_all(array: Array, dtype: str) -> None:
    with np.errstate(over="ignore"):
        cast = array.astype(dtype).reshape(-1).tolist()
    exact = array.reshape(-1).tolist() == cast
    try:
        tensor = fit(array, (2, 2), dtype)
    except PredictionError:
        assert not exact
    else:
        assert exact
        assert tensor.reshape(-1).tolist() == cast


def test_outputs_as_matlab_has_them() -> None:
    assert plain_output(np.float32(1), 1).shape == (1, 1)
    assert plain_output(np.arange(3), 1).tolist() == [[0], [1], [2]]
    assert plain_output(np.float16([[1]]), 1).dtype == np.float32
    assert plain_output(np.array([[True]]), 1).dtype == np.bool_
    with pytest.raises(PredictionError, match="output 2"):
        plain_output(np.array(["text"]), 2)


def test_names_sort_with_their_numbers() -> None:
    assert sorted(["output_10", "output_2", "a", "3"], key=counted) == ["3", "a", "output_2", "output_10"]


# ---- files --------------------------------------------------------------------------------------------------------


def test_mat_files_keep_classes_and_order(tmp_path: Path) -> None:
    arrays = {
        **{f"x{k}": np.full((1, k), k, dtype=np.float32) for k in range(10, 0, -1)},
        "x11": np.array([[True]]),
        "x12": np.int64([[2**53 + 1]]),
    }
    write_mat(tmp_path / "in.mat", arrays)
    arrays_read = read_mat(tmp_path / "in.mat")
    assert list(arrays_read) == [f"x{k}" for k in range(1, 13)]
    assert all(arrays_read[k].dtype == v.dtype and np.array_equal(arrays_read[k], v) for k, v in arrays.items())
    assert [path.name for path in tmp_path.iterdir()] == ["in.mat"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, r"in\.mat: .*got no variables"),
        ({"a": [[1.0]], "b": [[1.0]]}, "expected x1, x2.*got a, b"),
        ({"x1": [[1.0]], "x3": [[1.0]]}, "got x1, x3"),
        ({"a": "text"}, r"in\.mat: a: .*expected a full array of numbers or logicals, got text"),
        ({"a": {"b": 1}}, "structure"),
    ],
)
def test_mat_files_that_hold_no_inputs(tmp_path: Path, variables: dict[str, object], message: str) -> None:
    from scipy.io import savemat

    savemat(tmp_path / "in.mat", variables)
    with pytest.raises(PredictionError, match=message):
        read_mat(tmp_path / "in.mat")


def test_other_files_are_no_mat_files(tmp_path: Path) -> None:
    (tmp_path / "in.mat").write_text("# Created by Octave\n")
    with pytest.raises(PredictionError, match=r"in\.mat: is no MAT-file; expected .*Save it again by save"):
        read_mat(tmp_path / "in.mat")


# ---- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def parity(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Runs `parity predict ARGS` in a folder with in.mat; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    write_mat(tmp_path / "in.mat", {"x": np.float64([[1, 2]])})

    def call(model: str, inputs: str = "in.mat", outputs: str = "out.mat", *more: str) -> tuple[int, str, str]:
        return command("predict", model, "--inputs", inputs, "--outputs", outputs, *more)

    return call


def test_usage_errors_come_before_any_framework(parity, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("net.keras", "net.tflite", "net.pt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    for arguments, message in {
        ("none.keras",): "none.keras: there is no such model file. Check the path",
        ("net.tflite",): "expected .keras, .h5, .onnx, .pt, .pth, .py or a SavedModel folder, got '.tflite'",
        ("folder",): "expected a SavedModel, or model.pt, model.py, model.onnx, model.keras in it",
        ("net.keras", "none.mat"): "none.mat: there is no such inputs file",
        ("net.keras", "in.mat", "out.txt"): "out.txt: MATLAB's load reads a file without the suffix .mat as text",
        ("net.pt",): "--trust",
    }.items():
        code, out, err = parity(*arguments)
        assert (code, out) == (USAGE, ""), arguments
        assert err.startswith("parity: ")
        assert message in err or (message == "--trust" and "not installed" in err)
    assert not (tmp_path / "out.mat").exists()


@needs_onnx
def test_command_writes_the_outputs(parity, onnx_models: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    numbers = np.load(onnx_models / "sum.npz")
    write_mat(tmp_path / "in.mat", {name: numbers[name] for name in ("x2", "x1")})
    code, out, _ = parity(str(onnx_models / "sum.onnx"))
    assert (code, out.split("\n")[:2]) == (AGREED, ["y1 is int64 [1 2 1]", "y2 is logical [1 2 1]"])
    outputs = read_mat_outputs(tmp_path / "out.mat")
    assert outputs["y1"].dtype == np.int64
    assert outputs["y2"].dtype == np.bool_
    assert all(np.array_equal(outputs[name].reshape(numbers[name].shape), numbers[name]) for name in ("y1", "y2"))


@needs_onnx
def test_command_tells_what_the_model_refuses(parity, onnx_models: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = parity(str(onnx_models / "sum.onnx"))
    assert code == USAGE
    expected = "expected 2, in this order: b: int64 [? 2 1], a: int64 [? 2 1], got 1: x is double [1 2]. Give one array"
    assert expected in err
    assert not (tmp_path / "out.mat").exists()


def read_mat_outputs(path: Path) -> dict[str, Array]:
    from scipy.io import loadmat

    return {name: value for name, value in loadmat(path, mat_dtype=True).items() if not name.startswith("__")}


# ---- runtimes -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(plugins()) as pool:
        yield pool


def _written(workers: Workers, worker: str, maker: str, folder: Path) -> Path:
    answer = workers[worker].request(Convert(f"tests.prediction_models:{maker}", Path(), folder), 120)
    assert not isinstance(answer.value, Failure), answer
    return folder


@pytest.fixture(scope="module")
def keras_models(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(workers, "tensorflow", "KerasMaker", tmp_path_factory.mktemp("keras"))


@pytest.fixture(scope="module")
def onnx_models(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(workers, "onnxruntime", "OnnxMaker", tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def torch_models(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(workers, "torch", "TorchMaker", tmp_path_factory.mktemp("torch"))


def from_matlab(array: Array) -> Array:
    """The array as MATLAB hands it on: at least two axes, none of size 1 at the end beyond them; real ones double."""
    shape = list(array.shape) + [1] * (2 - array.ndim)
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    return array.reshape(shape).astype(array.dtype if array.dtype.kind in "biu" else np.float64)


def check(workers: Workers, model: Path, numbers: Path, *, trust: bool = False) -> None:
    """The model on the inputs as MATLAB has them answers exactly what the direct call did."""
    saved = np.load(numbers)
    inputs = {name: from_matlab(saved[name]) for name in sorted(saved) if name.startswith("x")}
    wanted = [saved[name] for name in sorted(saved) if name.startswith("y")]
    outputs = predict(model, inputs, workers, trust=trust)
    assert len(outputs) == len(wanted)
    for one, other in zip(outputs, wanted, strict=True):
        assert one.dtype == (np.float32 if other.dtype == np.float16 else other.dtype)
        assert np.array_equal(one, other.reshape(one.shape))
        assert one.shape == (other.shape if other.ndim > 1 else (other.size, 1))


@needs_keras
def test_keras_files(workers: Workers, keras_models: Path) -> None:
    for model in ("two.keras", "two.h5", "sequential.keras", "dictionary.keras"):
        check(workers, keras_models / model, keras_models / f"{Path(model).stem}.npz")


@needs_keras
def test_savedmodel_folder(workers: Workers, keras_models: Path) -> None:
    saved = np.load(keras_models / "two.npz")
    inputs = {name: from_matlab(saved[name]) for name in ("x1", "x2")}
    outputs = predict(keras_models / "two_saved", inputs, workers)
    assert all(np.allclose(one, saved[name], atol=1e-6) for one, name in zip(outputs, ("y1", "y2"), strict=True))


@needs_keras
def test_what_keras_models_refuse(workers: Workers, keras_models: Path) -> None:
    image = np.zeros((3, 4, 5))
    for words, message in {
        (1.5, 0): r"two.keras: the model's input words: int32 cannot hold x2\(1,1\) = 1.5 exactly; "
        r"expected int32 \[\? 2\], got double \[1 2\]",
        (1, 2, 3): r"words: x2 has another size; expected int32 \[\? 2\], got double \[1 3\]",
    }.items():
        with pytest.raises(PredictionError, match=message):
            predict(keras_models / "two.keras", {"x1": image, "x2": np.float64([words])}, workers)
    with pytest.raises(PredictionError, match=r"it cannot be read: File is not a zip file"):
        predict(keras_models / "damaged.keras", {"x1": image}, workers)
    with pytest.raises(PredictionError, match="Lambda"):
        predict(keras_models / "lambda.keras", {"x1": np.ones((1, 2))}, workers)
    outputs = predict(keras_models / "lambda.keras", {"x1": np.ones((1, 2))}, workers, trust=True)
    assert outputs[0].tolist() == [[3.0, 3.0]]


@needs_onnx
def test_onnx_files(workers: Workers, onnx_models: Path) -> None:
    for model in ("sum", "half"):
        check(workers, onnx_models / f"{model}.onnx", onnx_models / f"{model}.npz")


@needs_torch
def test_torch_files(workers: Workers, torch_models: Path) -> None:
    for model in ("plain.pt", "told.pth"):
        check(workers, torch_models / model, torch_models / f"{Path(model).stem}.npz", trust=True)
    with pytest.raises(
        PredictionError, match=r"weights\.pt: the file holds a OrderedDict; .*torch.save\(model, path\)"
    ):
        predict(torch_models / "weights.pt", {"x1": np.ones((1, 2))}, workers, trust=True)
    with pytest.raises(PredictionError, match=r"missing a required argument.*got 1 inputs. Give one array for each"):
        predict(torch_models / "plain.pt", {"x1": np.ones((1, 3))}, workers, trust=True)
    with pytest.raises(PredictionError, match="torch cannot run it on x1 is double"):
        predict(torch_models / "plain.pt", {"x1": np.ones((1, 9)), "x2": np.ones((1, 2))}, workers, trust=True)


# ---- Octave -------------------------------------------------------------------------------------------------------

RUNS = """function runs(inputs, code, outputs)
  % Evaluate code with the variables of a file, keep what it set.
  held = load(inputs);
  for name = fieldnames(held)'
    eval([name{1} ' = held.' name{1} ';']);
  end
  try
    eval(code);
  catch problem
    printf('%s | %s\\n', problem.identifier, problem.message);
    return;
  end
  save('-v7', outputs, 'y*');
end
"""


class Octaves:
    """Evaluates one line of M-code with arrays; returns what it set, or the error that it raised."""

    def __init__(self, octave: Octave, folder: Path) -> None:
        self.octave, self.folder = octave, folder

    def __call__(self, code: str, numbers: Path | None = None) -> tuple[dict[str, Array], str]:
        inputs = dict(np.load(numbers)) if numbers else {"x1": np.zeros((1, 2))}
        write_mat(self.folder / "held.mat", {k: from_matlab(v) for k, v in inputs.items() if k.startswith("x")})
        outputs = self.folder / "found.mat"
        outputs.unlink(missing_ok=True)
        printed = self.octave.call("runs", self.folder / "held.mat", code, outputs, limit=100)
        return (read_mat_outputs(outputs) if outputs.exists() else {}), printed


@pytest.fixture
def octave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Octaves]:
    folder = tmp_path / "it's here"
    folder.mkdir()
    (folder / "runs.m").write_text(RUNS)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PARITY_COMMAND", PARITY)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Octave(ROOT / "matlab", folder) as running:
        yield Octaves(running, folder)
    assert [path for path in tmp_path.iterdir() if path != folder] == [], "temporary files are left"


def same(outputs: dict[str, Array], numbers: Path) -> None:
    saved = np.load(numbers)
    assert sorted(outputs) == sorted(name for name in saved if name.startswith("y"))
    for name, value in outputs.items():
        assert value.dtype == saved[name].dtype, name
        assert np.array_equal(value.reshape(saved[name].shape), saved[name]), name


@needs_octave
@needs_keras
def test_octave_runs_keras(octave: Octaves, keras_models: Path) -> None:
    outputs, printed = octave(
        f"[y1, y2] = parity_predict('{keras_models}/two.keras', x1, x2);", keras_models / "two.npz"
    )
    assert not printed
    same(outputs, keras_models / "two.npz")


@needs_octave
@needs_onnx
def test_octave_runs_onnx(octave: Octaves, onnx_models: Path) -> None:
    outputs, printed = octave(f"[y1, y2] = parity_predict('{onnx_models}/sum.onnx', x1, x2);", onnx_models / "sum.npz")
    assert not printed
    same(outputs, onnx_models / "sum.npz")
    _, printed = octave(f"[y1, y2, y3] = parity_predict('{onnx_models}/sum.onnx', x1, x2);", onnx_models / "sum.npz")
    assert printed.endswith("sum.onnx has 2 outputs, 3 were asked for")
    assert printed.startswith("parity:predict | ")


@needs_octave
@needs_torch
def test_octave_runs_torch(octave: Octaves, torch_models: Path) -> None:
    code = f"y1 = parity_predict('{torch_models}/plain.pt', x1, x2, 'Trust', true);"
    outputs, printed = octave(code, torch_models / "plain.npz")
    assert not printed
    same(outputs, torch_models / "plain.npz")


@needs_octave
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("parity_predict('none.keras', x1)", "none.keras: there is no such model file"),
        ("parity_predict('net.pt')", "no arrays"),
        ("parity_predict('net.pt', {1})", "input 1 must be a full array of numbers or logicals, it is cell"),
        ("parity_predict('net.pt', x1, sparse(1))", "input 2 must be .* it is sparse double"),
        ("parity_predict('net.pt', x1, 'Trust')", "the option Trust has no value"),
        ("parity_predict('net.pt', x1, 'Trust', 'no')", "the option 'Trust' is true or false"),
        ("parity_predict('net.pt', x1, 'Speed', 1)", "the options are 'Trust' and 'Command'"),
        ("parity_predict('net.pt', x1, 'Command', 'no_such_program')", "no_such_program cannot be run .*bin/parity"),
    ],
)
def test_octave_raises_what_the_command_says(octave: Octaves, code: str, message: str) -> None:
    outputs, printed = octave(f"y = {code};")
    assert not outputs
    assert re.match(rf"parity:predict \| {message}", printed), printed
