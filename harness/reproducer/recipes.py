"""What a reproducer's script does: the recipes of its plugins, joined.

A recipe is Python text that replaces a method of the plugin and needs no harness (docs/extending.md). The hop's recipe
converts; the recipes of the target's runtime open and run the result. A class of another package without a
recipe is imported and called.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from harness.adapters.plugin import Plugin
from harness.adapters.registry import Registry

_CHECK_NAMES = "check_names(names, inputs)"
_CHECK = (
    "if sorted(names) != sorted(inputs):",
    '    raise ValueError(f"the artifact takes the inputs {sorted(names)}, the model has {sorted(inputs)}")',
)
"""A line of a recipe, and the lines that replace it in a script."""


class NoRecipe(ValueError):
    """A converter or runtime that only the harness can call."""


@dataclass(frozen=True)
class Recipe:
    """The lines of a script: of `convert()`, which returns a model, and of `run(model, inputs)`, which returns arrays.

    `package` is the distribution at fault ('' for a loose file), `calls` the function of it that the script calls,
    `worker` the worker whose environment the script needs. `artifact` is the file before the conversion, by its name
    in the folder.
    """

    package: str
    packages: tuple[str, ...]
    imports: tuple[str, ...]
    artifact: str
    convert: tuple[str, ...]
    run: tuple[str, ...]
    worker: str
    calls: str

    def building(self, program: Sequence[str]) -> Recipe:
        """The recipe with the first line, which loads the model, replaced by a program whose last line returns it."""
        *before, last = program
        _, *after = self.convert
        if after not in ([], ["return model"]):
            last = _bound(last)
            return replace(self, convert=(*before, last, *after))
        return replace(self, convert=(*before, last))


@dataclass(frozen=True)
class _Text:
    """A part of a script: its imports, and its other lines."""

    imports: tuple[str, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, recipe: str, **words: object) -> _Text:
        """A plugin's recipe with `words` replaced and the check of names written out."""
        lines = textwrap.dedent(recipe).strip().splitlines()
        filled = [_filled(line, words) for line in lines if line.strip()]
        imports = tuple(takewhile(lambda line: line.startswith(("import ", "from ")), filled))
        body = [part for line in filled[len(imports) :] for part in (_CHECK if line == _CHECK_NAMES else (line,))]
        return cls(imports, tuple(body))

    @property
    def returns(self) -> bool:
        """Whether it returns a model to run, not a file to open."""
        return self.lines[-1].startswith("return ")

    def __add__(self, other: _Text) -> _Text:
        return _Text((*self.imports, *other.imports), (*self.lines, *other.lines))


def is_shown(plugin: Plugin, registry: Registry) -> bool:
    """Whether a hop or a source format has a recipe, so that a script can do without the harness."""
    try:
        (of_hop if plugin.kind == "hop" else of_source)(plugin, registry)
    except NoRecipe:
        return False
    return True


def of_hop(hop: Plugin, registry: Registry) -> Recipe:
    """The recipe that calls a converter on a file and runs the result. Raises NoRecipe."""
    runtime = _runtime(hop.target, registry)
    artifact = registry.file_of(hop.source)
    result = f'OUT / "{registry.file_of(hop.target)}"'
    if hop.recipe is not None:
        text = _Text.of(hop.recipe, ARTIFACT=_here(artifact), RESULT=result, OPSET=hop.opset)
    else:
        module, name = _foreign(hop)
        text = _Text((f"from {module} import {name}",), (f"path = {name}().convert({_here(artifact)}, {result})",))
        result = "path"
    if not text.returns:
        text += _opened(runtime, result)
    return _recipe(hop, text, runtime, artifact, (hop, runtime))


def of_source(form: Plugin, registry: Registry) -> Recipe:
    """The recipe that runs a source file, after saving it from a file of `saved_from` if the format names one.

    Raises NoRecipe.
    """
    runtime = _runtime(form.name, registry)
    start = registry.format(form.saved_from)
    if form.recipe is None or start is None:
        artifact = registry.file_of(form.name)
        return _recipe(runtime, _opened(runtime, _here(artifact)), runtime, artifact, (runtime,))
    artifact = registry.file_of(start.name)
    result = f'OUT / "{registry.file_of(form.name)}"'
    *_, load = _opened(_runtime(start.name, registry), _here(artifact)).lines
    text = _Text((), (_bound(load),)) + _Text.of(form.recipe, RESULT=result)
    if not text.returns:
        text += _opened(runtime, result)
    return _recipe(form, text, runtime, artifact, (start, form, runtime))


def _recipe(blamed: Plugin, text: _Text, runtime: Plugin, artifact: str, parts: Iterable[Plugin]) -> Recipe:
    run = _run(runtime)
    return Recipe(
        package=blamed.distribution,
        packages=tuple(dict.fromkeys([*(name for part in parts for name in part.distributions), "numpy"])),
        imports=_merged((*text.imports, *run.imports)),
        artifact=artifact,
        convert=text.lines,
        run=run.lines,
        worker=blamed.worker,
        calls=blamed.calls or blamed.name,
    )


def _runtime(form: str, registry: Registry) -> Plugin:
    runtime = registry.runtime_of(form)
    if runtime is None:
        raise NoRecipe(f"no script is written: no runtime runs the format {form}")
    return runtime


def _opened(runtime: Plugin, path: str) -> _Text:
    """Lines that open a file; the last returns the `model` that the lines of `_run` use."""
    if runtime.open_recipe is not None:
        return _Text.of(runtime.open_recipe, ARTIFACT=path)
    return _Text(_object(runtime), (f"return runtime.open({path})",))


def _run(runtime: Plugin) -> _Text:
    if runtime.run_recipe is not None:
        return _Text.of(runtime.run_recipe)
    return _Text(_object(runtime), ("return runtime.run(model, inputs)[0]",))


def _object(runtime: Plugin) -> tuple[str, ...]:
    """Lines at the top of a script that create the runtime, which opens and runs."""
    module, name = _foreign(runtime)
    return f"from {module} import {name}", f"runtime = {name}()"


def _foreign(plugin: Plugin) -> tuple[str, str]:
    """Module and class of a plugin of another package. Raises NoRecipe for one of ours."""
    if plugin.is_ours:
        raise NoRecipe(f"no script is written for {plugin.name}: it is the harness's own")
    module, _, name = plugin.reference.partition(":")
    return module, name


def _here(artifact: str) -> str:
    return f'HERE / "{artifact}"'


def _filled(line: str, words: dict[str, object]) -> str:
    """The line with each word that `words` has replaced by its value."""
    return re.sub(r"\w+", lambda word: str(words.get(word[0], word[0])), line)


def _bound(line: str) -> str:
    """A line that returns the model, changed to assign it to `model`."""
    return line.replace("return ", "model = ", 1)


def _merged(imports: Iterable[str]) -> tuple[str, ...]:
    """One line that imports whole modules, in alphabetical order; then the other imports."""
    plain = [line for line in imports if re.fullmatch(r"import [\w.]+(, [\w.]+)*", line)]
    names = {name for line in plain for name in line.removeprefix("import ").split(", ")}
    others = dict.fromkeys(line for line in imports if line not in plain)
    return (*([f"import {', '.join(sorted(names))}"] if names else ()), *others)
