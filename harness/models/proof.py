"""The folder that `parity convert` writes of a Keras or ONNX model: the model in another framework, and the proof.

The proof is that the written file, not the one of the way, was run once more and agrees with the truth.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.adapters.routes import Route
from harness.errors import InputError
from harness.installed import SUITE, version_of
from harness.judge.compare import Comparison, compare, worst
from harness.matlab.octave import OctaveError
from harness.matlab.torch.text import WEIGHTS
from harness.models.deliver import MODEL
from harness.models.guard import ModelError
from harness.models.origin import LIMIT, TORCH, ask
from harness.models.samples import described
from harness.models.standalone import add_program, run_program
from harness.models.survival import Survival
from harness.models.ways import PROGRAM, Way
from harness.outcomes import Outcome
from harness.run.session import Session
from harness.workers.pool import WorkerFailure
from harness.workers.protocol import Failure, Run

FORMS: Mapping[str, str] = MappingProxyType({"torch": "torch", "onnx": "onnx", "mat": "matlabkeras"})
"""Format of the last artifact of a way, by the target that the user names."""
FILES: Mapping[str, str] = MappingProxyType({"torch": "model.pt", "onnx": "model.onnx", "mat": "model.mat"})
"""Name of the written model, by target; our own converter writes a program."""
PROOF, README = "proof.json", "README.md"


class ProofError(InputError):
    """A folder that cannot be written."""


@dataclass(frozen=True)
class Proven:
    """A written model: its files, and how its outputs compare with the truth."""

    files: tuple[Path, ...]
    comparison: Comparison


def prove(session: Session, survival: Survival, way: Way, target: str, folder: Path) -> Proven:
    """Write the last artifact of a way to `folder`, run what was written, and write the proof beside it.

    Nothing is written where the outputs deviate. Raises ProofError for a folder that cannot be written.
    """
    artifact = way.artifacts[-1]
    assert artifact is not None  # a way that works has all of its artifacts
    with tempfile.TemporaryDirectory(prefix="parity-convert-") as scratch:
        place = Path(scratch)
        if _is_program(session, way):
            comparison = _judged_program(session, survival, place)
        else:
            shutil.copyfile(artifact, place / FILES[target])
            if target == "mat":
                add_program(place)
                comparison = _judged_in_octave(survival, place)
            else:
                comparison = _judged(session, survival, way, place / FILES[target])
        if not comparison.outcome.passes:
            return Proven((), comparison)
        facts = facts_of(session, survival, way, target, comparison)
        (place / PROOF).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (place / README).write_text(readme(facts), encoding="utf-8")
        try:
            shutil.copytree(place, folder, dirs_exist_ok=True)
        except OSError as error:
            raise ProofError(f"it cannot be written: {error}", where=folder) from None
        names = sorted(path.relative_to(place) for path in place.iterdir())
    return Proven(tuple(folder / name for name in names), comparison)


def _is_program(session: Session, way: Way) -> bool:
    """Whether our own converter made the last artifact: a program, delivered as such."""
    return any(hop.reference == PROGRAM for hop in _route(session, way).hops[-1:])


def _judged_program(session: Session, survival: Survival, folder: Path) -> Comparison:
    """Write the model as a program to the folder: the worst comparison of what that gives with the truth."""
    origin = survival.origin
    arguments = origin.spec, dict(origin.weights), folder, f"The network of {origin.path.name}"
    deliver, run = (f"harness.models.deliver:{name}" for name in ("deliver_keras", "outputs"))
    comparisons = []
    try:
        ask(session.workers, TORCH, deliver, *arguments, where=origin.path)
        for sample in survival.truth.samples:
            outputs = ask(session.workers, TORCH, run, "torch", folder, dict(sample.inputs), where=origin.path)
            assert sample.golden is not None
            comparisons.append(compare(sample.golden, outputs))
    except ModelError as error:
        return Comparison(Outcome.INVALID, str(error))
    return worst(comparisons)


def _judged(session: Session, survival: Survival, way: Way, file: Path) -> Comparison:
    """The worst comparison of what the written file gives with the truth."""
    runtime = session.registry.runtime_of(_route(session, way).formats[-1])
    assert runtime is not None
    samples = survival.truth.samples
    try:
        request = Run(runtime.reference, file, tuple(dict(sample.inputs) for sample in samples))
        ran = session.workers[runtime.worker].request(request, LIMIT).value
    except WorkerFailure as failure:
        return Comparison(Outcome.CRASH, str(failure))
    if isinstance(ran, Failure):
        return Comparison(Outcome.INVALID, ran.sentence)
    comparisons = []
    for sample, outputs in zip(samples, ran.outputs, strict=True):
        if isinstance(outputs, Failure):
            return Comparison(Outcome.INVALID, outputs.sentence)
        assert sample.golden is not None
        comparisons.append(compare(sample.golden, outputs))
    return worst(comparisons)


def _judged_in_octave(survival: Survival, folder: Path) -> Comparison:
    """The worst comparison of what the folder gives in an Octave that knows nothing else."""
    comparisons = []
    for sample in survival.truth.samples:
        assert sample.golden is not None
        expected = sample.golden.expected
        try:
            outputs = run_program(folder, list(sample.inputs.values()), len(expected))
        except OctaveError as error:
            return Comparison(Outcome.INVALID, f"Octave: {error}")
        # MATLAB drops axes of size 1 at the end: another size is left as it is, and judged as that
        restored = [
            value.reshape(wanted.shape) if value.size == wanted.size and value.ndim < wanted.ndim else value
            for value, wanted in zip(outputs, expected.values(), strict=True)
        ]
        comparisons.append(compare(sample.golden, restored))
    return worst(comparisons)


def _route(session: Session, way: Way) -> Route:
    return next(route for route in session.every_route if route.name == way.route)


def facts_of(session: Session, survival: Survival, way: Way, target: str, comparison: Comparison) -> dict[str, Any]:
    """What is known of a written model, as JSON data."""
    origin, truth = survival.origin, survival.truth
    route = _route(session, way)
    needed = dict.fromkeys(
        name for part in route.plugins(session.registry) for name in part.distributions if name != SUITE
    )
    last = [part.distribution for part in route.hops[-1:] if part.distribution not in ("", SUITE)]
    return {
        "model": origin.path.name,
        "sha256": sha256(origin.path.read_bytes()).hexdigest(),
        "file": MODEL if _is_program(session, way) else FILES[target],
        "target": target,
        "way": way.route,
        "outcome": comparison.outcome.value,
        "noise_units": comparison.units,
        "truth": truth.by,
        "why": truth.why,
        "runs_on": list(described(tuple(sample.inputs for sample in truth.samples))),
        "inputs": [
            {"name": item.name, "shape": [None, *item.shape], "dtype": item.dtype} for item in origin.spec.inputs
        ],
        "outputs": list(origin.spec.outputs),
        "needs": ["torch", *last] if target == "torch" else [],
        "versions": {SUITE: version_of(SUITE), **{name: version_of(name) for name in needed}},
        "other_ways": [
            {
                "way": each.route,
                "outcome": each.result.outcome.value,
                "noise_units": each.units if each.works or each.arrives else each.result.units,
                "layers": [culprit.layer for culprit in each.culprits],
            }
            for each in survival.ways
            if each.route != way.route
        ],
        "notes": list(survival.notes),
    }


def readme(facts: Mapping[str, Any]) -> str:
    """The proof for people, and how the model is run."""
    units = "" if facts["noise_units"] is None else f", {facts['noise_units']:.3g} noise units at most"
    inputs = "\n".join(f"- `{item['name']}`: {item['dtype']} {_size(item['shape'])}" for item in facts["inputs"])
    runs = "\n".join(f"- {text}" for text in facts["runs_on"])
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"""# {facts["file"]}, made of {facts["model"]}

