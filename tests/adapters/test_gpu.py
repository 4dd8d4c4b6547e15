"""Where operators ran: counted by torch's dispatch, and by ONNX Runtime's profile."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.adapters import gpu
from harness.adapters.places import Place
from harness.adapters.registry import installed

STAND_INS = Path(__file__).parents[1] / "stand_ins" / "gpu"


def profile(folder: Path, *nodes: tuple[str, str]) -> Path:
    """A profile with these operators and providers, and what else stands in one."""
    events = [{"cat": "Session", "args": {}}, {"cat": "Node", "args": {"op_name": "Relu"}}]
    events += [{"cat": "Node", "args": {"op_name": name, "provider": provider}} for name, provider in nodes]
    path = folder / "profile.json"
    path.write_text(json.dumps(events))
    return path


def test_nodes_are_counted_by_the_provider_that_ran_them(tmp_path: Path) -> None:
    path = profile(
        tmp_path,
        ("Conv", "CUDAExecutionProvider"),
        ("Relu", "CUDAExecutionProvider"),
        ("Shape", "CPUExecutionProvider"),
        ("Gemm", "TensorrtExecutionProvider"),
    )
    counts, on_cpu = gpu.onnx_operators(path)
    assert counts == {"cuda": 2, "cpu": 1, "TensorrtExecutionProvider": 1}
    assert on_cpu == {"Shape"}


LOG = """\
[I:onnxruntime:, cuda_execution_provider.cc] CUDA kernel not found in registries for Op type: Unique node name: u
[W:onnxruntime:, cuda.cc] CUDA kernel not supported. Fallback to CPU execution provider for Op type: LSTM
[I:onnxruntime:, session.cc] Op type: Relu
"""


def test_the_log_names_operators_without_a_kernel() -> None:
    assert gpu.without_kernel(LOG) == {"Unique", "LSTM"}


def test_what_a_library_writes_is_caught_and_only_within(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import os

    with gpu.logged(tmp_path / "log"):
        os.write(2, b"inside")
    os.write(2, b"outside")
    assert (tmp_path / "log").read_text() == "inside"
    assert capfd.readouterr().err == "outside"


OPERATORS = """
import torch
from harness.adapters.gpu import torch_operators
with torch_operators() as seen, torch.no_grad():
    torch.nn.Linear(3, 2)(torch.ones(1, 3))
print(sorted(seen.counts))
with torch_operators() as seen, torch.no_grad():
    torch.nn.Linear(3, 2, device="meta")(torch.ones(1, 3, device="meta"))
    torch.ones(2) + 1
print(sorted(seen.counts), seen.counts["cpu"])
"""


def test_torch_operators_are_counted_by_the_device_of_what_they_give() -> None:
    import subprocess

    done = subprocess.run([sys.executable, "-c", OPERATORS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['cpu']", "['cpu', 'meta'] 2"]


def test_the_facts_of_a_gpu_are_those_of_the_visible_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(STAND_INS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    gpu.gpu.cache_clear()
    assert gpu.gpu() == {"name": "Stand-in GPU", "capability": "9.0", "driver": "580.0"}
    for visible, why in (("3", "'3' here .NVML: Invalid Argument"), ("GPU-8932", "'GPU-8932' here .NVML: Not Found")):
        gpu.gpu.cache_clear()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with pytest.raises(gpu.NoGpu, match=why):
            gpu.gpu()
    gpu.gpu.cache_clear()


PROBES = """
from harness.adapters.gpu import NoGpu, jax_gpu, onnxruntime_gpu, torch_gpu
import torch
for probe in (torch_gpu, onnxruntime_gpu, jax_gpu):
    try:
        print(probe())
    except NoGpu as error:
        print(error)
torch.cuda.is_available = lambda: True  # a torch that lies
torch.ones, ones = (lambda *shape, device: ones(*shape)), torch.ones
try:
    torch_gpu()
except NoGpu as error:
    print(error)
"""


@pytest.mark.skipif(installed().runtime_of("kerasjax").missing != "", reason="jax is not installed")
def test_a_framework_without_a_gpu_says_so_and_one_that_lies_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    done = subprocess.run([sys.executable, "-c", PROBES], capture_output=True, text=True, check=True)
    torch, onnxruntime, jax, lying = done.stdout.splitlines()
    assert torch.endswith("sees no CUDA device")
    assert onnxruntime.endswith("has no CUDAExecutionProvider: onnxruntime-gpu brings it")
    assert jax.endswith("computes on cpu")
    assert lying.endswith("says that it has a CUDA device, and computes on cpu")


def test_each_runtime_of_a_gpu_has_a_worker_of_its_own_and_tf32_where_its_name_says_so() -> None:
    on_gpu = {runtime.name: runtime for runtime in installed().runtimes if runtime.device != "cpu"}
    frameworks = ("kerasjax", "kerastorch", "onnxruntime", "torch")
    assert sorted(on_gpu) == sorted(f"{name}-{device}" for name in frameworks for device in ("cuda", "cuda-tf32"))
    for name, runtime in on_gpu.items():
        place = Place.of(runtime.worker, installed().on(runtime.device).plugins)
        assert runtime.worker == name
        assert runtime.tf32 == name.endswith("tf32")
        assert (place.environment or dict(runtime.environment)).get("CUDA_VISIBLE_DEVICES") != "-1"
        assert ("NVIDIA_TF32_OVERRIDE" in dict(runtime.environment)) == (not runtime.tf32)


def test_an_artifact_goes_to_the_device_wherever_it_has_a_runtime_for_the_format() -> None:
    registry = installed().on("cuda")
    chosen = {name: registry.runtime_of(name) for name in ("torch", "onnx", "keras", "kerastorch")}
    assert {name: plugin.name for name, plugin in chosen.items() if plugin} == {
        "torch": "torch-cuda",  # though what it requires is missing: nothing falls back in silence
        "onnx": "onnxruntime-cuda",
        "keras": "keras",
        "kerastorch": "kerastorch-cuda",
    }
    witness = registry.witness_of("torch")
    assert witness is not None
    assert witness.name == "torch"
    assert installed().devices == ("cpu", "cuda", "cuda-tf32")
    assert not [plugin for plugin in installed().plugins if plugin.worker.endswith("cuda")]
