"""Where a framework computed: the GPU's facts, and counts of operators by the device that each ran on.

What a framework was asked for says nothing: ONNX Runtime without its CUDA library warns, and computes on the CPU. So
each runtime of a GPU counts what really ran where. A worker calls this; frameworks are imported in the functions.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CPU, CUDA, TF32 = "cpu", "cuda", "cuda-tf32"
NVML = "nvidia-ml-py"
"""The distribution that tells the facts of a GPU."""
_OF_PROVIDER = {"CPUExecutionProvider": CPU, "CUDAExecutionProvider": CUDA}


class NoGpu(RuntimeError):
    """There is no GPU here, or the framework cannot use it."""


@dataclass
class Opened:
    """An artifact on the GPU, and what its calls showed: operators by device, or the profile of the first and
    the log of the session's creation."""

    model: Any
    profile: Path | None = None
    log: str = ""
    operators: Counter[str] = field(default_factory=Counter)


def _products() -> tuple[Any, ...]:
    """The settings of torch for products of matrices, convolutions and recurrent layers."""
    from torch import backends

    cudnn: Any = backends.cudnn
    return backends.cuda.matmul, cudnn.conv, cudnn.rnn


def set_torch(*, tf32: bool) -> None:
    """Set what cuBLAS and cuDNN may do, which is the process's, not a model's."""
    import torch

    for part in _products():
        part.fp32_precision = "tf32" if tf32 else "ieee"
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False


def torch_settings() -> dict[str, Any]:
    """The settings that are in force, read back."""
    import torch

    cudnn: Any = torch.backends.cudnn
    return {
        "provider": f"CUDA {torch.version.cuda}, cuDNN {cudnn.version()}",
        "tf32": any(part.fp32_precision == "tf32" for part in _products()),
        "deterministic": bool(cudnn.deterministic),
        "benchmark": bool(cudnn.benchmark),
    }


@cache
def gpu() -> Mapping[str, str]:
    """`name` and compute `capability` of the first visible GPU, and the version of its `driver`, as NVML tells them.

    CUDA_VISIBLE_DEVICES holds its number, or its UUID. Raises NoGpu.
    """
    import pynvml

    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].strip()
    try:
        pynvml.nvmlInit()
        if first.isdecimal():
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(first))
        else:
            handle = pynvml.nvmlDeviceGetHandleByUUID(first)
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        name, driver = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlSystemGetDriverVersion()
    except pynvml.NVMLError as error:
        raise NoGpu(f"no GPU {first!r} here (NVML: {error})") from error
    return {"name": _text(name), "capability": f"{major}.{minor}", "driver": _text(driver)}


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def torch_gpu() -> Mapping[str, str]:
    """The facts of the GPU, if torch computes on it. Raises NoGpu."""
    import torch

    if not torch.cuda.is_available():
        raise NoGpu(f"torch {torch.__version__} sees no CUDA device")
    one = torch.ones(1, device=CUDA)
    if one.device.type != CUDA or float((one + one).cpu()) != 2.0:
        raise NoGpu(f"torch {torch.__version__} says that it has a CUDA device, and computes on {one.device}")
    return gpu()


def onnxruntime_gpu() -> Mapping[str, str]:
    """The facts of the GPU, if ONNX Runtime has the library for it. Raises NoGpu."""
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise NoGpu(f"onnxruntime {onnxruntime.__version__} has no CUDAExecutionProvider: onnxruntime-gpu brings it")
    return gpu()


def jax_gpu() -> Mapping[str, str]:
    """The facts of the GPU, if it is jax' default device. Raises NoGpu."""
    import jax

    try:
        platform = jax.devices()[0].platform
    except RuntimeError as error:
        raise NoGpu(f"jax {jax.__version__} sees no CUDA device: {error}") from error
    if platform not in (CUDA, "gpu"):
        raise NoGpu(f"jax {jax.__version__} computes on {platform}")
    return gpu()


def torch_operators() -> Any:
    """A context in which torch's operators are counted by the device of what they give: `.counts`, a Counter.

    Views and copies between devices count as any operator. The mode sees each operator below autograd and changes none
    (`torch.utils._python_dispatch`).
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.counts: Counter[str] = Counter()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            self.counts.update({leaf.device.type for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)})
            return result

    return Operators()


def onnx_operators(profile: Path) -> tuple[Counter[str], set[str]]:
    """Nodes by the device that ran them, and the operators of those on the CPU, from a profile of ONNX Runtime.

    Another provider counts by its name. Raises ValueError for a file that is no profile.
    """
    nodes = [event["args"] for event in json.loads(profile.read_text()) if event.get("cat") == "Node"]
    nodes = [node for node in nodes if "provider" in node]
    counts = Counter(_OF_PROVIDER.get(node["provider"], node["provider"]) for node in nodes)
    return counts, {node["op_name"] for node in nodes if node["provider"] == "CPUExecutionProvider"}


_REFUSED = re.compile(r"(?:kernel not found in registries|Fallback to CPU execution provider) for Op type: (\w+)")


def without_kernel(log: str) -> set[str]:
    """The operators that ONNX Runtime's CUDA provider says it has no kernel of, for the types of a model.

    `log` is that of a session's creation at level INFO (`CUDAExecutionProvider::GetCapability`).
    """
    return set(_REFUSED.findall(log))


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """Within this context, what the process writes to its standard error goes to a file: libraries write there."""
    before = os.dup(2)
    try:
        with file.open("wb") as target:
            os.dup2(target.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def jax_operators(outputs: Iterable[Any]) -> Counter[str]:
    """Outputs by the device that holds them. jax tells of no operator where it ran."""
    platforms = (each.platform for part in outputs for each in part.devices())
    return Counter(CUDA if platform == "gpu" else platform for platform in platforms)
