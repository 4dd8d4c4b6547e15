"""Reproducers: what they are made of, and that those of known deviations show them without the harness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from harness.adapters.plugin import Plugin
from harness.adapters.routes import Route
from harness.outcomes import Outcome
from harness.reproducer.deviation import Deviation
from harness.reproducer.known import of_expectation
from harness.reproducer.program import program
from harness.reproducer.recipes import is_shown
from harness.reproducer.running import run_reproducer
from harness.reproducer.write import LINES, SCRIPT, ReproduceError, _with_tolerances, _write_arrays, write, write_check
from harness.results.events import Stage
from harness.run.session import Selection, Session
from harness.run.step import Step
from harness.spec import Case, Exactness, Golden, Input, Layer, Spec
from harness.workers.pool import Workers
from tests.miniatures import Copies, Doubles, Exits, KillsItself, Sleeps, dense_case, registry


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(Selection(all_cases=True)) as opened:
        known = opened.registry
        lacking = [hop.missing for hop in known.hops if is_shown(hop, known) and hop.missing]
        if lacking:
            pytest.skip("; ".join(lacking))
        yield opened


def test_what_is_fixed_and_what_cannot_run_are_told_apart(session: Session, tmp_path: Path) -> None:
    item = next(item for item in session.expectations if item.id == "onnx2torch-auto-pad")
    folder = of_expectation(session, item, tmp_path / "pad").folder
    script = folder / SCRIPT
    original = script.read_text()
    script.write_text(original.replace("import onnx2torch, torch", "import onnx2torch, no_such_module"))
    assert run_reproducer(folder)[0] == 2
    start = original.index("def convert")
    stop = original.index("def fault")
    answers = (
        "def convert():\n    return None\ndef run(model, inputs):\n    return [y[n].astype('float32') for n in names]\n"
    )
    setup = "y = np.load(HERE / 'expected.npz')\nnames = [n for n in y.files if n.startswith('output')]\n"
    script.write_text(original[:start] + setup + answers + original[stop:])
    assert run_reproducer(folder) == (0, "FIXED")
    script.write_text(original.replace("return onnx2torch", "raise OSError('full')  #"))
    assert run_reproducer(folder) == (2, "ERROR: OSError: full")


def test_a_case_that_agrees_and_a_converter_of_ours_have_no_reproducer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plugin, "is_ours", True)
    known = registry(Copies, Doubles)
    with Session() as opened, Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        opened.__dict__["registry"] = known
        opened.__dict__["workers"] = workers
        copies, doubles = (Route(known.formats[0], (hop,)) for hop in known.hops)
        case = dense_case()
        with pytest.raises(ReproduceError) as caught:
            write(opened, case, copies, tmp_path / "a")
        assert str(caught.value) == (
            f"{case.id} on mini-copies: there is nothing to reproduce; expected a deviation, got agreement "
            "with the golden"
        )
        with pytest.raises(ReproduceError, match="harness's own"):
            write(opened, dense_case(), doubles, tmp_path / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("convert", "last_line"),
    [
        ("lambda y: y", "FIXED"),
        ("lambda y: y + 1e-3", "DEVIATES: 4 of 4 values of output 0 are wrong, at (0, 0) "),
        ("lambda y: y[:1]", "DEVIATES: output 0 is float32 (1, "),
        ("lambda y: {}[0]", "DEVIATES: KeyError: 0"),
        ("lambda y: y if len(y) == 2 else y + 1", "DEVIATES: "),
        ("lambda y: os.abort()", "DEVIATES: the process died with status -6"),
        ("lambda y: (os.write(1, b'half a line'), y)[1]", "FIXED"),
    ],
)
def test_the_script_of_a_case_that_agrees_here_knows_every_deviation(
    tmp_path: Path, convert: str, last_line: str
) -> None:
    mini = registry(Copies)
    run = "y = [np.load(p)['output_0'].astype('float32') for p in HERE.glob('*expected.npz')]\n"
    run += "return [model(v) for v in y if len(v) == len(inputs['x'])]"
    known = replace(
        mini,
        hops=(replace(mini.hops[0], recipe=f"return {convert}"),),
        runtimes=tuple(replace(runtime, run_recipe=run) for runtime in mini.runtimes),
    )
    with Session() as opened, Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        opened.__dict__.update(registry=known, workers=workers)
        write_check(opened, dense_case(), Route(known.formats[0], known.hops), tmp_path)
    assert run_reproducer(tmp_path)[1].startswith(last_line)
    assert not (tmp_path / "issue.md").exists()
    assert np.load(tmp_path / "expected.npz")["tolerance_0"].shape == dense_case().golden.expected["layer"].shape
    assert len((tmp_path / SCRIPT).read_text().splitlines()) <= LINES


@pytest.mark.parametrize(
    ("hop", "does", "last_line"),
    [
        (Sleeps, "__import__('time').sleep(60)", "DEVIATES: no answer within 3 s"),
        (KillsItself, "os.kill(os.getpid(), 9)", "DEVIATES: the process died with status -9"),
        (Exits, "os._exit(1)", "DEVIATES: the process died with status 1"),
        (Exits, "__import__('no_such_module')", "ERROR: ModuleNotFoundError: No module named 'no_such_module'"),
        (Exits, "return None", "FIXED"),
    ],
)
def test_scripts_of_crashes_and_hangs_end_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hop: type[Copies], does: str, last_line: str
) -> None:
    mini = registry(hop)
    answers = "(np.load(path)['output_0'].astype('float32') for path in HERE.glob('*expected.npz'))"
    run = f"return [y for y in {answers} if len(y) == len(inputs['x'])]"
    known = replace(
        mini,
        hops=(replace(mini.hops[0], recipe=f"{does}\nreturn None"),),
        runtimes=tuple(replace(runtime, run_recipe=run) for runtime in mini.runtimes),
    )
    monkeypatch.setattr("harness.reproducer.write.LIMIT", 3)
    with Session(Selection(limit=2)) as opened, Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        opened.__dict__.update(registry=known, workers=workers)
        reproducer = write(opened, dense_case(), Route(known.formats[0], known.hops), tmp_path / "mini")
    assert reproducer.outcome in ("crash", "hang")
    assert run_reproducer(reproducer.folder) == ({"D": 1, "F": 0, "E": 2}[last_line[0]], last_line)
    assert len((reproducer.folder / SCRIPT).read_text().splitlines()) <= LINES


def test_tolerance_is_one_number_unless_the_deviation_hides_below_it() -> None:
    expected = np.array([[1000.0, 1000.0], [1e-6, 1e-6]])
    golden = Golden({"y": expected}, {"y": np.full((2, 2), 1e-12, np.float32)}, Exactness.COMPUTES)
    large = expected.astype(np.float32) + np.float32([[5, 0], [0, 0]])
    small = expected.astype(np.float32) + np.float32([[0, 0], [1e-6, 0]])
    assert _with_tolerances(golden, [large], must_show=True)["tolerance_0"].shape == ()
    assert _with_tolerances(golden, [small], must_show=True)["tolerance_0"].shape == (2, 2)
    assert _with_tolerances(golden, [small], must_show=False)["tolerance_0"].shape == ()


def test_what_is_wrong_elsewhere_hides_below_no_tolerance_of_another_element(tmp_path: Path) -> None:
    """Beside an output of integers too, which is compared for equality."""
    expected = {"k": np.array([1, 2]), "y": np.array([[1000.0, 1000.0], [1e-6, 1e-6]])}
    noise = {name: np.full(value.shape, 1e-12, np.float32) for name, value in expected.items()}
    golden = Golden(expected, noise, Exactness.COMPUTES)
    outputs = (expected["k"], expected["y"].astype(np.float32))
    case = cast("Case", SimpleNamespace(samples=(SimpleNamespace(inputs={}, golden=golden),)))
    step = Step(Stage("torch", Outcome.FAITHFUL), tmp_path / "model.pt", (outputs,))
    _write_arrays(Deviation(case, cast("Route", None), (step,), None), tmp_path)
    assert np.load(tmp_path / "expected.npz")["tolerance_1"].shape == (2, 2)


def test_program_of_a_spec() -> None:
    lstm = Layer("LSTM", "rnn", {"units": 2, "return_state": True}, ("x",))
    add = Layer("Add", "sum", {}, ("rnn", "rnn:1"))
    lines = program(Spec("keras", (Input("x", (None, 3)),), (lstm, add), ("sum",)), "keras")
    assert lines == [
        "x0 = keras.Input((None, 3), dtype='float32', name='x')",
        "y0 = keras.layers.LSTM(units=2, return_state=True, name='rnn')(x0)",
        "y1 = keras.layers.Add(name='sum')([y0[0], y0[1]])",
        "return keras.Model([x0], [y1])",
    ]
