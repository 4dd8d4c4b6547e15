"""The last frame of a traceback inside a converter's package."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.frames import Frame, last_frame

SITE = "/venv/lib/python3.11/site-packages"


def log(*frames: str) -> str:
    lines = [f'  File "{path}", line {number}, in f\n    x = g()\n' for number, path in enumerate(frames, 1)]
    return f"Traceback (most recent call last):\n{''.join(lines)}ValueError: no\n"


@pytest.mark.parametrize(
    ("frames", "inner", "line"),
    [
        (
            [f"{SITE}/harness/adapters/hops/onnx2torch.py", f"{SITE}/onnx2torch/a.py", f"{SITE}/onnx2torch/b/c.py"],
            "onnx2torch/b/c.py",
            3,
        ),
        ([f"{SITE}/onnx2torch/a.py", f"{SITE}/torch/nn/modules/conv.py"], "onnx2torch/a.py", 1),
        (["/home/u/onnx2torch/onnx2torch/onnx2torch/a.py"], "onnx2torch/a.py", 1),
        (["/home/u/onnx2torch/.venv/lib/python3.11/site-packages/torch/a.py"], None, None),
        ([f"{SITE}/onnx2torch_extra/a.py"], None, None),
        ([f"{SITE}/harness/adapters/hops/onnx2torch.py"], None, None),
        ([f"{SITE}/onnx2torch.py"], None, None),
        ([], None, None),
    ],
)
def test_the_last_frame_inside_the_package(frames: list[str], inner: str | None, line: int | None) -> None:
    frame = last_frame(log(*frames), "onnx2torch")
    assert (None if frame is None else (frame.inner, frame.line)) == (None if inner is None else (inner, line))


def test_a_checkout_that_is_named_like_its_package_is_no_package(tmp_path: Path) -> None:
    checkout = tmp_path / "onnx2torch"
    (checkout / "onnx2torch" / "deep").mkdir(parents=True)
    (checkout / "onnx2torch" / "__init__.py").touch()
    frames = [f"{checkout}/onnx2torch/deep/a.py", f"{checkout}/tools/b.py"]
    frame = last_frame(log(*frames), "onnx2torch")
    assert frame is not None
    assert str(frame) == "onnx2torch/deep/a.py:1"


def test_a_distribution_is_imported_by_the_name_of_its_metadata() -> None:
    """The distribution Jinja2 is the package jinja2, hypothesis has a second one, and a loose file has none."""
    assert str(last_frame(log(f"{SITE}/jinja2/a.py"), "Jinja2")) == "jinja2/a.py:1"
    assert str(last_frame(log(f"{SITE}/no_such_thing/a.py"), "no-such-thing")) == "no_such_thing/a.py:1"
    assert last_frame(log("/home/u/mine.py"), "") is None


@pytest.mark.parametrize(
    ("path", "workspace", "relative"),
    [
        ("/w/repo/onnx2torch/a.py", "/w/repo", "onnx2torch/a.py"),
        ("/w/repo2/onnx2torch/a.py", "/w/repo", ""),
        ("/w/repo/.venv/lib/python3.11/site-packages/onnx2torch/a.py", "/w/repo", ""),
        ("/w/repo/onnx2torch/a.py", "", ""),
    ],
)
def test_the_path_within_a_workspace(path: str, workspace: str, relative: str) -> None:
    assert Frame(path, "onnx2torch/a.py", 1).within(workspace) == relative
