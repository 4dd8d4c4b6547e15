"""Expectations: deviations that are known, and whether one speaks of a case and of what happened to it.

An expectation names route, layer, the condition on the configuration, the outcomes, who is to blame, and its own
minimal case, a golden that is run first and always. It holds still: a deviation that no longer happens fails the run.
Each belongs to a finding, from which it has its versions and its link (`harness.judge.findings`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from harness.installed import is_installed
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.spec import canonical

UNREPORTED = "not reported upstream"
"""The link of an expectation whose deviation nobody has reported."""


@dataclass(frozen=True)
class Expectation:
    """One known deviation.

    `route`, each `layer` and each `blame` are glob patterns. `when` maps axes or constructor arguments to the values
    for which it holds; `{not = [...]}` to those for which it does not. A key that the configuration lacks counts as
    None, and a layer within a layer may be named by its kind. `says` is a regular expression that the message of the
    stage at fault matches. An expectation with it speaks of those of the cases it covers whose message matches, because
    no condition on the configuration tells them apart; one without it speaks of all.
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
    says: str = ""

    def covers(self, *, route: str, layer: str, config: Mapping[str, Any]) -> bool:
        """Whether a case of this layer and configuration on this route is expected to deviate."""
        return (
            fnmatchcase(route, self.route)
            and any(fnmatchcase(layer, pattern) for pattern in self.layer)
            and all(_holds(condition, config.get(key)) for key, condition in self.when.items())
        )

    def foresees(self, fault: Stage) -> bool:
        """Whether a stage at fault is what it speaks of."""
        return (
            fault.outcome in self.outcome and self.blames(fault.by) and re.search(self.says, fault.message) is not None
        )

    def blames(self, name: str) -> bool:
        """Whether it speaks of this hop (or of `source`)."""
        return any(fnmatchcase(name, pattern) for pattern in self.blame)

    @property
    def applies(self) -> bool:
        """Whether the versions installed here are those it was seen with."""
        return all(is_installed(text) for text in self.versions)


def _holds(condition: Any, value: Any) -> bool:
    if isinstance(condition, Mapping):
        return not _is_among(value, condition["not"])
    return _is_among(value, condition)


def _is_among(value: Any, listed: Iterable[Any]) -> bool:
    """Whether a value is listed: itself, or the kind of the layer that it is."""
    names = {canonical(value)}
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        names.add(canonical(value["kind"]))
    return not names.isdisjoint(canonical(item) for item in listed)


def covering(
    expectations: Iterable[Expectation], *, route: str, layer: str, config: Mapping[str, Any]
) -> list[Expectation]:
    """The expectations that speak of the case on the route and apply to the versions installed."""
    return [item for item in expectations if item.covers(route=route, layer=layer, config=config) and item.applies]
