"""Expectations: known deviations. Each tells which cases it covers, and whether it foresees a stage at fault.

An expectation names routes, layers, a condition on the configuration or the list of its cases, outcomes, the hops that
it blames, and a minimal case: a golden that every run walks, and walks first. If the deviation no longer happens, the
run fails. Versions and link come from the finding that owns the expectation (`harness.judge.findings`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from packaging.requirements import Requirement

from harness.installed import AT, is_installed
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.spec import canonical

UNREPORTED = "not reported upstream"
"""The link of an expectation without an upstream report."""


@dataclass(frozen=True)
class Expectation:
    """One known deviation.

    `route`, each `layer` and each `blame` are glob patterns. `when` maps an axis or a constructor argument to a list of
    its values, or to `{not = [...]}` for all other values; it holds if all keys fit. A key that the configuration lacks
    fits neither: what the layer then does is its default, which stands nowhere. A layer within a layer may be named by
    its kind. `cases` are whole ids; with them, the expectation covers these cases only. `says` is a regular expression
    for the message of the stage at fault. With it, the expectation foresees only the covered cases whose message
    matches; without it, all covered cases. `random`: the outcome changes from run to run, so that a covered case may
    pass as well, and no record holds it.

    `versions` begins with the package at fault. An upper bound `<=` there tells the last release that was seen, and
    ends nothing: later and development versions are held to what the last release did. `fixed_in` is the release of the
    package at fault that ends it.
    """

    id: str
    route: str
    layer: tuple[str, ...]
    outcome: tuple[Outcome, ...]
    blame: tuple[str, ...]
    versions: tuple[str, ...]
    reason: str
    link: str
    case: str
    when: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    random: bool = False
    says: str = ""
    fixed_in: str = ""

    def covers(self, *, case: str, route: str, layer: str, config: Mapping[str, Any]) -> bool:
        """Whether the expectation is about this case, which has this layer and configuration, on this route."""
        return (
            fnmatchcase(route, self.route)
            and any(fnmatchcase(layer, pattern) for pattern in self.layer)
            and (not self.cases or case in self.cases)
            and all(key in config and _holds(condition, config[key]) for key, condition in self.when.items())
        )

    def foresees(self, fault: Stage) -> bool:
        """Whether a stage at fault has an outcome, a hop and a message that the expectation names."""
        return (
            fault.outcome in self.outcome
            and self.blames(fault.blamed)
            and re.search(self.says, fault.message) is not None
        )

    def blames(self, name: str) -> bool:
        """Whether the expectation blames a hop, in whatever release, or `source`."""
        plain = name.partition(AT)[0]
        return any(fnmatchcase(plain, pattern) for pattern in self.blame)

    @property
    def applies(self) -> bool:
        """Whether the deviation is to be expected of what is installed.

        A pre-release or development version of `fixed_in` may have the fix, and counts as fixed.
        """
        if self.fixed_in and is_installed(f"{Requirement(self.versions[0]).name}>={self.fixed_in}.dev0"):
            return False
        return all(is_installed(_restriction(text)) for text in self.versions)


@cache
def _restriction(text: str) -> str:
    """A requirement without its upper bounds `<=`, which tell where a deviation was seen."""
    requirement = Requirement(text)
    bounds = sorted(str(bound) for bound in requirement.specifier if bound.operator != "<=")
    return f"{requirement.name}{','.join(bounds)}"


def _holds(condition: Any, value: Any) -> bool:
    if isinstance(condition, Mapping):
        return not _is_among(value, condition["not"])
    return _is_among(value, condition)


def _is_among(value: Any, listed: Iterable[Any]) -> bool:
    """Whether a value is listed; for a layer, also whether its kind is."""
    names = {canonical(value)}
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        names.add(canonical(value["kind"]))
    return not names.isdisjoint(canonical(item) for item in listed)


def covering(
    expectations: Iterable[Expectation], *, case: str, route: str, layer: str, config: Mapping[str, Any]
) -> list[Expectation]:
    """The expectations that cover the case on the route and apply to the installed versions."""
    return [
        item
        for item in expectations
        if item.covers(case=case, route=route, layer=layer, config=config) and item.applies
    ]