`parity convert` wrote it by the way `{facts["way"]}`, ran it, and compared its outputs with {facts["truth"]}:
{facts["outcome"]}{units}. It was run on

{runs}

and has these inputs, in this order:

{inputs}

{_use(facts)}
Made with {versions}. `{PROOF}` has all of this as data.
"""


def _size(shape: list[int | None]) -> str:
    return " x ".join("N" if place == 0 else "?" if n is None else str(n) for place, n in enumerate(shape))


def _use(facts: Mapping[str, Any]) -> str:
    names = [item["name"] for item in facts["inputs"]]
    if facts["file"] == MODEL:
        return f"""It is a program, which needs torch alone, with its weights in `{WEIGHTS}`; axes are in Keras' order:

    from model import load

    model = load()
    with torch.no_grad():
        y = model({", ".join(f"x{place}" for place in range(1, len(names) + 1))})
"""
    if facts["target"] == "torch":
        return f"""It is a pickle, which needs {" and ".join(dict.fromkeys(facts["needs"]))}:

    model = torch.load("{facts["file"]}", weights_only=False).eval()
    with torch.no_grad():
        y = model({", ".join(f"x{place}" for place in range(1, len(names) + 1))})
"""
    if facts["target"] == "onnx":
        feed = ", ".join(f"{name!r}: x{place}" for place, name in enumerate(names, 1))
        return f"""    session = onnxruntime.InferenceSession("{facts["file"]}")
    outputs = session.run(None, {{{feed}}})
"""
    arguments = ", ".join(f"x{place}" for place in range(1, len(names) + 1))
    return f"""In Octave or MATLAB, with this folder on the path (axes in Keras' order):

    y = run_model({arguments});

`layers` has the layers in the language of MATLAB and Octave, of the parity suite (Apache-2.0).
"""
