"""Reproducers: one deviation as a folder that needs the frameworks only, ready for an upstream issue.

The script starts from the artifact before the converter at fault, so it needs that converter's framework and no other.
It compares the result with the golden, within a tolerance of 32 noise units.
"""

from __future__ import annotations

import json
import re
import shutil
import textwrap
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.adapters.places import Place
from harness.adapters.routes import Route
from harness.errors import InputError
from harness.installed import versions
from harness.judge.compare import tolerance
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.reproducer import issue
from harness.reproducer.deviation import Deviation
from harness.reproducer.program import NoProgram, custom, program
from harness.reproducer.recipes import NoRecipe, Recipe, of_hop, of_source
from harness.results.events import fault_of
from harness.run.session import Session
from harness.spec import Array, Case, Exactness, Golden
from harness.workers.pool import COMMON

LIMIT = 150
"""Seconds after which the script of a converter that hangs gives up."""
LINES = 60
"""Most lines of a script; a layer class of ours in the model adds its own."""
SCRIPT, ISSUE, VERSIONS = "reproduce.py", "issue.md", "versions.json"
_UNNEEDED = ("PYTHONFAULTHANDLER", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""Variables of a worker's environment that change no result."""


class ReproduceError(InputError):
    """A case that cannot be reproduced: it agrees, or only the harness can call the converter."""


@dataclass(frozen=True)
class Reproducer:
    """A reproducer on disk: its folder, the zip beside it, and the deviation that it shows."""

    folder: Path
    archive: Path
    title: str
    outcome: Outcome
    blame: str


def write(
    session: Session, case: Case, route: Route, folder: Path, expectation: Expectation | None = None
) -> Reproducer:
    """Walk the case along the route, and write the folder and its zip. Raises ReproduceError.

    Without `expectation`, the expectation that the result names is taken.
    """
    deviation = _deviation(session, case, route, expectation)
    recipe, artifact = _recipe(session, deviation)
    facts = issue.facts(deviation, recipe, session.registry)
    place = Place.of(recipe.worker, session.registry.plugins)
    script = _script(deviation, recipe, place, facts["title"])
    _fill(folder, deviation, script, recipe, artifact)
    if deviation.converted is not None:
        _copy(deviation.converted, folder / "converted.onnx")
    files = sorted(path.name for path in folder.iterdir() if path.name != ISSUE)
    text = render("issue.md.jinja", script=script, files=files, **facts)
    (folder / ISSUE).write_text(text, encoding="utf-8")
    return Reproducer(folder, _zipped(folder), facts["title"], deviation.fault.outcome, deviation.fault.by)


def write_check(session: Session, case: Case, route: Route, folder: Path) -> None:
    """Write the script, for other releases, of a case that agrees here on a route: whether it deviates there.

    There is no issue, no `converted.onnx` and no zip. Raises ReproduceError for a case that deviates, and for a
    converter that only the harness can call.
    """
    steps = session.walk.steps(case, route)
    deviation = Deviation(case, route, steps, None)
    if fault_of([step.stage for step in steps]) is not None:
        raise ReproduceError("it does not agree", where=f"{case.id} on {route.name}", came=deviation.fault.outcome)
    recipe, artifact = _recipe(session, deviation)
    place = Place.of(recipe.worker, session.registry.plugins)
    _fill(folder, deviation, _script(deviation, recipe, place, f"{recipe.calls}: {case.id}"), recipe, artifact)


def _fill(folder: Path, deviation: Deviation, script: str, recipe: Recipe, artifact: Path | None) -> None:
    """Write the script and what it needs. A reproducer that is there is replaced."""
    if (folder / SCRIPT).exists():  # of an earlier reproducer
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if artifact is not None:
        _copy(artifact, folder / recipe.artifact)
    _write_arrays(deviation, folder)
    known = json.dumps(versions(recipe.packages), indent=1)
    (folder / VERSIONS).write_text(f"{known}\n", encoding="utf-8")
    (folder / SCRIPT).write_text(script, encoding="utf-8")


def _deviation(session: Session, case: Case, route: Route, expectation: Expectation | None) -> Deviation:
    """The deviation of a case on a route. Raises ReproduceError if it agrees."""
    steps = session.walk.steps(case, route)
    fault = fault_of([step.stage for step in steps])
    if fault is None:
        raise ReproduceError(
            "there is nothing to reproduce",
            where=f"{case.id} on {route.name}",
            expected="a deviation",
            came="agreement with the golden",
        )
    count = next(k for k, step in enumerate(steps) if step.stage is fault)
    if expectation is None:
        note = session.walk.result(case, route).expectation
        expectation = next((item for item in session.expectations if note is not None and item.id == note.id), None)
    return Deviation(case, Route(route.source, route.hops[:count]), steps[: count + 1], expectation)


def _recipe(session: Session, deviation: Deviation) -> tuple[Recipe, Path | None]:
    """How a script does the step at fault, and the file that it starts from; None if it builds the model itself.

    Raises ReproduceError if the step has no recipe, or the model no program.
    """
    registry, route, case = session.registry, deviation.route, deviation.case
    try:
        if route.hops:
            artifact = deviation.steps[-2].artifact
            if artifact is not None and not artifact.exists():
                raise ReproduceError(
                    f"{route.hops[-1].name} is at fault, and the pack does not hold the file that it read",
                    where=f"{case.id} on {route.name}",
                    advice="Write the reproducer without --pack, where this converter is installed.",
                )
            return of_hop(route.hops[-1], registry), artifact
        recipe = of_source(route.source, registry)
        start = registry.format(route.source.saved_from) or route.source
        artifact = session.walk.steps(case, Route(start, ()))[0].artifact
        if artifact is not None:
            return recipe, artifact
        if not route.source.builder:
            raise NoProgram(f"no program is written that builds a model of the format {route.source.name}")
        return recipe.building(program(case.spec, route.source.builder)), None
    except (NoRecipe, NoProgram) as error:
        raise ReproduceError(str(error), where=case.id) from None


def _script(deviation: Deviation, recipe: Recipe, place: Place, title: str) -> str:
    """The text of the script."""
    golden, names_keras = deviation.case.golden, any("keras" in re.findall(r"\w+", line) for line in recipe.imports)
    script = render(
        "reproduce.py.jinja",
        title=title,
        packages=recipe.packages,
        environment=_environment(place),
        blocked=place.without,
        fails=deviation.exception,
        isolated=deviation.ends_the_process,
        limit=LIMIT,
        imports=recipe.imports,
        custom=custom(deviation.case.spec) if names_keras else [],
        convert=recipe.convert,
        run=recipe.run,
        signed=golden is not None and golden.exactness is Exactness.MOVES,
        prefixes=("", "", "again_", "") if deviation.needs_second_inputs else ("", ""),
    )
    return _compact(script)


def _environment(place: Place) -> list[str]:
    """Lines that set the environment of the converter's worker: one thread, no GPU, the backend of Keras."""
    whole = {**COMMON, **place.environment}
    pairs = ", ".join(f"{key}={value!r}" for key, value in whole.items() if key not in _UNNEEDED)
    first, *rest = textwrap.wrap(f"os.environ.update({pairs})", 118)
    return [first, *(f"    {line}" for line in rest)]


def _compact(script: str) -> str:
    """The script without its last blank lines, until it has `LINES` lines or no blank one."""
    lines = script.splitlines()
    for k in [k for k, line in enumerate(lines) if not line][::-1]:
        if len(lines) > LINES:
            del lines[k]
    return "\n".join(lines) + "\n"


def _copy(artifact: Path, target: Path) -> None:
    if artifact.is_dir():
        shutil.copytree(artifact, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(artifact, target)


def _write_arrays(deviation: Deviation, folder: Path) -> None:
    """Write inputs, expected outputs with tolerances, and actual outputs, of each sample that the script runs."""
    case, step, twice = deviation.case, deviation.steps[-1], deviation.needs_second_inputs
    numeric = deviation.fault.outcome is Outcome.DIVERGENT
    got: dict[str, Array] = {}
    for k, prefix in enumerate(("", "again_") if twice else ("",)):
        sample = case.samples[k]
        outputs = step.outputs[k] if k < len(step.outputs) else ()  # none if the artifact did not run that far
        assert sample.golden is not None
        shows_here = deviation.is_elsewhere or (numeric and (k == 1 or not twice))
        wrong = () if deviation.is_elsewhere else outputs  # what is wrong elsewhere is not known: nothing may hide it
        expected = _with_tolerances(sample.golden, wrong, must_show=shows_here)
        np.savez_compressed(folder / f"{prefix}inputs.npz", **dict(sample.inputs))  # type: ignore[arg-type]
        np.savez_compressed(folder / f"{prefix}expected.npz", **expected)  # type: ignore[arg-type]
        got |= {f"{prefix}output_{at}": value for at, value in enumerate(outputs) if value is not None}
    np.savez_compressed(folder / "got.npz", **got)  # type: ignore[arg-type]


def _with_tolerances(golden: Golden, outputs: Sequence[Array | None], *, must_show: bool) -> dict[str, Array]:
    """`output_0`, `tolerance_0` and so on: each expected output, and the largest absolute error allowed in it.

    A tolerance is one number, the largest of the output's elements. If the deviation `must_show` and hides below that
    number, the tolerance has the output's shape.
    """
    arrays: dict[str, Array] = {}
    elementwise = [tolerance(golden, name) for name in golden.expected]
    largest = [np.asarray(values.max(initial=0.0)) for values in elementwise]
    shows = len(outputs) == len(largest) and any(
        _exceeds(expected, got, allowed)
        for expected, got, allowed in zip(golden.expected.values(), outputs, largest, strict=True)
    )
    for k, expected in enumerate(golden.expected.values()):
        arrays[f"output_{k}"] = expected
        arrays[f"tolerance_{k}"] = largest[k] if shows or not must_show else elementwise[k]
    return arrays


def _exceeds(expected: Array, got: Array | None, allowed: Array) -> bool:
    """Whether an output has another shape or type, or an element whose error exceeds the allowed one."""
    if got is None or got.shape != expected.shape or expected.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
        same = (expected.astype(np.float32) == got) | (np.isnan(expected) & np.isnan(got))
    return bool((~same & ~(error <= allowed)).any())


def render(name: str, **facts: Any) -> str:
    """A template as text."""
    pages = Environment(  # noqa: S701 - programs and Markdown, no HTML
        loader=PackageLoader("harness.reproducer"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    pages.filters["py"] = repr
    return pages.get_template(name).render(**facts)


def _zipped(folder: Path) -> Path:
    archive = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return archive
