"""False alarms: fresh random cases on stages that are right. Is anything judged `divergent` that is no deviation?

    python benchmarks/false_alarms.py N [--seed S] [--stage keras|onnx|matlab] [--layer GLOB] [--results PATH]
    python benchmarks/false_alarms.py --replay KEY      # one model again, its failures told in full
    python benchmarks/false_alarms.py --page docs/false-alarms.md

Draws N models of each stage (all where none is named), evenly over the rows of the catalogue: axis values at random
under the row's rules, weights, and `--inputs` sets of inputs (8), half of them of another batch and other open sizes,
each of one of the row's profiles. Each set of inputs on each model in each runtime is one comparison with the oracle:

    keras   the .keras file in Keras on TensorFlow
    onnx    the same, and what tf2onnx makes of it in ONNX Runtime, its optimisation on and off; networks as MATLAB
            exports them to ONNX
    matlab  MATLAB networks in Octave, and in PyTorch by our own converter; MatConvNet's in PyTorch

One line of JSON for each goes to the results file (reports/false-alarms.ndjson). A second call goes on where the first
ended; of a model walked again the last walk counts. Then the figures are printed, and every failure that no
expectation foresees, with its key: what it was drawn from follows from that. Exit status 1 where there is one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.registry import Plugin, Registry, resolve
from harness.adapters.runtimes.onnxruntime import OnnxRuntime
from harness.catalogue import Draft, find, rows
from harness.cli.console import progress
from harness.draw import Seeded, with_golden
from harness.draw.cover import random_choice
from harness.draw.inputs import draw_again, draw_inputs
from harness.draw.weights import draw_weights
from harness.installed import versions
from harness.judge.compare import Comparison, compare
from harness.judge.judgement import judge, speaking_of
from harness.outcomes import Outcome
from harness.results.events import Judgement, Stage, fault_of
from harness.run.session import Session
from harness.spec import Case, Golden, Sample, array_digest, canonical, digest
from harness.workers import pool
from harness.workers.pool import WorkerFailure, WorkerHang
from harness.workers.protocol import A, Arrays, Call, Convert, Failure, Request, Write

DIALECTS = {"keras": ("keras",), "onnx": ("keras", "onnx"), "matlab": ("matlab", "matconvnet")}
"""Dialects whose rows a stage draws."""
HOPS = {
    ("onnx", "keras"): "tf2onnx",
    ("matlab", "matlab"): "matlab2torch",
    ("matlab", "matconvnet"): "matconvnet2torch",
}
"""The hop of a stage and dialect, where there is one."""
MODULE = "benchmarks.false_alarms"
"""This module as workers import it, whatever it is called here."""
INPUTS = 8
LIMIT = 300.0
"""Seconds that a model may take, all sets of inputs together."""
MIB = 2**20
RESULTS = Path("reports/false-alarms.ndjson")
Line = dict[str, Any]


class PlainOnnxRuntime(OnnxRuntime):
    """ONNX Runtime that executes the graph as it is written."""

    name = "onnxruntime-plain"

    def open(self, artifact: Path) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(str(artifact), options, providers=["CPUExecutionProvider"])


@cache
def _instance(reference: str) -> Any:
    """One of each: Octave's is a program that runs on."""
    return resolve(reference)()


def answers(reference: str, artifact: Path, sets: Sequence[Arrays]) -> list[dict[str, Any]]:
    """What a runtime gives for each set of inputs, or its exception; called in a worker."""
    runtime = _instance(reference)
    opened = runtime.open(artifact)
    answered: list[dict[str, Any]] = []
    for inputs in sets:
        try:
            outputs, names = runtime.run(opened, inputs)
            arrays = tuple(None if value is None else np.array(value) for value in outputs)
            answered.append({"outputs": arrays, "names": names})
        except Exception as error:
            answered.append({"failed": f"{type(error).__name__}: {error}"[:400]})
    return answered


