"""What a format, hop or runtime says of itself: facts on its class, checked here and carried as plain data.

docs/extending.md tells what each fact means and what holds where a class is silent.
"""

from __future__ import annotations

import ast
import shutil
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.installed import SUITE, is_installed


class PluginError(ValueError):
    """A format, hop or runtime that cannot be used: it does not import, breaks its contract, or fits no other."""


FORMATS, HOPS, RUNTIMES = KINDS = ("formats", "hops", "runtimes")
NEEDED = MappingProxyType(
    {
        FORMATS: ("name", "suffix", "dialect", "worker", "requires"),
        HOPS: ("name", "source", "target", "requires"),
        RUNTIMES: ("name", "format", "requires"),
    }
)
"""Facts that a class of each kind must have; the others have defaults."""
METHODS = MappingProxyType({FORMATS: ("write", "read"), HOPS: ("convert",), RUNTIMES: ("open", "run")})


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _is_many(value: Any, check: Callable[[Any], bool]) -> bool:
    return isinstance(value, tuple | list) and all(map(check, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_python(value: Any) -> bool:
    """Whether these are the lines of a function: a recipe, which may be missing."""
    try:
        return value is None or bool(ast.parse(f"def f():\n{textwrap.indent(textwrap.dedent(value), '    ')}"))
    except (SyntaxError, TypeError):
        return False


@dataclass(frozen=True)
class _Value:
    """What a fact must be, in words and as a check."""

    words: str
    check: Callable[[Any], bool]


_TEXT = _Value("a string", _is_text)
_TEXT_OR_NONE = _Value("a string or None", lambda value: value is None or _is_text(value))
_TEXTS = _Value('a tuple of strings, such as ("torch",)', lambda value: _is_many(value, _is_text))
_COUNT = _Value("a whole number from 0 on, or None", _is_count)
_COUNTS = _Value("a tuple of whole numbers or None, such as (2, 0)", lambda value: _is_many(value, _is_count))
_PYTHON = _Value("a text of Python statements, or None", _is_python)
_PAIRS = _Value(
    "a dictionary of strings by strings",
    lambda value: isinstance(value, Mapping) and all(_is_text(text) for pair in value.items() for text in pair),
)

_FACTS: Mapping[str, tuple[tuple[str, ...], _Value]] = MappingProxyType(
    {
        "name": (KINDS, _TEXT),
        "requires": (KINDS, _TEXTS),
        "programs": (KINDS, _TEXTS),
        "worker": (KINDS, _TEXT),
        "environment": (KINDS, _PAIRS),
        "without": (KINDS, _TEXTS),
        "distribution": (KINDS, _TEXT),
        "engine": (KINDS, _TEXT),
        "calls": (KINDS, _TEXT),
        "source": ((HOPS,), _TEXT),
        "target": ((HOPS,), _TEXT),
        "opset": ((HOPS,), _COUNT),
        "depth": ((FORMATS, HOPS), _COUNT),
        "behind": ((HOPS,), _COUNTS),
        "not_behind": ((HOPS,), _TEXTS),
        "format": ((RUNTIMES,), _TEXT),
        "suffix": ((FORMATS,), _TEXT),
        "dialect": ((FORMATS,), _TEXT_OR_NONE),
        "file": ((FORMATS, RUNTIMES), _TEXT),
        "saved_from": ((FORMATS,), _TEXT),
        "builder": ((FORMATS,), _TEXT),
        "recipe": ((FORMATS, HOPS), _PYTHON),
        "open_recipe": ((RUNTIMES,), _PYTHON),
        "run_recipe": ((RUNTIMES,), _PYTHON),
    }
)
"""Every fact: the kinds of classes that have it, and what it must be."""
_RECIPE_OF = MappingProxyType(
    {(HOPS, "recipe"): "convert", (FORMATS, "recipe"): "write", (RUNTIMES, "open_recipe"): "open",
     (RUNTIMES, "run_recipe"): "run"}
)  # fmt: skip
"""The method that a recipe writes out."""


@dataclass(frozen=True)
class Plugin:
    """Facts about one format, hop or runtime; `reference` (`module:Class`) is how a worker finds it.

    `distribution` is the one to name, `origin` the installed one that a class of another package is part of.
    """

    reference: str
    name: str
    worker: str
    requires: tuple[str, ...]
    source: str = ""
    target: str = ""
    format: str = ""
    suffix: str = ""
    dialect: str | None = None
    opset: int | None = None
    programs: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    depth: int | None = None
    behind: tuple[int | None, ...] = ()
    not_behind: tuple[str, ...] = ()
    engine: str = ""
    distribution: str = ""
    origin: str = ""
    calls: str = ""
    file: str = ""
    saved_from: str = ""
    builder: str = ""
    recipe: str | None = None
    open_recipe: str | None = None
    run_recipe: str | None = None

    @property
    def kind(self) -> str:
        """`format`, `hop` or `runtime`."""
        return "hop" if self.target else "runtime" if self.format else "format"

    @property
    def missing(self) -> str:
        """Why this cannot run here: the distributions and programs it requires that are not installed; '' if it can."""
        lacking = [text for text in self.requires if not is_installed(text)]
        lacking += [text for text in self.programs if shutil.which(text) is None]
        return f"not installed: {', '.join(lacking)}" if lacking else ""

    @property
    def base(self) -> str:
        """The name without the opset: `tf2onnx13` is `tf2onnx` at opset 13."""
        return self.name if self.opset is None else self.name.removesuffix(str(self.opset))

    @property
    def is_ours(self) -> bool:
        """Whether its class is part of this project."""
        return self.reference.partition(":")[0].partition(".")[0] == "harness"

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names of the distributions that it needs: those that it requires, and the one that it stands for."""
        names = (*(Requirement(text).name for text in self.requires), self.distribution)
        return tuple(dict.fromkeys(filter(None, names)))

    def allows(self, further: int) -> int | None:
        """The most golden cases of each layer over which a route goes on from here by so many hops; None for all."""
        return self.behind[min(further, len(self.behind)) - 1] if self.behind else None


def facts_of(cls: type, kind: str, reference: str) -> dict[str, Any]:
    """The facts that a class declares, as the arguments of a Plugin. Raises PluginError for one that breaks the
    contract: a needed fact or a method is lacking, or a fact is of another type."""
    lacking = [name for name in (*NEEDED[kind], *METHODS[kind]) if not hasattr(cls, name)]
    if lacking:
        raise PluginError(
            f"{reference} is no {kind[:-1]}: it lacks {', '.join(lacking)}. A {kind[:-1]} is a class with "
            f"{', '.join(NEEDED[kind])} and {'(), '.join(METHODS[kind])}(); see docs/extending.md"
        )
    facts = {name: _fact(cls, kind, name, reference) for name, (kinds, _) in _FACTS.items() if kind in kinds}
    facts = {name: value for name, value in facts.items() if value is not None}
    for text in facts["requires"]:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise PluginError(f"{reference} requires {text!r}, which is no requirement: {error}") from None
    facts.setdefault("worker", _worker(facts, reference))
    plugin = Plugin(reference, **facts)
    if kind != FORMATS:
        facts.setdefault("engine", plugin.base)
    if plugin.is_ours:
        facts.setdefault("distribution", SUITE)
    return {"reference": reference, **facts}


def _fact(cls: type, kind: str, name: str, reference: str) -> Any:
    """One fact of a class as plain data; None where the class is silent. Raises PluginError for another type."""
    value = getattr(cls, name, None)
    if (kind, name) in _RECIPE_OF:
        value = _recipe(cls, name, _RECIPE_OF[kind, name])
    elif not hasattr(cls, name):
        return None
    wanted = _FACTS[name][1]
    if not wanted.check(value):
        raise PluginError(f"{reference} has {name} = {value!r}; expected {wanted.words}. See docs/extending.md")
    if isinstance(value, Mapping):
        return tuple(value.items())
    return tuple(value) if isinstance(value, tuple | list) else value


def _recipe(cls: type, name: str, method: str) -> Any:
    """The recipe of a method, from the class that defines the method: one that overrides it does something else."""
    nearest = next(base for base in cls.__mro__ if name in vars(base) or method in vars(base))
    return vars(nearest).get(name)


def _worker(facts: Mapping[str, Any], reference: str) -> str:
    """A foreign class runs beside the framework that it names first; one that names none runs alone."""
    return Requirement(facts["requires"][0]).name if facts["requires"] else reference
