"""Steps as bytes, and the files of artifacts as archives."""

from __future__ import annotations

import io
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

import execnet
import numpy as np
import pytest

from harness.outcomes import Outcome
from harness.results.events import Metrics, Stage
from harness.results.evidence import Evidence, Tensor
from harness.results.evidence import packed as values
from harness.run.step import Step, from_bytes, packed, size_of, to_bytes, unpack

STAGE = Stage(
    artifact="onnx", outcome=Outcome.DIVERGENT, hop="tf2onnx", runtime="ort", metrics=Metrics(units=float("inf")),
    seconds=1.5, message="no", where="y[0]", picture=("a", "b"), log="tail",
)  # fmt: skip


def test_a_step_comes_back_marked_as_kept(tmp_path: Path) -> None:
    outputs = ((np.array([1.5, np.nan], np.float32), None), ())
    rest = replace(STAGE, outcome=Outcome.EXACT)
    back = from_bytes(to_bytes(Step(STAGE, Path("/elsewhere/model.onnx"), outputs, rest)), tmp_path)
    assert back.stage == replace(STAGE, kept=True)
    assert back.rest == replace(STAGE, outcome=Outcome.EXACT, kept=True)
    assert back.artifact == tmp_path / "model.onnx"
    assert back.outputs[0][0] is not None
    assert (back.outputs[0][0].dtype, back.outputs[0][0].tobytes()) == (np.float32, b"\0\0\xc0?\0\0\xc0\x7f")
    assert back.outputs[0][1] is None
    assert back.outputs[1] == ()


def test_a_step_without_artifact(tmp_path: Path) -> None:
    assert from_bytes(to_bytes(Step(STAGE, None)), tmp_path) == Step(replace(STAGE, kept=True), None)


@pytest.mark.parametrize(
    "data",
    [b"", b"rubbish", to_bytes(Step(STAGE, None))[:-9], zlib.compress(b"rubbish"), zlib.compress(execnet.dumps({})),
     zlib.compress(execnet.dumps([1]))],
)  # fmt: skip
def test_other_bytes_are_no_step(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a step"):
        from_bytes(data, tmp_path)


def test_an_artifact_elsewhere_is_refused(tmp_path: Path) -> None:
    content = execnet.loads(zlib.decompress(to_bytes(Step(STAGE, Path("model.onnx")))))
    with pytest.raises(ValueError, match=r"the artifact's name is a path: '\.\./x'"):
        from_bytes(zlib.compress(execnet.dumps({**content, "artifact": "../x"})), tmp_path)


def test_files_and_folders_come_back(tmp_path: Path) -> None:
    one = tmp_path / "one"
    (one / "saved/variables").mkdir(parents=True)
    (one / "saved/empty").mkdir()
    (one / "saved/variables/v").write_bytes(b"12")
    (one / "model.onnx").write_bytes(b"345")
    (one / "link").symlink_to(one / "model.onnx")
    data = packed([one / "saved", one / "model.onnx", one / "link"])
    unpack(data, tmp_path / "two")
    two = tmp_path / "two"
    assert (two / "saved/variables/v").read_bytes() == b"12"
    assert (two / "saved/empty").is_dir()
    assert (two / "model.onnx").read_bytes() == b"345"
    assert (two / "link").read_bytes() == b"345"
    assert not (two / "link").is_symlink()
    assert (size_of(one / "saved"), size_of(one / "model.onnx")) == (2, 3)


def archive(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        file.addfile(member, io.BytesIO())
    return zlib.compress(buffer.getvalue())


@pytest.mark.parametrize(
    "data",
    [b"rubbish", zlib.compress(b"rubbish" * 99), archive("../x"), archive("/tmp/x"), archive("a/../../x"),
     archive("x", tarfile.SYMTYPE), archive("x", tarfile.LNKTYPE), archive("x", tarfile.FIFOTYPE)],
)  # fmt: skip
def test_other_archives_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match="not an archive of artifacts"):
        unpack(data, tmp_path / "in")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in"]


def test_evidence_travels_with_a_step(tmp_path: Path) -> None:
    evidence = Evidence(tensor=Tensor("y", 0, (1,), (0,), (1,), values(np.ones(1)), values(np.zeros(1)), 0.5))
    back = from_bytes(to_bytes(Step(replace(STAGE, evidence=evidence), None)), tmp_path)
    assert back.stage.evidence == evidence
