"""A run on a GPU, against a stand-in: the real ONNX Runtime on the CPU, which says that it is on CUDA."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.adapters.plugin import PluginError
from harness.installed import is_installed
from harness.results.events import Result
from harness.run.selection import Selection, SelectionError
from harness.run.session import Session

STAND_INS = Path(__file__).parents[1] / "stand_ins" / "gpu"
ROUTE = "keras-tf2onnx"
PACK = Path("keras-tf2onnx")
NAME = "Stand-in GPU"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has workers find the stand-in, in the way that is named, and counts its distributions as installed."""
    for name in ("onnxruntime_gpu-1.31.1", "nvidia_ml_py-13.580.0"):
        (tmp_path / f"{name}.dist-info").mkdir()
        plain, _, version = name.partition("-")
        metadata = f"Metadata-Version: 2.1\nName: {plain.replace('_', '-')}\nVersion: {version}\n"
        (tmp_path / f"{name}.dist-info" / "METADATA").write_text(metadata)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    importlib.invalidate_caches()
    is_installed.cache_clear()

    def stand(way: str) -> None:
        monkeypatch.setenv("PARITY_STAND_IN", way)
        monkeypatch.setenv("PYTHONPATH", str(STAND_INS))

    yield stand
    is_installed.cache_clear()


def walked(device: str = "cuda", layer: str = "Conv2D", count: int = 3) -> tuple[list[Result], str]:
    """The results of a few cases behind the pack, and what the header says of the device."""
    selection = Selection(route=(ROUTE,), layer=(layer,), device=device, pack=PACK, anew=True)
    with Session(selection) as session:
        session.check()
        deviates = session.record.deviates
        pairs = [pair for pair in session.pairs() if not any(deviates(pair[0].id, to) for to in ("keras", ROUTE))]
        pairs = pairs[:count]
        results = [session.walk.result(entry.load(), route) for entry, route in pairs]
        return results, session.header([], selection.options(), len(pairs)).versions["device"]


def test_an_honest_device_is_on_every_stage_and_in_the_header(stand_in: Callable[[str], None]) -> None:
    stand_in("honest")
    results, device = walked()
    assert device == "cuda (Stand-in GPU, 9.0)"
    for result in results:
        source, onnx = result.stages
        assert (source.runtime, source.device) == ("keras", None)  # TensorFlow has no runtime for a GPU
        assert onnx.runtime == "onnxruntime-cuda"
        assert onnx.device is not None
        assert (onnx.device.asked, onnx.device.name, onnx.device.capability) == ("cuda", NAME, "9.0")
        assert (onnx.device.driver, onnx.device.tf32, onnx.device.deterministic) == ("580.0", False, True)
        assert set(onnx.device.operators) == {"cuda"}
        assert onnx.device.trouble == ""
        assert result.judgement == "passed"
        assert result.replay.endswith("--device cuda")
        assert Result.from_json(result.to_json()) == result


def test_a_silent_fall_back_fails_however_right_the_numbers_are(stand_in: Callable[[str], None]) -> None:
    stand_in("liar")
    results, _ = walked()
    for result in results:
        assert [stage.outcome.passes for stage in result.stages] == [True, True]
        assert result.judgement == "failed"
        assert "tf2onnx in onnxruntime-cuda: asked for cuda, and no operator ran there" in result.message
        assert "on cpu" in result.message


def test_an_operator_without_a_kernel_for_the_gpu_is_told_and_does_not_fail(stand_in: Callable[[str], None]) -> None:
    stand_in("lacking")
    (relu, *_), _ = walked(layer="ReLU")
    assert relu.judgement == "passed"
    assert relu.stages[-1].device is not None
    assert relu.stages[-1].device.reason == "no CUDA kernel of Relu"
    assert relu.stages[-1].device.operators == {"cpu": 1}
    (conv, *_), _ = walked()  # the log says nothing of a convolution
    assert conv.judgement == "failed"


def test_a_deviation_that_the_cpu_does_not_have_is_the_devices(stand_in: Callable[[str], None]) -> None:
    stand_in("wrong")
    results, _ = walked()
    for result in results:
        stage = result.stages[-1]
        assert stage.outcome == "divergent"
        assert stage.device is not None
        assert stage.device.on_cpu is not None
        assert stage.device.on_cpu.passes
        assert result.blame == "onnxruntime-cuda"
        assert f"; on the CPU it is {stage.device.on_cpu}" in stage.message
        assert result.judgement == "failed"


def test_tf32_has_noise_units_of_its_own(stand_in: Callable[[str], None]) -> None:
    stand_in("coarse")
    plain, _ = walked("cuda")
    coarse, device = walked("cuda-tf32")
    assert device == "cuda-tf32 (Stand-in GPU, 9.0)"
    assert all((each.stages[-1].units or 0.0) > 100 for each in plain)  # TF32 where float32 was asked for
    assert all((each.stages[-1].units or 0.0) < 32 for each in coarse)
    assert {each.stages[-1].runtime for each in coarse} == {"onnxruntime-cuda-tf32"}
    assert all(each.stages[-1].device.tf32 for each in coarse if each.stages[-1].device)


def test_where_no_gpu_is_one_line_says_so(stand_in: Callable[[str], None]) -> None:
    stand_in("none")
    with pytest.raises(SelectionError) as caught:
        walked()
    assert str(caught.value) == "--device cuda: no GPU '0' here (NVML: Driver Not Loaded)"


def test_without_the_distributions_of_a_gpu_they_are_named() -> None:
    with (
        pytest.raises(SelectionError, match=r"--device cuda: no runtime for cuda can run here \(.*nvidia-ml-py"),
        Session(Selection(device="cuda", pack=PACK, anew=True)) as session,
    ):
        session.check()


def test_an_unknown_device_is_named_with_those_there_are() -> None:
    with pytest.raises(PluginError, match="--device: no runtime runs on 'cdua'; expected one of cpu, cuda, cuda-tf32"):
        Session(Selection(device="cdua"))
