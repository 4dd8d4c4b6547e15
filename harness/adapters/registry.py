"""The registry of formats, hops and runtimes: ours, and those of other packages.

Ours are the classes in the packages `formats`, `hops` and `runtimes` beside this module. Other packages add theirs by
the entry point groups `harness.hops` and `harness.runtimes`, a user by name (`module:Class`). The module of a foreign
class may import a framework at its top, and the suite's process must not; so a process of its own reads the facts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import getmembers, isclass
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from harness.adapters.places import Place
from harness.adapters.plugin import CPU, FORMATS, HOPS, KINDS, NEEDED, RUNTIMES, Plugin, PluginError, facts_of
from harness.installed import COMPUTES_WITH
from harness.patterns import pointer

__all__ = ["Plugin", "PluginError", "Registry", "describe_foreign", "facts_of", "installed", "resolve"]

OPEN_TO_OTHERS = (HOPS, RUNTIMES)
"""Kinds of plugins that other packages can add; the entry point group is `harness.` and the kind."""
DESCRIBE_LIMIT = 180
"""Seconds that the process which describes a class of another package may take: it imports the class's framework."""


def resolve(reference: str) -> Any:
    """Import the class or function `module:name`. Raises PluginError if there is none."""
    module, _, name = reference.partition(":")
    if not name:
        raise PluginError("it names no class", where=reference, expected="module:Class")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"it cannot be imported: {error}",
            where=reference,
            advice="Call this command in the folder that holds the module, or install it",
        ) from error


def _classes_of(package: ModuleType, kind: str) -> Iterable[Plugin]:
    for each in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{each.name}")
        for name, cls in getmembers(module, isclass):
            if cls.__module__ == module.__name__ and all(hasattr(cls, fact) for fact in NEEDED[kind]):
                yield Plugin(**facts_of(cls, kind, f"{module.__name__}:{name}"))