@dataclass(frozen=True)
class Model:
    """A case of a key, without golden, and the sets of inputs it is to be given, each as a case with its golden.

    `telling` are those that count: with a sample, and of equal ones the first.
    """

    key: str
    stage: str
    case: Case
    sets: tuple[Case, ...]
    telling: frozenset[int]


def keys(stage: str, seed: int, layer: str) -> Iterator[str]:
    """Keys without end, round after round over the rows of a stage."""
    own = [row for name in DIALECTS[stage] for row in rows(name) if fnmatchcase(row.layer, layer)]
    count = 0
    while own:
        yield from (f"{stage}/{row.dialect}/{row.layer}/{seed}/{count}" for row in own)
        count += 1


def drawn(key: str, inputs: int) -> Model:
    """The model that a key stands for."""
    stage, dialect, layer, seed, count = key.split("/")
    row = find(dialect, layer)
    number = int(digest(dialect, layer, seed, count), 16)
    choice = random_choice(row, random.Random(number))
    draft = row.build(choice, Seeded(np.random.Generator(np.random.PCG64(number))))
    source = np.random.Generator(np.random.PCG64([number, 1]))
    bare = Case(draft.spec, layer, choice, draw_weights(draft.weights, source), (Sample({}),))
    sets = [_set(bare, draft, number, k, source) for k in range(inputs)]
    first: dict[str, int] = {}
    for k, case in enumerate(sets):
        if all(value.size for value in case.inputs.values()):
            first.setdefault(array_digest(case.inputs), k)
    return Model(key, stage, bare, tuple(with_golden(case) for case in sets), frozenset(first.values()))


def _set(bare: Case, draft: Draft, number: int, k: int, source: np.random.Generator) -> Case:
    """The k-th set of inputs: two of the choice's own profile, others of any that leaves the model as it is."""
    choice, row = dict(bare.choice), find(bare.spec.dialect, bare.subject)
    if k > 1:
        other = {**choice, "profile": row.axes["profile"][int(source.integers(len(row.axes["profile"])))]}
        if row.allows(other):
            again = row.build(other, Seeded(np.random.Generator(np.random.PCG64(number))))
            if again.spec == draft.spec and again.weights == draft.weights:
                choice, draft = other, again
    if k % 2:
        inputs = draw_again(draft, choice["profile"], row.second_batches, source)
    else:
        inputs = draw_inputs(draft, choice["profile"], source)
    rules = Golden({}, {}, row.exactness(choice), draft.channel_axis)
    return replace(bare, choice=choice, samples=(Sample(inputs, rules),))


