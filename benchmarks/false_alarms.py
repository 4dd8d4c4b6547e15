"""False alarms: does the judge call fresh random cases `divergent` on stages that are right?

    python benchmarks/false_alarms.py N [--seed S] [--stage keras|onnx|matlab] [--layer GLOB] [--results PATH]
    python benchmarks/false_alarms.py --replay KEY      # one model again, with its failures in full
    python benchmarks/false_alarms.py --page docs/false-alarms.md

Draws N models of each stage (by default of every stage), evenly over the rows of the catalogue: random axis values
under the row's rules, weights, and `--inputs` sets of inputs (8). Half of the sets have another batch and other open
sizes; each has one of the row's profiles. Each set of inputs on each model in each runtime is one comparison with the
oracle:

    keras   the .keras file in Keras on TensorFlow
    onnx    the same file, and tf2onnx' model of it in ONNX Runtime with its optimisation on and off; networks as
            MATLAB exports them to ONNX
    matlab  MATLAB networks in Octave, and in PyTorch after our conversion; MatConvNet networks in PyTorch

Appends one line of JSON per comparison to the results file (reports/false-alarms.ndjson). A second call continues
after the last finished model; of several walks of a model the last counts. Then prints the figures and every failure
that no expectation foresees, with the key from which the model can be drawn again. Exit status 1 if there is one.
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
from harness.judge.judgement import judge, of_route, speaking_of
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
"""The name by which workers import this module; here it may be `__main__`."""
INPUTS = 8
LIMIT = 300.0
"""Largest time in seconds for all sets of inputs of a model."""
MIB = 2**20
RESULTS = Path("reports/false-alarms.ndjson")
Line = dict[str, Any]


class PlainOnnxRuntime(OnnxRuntime):
    """ONNX Runtime without optimisation of the graph."""

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
    """The only instance of a runtime: Octave's owns a running program."""
    return resolve(reference)()


def answers(reference: str, artifact: Path, sets: Sequence[Arrays]) -> list[dict[str, Any]]:
    """A runtime's outputs, or its exception, for each set of inputs; called in a worker."""
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
    """The model of a key as a case without golden, and each set of inputs for it as a case with its golden.

    `telling` are the indices of the sets that count: empty ones and repetitions do not.
    """

    key: str
    stage: str
    case: Case
    sets: tuple[Case, ...]
    telling: frozenset[int]


def keys(stage: str, seed: int, layer: str) -> Iterator[str]:
    """An endless sequence of keys, round after round over the rows of a stage."""
    stage_rows = [row for name in DIALECTS[stage] for row in rows(name) if fnmatchcase(row.layer, layer)]
    count = 0
    while stage_rows:
        yield from (f"{stage}/{row.dialect}/{row.layer}/{seed}/{count}" for row in stage_rows)
        count += 1


def drawn(key: str, inputs: int) -> Model:
    """Draw the model of a key."""
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
    """The k-th set of inputs. The first two have the profile of the choice, others any profile that gives the same
    model."""
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
    """Walks models in warm workers."""

    def __init__(self, session: Session, run: int) -> None:
        self.session = session
        self.run = run
        self.folder = tempfile.TemporaryDirectory(prefix="parity-alarms-")
        self.scratch = Path(self.folder.name)

    @property
    def registry(self) -> Registry:
        return self.session.registry

    def lines(self, model: Model) -> Iterator[Line]:
        """One line for each comparison, and one for each request that was refused or failed as a whole."""
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
        """Yield the lines of one runtime; return one stage for each set of inputs."""
        inputs = [dict(case.inputs) for case in model.sets]
        answered = self._ask(runtime, Call(f"{MODULE}:answers", (runtime.reference, path, inputs)), Outcome.INVALID)
        if isinstance(answered, Comparison):
            stage = _stage(runtime.format, hop, answered)
            yield self._line(model, model.sets[0], [stage] if hop is None else [before[0], stage], runtime=runtime.name)
            return [stage] * len(model.sets)
        stages = []
        for k, (case, answer) in enumerate(zip(model.sets, answered, strict=True)):
            comparison = _comparison(case, answer)
            if k % 2 and not comparison.outcome.passes:  # worded as a walk words second inputs
                shapes = ", ".join(f"{name} {value.shape}" for name, value in case.inputs.items())
                how = "runs, but not with" if "failed" in answer else "with"
                comparison = replace(comparison, message=f"{how} {shapes}: {comparison.message}")
            stage = _stage(runtime.format, hop, comparison)
            walked = [stage] if hop is None else [before[k], stage]
            yield self._line(model, case, walked, k, runtime=runtime.name, compared=True)
            stages.append(stage)
        return stages

    def _ask(self, plugin: Plugin, request: Request[A], otherwise: Outcome) -> A | Comparison:
        """The answer's value, or the outcome of a request without one; `otherwise` is that of an exception."""
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
        """The line of one comparison; `index` is None if no set of inputs was compared."""
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
        route = "-".join([dialect, *hops])
        speaking = speaking_of(case, route, of_route(route, hops, self.session.expectations))
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
    """Lines of the last walk of each model.

    Skips a truncated line, lines that two stages of one seed share (one of the two counts), and passing sets of
    inputs that are empty or repeated.
    """
    lines: list[Line] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    last: dict[str, int] = {}
    for line in lines:
        last[line["key"]] = max(last.get(line["key"], 0), line["run"])
    counted: dict[tuple[Any, ...], Line] = {}
    for line in lines:
        key, index = line["key"], line.get("set")
        if line["run"] != last[key] or "done" in line:
            continue
        if line["judgement"] == "passed" and not line["counts"]:
            continue
        counted[key.partition("/")[2], line["runtime"], index, line["outcome"] == "refused"] = line
    return list(counted.values())


