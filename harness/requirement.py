"""Whether a distribution is installed here, at a version that fits."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement


def is_installed(text: str) -> bool:
    """Whether the requirement (`torch>=2.14`) is met. Raises InvalidRequirement for what is none."""
    wanted = Requirement(text)
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False
