"""Whether a distribution is installed here, at a version that fits."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

SUITE = "parity-suite"
"""This project's own distribution."""
COMPUTES_WITH = ("numpy", "scipy", "hypothesis", "pytest", SUITE)
"""What the suite itself draws and computes with, whatever it tests."""


def is_installed(text: str) -> bool:
    """Whether the requirement (`torch>=2.14`) is met. Raises InvalidRequirement for what is none."""
    wanted = Requirement(text)
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of the interpreter, the platform and these distributions, `not installed` for one that is not here."""
    import platform

    known = {"python": platform.python_version(), "platform": platform.platform()}
    return known | {name: _version(name) for name in distributions}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
