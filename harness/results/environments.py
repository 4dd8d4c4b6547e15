"""Environments: with what two runs were made, and what differs between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.errors import InputError
from harness.patterns import pointer
from harness.results.device import CPU

MISSING = "not installed"
"""The version of a distribution that an environment lacks."""
IDLE = ("hypothesis", "pytest")
"""Distributions that run tests and draw fresh cases. No stage of a case is walked with them: no result depends on their
versions."""
DEVICE = "device"
"""Stands among the versions for what artifacts ran on."""


class OtherEnvironment(InputError):
    """Two runs of different environments, or a name that neither of them knows."""


@dataclass(frozen=True)
class Discrepancy:
    """A distribution, `python` or `platform` whose version differs. `allowed`: `--across` names it."""

    name: str
    base: str
    head: str
    allowed: bool = False

    @property
    def matters(self) -> bool:
        """Whether both have it, in two releases, and results depend on it. What one lacks could change nothing there:
        what needs it was not walked."""
        return MISSING not in (self.base, self.head) and not (self.is_build or self.is_idle)

    @property
    def is_idle(self) -> bool:
        """Whether no result depends on it."""
        return self.name in IDLE

    @property
    def is_build(self) -> bool:
        """Whether one is a build of the other's release, as torch 2.15.0+cpu is of torch 2.15.0.

        The record does not say which build it was made with: PyPI calls that with CUDA and that without by one name.
        """
        shorter, longer = sorted((self.base, self.head), key=len)
        return longer.startswith(f"{shorter}+")

    @property
    def is_backwards(self) -> bool:
        """Whether the head's version is the older one."""
        try:
            return self.matters and Version(self.head) < Version(self.base)
        except InvalidVersion:
            return False

    def __str__(self) -> str:
        return f"{self.name} {self.base} -> {self.head}{' (older)' if self.is_backwards else ''}"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "base": self.base, "head": self.head, "allowed": self.allowed}


def version_in(versions: Mapping[str, str], name: str) -> str:
    """The version of a distribution in an environment, or the device there: a run that does not say ran on the CPU."""
    return versions.get(name, CPU if name == DEVICE else MISSING)


def differing(
    base: Mapping[str, str], head: Mapping[str, str], *, across: Iterable[str] = ()
) -> tuple[Discrepancy, ...]:
    """What differs between two environments, in the order of their names; `across` names what may differ.

    Raises OtherEnvironment for a name that neither knows.
    """
    names = list(dict.fromkeys((*base, *head)))
    allowed = {_name(text, names) for text in across}
    versions = [(name, version_in(base, name), version_in(head, name)) for name in names]
    return tuple(Discrepancy(name, was, now, name in allowed) for name, was, now in versions if was != now)


def refused_of(found: Iterable[Discrepancy]) -> tuple[Discrepancy, ...]:
    """Those for which two runs are not compared: both have it, and it may not differ."""
    return tuple(each for each in found if each.matters and not each.allowed)


def discrepancies(
    base: Mapping[str, str], head: Mapping[str, str], *, across: Iterable[str] = ()
) -> tuple[Discrepancy, ...]:
    """What differs between two environments, as `differing` has it. Raises OtherEnvironment also for what is not
    allowed."""
    found = differing(base, head, across=across)
    if refused := refused_of(found):
        raise OtherEnvironment(
            f"the runs are of different environments: {', '.join(map(str, refused))}",
            where="versions",
            expected="the same versions in both",
            advice="If this is what you compare, say so: " + " ".join(f"--across {each.name}" for each in refused),
        )
    return found


def _name(text: str, names: Iterable[str]) -> str:
    """The name that `text` spells. Raises OtherEnvironment if there is none."""
    known = {canonicalize_name(name): name for name in names}
    if (name := known.get(canonicalize_name(text))) is None:
        raise OtherEnvironment(
            f"neither run knows {text!r}",
            where="--across",
            expected="the whole name of a distribution, python or platform",
            advice=f"{pointer(text, known.values())}Both know: {', '.join(known.values())}.",
        )
    return name
