"""The walk, answer by answer: workers here say what they are told to, so that every second and message is known.

`test_walk` has the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.adapters.registry import Registry
from harness.adapters.routes import Route, all_routes
from harness.judge.expectations import Expectation
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.events import Answer as Beside
from harness.results.events import ExpectationNote, Judgement, RecordNote, Result, Stage
from harness.run.walk import Walk, task_metrics
from harness.spec import Array, Case, Exactness, Golden, Input, Layer, Sample, Spec
from harness.workers.pool import WorkerCrash, WorkerHang
from harness.workers.protocol import Answer, Convert, Failure, Model, Ran, Read, Run, Write
from tests.miniatures import Copies, MiniFormat, MiniRuntime, MiniTwoRuntime, plugin, registry

SPENT = {Write: 1.0, Convert: 2.0, Run: 4.0, Read: 8.0}
"""Seconds that each kind of request takes."""


class Desk:
    """Stands for the workers. Each answer is a value, an exception to raise, or a function of the request."""

    def __init__(self) -> None:
        self.answers: dict[type, Any] = {Write: written, Convert: converted, Run: ran([[1.0, 2.0]])}
        self.asked: list[tuple[str, Any, float]] = []
        self.insisted: list[Any] = []
        self._name = ""

    def __getitem__(self, name: str) -> Desk:
        self._name = name
        return self

    def request(self, request: Any, limit: float) -> Answer[Any]:
        self.asked.append((self._name, request, limit))
        answer = self.answers[type(request)]
        value = answer(request) if callable(answer) else answer
        if isinstance(value, Exception):
            raise value
        return Answer(value, SPENT[type(request)], 0)

    def insist(self, request: Any, limit: float) -> Answer[Any]:
        self.insisted.append(request)
        return self.request(request, limit)

    @property
    def kinds(self) -> list[str]:
        return [type(request).__name__ for _, request, _ in self.asked]


def written(request: Write) -> None:
    request.path.write_text("the source")


def converted(request: Convert) -> Path:
    request.out.write_text("converted")
    return request.out


def ran(*outputs: Any, names: tuple[str, ...] | None = None, repeats: bool = True) -> Ran:
    """One output for each sample, or a failure."""
    values = tuple(each if isinstance(each, Failure) else (np.array(each, np.float32),) for each in outputs)
    return Ran(values, names, repeats)


def sample(expected: list[list[float]]) -> Sample:
    """Inputs of as many rows as the golden has; a noise unit is 2**-20."""
    values = np.array(expected)
    golden = Golden({"y": values}, {"y": np.full(values.shape, 2.0**-20, np.float32)}, Exactness.COMPUTES)
    return Sample({"x": np.zeros((len(expected), 3), np.float32)}, golden)


def case_of(*more: Sample, layers: int = 1, **changes: Any) -> Case:
    """A model of so many layers, which gives (1, 2)."""
    names = ["x", *(f"layer{number}" for number in range(1, layers)), "y"]
    chain = tuple(Layer("Dense", name, {"units": 2}, (before,)) for before, name in pairwise(names))
    spec = Spec("keras", (Input("x", (3,)),), chain, ("y",))
    return Case(spec, "Dense", {"profile": "large"}, {"y/w": np.ones(2)}, (sample([[1.0, 2.0]]), *more), **changes)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def walk(desk: Desk) -> Iterator[Walk]:
    walk = Walk(registry(Copies), desk, limit=60.0)  # type: ignore[arg-type]
    yield walk
    walk.close()


def route_of(known: Registry) -> Route:
    return all_routes(known)[0]


def along(walk: Walk, case: Case) -> Result:
    return walk.result(case, route_of(walk.registry))


# What is asked


def test_a_route_is_written_run_converted_and_run(walk: Walk, desk: Desk) -> None:
    case = case_of()
    result = along(walk, case)
    assert desk.kinds == ["Write", "Run", "Convert", "Run"]
    (_, write, _), (_, first, _), (_, convert, _), (_, second, _) = desk.asked
    assert (write.spec, write.weights, write.path.name) == (case.spec, case.weights, "source.mini")
    assert write.reference == "tests.miniatures:MiniFormat"
    assert (first.artifact, first.reference) == (write.path, "tests.miniatures:MiniRuntime")
    assert first.samples == (case.inputs,)
    assert (convert.artifact, convert.out.name) == (write.path, "mini-copies.mini2")
    assert convert.reference == "tests.miniatures:Copies"
    assert (second.artifact, second.reference) == (convert.out, "tests.miniatures:MiniTwoRuntime")
    assert {name for name, _, _ in desk.asked} == {"mini"}
    assert {limit for _, _, limit in desk.asked} == {60.0}
    assert [stage.runtime for stage in result.stages] == ["oracle32", "oracle32two"]
    assert [stage.hop for stage in result.stages] == [None, "copies"]
    assert [stage.artifact for stage in result.stages] == ["mini", "mini2"]


def test_workers_are_those_of_the_plugins(desk: Desk) -> None:
    formats = (replace(plugin(MiniFormat, "formats"), worker="writer"),)
    hops = (replace(plugin(Copies, "hops"), worker="converter"),)
    runtimes = plugin(MiniRuntime, "runtimes"), plugin(MiniTwoRuntime, "runtimes")
    runtimes = tuple(replace(item, worker=f"{item.name}er") for item in runtimes)
    walk = Walk(Registry(formats, hops, runtimes), desk)  # type: ignore[arg-type]
    along(walk, case_of())
    walk.close()
    assert [name for name, _, _ in desk.asked] == ["writer", "oracle32er", "converter", "oracle32twoer"]


def test_seconds_are_those_of_making_and_running(walk: Walk) -> None:
    """1 + 4 to write and run, 2 + 4 to convert and run."""
    result = along(walk, case_of())
    assert [stage.seconds for stage in result.stages] == [5, 6]
    assert walk.framework_seconds == 11
    along(walk, case_of(layers=2))
    assert walk.framework_seconds == 22


@pytest.mark.parametrize(("layers", "limit"), [(1, 60), (20, 60), (30, 90)])
def test_limit_grows_with_models_of_more_than_20_layers(walk: Walk, desk: Desk, layers: int, limit: float) -> None:
    along(walk, case_of(layers=layers))
    assert {limit for _, _, limit in desk.asked} == {limit}


def test_artifact_of_a_format_that_is_not_written_here_is_named_by_it(walk: Walk, desk: Desk) -> None:
    """One that is, has its suffix."""
    two = replace(plugin(MiniFormat, "formats"), name="mini2", suffix=".two", dialect=None)
    walk.registry = replace(walk.registry, formats=(*walk.registry.formats, two))
    along(walk, case_of())
    assert desk.asked[2][1].out.name == "mini-copies.two"


# What is shared, and what is forgotten


def test_routes_of_a_case_share_their_beginning(walk: Walk, desk: Desk) -> None:
    route = route_of(walk.registry)
    results = walk.results(case_of(), [replace(route, hops=()), route, route])
    assert desk.kinds == ["Write", "Run", "Convert", "Run"]
    assert [result.route for result in results] == ["mini", "mini-copies", "mini-copies"]
    assert results[0].stages[0] is results[1].stages[0]


def test_a_failure_is_shared_too(walk: Walk, desk: Desk) -> None:
    desk.answers[Write] = Failure("ValueError", "no")
    route = route_of(walk.registry)
    walk.results(case_of(), [route, route])
    assert desk.kinds == ["Write"]
    desk.answers |= {Write: written, Convert: Failure("ValueError", "no")}
    walk.results(case_of(layers=2), [route, route])
    assert desk.kinds == ["Write", "Write", "Run", "Convert"]


def test_another_case_begins_with_an_empty_folder(walk: Walk, desk: Desk) -> None:
    def writes_a_folder(request: Convert) -> Path:
        request.out.mkdir()
        (request.out / "part").write_text("")
        return request.out

    desk.answers[Convert] = writes_a_folder
    along(walk, case_of())
    folder = desk.asked[0][1].path.parent
    assert sorted(path.name for path in folder.iterdir()) == ["mini-copies.mini2", "source.mini"]
    desk.answers[Write] = Failure("ValueError", "no")
    along(walk, case_of(layers=2))
    assert list(folder.iterdir()) == []
    along(walk, case_of())
    assert desk.kinds == ["Write", "Run", "Convert", "Run", "Write", "Write"]
    assert folder.name.startswith("parity-")
    walk.close()
    assert not folder.exists()


def test_sources_of_a_case_are_not_taken_for_each_other(walk: Walk, desk: Desk) -> None:
    """Two formats write the same case, each its own file."""
    route, case = route_of(walk.registry), case_of()
    other = replace(plugin(MiniFormat, "formats"), name="other", suffix=".other")
    desk.answers[Read] = Model(case.spec, case.weights)
    results = walk.results(case, [replace(route, hops=()), replace(route, source=other, hops=())])
    assert desk.kinds == ["Write", "Run", "Write", "Read"]
    assert [desk.asked[at][1].path.name for at in (0, 2)] == ["source.mini", "source.other"]
    assert [result.stages[0].artifact for result in results] == ["mini", "other"]


def test_route_of_two_hops_converts_what_the_first_hop_wrote(walk: Walk, desk: Desk) -> None:
    """A classifier whose class changes at the last hop: the task is that of the last artifact."""
    back = replace(plugin(Copies, "hops"), name="back", source="mini2", target="mini", reference="somewhere:Back")
    walk.registry = replace(walk.registry, hops=(*walk.registry.hops, back))
    route = route_of(walk.registry)
    desk.answers[Run] = lambda request: ran([[2.0, 1.0]] if "back" in request.artifact.name else [[1.0, 2.0]])
    result = walk.result(case_of(labels=(1,)), replace(route, hops=(*route.hops, back)))
    assert desk.kinds == ["Write", "Run", "Convert", "Run", "Convert", "Run"]
    first, second = (request for _, request, _ in desk.asked if isinstance(request, Convert))
    assert (first.reference, first.artifact.name) == ("tests.miniatures:Copies", "source.mini")
    assert (second.reference, second.artifact, second.out.name) == (
        "somewhere:Back",
        first.out,
        "mini-copies-back.mini",
    )
    assert [stage.hop for stage in result.stages] == [None, "copies", "back"]
    assert result.task is not None
    assert result.task["accuracy"] == 0
    assert str(result.task["confusion"]) == "[[0, 0], [1, 0]]"


# In a hurry


def stages(*seconds: float, last: Outcome = Outcome.HANG) -> list[Stage]:
    """Stages that ended after so many seconds, and one that hung for 60 or ended well."""
    return [*(Stage("mini", Outcome.EXACT, seconds=each) for each in seconds), Stage("mini2", last, seconds=60.0)]


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [
        ((), 10),  # nothing ended: the least
        ((3.0,), 10),  # 3 * 3 = 9 is less than the least
        ((4.0, 5.0, 1.0), 15),  # 3 * 5
        ((30.0,), 60),  # 3 * 30 is more than the whole limit
    ],
)
def test_hurry_is_three_times_the_slowest_that_ended(walk: Walk, seconds: tuple[float, ...], limit: float) -> None:
    with walk.hurried(stages(*seconds)):
        assert walk.limit == limit
    assert walk.limit == 60


def test_hurry_is_for_hangs_only(walk: Walk) -> None:
    with walk.hurried(stages(4.0, last=Outcome.CRASH)):
        assert walk.limit == 60


def test_hurry_grows_with_the_model_again(walk: Walk, desk: Desk) -> None:
    """A model of 40 layers has twice the limit for each request. 3 * 20 seconds are 30 for one of 20 layers."""
    along(walk, case_of(layers=40))
    with walk.hurried(stages(20.0)):
        assert walk.limit == 30
        along(walk, case_of(layers=60))
    assert [limit for _, _, limit in desk.asked[-4:]] == [90] * 4


def test_what_is_walked_in_a_hurry_is_walked_again(walk: Walk, desk: Desk) -> None:
    along(walk, case_of())
    with walk.hurried(stages(30.0)):
        along(walk, case_of())
    along(walk, case_of())
    assert len(desk.asked) == 4
    with pytest.raises(KeyError), walk.hurried(stages()):
        raise KeyError
    assert walk.limit == 60
    along(walk, case_of())
    assert len(desk.asked) == 8


# What goes wrong


def last(result: Result) -> tuple[str, str, float, str]:
    stage = result.stages[-1]
    return (stage.outcome.value, stage.message, stage.seconds, stage.log)


def test_exceptions_are_refused_by_formats_and_hops_and_invalid_at_runtimes(walk: Walk, desk: Desk) -> None:
    failure = Failure("ValueError", "no", "Traceback ...")
    desk.answers[Write] = failure
    assert last(along(walk, case_of())) == ("refused", "ValueError: no", 1, "Traceback ...")
    desk.answers |= {Write: written, Convert: failure}
    result = along(walk, case_of(layers=2))
    assert last(result) == ("refused", "ValueError: no", 2, "Traceback ...")
    assert result.stages[-1].runtime is None
    desk.answers |= {Convert: converted, Run: failure}
    result = along(walk, case_of(layers=3))
    assert [last(replace(result, stages=(stage,))) for stage in result.stages] == [
        ("invalid", "ValueError: no", 5, "Traceback ..."),
        ("invalid", "ValueError: no", 6, "Traceback ..."),
    ]
    assert result.stages[-1].runtime == "oracle32two"


def test_long_messages_and_logs_are_cut_and_the_scratch_folder_is_not_named(walk: Walk, desk: Desk) -> None:
    """600 characters of the sentence, the last 2000 of the log."""

    def fails(request: Convert) -> Failure:
        return Failure("E", f"{request.out} " + "x" * 1000, "a" + "b" * 2000)

    desk.answers[Convert] = fails
    outcome, message, _, log = last(along(walk, case_of()))
    assert outcome == "refused"
    assert message == "E: mini-copies.mini2 " + "x" * (600 - 21)
    assert log == "b" * 2000


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(WorkerCrash("it died", "the log", 7.0), "crash"), (WorkerHang("too long", "", 60.0), "hang")],
)
def test_workers_that_die_or_hang(walk: Walk, desk: Desk, error: Any, outcome: str) -> None:
    """7 or 60 seconds on top of what came before: 1 to write, 4 to run, 2 to convert."""
    desk.answers[Write] = error
    assert last(along(walk, case_of())) == (outcome, str(error), error.seconds, error.log)
    assert walk.framework_seconds == error.seconds
    desk.answers |= {Write: written, Run: error}
    assert last(along(walk, case_of(layers=2))) == (outcome, str(error), 2 + error.seconds, error.log)
    assert walk.framework_seconds == error.seconds + 1 + error.seconds + 2 + error.seconds


def test_a_hang_is_tried_again_but_in_a_hurry(walk: Walk, desk: Desk) -> None:
    """Two requests of a case make and run its source, two its conversion."""
    first = along(walk, case_of())
    assert len(desk.insisted) == len(desk.asked) == 4
    with walk.hurried(first.stages):
        along(walk, case_of(layers=2))
    assert (len(desk.insisted), len(desk.asked)) == (4, 8)
    along(walk, case_of(layers=3))
    assert (len(desk.insisted), len(desk.asked)) == (8, 12)


def test_hop_that_returns_no_path_or_no_file(walk: Walk, desk: Desk) -> None:
    desk.answers[Convert] = None
    result = along(walk, case_of())
    assert last(result) == ("invalid", "copies reported success but returned no path", 2, "")
    desk.answers[Convert] = lambda request: request.out
    message = "copies reported success but wrote no file at mini-copies.mini2"
    assert last(along(walk, case_of(layers=2))) == ("invalid", message, 2, "")
    desk.answers[Write] = None
    message = "mini reported success but wrote no file at source.mini"
    assert last(along(walk, case_of(layers=3))) == ("invalid", message, 1, "")
    assert desk.kinds[-1] == "Write", "there is nothing to convert"


def test_walk_goes_on_from_an_artifact_that_does_not_run(walk: Walk, desk: Desk) -> None:
    def fails_at_first(request: Run) -> Any:
        return Failure("E", "no") if request.artifact.suffix == ".mini" else ran([[1.0, 2.0]])

    desk.answers[Run] = fails_at_first
    result = along(walk, case_of())
    assert [stage.outcome.value for stage in result.stages] == ["invalid", "exact"]
    assert result.blame == "source"


def test_hop_to_a_format_without_runtime(walk: Walk, desk: Desk) -> None:
    walk.registry = replace(walk.registry, runtimes=walk.registry.runtimes[:1])
    assert last(along(walk, case_of())) == ("invalid", "no runtime for mini2 here", 2, "")
    assert desk.kinds == ["Write", "Run", "Convert"]


def without_runtime(walk: Walk) -> None:
    absent = replace(walk.registry.runtimes[0], requires=("a-package-that-nobody-has",))
    walk.registry = replace(walk.registry, runtimes=(absent, *walk.registry.runtimes[1:]))


@pytest.mark.parametrize("absent", [False, True])
def test_source_without_runtime_is_read_back(walk: Walk, desk: Desk, absent: bool) -> None:
    """1 second to write and 8 to read; it must hold the weights that were written."""
    if absent:
        without_runtime(walk)
    else:
        walk.registry = replace(walk.registry, runtimes=walk.registry.runtimes[1:])
    case = case_of()
    desk.answers[Read] = Model(case.spec, {"y/w": np.ones(2)})
    result = along(walk, case)
    assert [stage.outcome.value for stage in result.stages] == ["exact", "exact"]
    assert (result.stages[0].seconds, result.stages[0].message, result.stages[0].runtime) == (9, "", None)
    assert desk.kinds == ["Write", "Read", "Convert", "Run"]
    assert desk.asked[1][1] == Read("tests.miniatures:MiniFormat", desk.asked[0][1].path)
    assert desk.asked[1][0] == "mini"
    desk.answers[Read] = Model(case.spec, {"y/w": np.zeros(2)})
    first = along(walk, case_of(layers=2)).stages[0]
    assert (first.outcome.value, first.message, first.seconds) == ("malformed", "read back, the weights are others", 9)
    desk.answers[Read] = Failure("OSError", "cut", "Traceback")
    first = along(walk, case_of(layers=3)).stages[0]
    assert (first.outcome.value, first.message, first.seconds) == ("invalid", "OSError: cut", 9)


def test_hop_whose_runtime_is_not_installed_is_asked_to_run(walk: Walk, desk: Desk) -> None:
    absent = replace(walk.registry.runtimes[1], requires=("a-package-that-nobody-has",))
    walk.registry = replace(walk.registry, runtimes=(walk.registry.runtimes[0], absent))
    assert along(walk, case_of()).stages[-1].runtime == "oracle32two"


# What is compared


def test_numbers_of_the_comparison_are_those_of_the_stage(walk: Walk, desk: Desk) -> None:
    """40 * 2**-20 beside 1: 40 units."""
    desk.answers[Run] = ran([[1 + 40 * 2.0**-20, 2.0]])
    stage = along(walk, case_of()).stages[0]
    assert (stage.outcome.value, stage.units, stage.where, stage.picture) == ("drift", 40, "y[0, 0]", ("60",))
    assert stage.message == "40 noise units at y[0, 0]: expected 1, got 1.00003815"


def test_values_of_a_stage_that_does_not_pass_are_kept(walk: Walk, desk: Desk) -> None:
    """The golden is [[1, 2]]; the second value is off by 2**20 units of 2**-20."""
    desk.answers[Run] = ran([[1.0, 3.0]])
    evidence = along(walk, case_of()).stages[0].evidence
    assert evidence is not None
    assert evidence.tensor is not None
    assert (evidence.tensor.output, evidence.tensor.sample) == ("y", 0)
    assert evidence.tensor.units.tolist() == [[0, 2.0**20]]


def test_values_of_a_further_sample_are_kept(walk: Walk, desk: Desk) -> None:
    desk.answers[Run] = ran([[1.0, 2.0]], [[5.0, 6.0], [7.0, 9.0]])
    stage = along(walk, case_of(sample([[5.0, 6.0], [7.0, 8.0]]))).stages[0]
    assert stage.evidence is not None
    assert stage.evidence.tensor is not None
    assert (stage.evidence.tensor.sample, stage.evidence.tensor.shape) == (1, (2, 2))
    assert stage.evidence.tensor.units.tolist() == [[0, 0], [0, 2.0**20]]


def test_nothing_is_kept_of_stages_that_pass_or_have_no_values(walk: Walk, desk: Desk) -> None:
    assert [stage.evidence for stage in along(walk, case_of()).stages] == [None] * len(along(walk, case_of()).stages)
    desk.answers[Run] = ran([[1.0, 2.0, 3.0]])
    assert along(walk, case_of(layers=2)).stages[0].evidence is None


def test_outputs_that_do_not_repeat(walk: Walk, desk: Desk) -> None:
    desk.answers[Run] = ran([[1.0, 2.0]], repeats=False)
    message = "a second call on the same inputs gives other values"
    assert last(along(walk, case_of()))[:2] == ("divergent", message)
    desk.answers[Run] = ran([[1.0, 3.0]], repeats=False)
    assert "noise units" in last(along(walk, case_of(layers=2)))[1]


def test_exchanged_names_of_outputs(walk: Walk, desk: Desk) -> None:
    values = np.array([[1.0]])
    golden = Golden({"y": values, "x": values}, {"y": values, "x": values}, Exactness.COMPUTES)
    case = case_of()
    case = replace(case, samples=(replace(case.samples[0], golden=golden),))
    output = np.array([[1.0]], np.float32)
    desk.answers[Run] = Ran(((output, output),), ("x", "y"), repeats=True)
    assert last(along(walk, case))[:2] == ("malformed", "outputs come as ['x', 'y'], the model declares ['y', 'x']")


def test_further_samples_say_their_shapes(walk: Walk, desk: Desk) -> None:
    case = case_of(sample([[1.0, 2.0], [3.0, 4.0]]))
    desk.answers[Run] = ran([[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]])
    result = along(walk, case)
    assert desk.asked[1][1].samples == (case.samples[0].inputs, case.samples[1].inputs)
    assert last(result)[:2] == ("exact", "")
    desk.answers[Run] = ran([[1.0, 2.0]], [[1.0, 2.0], [3.0, 5.0]])
    outcome, message, _, _ = last(along(walk, case_of(*case.samples[1:], layers=2)))
    assert outcome == "divergent"
    assert message == "with x (2, 3): 1.05e+06 noise units at y[1, 1]: expected 4, got 5"
    desk.answers[Run] = ran([[1.0, 2.0]], Failure("ValueError", "y" * 1000))
    outcome, message, _, _ = last(along(walk, case_of(*case.samples[1:], layers=3)))
    assert (outcome, message) == ("invalid", "runs, but not with x (2, 3): ValueError: " + "y" * (600 - 12))


def test_further_samples_of_several_inputs_name_each(walk: Walk, desk: Desk) -> None:
    again = sample([[1.0, 2.0], [3.0, 4.0]])
    again = replace(again, inputs={"x": np.zeros((2, 3)), "mask": np.zeros((2, 1))})
    desk.answers[Run] = ran([[1.0, 2.0]], [[1.0, 2.0], [3.0, 5.0]])
    message = last(along(walk, case_of(again)))[1]
    assert message.startswith("with x (2, 3), mask (2, 1): ")


def test_outputs_of_a_sample_that_failed_are_none_at_all(walk: Walk, desk: Desk) -> None:
    desk.answers[Run] = ran([[1.0, 2.0]], Failure("ValueError", "no"))
    (step, _) = walk.steps(case_of(sample([[1.0, 2.0]])), route_of(walk.registry))
    assert [len(outputs) for outputs in step.outputs] == [1, 0]


def test_worst_sample_counts_and_of_equals_the_first(walk: Walk, desk: Desk) -> None:
    """Errors of 40, 100 and 2 units are drift, drift, faithful. After one of 2000, divergent, no other is looked at."""

    def moved(units: float) -> list[list[float]]:
        return [[1 + units * 2.0**-20, 2.0]]

    more = sample([[1.0, 2.0]]), sample([[1.0, 2.0]])
    desk.answers[Run] = ran(moved(40), moved(100), moved(2))
    assert along(walk, case_of(*more)).stages[0].units == 40
    desk.answers[Run] = ran(moved(2), moved(100), moved(40))
    assert along(walk, case_of(*more, layers=2)).stages[0].units == 100
    desk.answers[Run] = ran(moved(2), moved(2000), Failure("E", "no"))
    stage = along(walk, case_of(*more, layers=3)).stages[0]
    assert (stage.outcome.value, stage.units) == ("divergent", 2000)
    desk.answers[Run] = ran(moved(2000), moved(3000), moved(2))
    assert along(walk, case_of(*more, layers=4)).stages[0].units == 2000


# What becomes of it


def test_result_says_what_the_case_is(walk: Walk) -> None:
    case = case_of()
    result = along(walk, case)
    assert (result.case, result.dialect, result.layer, result.profile) == (case.id, "keras", "Dense", "large")
    assert (result.config, result.route) == ({"profile": "large", "units": 2}, "mini-copies")
    assert (result.judgement, result.message, result.expectation) == (Judgement.PASSED, "", None)
    assert result.replay == f"parity replay {case.id} --route mini-copies"
    assert result.facts == {"infinity": "none", "input_rank": 2}
    assert result.task is None
    assert along(walk, replace(case_of(), choice={})).profile == "main"


def test_replay_names_the_opset_that_the_route_asks_for(walk: Walk) -> None:
    hop = replace(plugin(Copies, "hops"), opset=13)
    case = case_of()
    result = walk.result(case, Route(walk.registry.formats[0], (hop,)))
    assert result.replay == f"parity replay {case.id} --route mini-copies --opset 13"


def test_expectations_decide(walk: Walk, desk: Desk) -> None:
    known = Expectation(
        "known", "mini-*", ("Dense",), (Outcome.REFUSED, Outcome.CRASH), ("copies",), (), "why", "a link", "case"
    )
    walk.expectations = [known]
    desk.answers[Convert] = Failure("ValueError", "no")
    result = along(walk, case_of())
    assert result.judgement is Judgement.EXPECTED
    assert result.message == "refused at copies: ValueError: no (expected: why)"
    assert result.expectation == ExpectationNote("known", Outcome.REFUSED, "why", "a link")
    walk.expectations = [replace(known, blame=("other",))]
    result = along(walk, case_of(layers=2))
    assert (result.judgement, result.expectation) == (Judgement.FAILED, None)


def test_case_without_golden_or_of_another_dialect_is_refused(walk: Walk) -> None:
    case, route = case_of(), route_of(walk.registry)
    for golden in (None, Golden({}, {}, Exactness.COMPUTES)):
        bare = replace(case, samples=(Sample(case.inputs, golden),))
        with pytest.raises(ValueError, match=f"^case {case.id} has no golden$"):
            walk.result(bare, route)
    other = replace(route, source=replace(route.source, dialect="onnx"))
    with pytest.raises(ValueError, match=rf"^case {case.id} is of dialect 'keras', route mini-copies of 'onnx'$"):
        walk.result(case, other)


# Classifiers


def classifier(expected: list[list[float]], labels: tuple[int, ...] | None) -> Case:
    return replace(case_of(), samples=(sample(expected),), labels=labels)


def outputs(values: list[list[float]]) -> tuple[tuple[Array, ...], ...]:
    return ((np.array(values, np.float32),),)


def test_task_metrics_by_hand() -> None:
    """Four samples of three classes. The golden says 0, 1, 2, 1, the route 0, 1, 1, 0; the labels are 0, 1, 2, 0.

    Agreement 2 of 4; accuracy 3 of 4; the largest error is 0.5 - 0.125.
    """
    expected = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25]]
    got = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25], [0.5, 0.125, 0.25]]
    metrics = task_metrics(classifier(expected, (0, 1, 2, 0)), outputs(got))
    assert metrics == {
        "logits_max_abs": 0.375,
        "top1_agreement": 0.5,
        "accuracy": 0.75,
        "confusion": [[1, 0, 0], [1, 1, 0], [0, 1, 0]],
    }


def test_task_metrics_need_labels_and_outputs_of_the_right_shape() -> None:
    expected = [[1.0, 2.0]]
    whole = classifier(expected, (1,))
    assert task_metrics(whole, outputs(expected)) is not None
    assert task_metrics(classifier(expected, None), outputs(expected)) is None
    assert task_metrics(replace(whole, samples=(Sample(whole.inputs),)), outputs(expected)) is None
    for nothing in ((), ((),), ((None,),), outputs([[1.0, 2.0, 3.0]])):
        assert task_metrics(whole, nothing) is None


def test_task_metrics_are_those_of_the_last_stage(walk: Walk, desk: Desk) -> None:
    def of(request: Run) -> Ran:
        return ran([[1.0, 2.0]] if request.artifact.suffix == ".mini" else [[3.0, 2.0]])

    desk.answers[Run] = of
    task: Mapping[str, Any] | None = along(walk, case_of(labels=(1,))).task
    assert task == {"logits_max_abs": 2, "top1_agreement": 0, "accuracy": 0, "confusion": [[0, 0], [1, 0]]}
    desk.answers[Run] = ran(Failure("E", "no"))
    desk.answers[Convert] = Failure("E", "no")
    desk.answers[Run] = ran([[1.0, 2.0]])
    assert along(walk, case_of(labels=(1,), layers=2)).task is None


# The empty batch, and the record

EMPTY = replace(sample([[1.0, 2.0]]), inputs={"x": np.zeros((0, 3), np.float32)})
"""A sample without rows. Its golden has one, so that an answer can be right or wrong."""
DIED = Failure("SIGFPE", "a reshape to nothing")


def answering(first: Ran | Exception, *later: Ran | Exception) -> Any:
    """A runtime that answers its first request in one way, and each later one in the next way; the last one stays."""
    answers = [first, *later]
    return lambda request: answers.pop(0) if len(answers) > 1 else answers[0]


def test_a_failing_empty_batch_is_a_result_of_its_own(walk: Walk, desk: Desk) -> None:
    case = case_of(EMPTY)
    desk.answers[Run] = answering(ran([[1.0, 2.0]], [[1.0, 2.0]]), ran([[1.0, 2.0]], DIED))
    main, empty = walk.apart(case, route_of(walk.registry))
    assert (main.case, main.outcome, main.judgement) == (case.id, Outcome.EXACT, Judgement.PASSED)
    assert (empty.case, empty.outcome, empty.blame) == (f"{case.id}+empty", Outcome.INVALID, "copies")
    assert empty.message.startswith("invalid at copies: runs, but not with x (0, 3): SIGFPE")


def test_an_empty_batch_that_kills_the_worker_is_left_out_once(walk: Walk, desk: Desk) -> None:
    case = case_of(EMPTY)
    desk.answers[Run] = answering(
        ran([[1.0, 2.0]], [[1.0, 2.0]]), WorkerCrash("the worker died: SIGFPE", "", 1.0), ran([[1.0, 2.0]])
    )
    main, empty = walk.apart(case, route_of(walk.registry))
    assert (main.outcome, empty.outcome) == (Outcome.EXACT, Outcome.CRASH)
    assert [len(request.samples) for _, request, _ in desk.asked if isinstance(request, Run)] == [2, 2, 1]


def test_one_result_where_the_case_fails_without_the_empty_batch_too(walk: Walk, desk: Desk) -> None:
    desk.answers[Run] = answering(ran([[1.0, 2.0]], [[1.0, 2.0]]), ran([[1.0, 7.0]], DIED))
    (result,) = walk.apart(case_of(EMPTY), route_of(walk.registry))
    assert result.outcome is Outcome.DIVERGENT
    assert walk.result(case_of(EMPTY), route_of(walk.registry)).case == result.case


def test_an_empty_batch_that_is_on_record_is_a_result_even_if_it_passes(walk: Walk, desk: Desk) -> None:
    case = case_of(EMPTY)
    desk.answers[Run] = ran([[1.0, 2.0]], [[1.0, 2.0]])
    exact = (Cell(Outcome.EXACT, 0.0),)
    walk.record = Record(
        {
            (case.id, "mini"): exact,
            (case.id, "mini-copies"): exact,
            (f"{case.id}+empty", "mini-copies"): (Cell(Outcome.INVALID),),
        }
    )
    main, empty = walk.apart(case, route_of(walk.registry))
    assert (main.answer, empty.answer, empty.recorded) == (Beside.SAME, Beside.FIXED, RecordNote(1, "invalid"))


def test_an_empty_batch_of_which_the_record_says_nothing_passed_there(walk: Walk, desk: Desk) -> None:
    case = case_of(EMPTY)
    desk.answers[Run] = answering(ran([[1.0, 2.0]], [[1.0, 2.0]]), ran([[1.0, 2.0]], DIED))
    exact = (Cell(Outcome.EXACT, 0.0),)
    walk.record = Record({(case.id, "mini"): exact, (case.id, "mini-copies"): exact})
    main, empty = walk.apart(case, route_of(walk.registry))
    assert (main.answer, empty.answer, empty.judgement) == (Beside.SAME, Beside.REGRESSION, Judgement.FAILED)


def test_the_record_judges_a_walk(walk: Walk, desk: Desk) -> None:
    case = case_of()
    walk.record = Record(
        {(case.id, "mini"): (Cell(Outcome.EXACT, 0.0),), (case.id, "mini-copies"): (Cell(Outcome.REFUSED),)}
    )
    result = along(walk, case)
    assert (result.answer, result.recorded, result.judgement) == (
        Beside.FIXED,
        RecordNote(1, "refused"),
        Judgement.PASSED,
    )
    desk.answers[Convert] = Failure("NotImplementedError", "no Dense")
    walk._case = ""
    assert along(walk, case).answer is Beside.SAME


def test_the_record_is_silent_where_an_older_version_runs(desk: Desk) -> None:
    case = case_of()
    cells = {(case.id, chain): (Cell(Outcome.EXACT, 0.0),) for chain in ("mini", "mini-copies")}
    for version, answer in (("0.1", Beside.SAME), ("999.0", Beside.NEW)):
        walk = Walk(registry(Copies), desk, record=Record(cells, {"numpy": version}))  # type: ignore[arg-type]
        assert along(walk, case).answer is answer
        walk.close()


def test_writing_into_the_inputs_is_an_outcome(walk: Walk, desk: Desk) -> None:
    desk.answers[Run] = answering(ran([[1.0, 2.0]]), replace(ran([[1.0, 2.0]]), overwrites=("x",)))
    result = along(walk, case_of())
    assert (result.outcome, result.blame) == (Outcome.MUTATING, "copies")
    assert result.message == "mutating at copies: the call writes into its inputs x"