class Walker:
    """Walks models in warm workers and yields lines."""

    def __init__(self, session: Session, run: int) -> None:
        self.session = session
        self.run = run
        self.folder = tempfile.TemporaryDirectory(prefix="parity-alarms-")
        self.scratch = Path(self.folder.name)

    @property
    def registry(self) -> Registry:
        return self.session.registry

    def lines(self, model: Model) -> Iterator[Line]:
        """One line for each comparison, and one for a request that was refused or failed as a whole."""
        dialect = model.case.spec.dialect
        source = self.registry.format(dialect)
        assert source is not None
        hop = next((each for each in self.registry.hops if each.name == HOPS.get((model.stage, dialect))), None)
        path = self.scratch / f"source{source.suffix}"
        before = [Stage(source.name, Outcome.EXACT)] * len(model.sets)
        wrote = self._ask(source, Write(source.reference, model.case.spec, model.case.weights, path), Outcome.REFUSED)
        if isinstance(wrote, Comparison):
            yield self._line(model, model.sets[0], [_stage(source.name, None, wrote)])
            return
        for runtime in self._runtimes(source.name):
            stages = yield from self._compared(model, runtime, path, None, before)
            before = stages
        if hop is None:
            return
        target = self.registry.format(hop.target)
        out = self.scratch / ("converted" + (target.suffix if target else f".{hop.target}"))
        converted = self._ask(hop, Convert(hop.reference, path, out), Outcome.REFUSED)
        if isinstance(converted, Comparison):
            yield self._line(model, model.sets[0], [before[0], _stage(hop.target, hop.name, converted)])
            return
        for runtime in self._runtimes(hop.target):
            yield from self._compared(model, runtime, converted or out, hop.name, before)

    def _runtimes(self, form: str) -> list[Plugin]:
        first = self.registry.runtime_of(form)
        if first is None or first.missing:
            return []
        plain = replace(first, name=PlainOnnxRuntime.name, reference=f"{MODULE}:{PlainOnnxRuntime.__name__}")
        return [first, plain] if form == "onnx" else [first]

    def _compared(
        self, model: Model, runtime: Plugin, path: Path, hop: str | None, before: Sequence[Stage]
    ) -> Generator[Line, None, list[Stage]]:
        """Lines of one runtime; returns the stages, one for each set of inputs."""
        inputs = [dict(case.inputs) for case in model.sets]
        answered = self._ask(runtime, Call(f"{MODULE}:answers", (runtime.reference, path, inputs)), Outcome.INVALID)
        if isinstance(answered, Comparison):
            stage = _stage(runtime.format, hop, answered)
            yield self._line(model, model.sets[0], [stage] if hop is None else [before[0], stage], runtime=runtime.name)
            return [stage] * len(model.sets)
        stages = []
        for k, (case, answer) in enumerate(zip(model.sets, answered, strict=True)):
            comparison = _comparison(case, answer)
            if k % 2 and not comparison.outcome.passes:  # as a walk tells of second inputs
                shapes = ", ".join(f"{name} {value.shape}" for name, value in case.inputs.items())
                how = "runs, but not with" if "failed" in answer else "with"
                comparison = replace(comparison, message=f"{how} {shapes}: {comparison.message}")
            stage = _stage(runtime.format, hop, comparison)
            walked = [stage] if hop is None else [before[k], stage]
            yield self._line(model, case, walked, k, runtime=runtime.name, compared=True)
            stages.append(stage)
        return stages

    def _ask(self, plugin: Plugin, request: Request[A], otherwise: Outcome) -> A | Comparison:
        """The answer's value, or what the lack of one comes to: `otherwise` is what an exception means."""
        try:
            answer = self.session.workers[plugin.worker].request(request, LIMIT)
        except WorkerFailure as failure:
            return Comparison(Outcome.HANG if isinstance(failure, WorkerHang) else Outcome.CRASH, str(failure))
        if isinstance(answer.value, Failure):
            return Comparison(otherwise, answer.value.sentence.replace(f"{self.scratch}/", "")[:400])
        return answer.value

    def _line(
        self,
        model: Model,
        case: Case,
        stages: Sequence[Stage],
        index: int | None = None,
        *,
        runtime: str | None = None,
        compared: bool = False,
    ) -> Line:
        """`index` is None where no set of inputs was compared."""
        dialect, last = case.spec.dialect, stages[-1]
        hops = [HOPS[model.stage, dialect]] if (model.stage, dialect) in HOPS else ["tf2onnx"]
        if dialect == "onnx":
            hops = []
        line: Line = {"run": self.run, "key": model.key, "layer": case.subject, "dialect": dialect, "set": index}
        line |= {"runtime": runtime, "outcome": str(last.outcome), "profile": case.choice["profile"]}
        line["counts"] = index in model.telling
        if compared:
            line |= {"units": last.metrics.units, "componentwise": last.metrics.componentwise}
        if last.outcome.passes:
            return {**line, "judgement": "passed"}
        speaking = speaking_of(case, "-".join([dialect, *hops]), hops, self.session.expectations)
        judged = judge(stages, speaking)
        fault = fault_of(stages)
        line |= {"message": last.message, "choice": dict(case.choice), "blame": fault.by if fault else None}
        if judged.judgement is Judgement.EXPECTED and judged.expectation is not None:
            return {**line, "judgement": "expected", "expectation": judged.expectation.id}
        return {**line, "judgement": "ALARM"}


