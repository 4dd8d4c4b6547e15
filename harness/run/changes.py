"""What has changed in the converters of a run since their releases, and which of it a footprint has entered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.adapters.routes import Route
from harness.fingerprint import package_of
from harness.judge.functions import Function
from harness.judge.released import Released
from harness.results.changed import Changed
from harness.workers.footprint import Footprint


@dataclass(frozen=True)
class Changes:
    """The changed functions of each distribution that differs from its release, the folder of its package, and the
    functions of the release that are `gone`."""

    functions: Mapping[str, tuple[Function, ...]] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, tuple[Function, ...]] = field(default_factory=dict)

    @classmethod
    def since(cls, releases: Iterable[Released]) -> Changes:
        """What is installed here beside these releases. A distribution without a package here has no changes."""
        functions, folders, versions, gone = {}, {}, {}, {}
        for released in releases:
            folder = package_of(released.distribution)
            if folder is None:
                continue
            name, changed, lost = released.distribution, tuple(released.changed(folder)), tuple(released.gone(folder))
            if changed or lost:
                versions[name] = released.version
            if changed:
                functions[name], folders[name] = changed, folder
            if lost:
                gone[name] = lost
        return cls(functions, folders, versions, gone)

    def told(self) -> tuple[Changed, ...]:
        """The changed functions for the header of a results file, then those that are gone."""
        return tuple(
            Changed(name, self.releases[name], each.file, each.name, each.first, each.digest, gone)
            for gone, of in ((False, self.functions), (True, self.gone))
            for name, functions in of.items()
            for each in functions
        )

    def concern(self, route: Route, place: int) -> bool:
        """Whether a changed converter made the artifact behind `place` hops, or one before: what it made may be run
        or read by all that follow."""
        return any(hop.distribution in self.functions for hop in route.hops[max(route.given - 1, 0) : place])

    def entered(self, footprints: Iterable[Footprint]) -> tuple[str, ...]:
        """The digests of the changed functions that these footprints entered."""
        return tuple(
            sorted(
                {
                    function.digest
                    for footprint in footprints
                    for file, lines in footprint.items()
                    for function in self._of_file.get(file, ())
                    if any(function.first <= line <= function.last for line in lines)
                }
            )
        )

    @cached_property
    def _of_file(self) -> dict[str, list[Function]]:
        files: dict[str, list[Function]] = defaultdict(list)
        for functions in self.functions.values():
            for function in functions:
                files[function.file].append(function)
        return files