def describe_foreign(reference: str, kind: str, distribution: str = "") -> Plugin:
    """The facts of a class of another package, read in a process of its own.

    `distribution` names the distribution that holds the class, if the caller knows it. Raises PluginError if the class
    breaks its contract, or if the process fails or takes longer than `DESCRIBE_LIMIT` seconds.
    """
    command = [sys.executable, "-m", "harness.adapters.facts", reference, kind, distribution]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DESCRIBE_LIMIT)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise PluginError(
            "its module takes too long to import", where=reference, expected=f"its facts within {DESCRIBE_LIMIT} s"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise PluginError("its module cannot be imported", where=reference, came=last)
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if "error" in answer:
        raise PluginError(**answer["error"])
    return Plugin(**{name: _frozen(value) for name, value in answer["facts"].items()})


def _frozen(value: Any) -> Any:
    """JSON data with its lists as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Registry:
    """The formats, hops and runtimes that form routes; `problems` names the plugins that cannot be used.

    Artifacts run on `device` wherever it has a runtime for their format, and on the CPU elsewhere.
    """

    formats: tuple[Plugin, ...]
    hops: tuple[Plugin, ...]
    runtimes: tuple[Plugin, ...]
    problems: tuple[str, ...] = field(default=())
    device: str = CPU

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All but the runtimes of other devices."""
        runtimes = (runtime for runtime in self.runtimes if runtime.device in (CPU, self.device))
        return (*self.formats, *self.hops, *runtimes)

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names of all distributions on which a result can depend: sorted, then those that the suite computes with."""
        names = {name for plugin in self.plugins for name in (*plugin.distributions, plugin.origin) if name}
        return (*sorted(names - set(COMPUTES_WITH)), *COMPUTES_WITH)

    def format(self, name: str) -> Plugin | None:
        return next((form for form in self.formats if form.name == name), None)

    def runtime_of(self, name: str) -> Plugin | None:
        """The first installed runtime for a format; the first of all if none is installed.

        On a device that has runtimes for the format, one of these, installed or not: no artifact goes to the CPU
        because something is missing.
        """
        on_device = [runtime for runtime in self.runtimes if (runtime.format, runtime.device) == (name, self.device)]
        return _first(on_device) or self.witness_of(name)

    def witness_of(self, name: str) -> Plugin | None:
        """The runtime for a format on the CPU, which says whether a deviation is the device's."""
        return _first([runtime for runtime in self.runtimes if (runtime.format, runtime.device) == (name, CPU)])

    @property
    def devices(self) -> tuple[str, ...]:
        """Where artifacts can be run: the CPU first."""
        return tuple(dict.fromkeys((CPU, *(runtime.device for runtime in self.runtimes))))

    def on(self, device: str) -> Registry:
        """The registry whose artifacts run on a device. Raises PluginError for one that no runtime knows."""
        if device not in self.devices:
            raise PluginError(
                f"no runtime runs on {device!r}",
                where="--device",
                expected=f"one of {', '.join(self.devices)}",
                advice=pointer(device, self.devices).strip(),
            )
        return replace(self, device=device)

    def obstacle(self, hop: Plugin) -> str:
        """The reason why no route can run with this hop here, in words; '' if there is none.

        Its requirements are installed, some format or hop gives it its source, and an installed runtime takes what it
        makes.
        """
        if hop.missing:
            return hop.missing
        sources = {form.name for form in self.formats} | {other.target for other in self.hops if other != hop}
        for problem, name, known in (
            ("nothing makes the source format", hop.source, sources),
            ("no runtime takes the target format", hop.target, {runtime.format for runtime in self.runtimes}),
        ):
            if name not in known:
                return f"{problem} {name!r}. {pointer(name, sorted(known))}Known: {', '.join(sorted(known))}"
        runtime = self.runtime_of(hop.target)
        return f"{runtime.name}: {runtime.missing}" if runtime is not None and runtime.missing else ""

    def file_of(self, name: str) -> str:
        """The name of a file of this format in the folder of a reproducer: `model.onnx`."""
        form, runtime = self.format(name), self.runtime_of(name)
        if form is not None:
            return form.file or f"model{form.suffix}"
        return (runtime.file if runtime else "") or f"model.{name}"

    def optional(self, name: str) -> bool:
        """Whether a source format may go without a runtime: each of its runtimes needs a program of the system.

        Its artifacts are then read back instead.
        """
        return all(runtime.programs for runtime in self.runtimes if runtime.format == name)

    def with_hops(self, references: Iterable[str]) -> Registry:
        """The registry with more hops, by `module:Class`.

        Raises PluginError for a hop that cannot be used, has the name of another hop, or contradicts its worker.
        """
        registry = self
        for reference in references:
            registry = registry._with(HOPS, describe_foreign(reference, HOPS))
        return registry

    def _with(self, kind: str, plugin: Plugin) -> Registry:
        known: tuple[Plugin, ...] = getattr(self, kind)
        namesake = next((other for other in known if other.name == plugin.name), None)
        if namesake is not None:
            raise PluginError(
                f"a {plugin.kind} named {plugin.name!r} exists already: {namesake.reference}",
                where=plugin.reference,
                advice="Give it another name",
            )
        Place.of(plugin.worker, (*self.plugins, plugin))
        return replace(self, **{kind: (*known, plugin)})  # type: ignore[arg-type]


def _first(runtimes: Sequence[Plugin]) -> Plugin | None:
    """The first that is installed, else the first; None of none."""
    return next((runtime for runtime in runtimes if not runtime.missing), runtimes[0] if runtimes else None)


@cache
def installed() -> Registry:
    """Our plugins and those of installed packages. A broken plugin of a package becomes one of the `problems`."""
    ours = {kind: tuple(_classes_of(import_module(f"harness.adapters.{kind}"), kind)) for kind in KINDS}
    registry = Registry(ours[FORMATS], ours[HOPS], ours[RUNTIMES])
    problems: list[str] = []
    for kind in OPEN_TO_OTHERS:
        for entry in entry_points(group=f"harness.{kind}"):
            try:
                of = entry.dist.name if entry.dist else ""
                registry = registry._with(kind, describe_foreign(entry.value, kind, of))
            except PluginError as error:
                problems.append(f"{entry.name}: {error}")
    problems += [
        f"{hop.name}: {why}"
        for hop in registry.hops
        if not (hop.is_ours or hop.missing) and (why := registry.obstacle(hop))
    ]
    return replace(registry, problems=tuple(problems))
