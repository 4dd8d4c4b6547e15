"""Facts of formats, hops and runtimes: read from their classes, checked, and carried as plain data.

docs/extending.md explains each fact and its default.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.errors import InputError
from harness.installed import SUITE, is_installed
from harness.optional import program


class PluginError(InputError):
    """A format, hop or runtime that cannot be imported, breaks its contract, or contradicts another."""


ADVICE = "docs/extending.md explains each fact"
CPU = "cpu"
"""The device of a runtime that declares none."""
FORMATS, HOPS, RUNTIMES = KINDS = ("formats", "hops", "runtimes")
NEEDED = MappingProxyType(
    {
        FORMATS: ("name", "suffix", "dialect", "worker", "requires"),
        HOPS: ("name", "source", "target", "requires"),
        RUNTIMES: ("name", "format", "requires"),
    }
)
"""Facts that a class of each kind must declare; the others have defaults."""
METHODS = MappingProxyType({FORMATS: ("write", "read"), HOPS: ("convert",), RUNTIMES: ("open", "run")})


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _is_many(value: Any, check: Callable[[Any], bool]) -> bool:
    return isinstance(value, tuple | list) and all(map(check, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_python(value: Any) -> bool:
    """Whether a value is a recipe: the lines of a function, or None."""
    try:
        return value is None or bool(ast.parse(f"def f():\n{textwrap.indent(textwrap.dedent(value), '    ')}"))
    except (SyntaxError, TypeError):
        return False


@dataclass(frozen=True)
class _Value:
    """What a fact must be: in words for messages, and as a check."""

    words: str
    check: Callable[[Any], bool]


_TEXT = _Value("a string", _is_text)
_YES_OR_NO = _Value("True or False", lambda value: isinstance(value, bool))
_TEXT_OR_NONE = _Value("a string or None", lambda value: value is None or _is_text(value))
_TEXTS = _Value('a tuple of strings, such as ("torch",)', lambda value: _is_many(value, _is_text))
_COUNT = _Value("a whole number from 0 on, or None", _is_count)
_COUNTS = _Value("a tuple of whole numbers or None, such as (2, 0)", lambda value: _is_many(value, _is_count))
_PYTHON = _Value("a text of Python statements, or None", _is_python)
_PAIRS = _Value(
    "a dictionary of strings by strings",
    lambda value: isinstance(value, Mapping) and all(_is_text(text) for pair in value.items() for text in pair),
)

_RECIPE_OF = MappingProxyType(
    {(HOPS, "recipe"): "convert", (FORMATS, "recipe"): "write", (RUNTIMES, "open_recipe"): "open",
     (RUNTIMES, "run_recipe"): "run"}
)  # fmt: skip
"""The method that each recipe replaces."""


def _fact(value: _Value, *kinds: str, **default: Any) -> Any:
    """A field of Plugin that classes of these kinds can declare, with the check of its value."""
    return field(metadata={"value": value, "kinds": kinds}, **default)


@dataclass(frozen=True)
class Plugin:
    """The facts of one format, hop or runtime, with their defaults.

    A worker imports the class by its `reference` (`module:Class`). `origin` is the installed distribution that holds a
    class of another package; `distribution` is the one that results and reports name.
    """

    reference: str
    name: str = _fact(_TEXT, *KINDS)
    worker: str = _fact(_TEXT, *KINDS)
    requires: tuple[str, ...] = _fact(_TEXTS, *KINDS)
    source: str = _fact(_TEXT, HOPS, default="")
    target: str = _fact(_TEXT, HOPS, default="")
    format: str = _fact(_TEXT, RUNTIMES, default="")
    device: str = _fact(_TEXT, RUNTIMES, default=CPU)
    tf32: bool = _fact(_YES_OR_NO, RUNTIMES, default=False)
    suffix: str = _fact(_TEXT, FORMATS, default="")
    dialect: str | None = _fact(_TEXT_OR_NONE, FORMATS, default=None)
    opset: int | None = _fact(_COUNT, HOPS, default=None)
    programs: tuple[str, ...] = _fact(_TEXTS, *KINDS, default=())
    environment: tuple[tuple[str, str], ...] = _fact(_PAIRS, *KINDS, default=())
    without: tuple[str, ...] = _fact(_TEXTS, *KINDS, default=())
    depth: int | None = _fact(_COUNT, FORMATS, HOPS, default=None)
    behind: tuple[int | None, ...] = _fact(_COUNTS, HOPS, default=())
    not_behind: tuple[str, ...] = _fact(_TEXTS, HOPS, default=())
    stands_in_for: tuple[str, ...] = _fact(_TEXTS, HOPS, default=())
    engine: str = _fact(_TEXT, *KINDS, default="")
    distribution: str = _fact(_TEXT, *KINDS, default="")
    origin: str = ""
    calls: str = _fact(_TEXT, *KINDS, default="")
    file: str = _fact(_TEXT, FORMATS, RUNTIMES, default="")
    saved_from: str = _fact(_TEXT, FORMATS, default="")
    builder: str = _fact(_TEXT, FORMATS, default="")
    recipe: str | None = _fact(_PYTHON, FORMATS, HOPS, default=None)
    open_recipe: str | None = _fact(_PYTHON, RUNTIMES, default=None)
    run_recipe: str | None = _fact(_PYTHON, RUNTIMES, default=None)

    @property
    def kind(self) -> str:
        """`format`, `hop` or `runtime`."""
        return "hop" if self.target else "runtime" if self.format else "format"

    @property
    def missing(self) -> str:
        """The required distributions and programs that are not installed, in words; '' if none is missing."""
        lacking = [text for text in self.requires if not is_installed(text)]
        lacking += [text for text in self.programs if program(text) is None]
        return f"not installed: {', '.join(lacking)}" if lacking else ""

    @property
    def base(self) -> str:
        """The name without the opset: `tf2onnx13` is `tf2onnx` at opset 13."""
        return self.name if self.opset is None else self.name.removesuffix(str(self.opset))

    @property
    def is_ours(self) -> bool:
        """Whether the class is part of this project."""
        return self.reference.partition(":")[0].partition(".")[0] == "harness"

    @cached_property
    def distributions(self) -> tuple[str, ...]:
        """Names of the distributions that it requires, then the one that it represents."""
        names = (*(Requirement(text).name for text in self.requires), self.distribution)
        return tuple(dict.fromkeys(filter(None, names)))

    def allows(self, further: int) -> int | None:
        """Most golden cases of each layer for a route that goes on by `further` hops after this one; None for all."""
        return self.behind[min(further, len(self.behind)) - 1] if self.behind else None


def facts_of(cls: type, kind: str, reference: str) -> dict[str, Any]:
    """The facts that a class declares, as the arguments of Plugin.

    Raises PluginError for a class that lacks a needed fact or a method, or has a fact of a wrong type.
    """
    lacking = [name for name in (*NEEDED[kind], *METHODS[kind]) if not hasattr(cls, name)]
    if lacking:
        raise PluginError(
            f"it is no {kind[:-1]}: it lacks {', '.join(lacking)}",
            where=reference,
            expected=f"a class with {', '.join(NEEDED[kind])} and {'(), '.join(METHODS[kind])}()",
            advice=ADVICE,
        )
    declared = [item for item in fields(Plugin) if kind in item.metadata.get("kinds", ())]
    values = {item.name: _declared(cls, kind, item, reference) for item in declared}
    facts = {name: value for name, value in values.items() if value is not None}
    for text in facts["requires"]:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise PluginError(
                f"it is no requirement ({str(error).splitlines()[0]})",
                where=f"{reference}, requires",
                expected='a requirement such as "torch>=2.6"',
                came=repr(text),
                advice=ADVICE,
            ) from None
    facts["worker"] = facts.get("worker") or _worker(facts, reference)
    plugin = Plugin(reference, **facts)
    if kind != FORMATS:
        facts.setdefault("engine", plugin.base)
    if plugin.is_ours:
        facts.setdefault("distribution", SUITE)
    return {"reference": reference, **facts}


def _declared(cls: type, kind: str, item: Field[Any], reference: str) -> Any:
    """One fact of a class as plain data; None if the class does not declare it. Raises PluginError for a wrong type."""
    value = getattr(cls, item.name, None)
    if (kind, item.name) in _RECIPE_OF:
        value = _recipe(cls, item.name, _RECIPE_OF[kind, item.name])
    elif not hasattr(cls, item.name):
        return None
    wanted: _Value = item.metadata["value"]
    if not wanted.check(value):
        raise PluginError(
            "it has a wrong value",
            where=f"{reference}, {item.name}",
            expected=wanted.words,
            came=repr(value),
            advice=ADVICE,
        )
    if isinstance(value, Mapping):
        return tuple(value.items())
    return tuple(value) if isinstance(value, tuple | list) else value


def _recipe(cls: type, name: str, method: str) -> Any:
    """The recipe of a method, from the class that defines the method; a recipe further up describes another method."""
    nearest = next(base for base in cls.__mro__ if name in vars(base) or method in vars(base))
    return vars(nearest).get(name)


def _worker(facts: Mapping[str, Any], reference: str) -> str:
    """The worker of a foreign class that names none: that of its first requirement, or one of its own."""
    return Requirement(facts["requires"][0]).name if facts["requires"] else reference
