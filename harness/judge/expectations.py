"""Known deviations as data: `golden/expectations/*.toml`, one file per converter.

An expectation names route, layer, the condition on the configuration, the outcomes and who is to blame, the
versions it was seen with, a reason, the upstream link if there is one, and its own minimal case, a golden that
is run first and always. It holds still: a deviation that no longer happens fails the run.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.errors import InputError
from harness.installed import is_installed
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.spec import canonical

UNREPORTED = "not reported upstream"
_KEYS = {"id", "route", "layer", "when", "says", "outcome", "blame", "versions", "reason", "link", "case"}
_NEEDED = _KEYS - {"when", "says"}


class ExpectationError(InputError):
    """An expectations file that cannot be used; the message names file, entry and key."""


@dataclass(frozen=True)
class Expectation:
    """One known deviation.

    `route`, each `layer` and each `blame` are glob patterns. `when` maps axes or constructor arguments to the values
    for which it holds; `{not = [...]}` to those for which it does not. A key that the configuration lacks counts as
    None. `says` is a regular expression that the message of the stage at fault holds. An expectation with it speaks
    of those of the cases it covers that end so, because no condition on the configuration tells them apart; one
    without it speaks of all.
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
    text = canonical(value)
    if isinstance(condition, Mapping):
        return text not in {canonical(item) for item in condition["not"]}
    return text in {canonical(item) for item in condition}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def parse(data: Mapping[str, Any], origin: str) -> Expectation:
    """One table of a file. Raises ExpectationError, naming `origin` and what is wrong."""
    where = f"{origin}, expectation {data.get('id', '(without id)')!r}"
    if unknown := sorted(set(data) - _KEYS):
        raise ExpectationError(f"{where}: unknown keys {unknown}; known are {sorted(_KEYS)}")
    if lacking := sorted(_NEEDED - set(data)):
        raise ExpectationError(f"{where}: it lacks {lacking}; each known deviation needs them")
    when = data.get("when", {})
    for key, condition in when.items():
        fits = set(condition) == {"not"} if isinstance(condition, Mapping) else isinstance(condition, list)
        if not fits:
            raise ExpectationError(f"{where}: when.{key} must be a list of values, or {{not = [...]}}")
    versions = tuple(_listed(data["versions"]))
    try:
        outcomes = tuple(Outcome(text) for text in _listed(data["outcome"]))
        [Requirement(text) for text in versions]
        re.compile(data.get("says", ""))
    except (ValueError, InvalidRequirement, re.error) as error:
        raise ExpectationError(f"{where}: {error}") from error
    if any(outcome.passes for outcome in outcomes):
        raise ExpectationError(f"{where}: an outcome that passes needs no expectation")
    if data["link"] != UNREPORTED and not data["link"].startswith("https://"):
        raise ExpectationError(f"{where}: link must be an address or {UNREPORTED!r}, got {data['link']!r}")
    if len(data["reason"]) < 15:
        raise ExpectationError(f"{where}: the reason must say what the converter does, got {data['reason']!r}")
    return Expectation(
        id=data["id"],
        route=data["route"],
        layer=tuple(_listed(data["layer"])),
        outcome=outcomes,
        blame=tuple(_listed(data["blame"])),
        versions=versions,
        reason=" ".join(data["reason"].split()),
        link=data["link"],
        case=data["case"],
        when=when,
        says=data.get("says", ""),
    )


def load(folder: Path) -> list[Expectation]:
    """All expectations of a folder. Raises ExpectationError; ids must be unique."""
    found: list[Expectation] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ExpectationError(f"{path}: not a TOML file: {error}") from error
        found += [parse(item, str(path)) for item in data.get("expectation", [])]
    ids = [item.id for item in found]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ExpectationError(f"{folder}: ids used twice: {twice}")
    return found


def covering(
    expectations: Iterable[Expectation], *, route: str, layer: str, config: Mapping[str, Any]
) -> list[Expectation]:
    """The expectations that speak of the case on the route and apply to the versions installed."""
    return [item for item in expectations if item.covers(route=route, layer=layer, config=config) and item.applies]
