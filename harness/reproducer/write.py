"""Reproducers: one deviation as a folder that needs the frameworks only, ready for an upstream issue.

The script starts from the artifact before the converter to blame, so that it needs that converter's framework and no
other. What it holds the result to is the golden, with a tolerance of 32 noise units.
"""

from __future__ import annotations

import json
import re
import shutil
import textwrap
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.adapters.places import Place
from harness.adapters.routes import Route, all_routes
from harness.errors import InputError
from harness.installed import versions
from harness.judge.compare import tolerance
from harness.judge.expectations import UNREPORTED, Expectation
from harness.outcomes import FAITHFUL, Outcome
from harness.reproducer.program import NoProgram, custom, program
from harness.reproducer.recipes import NoRecipe, Recipe, is_shown, of_hop, of_source
from harness.results.events import Result, Stage, fault_of
from harness.run.session import Session
from harness.run.walk import AGAIN, Step
from harness.spec import Array, Case, Exactness, Golden
from harness.workers.pool import COMMON

LIMIT = 150
"""Seconds after which a script that is about a converter which hangs gives up."""
LINES = 60
"""Lines that a script has at most; a layer class of our own in the model adds its own."""
SCRIPT, ISSUE = "reproduce.py", "issue.md"
_CUT = re.compile(r"/|0x|_\d|<|\n|\.\.\. from | object at |[\w.-]+\.(?:onnx|keras|h5|torch|saved\w*)\b")
"""Where a message begins to tell of the run that made it: paths, files, addresses, counters."""
BEGINNING = 80
_UNNEEDED = ("PYTHONFAULTHANDLER", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""Of a worker's environment, what changes no result."""


class ReproduceError(InputError):
    """Nothing that could be reproduced: the case agrees, or the converter cannot be shown without the harness."""


@dataclass(frozen=True)
class Reproducer:
    """One written: its folder, the zip beside it, and what it shows."""

    folder: Path
    archive: Path
    title: str
    outcome: Outcome
    blame: str


def beginning(message: str) -> str:
    """The part of an exception's class and message that is the same on every run."""
    own = message.replace("InputError: ", "ValueError: ", 1)
    if own.startswith(AGAIN):
        own = own.partition(": ")[2]
    kind, _, text = own.partition(": ")
    return " ".join(f"{kind}: {_CUT.split(text.strip())[0][:BEGINNING]}".split())


def _compact(script: str) -> str:
    """The script without so many of its blank lines that it has no more than it may have."""
    lines = script.splitlines()
    for k in [k for k, line in enumerate(lines) if not line][::-1]:
        if len(lines) > LINES:
            del lines[k]
    return "\n".join(lines) + "\n"


def _environment(place: Place) -> list[str]:
    """Lines that set the environment of the converter's worker: one thread, no GPU, the backend of Keras."""
    whole = {**COMMON, **place.environment}
    pairs = ", ".join(f"{key}={value!r}" for key, value in whole.items() if key not in _UNNEEDED)
    first, *rest = textwrap.wrap(f"os.environ.update({pairs})", 118)
    return [first, *(f"    {line}" for line in rest)]


def routes_of(session: Session, item: Expectation, dialect: str) -> list[Route]:
    """Routes that an expectation speaks of, each cut after a hop to blame, the best to show it first."""
    found: dict[str, Route] = {}
    for route in all_routes(session.registry):
        if route.dialect != dialect or not fnmatchcase(route.name, item.route):
            continue
        names = ["source", *(hop.name for hop in route.hops)]
        for k, name in enumerate(names):
            if item.blames(name):
                cut = Route(route.source, route.hops[:k])
                if not cut.missing(session.registry):
                    found.setdefault(cut.name, cut)

    def rank(route: Route) -> tuple[int, bool, int]:
        """Shortest first, then the converter that the expectation names first: others call it."""
        last = route.hops[-1].name if route.hops else "source"
        named = next(k for k, pattern in enumerate(item.blame) if fnmatchcase(last, pattern))
        return len(route.hops), route.opset is not None, named

    return sorted(found.values(), key=rank)


def is_reproducible(session: Session, item: Expectation) -> bool:
    """Whether it is about versions installed here, and a converter that can run here and is no part of the harness."""
    registry = session.registry
    plugins = [hop for hop in registry.hops if item.blames(hop.name)]
    plugins += registry.formats if item.blames("source") else ()
    return item.applies and any(is_shown(plugin, registry) and not plugin.missing for plugin in plugins)


def telling(known: Iterable[Expectation]) -> list[Expectation]:
    """Every known deviation that may be wrong numbers, and of the others the first for each converter and outcome."""
    found = [item for item in known if Outcome.DIVERGENT in item.outcome]
    seen = {(item.blame[0], item.outcome[0]) for item in found}
    for item in known:
        if (item.blame[0], item.outcome[0]) not in seen:
            seen.add((item.blame[0], item.outcome[0]))
            found.append(item)
    return found


def of_expectation(session: Session, item: Expectation, folder: Path) -> Reproducer:
    """The reproducer of an expectation's minimal case. Raises ReproduceError."""
    case = session.store.find(item.case).load()
    tried = []
    for route in routes_of(session, item, case.spec.dialect):
        result = session.walk.result(case, route)
        if result.fault is not None and item.foresees(result.fault):
            return write(session, case, route, folder, item)
        tried.append(f"{route.name}: {result.outcome}")
    raise ReproduceError(
        "the minimal case does not end as the expectation foresees",
        where=item.case,
        expected=f"{' or '.join(item.outcome)} at {' or '.join(item.blame)}",
        came="; ".join(tried) or "no route that can run here",
    )


def write(session: Session, case: Case, route: Route, folder: Path, item: Expectation | None = None) -> Reproducer:
    """Walk the case and write the folder and its zip. Raises ReproduceError."""
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
    if item is None:
        item = _spoken(session, session.walk.result(case, route))
    recipe, artifact = _recipe(session, case, Route(route.source, route.hops[:count]), steps)
    place = Place.of(recipe.worker, session.registry.plugins)
    if (folder / SCRIPT).exists():  # an earlier one
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if artifact is not None:
        _copied(artifact, folder / recipe.artifact)
    converted = steps[count].artifact
    if converted is not None and converted.suffix == ".onnx" and count:
        shutil.copyfile(converted, folder / "converted.onnx")
    twice = len(case.samples) > 1 and (
        fault.message.startswith(("with ", AGAIN)) or fault.outcome in (Outcome.CRASH, Outcome.HANG)
    )
    _write_arrays(case, steps[count], folder, twice=twice, wrong=fault.outcome is Outcome.DIVERGENT)
    facts = _facts(session, case, steps[: count + 1], recipe, item, twice=twice)
    (folder / "versions.json").write_text(json.dumps(facts["versions"], indent=1) + "\n", encoding="utf-8")
    script = render(
        "reproduce.py.jinja",
        title=facts["title"],
        packages=recipe.packages,
        environment=_environment(place),
        blocked=place.without,
        fails=_fails(fault, item),
        isolated=Outcome.CRASH in _outcomes(fault, item) or fault.outcome is Outcome.HANG,
        limit=LIMIT,
        imports=recipe.imports,
        custom=custom(case.spec) if any("keras" in re.findall(r"\w+", line) for line in recipe.imports) else [],
        convert=recipe.convert,
        run=recipe.run,
        signed=case.golden is not None and case.golden.exactness is Exactness.MOVES,
        prefixes=("", "", "again_", "") if twice else ("", ""),
    )
    script = _compact(script)
    (folder / SCRIPT).write_text(script, encoding="utf-8")
    files = sorted(path.name for path in folder.iterdir() if path.name != ISSUE)
    text = render("issue.md.jinja", script=script, files=files, **facts)
    (folder / ISSUE).write_text(text, encoding="utf-8")
    return Reproducer(folder, _zipped(folder), facts["title"], fault.outcome, fault.by)


def _spoken(session: Session, result: Result) -> Expectation | None:
    note = result.expectation
    return next((item for item in session.expectations if note is not None and item.id == note.id), None)


def _outcomes(fault: Stage, item: Expectation | None) -> tuple[Outcome, ...]:
    return (fault.outcome, *(item.outcome if item else ()))


def _fails(fault: Stage, item: Expectation | None) -> str | None:
    """How the exception begins; '' for any; None where there is none."""
    if fault.outcome in (Outcome.CRASH, Outcome.HANG):
        raises = {Outcome.REFUSED, Outcome.INVALID} & set(_outcomes(fault, item))
        return "" if raises else None
    return beginning(fault.message) if fault.outcome in (Outcome.REFUSED, Outcome.INVALID) else None


def _recipe(session: Session, case: Case, route: Route, steps: Sequence[Step]) -> tuple[Recipe, Path | None]:
    """How the script does the last step of the route, and the file that it starts from; None where it builds the model
    itself. Raises ReproduceError."""
    registry, source = session.registry, route.source
    try:
        if route.hops:
            return of_hop(route.hops[-1], registry), steps[len(route.hops) - 1].artifact
        recipe = of_source(source, registry)
        start = registry.format(source.saved_from) or source
        artifact = session.walk.steps(case, Route(start, ()))[0].artifact
        if artifact is not None:
            return recipe, artifact
        if not source.builder:
            raise NoProgram(f"no program is written that builds a model of the format {source.name}")
        return recipe.building(program(case.spec, source.builder)), None
    except (NoRecipe, NoProgram) as error:
        raise ReproduceError(str(error), where=case.id) from None


def _copied(artifact: Path, target: Path) -> None:
    if artifact.is_dir():
        shutil.copytree(artifact, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(artifact, target)


def _write_arrays(case: Case, step: Step, folder: Path, *, twice: bool, wrong: bool) -> None:
    """The inputs, what is expected and what came: of the first sample, and of the second where it takes that one."""
    got: dict[str, Array] = {}
    for k, prefix in enumerate(("", "again_") if twice else ("",)):
        sample = case.samples[k]
        outputs = step.outputs[k] if k < len(step.outputs) else ()  # none where the artifact did not get that far
        assert sample.golden is not None
        expected = _judged(sample.golden, outputs, strict=wrong and (k == 1 or not twice))
        np.savez_compressed(folder / f"{prefix}inputs.npz", **dict(sample.inputs))  # type: ignore[arg-type]
        np.savez_compressed(folder / f"{prefix}expected.npz", **expected)  # type: ignore[arg-type]
        got |= {f"{prefix}output_{at}": value for at, value in enumerate(outputs) if value is not None}
    np.savez_compressed(folder / "got.npz", **got)  # type: ignore[arg-type]


def _judged(golden: Golden, outputs: Sequence[Array | None], *, strict: bool) -> dict[str, Array]:
    """Expected outputs and the largest absolute error allowed, one number for each output.

    Where a deviation is in a small part of an output and would hide below that number, the tolerance is elementwise.
    """
    found: dict[str, Array] = {}
    tolerances = [tolerance(golden, name) for name in golden.expected]
    one = [np.asarray(value.max(initial=0.0)) for value in tolerances]
    seen = len(outputs) == len(one) and any(
        _exceeds(expected, got, allowed)
        for expected, got, allowed in zip(golden.expected.values(), outputs, one, strict=True)
    )
    for k, (expected, whole, single) in enumerate(zip(golden.expected.values(), tolerances, one, strict=True)):
        found[f"output_{k}"] = expected
        found[f"tolerance_{k}"] = single if seen or not strict else whole
    return found


def _exceeds(expected: Array, got: Array | None, allowed: Array) -> bool:
    if got is None or got.shape != expected.shape or expected.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
        same = (expected.astype(np.float32) == got) | (np.isnan(expected) & np.isnan(got))
    return bool((~same & ~(error <= allowed)).any())


_SAYS: Mapping[Outcome, tuple[str, str, str]] = {
    # title, loudness, what is expected
    Outcome.DIVERGENT: ("gives wrong numbers", "silent: no exception", ""),
    Outcome.MALFORMED: ("gives an output of another shape or type", "silent: no exception", ""),
    Outcome.REFUSED: ("is refused", "loud: the conversion raises", "The conversion succeeds."),
    Outcome.INVALID: (
        "is converted to a model that does not run",
        "half loud: the conversion reports success, running its result raises",
        "The converted model runs.",
    ),
    Outcome.CRASH: ("ends the process", "loud: the process dies", "The process lives."),
    Outcome.HANG: ("does not come to an end", "silent: there is no answer", "There is an answer."),
}


def _facts(
    session: Session, case: Case, steps: Sequence[Step], recipe: Recipe, item: Expectation | None, *, twice: bool
) -> dict[str, Any]:
    """What the texts say; the last of the steps is the one at fault."""
    fault = steps[-1].stage
    known = versions(recipe.packages)
    blamed = f"{recipe.package} {known.get(recipe.package, '')}".strip() or recipe.calls
    says, loudness, expected = _SAYS[fault.outcome]
    layers = ", ".join(dict.fromkeys(layer.kind for layer in case.spec.layers))
    shown = {layer.name: {"kind": layer.kind, **layer.config} for layer in case.spec.layers[:5]}
    return {
        "title": f"{blamed}: {layers[:60]} {says}{_kind(fault)}",
        "happens": f"{recipe.calls}: {layers} {says}.",
        "loudness": loudness,
        "versions": known,
        "reason": item.reason if item else "",
        "seen": "It shows only with another batch or other sizes (`again_inputs.npz`)." if twice else "",
        "given": _given(session, case, steps, recipe),
        "message": fault.message,
        "config": json.dumps(shown, indent=1, default=str),
        "expected": f"{expected} The outputs are those of the layers' documentation, computed in float64 with NumPy "
        "(`expected.npz`, which holds the largest absolute error allowed as well).".strip(),
        "size": _size(fault),
        "link": item.link if item and item.link != UNREPORTED else "",
    }


def _kind(fault: Stage) -> str:
    """What a title adds: the class of the exception, where there is one."""
    if fault.outcome not in (Outcome.REFUSED, Outcome.INVALID):
        return ""
    return f" ({beginning(fault.message).partition(':')[0]})"


def _given(session: Session, case: Case, steps: Sequence[Step], recipe: Recipe) -> str:
    """Where the file that the converter is given comes from, and that it is right."""
    if len(steps) < 2:
        return ""
    before, registry = steps[-2].stage, session.registry
    sentences = []
    hop = next((hop for hop in registry.hops if hop.name == before.hop), None)
    if hop is not None and is_shown(hop, registry):
        origin = "; the model was written in Keras" if case.spec.dialect == "keras" else ""
        sentences.append(f"`{recipe.artifact}` was made by `{hop.calls or hop.name}`{origin}.")
    runtime = next((runtime for runtime in registry.runtimes if runtime.name == before.runtime), None)
    if before.outcome.passes and runtime is not None and runtime.calls:
        sentences.append(f"{runtime.calls} gives the expected outputs for `{recipe.artifact}`.")
    return " ".join(sentences)


def _size(fault: Stage) -> str:
    """The error in words and in noise units."""
    units = fault.units
    if units is None or units <= FAITHFUL or fault.outcome is not Outcome.DIVERGENT:
        return ""  # what is wrong is no size: a NaN, a sign, another answer on a second call
    words = "of the order of the values themselves" if (fault.metrics.max_rel or 0) > 0.1 else "small beside the values"
    words += f", and {units:,.0f} times what rounding to float32 explains"
    return (
        f"The largest absolute error is {fault.metrics.max_abs or 0:.3g}, at `{fault.where}`: {words}. "
        f"(That is {units:.3g} noise units; one unit is the root mean square effect of float32 rounding on the "
        "documented formula with these numbers.)"
    )


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
