"""Damaged and hostile model files: refused in words, in time, within memory."""

from __future__ import annotations

import json
import resource
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import USAGE
from harness.installed import is_installed
from harness.models import guard, origin
from harness.models.guard import ModelError, check_archive, check_size, within
from harness.models.origin import open_model
from harness.models.samples import drawn
from harness.models.truth import truth_of
from harness.run.session import Selection, Session
from harness.spec import Input
from harness.workers.protocol import Call, Failure
from tests.conftest import Command
from tests.model_files import onnx_file

NOISE = np.random.Generator(np.random.PCG64(0)).bytes(4000)
frameworks = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "onnx", "onnxruntime"))), reason="needs TensorFlow and ONNX Runtime"
)
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(Selection(all_cases=True)) as session:
        yield session


@pytest.fixture(scope="module")
def files(session: Session, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    paths = {name: folder / name for name in ("mlp.keras", "mlp.h5", "untrusted.keras", "untrusted.h5")}
    for name, path in paths.items():
        answer = session.workers["tensorflow"].request(
            Call("tests.model_files:write_keras", (name.partition(".")[0], path))
        )
        assert not isinstance(answer.value, Failure), answer.value
    return paths


def rewritten(path: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """A copy of a `.keras` file with a changed configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    return zipped(target, {**members, "config.json": json.dumps(config).encode()})


def zipped(target: Path, members: Members) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"config.json": b"{}", "model.weights.h5": bytes(200 << 20)}, "it unpacks to much more than its size"),
        ({"config.json": b" " * (65 << 20)}, "it unpacks to much more than its size"),
        ({"model.weights.h5": b""}, "it is no .keras file: the archive has no config.json"),
    ],
)
def test_archives_that_are_not_read(members: Members, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        check_archive(zipped(tmp_path / "model.keras", members))


def test_an_archive_of_zeros_is_read(tmp_path: Path) -> None:
    check_archive(zipped(tmp_path / "model.keras", {"config.json": b"{}", "model.weights.h5": bytes(60 << 20)}))


def test_inputs_that_are_too_large_to_be_drawn() -> None:
    check_size(Input("x", (1024, 1024, 32)), (2, 1024, 1024, 32), Path("m.onnx"))
    with pytest.raises(ModelError, match=r"input 'x' is too large; .* got 3 x 1024 x 1024 x 32\. Give"):
        check_size(Input("x", (1024, 1024, 32)), (3, 1024, 1024, 32), Path("m.onnx"))


def test_memory_of_this_process_is_limited_and_then_no_longer() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), within(1 << 28):
        np.zeros(1 << 29, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    np.zeros(1 << 29, np.uint8)


@frameworks
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".onnx"])
@pytest.mark.parametrize("content", [b"", NOISE, "cut"])
def test_damaged_files(
    suffix: str, content: bytes | str, session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / f"damaged{suffix}"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        whole = files.get(f"mlp{suffix}")
        path.write_bytes(whole.read_bytes()[:3000] if whole else onnx_file(tmp_path, 3).read_bytes()[:60])
    with pytest.raises(ModelError, match=path.name) as caught:
        open_model(path, session.workers, tmp_path)
    assert "Traceback" not in str(caught.value)


@frameworks
def test_hostile_sizes_in_onnx(session: Session, tmp_path: Path) -> None:
    read = open_model(onnx_file(tmp_path, 3), session.workers, tmp_path)
    assert truth_of(read, drawn(read), session.workers).samples[0].golden is not None
    hostile = open_model(onnx_file(tmp_path, 3, constant=10**6), session.workers, tmp_path)
    with pytest.raises(ModelError, match=r"model\.onnx: .*Failed to allocate memory"):
        truth_of(hostile, drawn(hostile), session.workers)
    with pytest.raises(ModelError, match="is too large"):
        drawn(open_model(onnx_file(tmp_path, 10**8), session.workers, tmp_path))


@frameworks
def test_hostile_sizes_in_keras(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    def widen(layers: list[Any]) -> None:
        for layer in layers[1:]:
            del layer["build_config"]
        for layer in layers[1:3]:
            layer["config"]["units"] = 40_000  # 6.4 GB of weights, which most machines have

    def open_wide(layers: list[Any]) -> None:
        layers[0]["config"]["batch_shape"] = [None, 10**6, 10**6, 5]

    started = time.monotonic()
    with pytest.raises(ModelError, match=r"wide\.keras: ResourceExhaustedError: .*OOM"):
        open_model(rewritten(files["mlp.keras"], tmp_path / "wide.keras", widen), session.workers, tmp_path)
    assert time.monotonic() - started < guard.SECONDS
    with pytest.raises(ModelError, match="is too large"):
        drawn(open_model(rewritten(files["mlp.keras"], tmp_path / "open.keras", open_wide), session.workers, tmp_path))


@frameworks
def test_a_file_that_takes_too_long(
    session: Session, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "seconds_for", lambda path: 0.0)
    with pytest.raises(ModelError, match="no answer within 0 s of processor time; the worker was killed"):
        open_model(files["mlp.keras"], session.workers, tmp_path)


@frameworks
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_runs_only_with_trust(
    suffix: str, session: Session, files: dict[str, Path], tmp_path: Path
) -> None:
    path = files[f"untrusted{suffix}"]
    with pytest.raises(ModelError, match="A file that brings its own Python code is loaded with --trust"):
        open_model(path, session.workers, tmp_path)
    assert open_model(path, session.workers, tmp_path, trust=True).spec.layers[0].kind == "Lambda"


@frameworks
def test_a_class_of_another_module_is_not_imported(session: Session, files: dict[str, Path], tmp_path: Path) -> None:
    def foreign(layers: list[Any]) -> None:
        layers[1] |= {"module": "os", "class_name": "system", "registered_name": "system"}

    path = rewritten(files["mlp.keras"], tmp_path / "foreign.keras", foreign)
    with pytest.raises(ModelError, match=r"foreign\.keras: Could not locate class"):
        open_model(path, session.workers, tmp_path)


@pytest.mark.parametrize("verb", [("check",), ("convert", "-o", "out")])
def test_the_command_ends_with_2_and_a_line(verb: tuple[str, ...], tmp_path: Path, command: Command) -> None:
    (tmp_path / "model.keras").write_bytes(NOISE)
    code, _, printed = command(*verb, tmp_path / "model.keras")
    assert code == USAGE
    assert printed.startswith(f"parity: {tmp_path}/model.keras: it cannot be read: File is not a zip file")
    assert "Traceback" not in printed