def finished(path: Path) -> set[str]:
    """Keys of the models whose walk finished."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {json.loads(text)["key"] for text in lines if text.endswith('"done": true}')}


def table(lines: Iterable[Line]) -> list[tuple[str, ...]]:
    """A row of COLUMNS for each runtime, dialect and layer: counts, and percentiles of the units of passing ones."""
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line["set"] is not None and line["outcome"] != "invalid":
            groups[line["runtime"], line["dialect"], line["layer"]].append(line)
            groups[line["runtime"], line["dialect"], ""].append(line)
            groups[line["runtime"], "", ""].append(line)
            groups["all", "", ""].append(line)
    return [(*(part or "all" for part in key), *_figures(group)) for key, group in sorted(groups.items())]


def _figures(lines: Sequence[Line]) -> tuple[str, ...]:
    units = np.array([line.get("units") or 0.0 for line in lines if line["judgement"] == "passed"] or [0.0])
    p50, p99 = (float(np.percentile(units, q)) for q in (50, 99))
    drift = sum(line["outcome"] == "drift" for line in lines)
    known, alarms = (sum(line["judgement"] == name for line in lines) for name in ("expected", "ALARM"))
    models = len({line["key"] for line in lines})
    return (*(str(n) for n in (models, len(lines))), f"{p50:.2f}", f"{p99:.2f}", f"{units.max():.3g}",
            *(str(n) for n in (drift, known, alarms)))  # fmt: skip


COLUMNS = ("runtime", "dialect", "layer", "models", "comparisons", "50 %", "99 %", "max", "drift", "known", "ALARM")


def page(lines: Sequence[Line]) -> str:
    """The figures as a Markdown page."""
    rows_of = table(lines)
    known = [line["expectation"] for line in lines if line["judgement"] == "expected" and _is_compared(line)]
    drifts = [(line["runtime"], line["dialect"], line["layer"]) for line in lines if line["outcome"] == "drift"]
    return "\n".join(
        [
            *_introduction(next(row for row in rows_of if row[0] == "all")),
            "",
            "## By runtime",
            "",
            *_markdown([row for row in rows_of if row[2] == "all"]),
            "",
            "## Deviations that expectations foresee",
            "",
            *_markdown(_counted((name,) for name in known), ("expectation", "comparisons")),
            "",
            "## Drift",
            "",
            *_markdown(_counted(drifts), (*COLUMNS[:3], "comparisons")),
            "",
            "## Not compared",
            "",
            "Models that a runtime refused or did not answer, and inputs that failed in it.",
            "",
            *_markdown(_not_compared(lines), ("outcome", "foreseen", "count", "layers")),
            "",
            "## By layer",
            "",
            *_markdown([row for row in rows_of if row[2] != "all"]),
            "",
        ]
    )


def _introduction(total: Sequence[str]) -> list[str]:
    """Title and first paragraphs; `total` is the row of all comparisons."""
    frameworks = versions(("tensorflow", "keras", "tf2onnx", "onnxruntime", "torch"))
    environment = [f"{name} {version}" for name, version in frameworks.items() if name not in ("python", "platform")]
    return [
        "# False alarms",
        "",
        "Fresh random cases, none of them golden, on stages that are right. Each comparison is one set of inputs on",
        "one model in one runtime against the oracle; units are the largest normwise error of the comparisons that",
        "pass. An expectation foresees the failures under `known` and none foresees those under `ALARM`. Written by",
        "",
        "    python benchmarks/false_alarms.py N && python benchmarks/false_alarms.py --page docs/false-alarms.md",
        "",
        f"{total[4]} comparisons over {total[3]} models: {total[9]} known deviations, {total[10]} alarms, "
        f"{total[8]} in drift. Empty and repeated inputs do not count.",
        f"Measured with {', '.join(environment)}.",
    ]


def _counted(keys: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Each key with the number of its occurrences, in order of the keys."""
    return [(*key, str(count)) for key, count in sorted(Counter(keys).items())]


def _not_compared(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        if not _is_compared(line):
            groups[line["outcome"], "yes" if line["judgement"] == "expected" else "no"].append(line["layer"])
    return [(*key, str(len(layers)), ", ".join(sorted(set(layers)))) for key, layers in sorted(groups.items())]


def _is_compared(line: Line) -> bool:
    return line["set"] is not None and line["outcome"] != "invalid"


def _markdown(body: Sequence[Sequence[str]], head: Sequence[str] = COLUMNS) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + "--|" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in body]


def report(lines: Sequence[Line], *, layers: bool) -> int:
    """Print the figures and every alarm. Returns the number of alarms."""
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
    """Walk the models of the keys and append their lines to the results file. Returns the lines."""
    options.results.parent.mkdir(parents=True, exist_ok=True)
    past = [line["run"] for line in read(options.results)]
    pool.GROWTH = options.growth * MIB
    lines: list[Line] = []
    with Session() as session, progress() as bar, options.results.open("a", encoding="utf-8") as stream:
        walker = Walker(session, max(past, default=0) + 1)
        task = bar.add_task("models", total=len(wanted))
        for key in wanted:
            fresh = list(walker.lines(drawn(key, options.inputs)))
            lines += fresh
            for line in [*fresh, {"run": walker.run, "key": key, "done": True}]:
                stream.write(json.dumps(line) + "\n")
            stream.flush()
            bar.update(
                task, advance=1, description=f"{key} ({sum(line['judgement'] == 'ALARM' for line in lines)} alarms)"
            )
        walker.folder.cleanup()
    return lines


def main() -> int:
    """Run what the options ask for. Returns the exit code, 1 if there is an alarm."""
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