def _comparison(case: Case, answer: dict[str, Any]) -> Comparison:
    if "failed" in answer:
        return Comparison(Outcome.INVALID, answer["failed"])
    assert case.golden is not None
    return compare(case.golden, answer["outputs"], answer["names"])


def _stage(form: str, hop: str | None, comparison: Comparison) -> Stage:
    return Stage(form, comparison.outcome, hop, metrics=comparison.metrics, message=comparison.message)


def read(path: Path) -> list[Line]:
    """Lines of the last walk of each model. Left out are a line that was cut off, what two stages of one seed have in
    common from one of them, and of what passes the sets of inputs that tell nothing."""
    found: list[Line] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    last: dict[str, int] = {}
    for line in found:
        last[line["key"]] = max(last.get(line["key"], 0), line["run"])
    kept: dict[tuple[Any, ...], Line] = {}
    for line in found:
        key, index = line["key"], line.get("set")
        if line["run"] != last[key] or "done" in line:
            continue
        if line["judgement"] == "passed" and not line["counts"]:
            continue
        kept[key.partition("/")[2], line["runtime"], index, line["outcome"] == "refused"] = line
    return list(kept.values())


def finished(path: Path) -> set[str]:
    """Keys of the models that were walked to the end."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {json.loads(text)["key"] for text in lines if text.endswith('"done": true}')}


def table(lines: Iterable[Line]) -> list[tuple[str, ...]]:
    """A row for each stage's runtime and layer: counts of comparisons, and percentiles of those that pass."""
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line["set"] is not None and line["outcome"] != "invalid":
            groups[line["runtime"], line["dialect"], line["layer"]].append(line)
            groups[line["runtime"], line["dialect"], ""].append(line)
            groups[line["runtime"], "", ""].append(line)
            groups["all", "", ""].append(line)
    return [(*(part or "all" for part in key), *_figures(own)) for key, own in sorted(groups.items())]


def _figures(own: Sequence[Line]) -> tuple[str, ...]:
    units = np.array([line.get("units") or 0.0 for line in own if line["judgement"] == "passed"] or [0.0])
    p50, p99 = (float(np.percentile(units, q)) for q in (50, 99))
    drift = sum(line["outcome"] == "drift" for line in own)
    known, alarms = (sum(line["judgement"] == name for line in own) for name in ("expected", "ALARM"))
    models = len({line["key"] for line in own})
    return (*(str(n) for n in (models, len(own))), f"{p50:.2f}", f"{p99:.2f}", f"{units.max():.3g}",
            *(str(n) for n in (drift, known, alarms)))  # fmt: skip


COLUMNS = ("runtime", "dialect", "layer", "models", "comparisons", "50 %", "99 %", "max", "drift", "known", "ALARM")


def page(lines: Sequence[Line]) -> str:
    """The figures as a Markdown page."""
    made = table(lines)
    total = next(row for row in made if row[0] == "all")
    told = ", ".join(
        f"{name} {version}"
        for name, version in versions(("tensorflow", "keras", "tf2onnx", "onnxruntime", "torch")).items()
        if name not in ("python", "platform")
    )
    counts = Counter(line["expectation"] for line in lines if line["judgement"] == "expected" and _is_compared(line))
    drifts = Counter((line["runtime"], line["dialect"], line["layer"]) for line in lines if line["outcome"] == "drift")
    return "\n".join(
        [
            "# False alarms",
            "",
            "Fresh random cases, none of them golden, on stages that are right. Each comparison is one set of inputs",
            "on one model in one runtime, with the oracle's answer; units are the largest normwise error of those",
            "that pass. `known` are failures that an expectation foresees, `ALARM` those that none does. Made by",
            "",
            "    python benchmarks/false_alarms.py N && python benchmarks/false_alarms.py --page docs/false-alarms.md",
            "",
            f"{total[4]} comparisons over {total[3]} models: {total[9]} known deviations, {total[10]} alarms, "
            f"{total[8]} in drift. Inputs without a sample and equal ones are left out.",
            f"Measured with {told}.",
            "",
            "## By runtime",
            "",
            *_markdown([row for row in made if row[2] == "all"]),
            "",
            "## Deviations that expectations foresee",
            "",
            *_markdown([(name, str(count)) for name, count in sorted(counts.items())], ("expectation", "comparisons")),
            "",
            "## Drift",
            "",
            *_markdown([(*key, str(count)) for key, count in sorted(drifts.items())], (*COLUMNS[:3], "comparisons")),
            "",
            "## Not compared",
            "",
            "Models that were refused, or did not answer, in a runtime; inputs that failed in one.",
            "",
            *_markdown(_aside(lines), ("outcome", "foreseen", "count", "layers")),
            "",
            "## By layer",
            "",
            *_markdown([row for row in made if row[2] != "all"]),
            "",
        ]
    )


