"""Whether a distribution is installed here, at a version that fits."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

VERSIONS_OF = (
    "keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "torch", "torchvision", "onnx2torch", "onnx2pytorch",
    "tf-keras", "jax", "onnxscript", "numpy", "scipy", "hypothesis", "pytest", "parity-suite",
)  # fmt: skip


def is_installed(text: str) -> bool:
    """Whether the requirement (`torch>=2.14`) is met. Raises InvalidRequirement for what is none."""
    wanted = Requirement(text)
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


def versions() -> dict[str, str]:
    """Versions of interpreter, platform and every distribution that can matter, as the header records them."""
    import platform

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in VERSIONS_OF:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
