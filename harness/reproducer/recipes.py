"""What a reproducer's script does, put together from the recipes of its plugins.

A hop says how it converts, the runtime of its target how the result is opened and run, each in plain text and without
the harness (docs/extending.md). A class of another package that says nothing is imported and called.
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
"""The line of a recipe, and what stands for it in a script."""


class NoRecipe(ValueError):
    """A converter or runtime that cannot be shown without the harness."""


@dataclass(frozen=True)
class Recipe:
    """Lines of `convert()`, which returns something to run, and of `run(model, inputs)`, which returns arrays.

    `package` is the distribution to blame ('' for a loose file), `calls` what is called of it, `worker` where;
    `artifact` is the name that the file before the conversion has in the folder.
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
        """The recipe with this program, whose last line returns the model, in place of the line that loads it."""
        *before, last = program
        _, *after = self.convert
        if after not in ([], ["return model"]):
            last = _bound(last)
            return replace(self, convert=(*before, last, *after))
        return replace(self, convert=(*before, last))


@dataclass(frozen=True)
class _Text:
    """A part of a script: what it imports, and what it does."""

    imports: tuple[str, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, recipe: str, **words: object) -> _Text:
        """A plugin's recipe with these words replaced, and the check of names written out."""
        lines = textwrap.dedent(recipe).strip().splitlines()
        filled = [_filled(line, words) for line in lines if line.strip()]
        imports = tuple(takewhile(lambda line: line.startswith(("import ", "from ")), filled))
        body = [part for line in filled[len(imports) :] for part in (_CHECK if line == _CHECK_NAMES else (line,))]
        return cls(imports, tuple(body))

    @property
    def returns(self) -> bool:
        """Whether it ends with something to run, so that there is no file to open."""
        return self.lines[-1].startswith("return ")

    def __add__(self, other: _Text) -> _Text:
        return _Text((*self.imports, *other.imports), (*self.lines, *other.lines))


def is_shown(plugin: Plugin, registry: Registry) -> bool:
    """Whether what a hop or a source format does can be written without the harness."""
    try:
        (of_hop if plugin.kind == "hop" else of_source)(plugin, registry)
    except NoRecipe:
        return False
    return True


def of_hop(hop: Plugin, registry: Registry) -> Recipe:
    """How a converter is called on a file, and its result run. Raises NoRecipe."""
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
    """How a source file is run; where its format is saved from another, how that is done first. Raises NoRecipe."""
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
        raise NoRecipe(f"no script is written: nothing here runs the format {form}")
    return runtime


def _opened(runtime: Plugin, path: str) -> _Text:
    """How a file is opened: the last line returns what `_run` takes."""
    if runtime.open_recipe is not None:
        return _Text.of(runtime.open_recipe, ARTIFACT=path)
    return _Text(_object(runtime), (f"return runtime.open({path})",))


def _run(runtime: Plugin) -> _Text:
    if runtime.run_recipe is not None:
        return _Text.of(runtime.run_recipe)
    return _Text(_object(runtime), ("return runtime.run(model, inputs)[0]",))


def _object(runtime: Plugin) -> tuple[str, ...]:
    """Lines at the top of a script that make the one object that opens and runs."""
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
    """The line with each of these words replaced."""
    return re.sub(r"\w+", lambda word: str(words.get(word[0], word[0])), line)


def _bound(line: str) -> str:
    """A line that returns the model as one that gives it a name."""
    return line.replace("return ", "model = ", 1)


def _merged(imports: Iterable[str]) -> tuple[str, ...]:
    """Imports of whole modules on one line, in the order of the alphabet, and then the others."""
    plain = [line for line in imports if re.fullmatch(r"import [\w.]+(, [\w.]+)*", line)]
    names = {name for line in plain for name in line.removeprefix("import ").split(", ")}
    others = dict.fromkeys(line for line in imports if line not in plain)
    return (*([f"import {', '.join(sorted(names))}"] if names else ()), *others)