def _aside(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        if not _is_compared(line):
            groups[line["outcome"], "yes" if line["judgement"] == "expected" else "no"].append(line["layer"])
    return [(*key, str(len(own)), ", ".join(sorted(set(own)))) for key, own in sorted(groups.items())]


def _is_compared(line: Line) -> bool:
    return line["set"] is not None and line["outcome"] != "invalid"


def _markdown(body: Sequence[Sequence[str]], head: Sequence[str] = COLUMNS) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + "--|" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in body]


def report(lines: Sequence[Line], *, layers: bool) -> int:
    """Print the figures and every alarm; the number of alarms."""
    for row in [COLUMNS, *(row for row in table(lines) if layers or row[2] == "all")]:
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(row, (17, 10, 26, *[9] * 8), strict=False)))
    alarms = [line for line in lines if line["judgement"] == "ALARM"]
    for line in alarms:
        print(f"{line['outcome']} {line['key']} set {line['set']} {line['runtime']}: {line['message']}")
        print(f"    {canonical(line['choice'])}")
    aside = Counter((line["outcome"], line["judgement"]) for line in lines if not _is_compared(line))
    print("not compared:", ", ".join(f"{count} {' '.join(what)}" for what, count in sorted(aside.items())) or "none")
    return len(alarms)


def walk(wanted: Sequence[str], options: argparse.Namespace) -> list[Line]:
    """Walk the models of these keys, appending their lines to the results file; the lines."""
    options.results.parent.mkdir(parents=True, exist_ok=True)
    past = [line["run"] for line in read(options.results)]
    pool.GROWTH = options.growth * MIB
    found: list[Line] = []
    with Session() as session, progress() as bar, options.results.open("a", encoding="utf-8") as stream:
        walker = Walker(session, max(past, default=0) + 1)
        task = bar.add_task("models", total=len(wanted))
        for key in wanted:
            own = list(walker.lines(drawn(key, options.inputs)))
            found += own
            for line in [*own, {"run": walker.run, "key": key, "done": True}]:
                stream.write(json.dumps(line) + "\n")
            stream.flush()
            bar.update(
                task, advance=1, description=f"{key} ({sum(line['judgement'] == 'ALARM' for line in found)} alarms)"
            )
        walker.folder.cleanup()
    return found


def main() -> int:
    """What the first lines say; 1 where there is an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", metavar="N", type=int, nargs="?", default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stage", choices=list(DIALECTS), action="append")
    parser.add_argument("--layer", default="*")
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--growth", type=int, default=600, help="MiB by which a worker may grow (default: %(default)s)")
    parser.add_argument("--replay", metavar="KEY", action="append")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    if options.page is not None:
        options.page.write_text(page(read(options.results)), encoding="utf-8")
        return 0
    if options.replay:
        return min(report(walk(options.replay, options), layers=True), 1)
    done = finished(options.results)
    wanted: list[str] = []
    for stage in options.stage or list(DIALECTS):
        wanted += [key for key in islice(keys(stage, options.seed, options.layer), options.count) if key not in done]
    walk(wanted, options)
    return min(report(read(options.results), layers=True), 1)


if __name__ == "__main__":
    sys.exit(main())
