"""What is drawn for the count of false alarms, and how its lines are counted; no framework is started."""

import json
from itertools import islice

import numpy as np

from benchmarks.false_alarms import drawn, finished, keys, page, read, table
from harness.catalogue import find, rows


def line(**more):
    fields = {
        "run": 1,
        "key": "keras/keras/ReLU/0/0",
        "layer": "ReLU",
        "dialect": "keras",
        "set": 0,
        "runtime": "keras",
    }
    return {**fields, "counts": True, "outcome": "exact", "judgement": "passed", "units": 0.5, **more}


def test_keys_go_evenly_over_the_rows():
    count = len(rows("keras"))
    assert [key.split("/")[-1] for key in islice(keys("keras", 7, "*"), 2 * count)] == ["0"] * count + ["1"] * count
    assert list(islice(keys("keras", 7, "no such layer"), 1)) == []


def test_a_key_always_stands_for_the_same_model():
    first, second = (drawn("keras/keras/Conv1D/3/1", 4) for _ in range(2))
    assert [case.id for case in first.sets] == [case.id for case in second.sets]
    assert first.case.choice != drawn("keras/keras/Conv1D/3/2", 1).case.choice


def test_sets_of_inputs_share_the_model_and_obey_the_rules():
    row, model = find("keras", "Dense"), drawn("keras/keras/Dense/0/0", 6)
    assert all(case.inputs["x"].size == 0 for k, case in enumerate(model.sets) if k not in model.telling)
    assert len({model.sets[k].id for k in model.telling}) == len(model.telling) >= 3
    assert all(case.spec == model.case.spec and row.allows(case.choice) for case in model.sets)
    batches = [case.inputs["x"].shape[0] for case in model.sets]
    assert all(odd != batches[0] for odd in batches[1::2])
    for case in model.sets:
        assert case.golden is not None
        assert all(np.all(case.golden.noise[name] >= 0) for name in case.golden.expected)


def test_of_a_model_walked_twice_the_last_walk_counts(tmp_path):
    path = tmp_path / "results.ndjson"
    first, other = line(outcome="divergent", judgement="ALARM", message="m", choice={}), line(run=2)
    shared, empty = line(key="onnx/keras/ReLU/0/0"), line(run=2, set=1, counts=False)
    done = {"run": 2, "key": line()["key"], "done": True}
    path.write_text("\n".join(json.dumps(item) for item in (first, other, empty, shared, done)) + '\n{"run": 2, "k')
    assert read(path) == [shared]
    assert finished(path) == {"keras/keras/ReLU/0/0"}


def test_only_what_ran_is_a_comparison():
    lines = [line(), line(set=1, outcome="drift", units=40.0), line(set=None, outcome="refused", judgement="expected")]
    figures = table(lines)[-1]
    assert figures == ("keras", "keras", "ReLU", "1", "2", "20.25", "39.60", "40", "1", "0", "0")
    assert "2 comparisons over 1 models: 0 known deviations, 0 alarms, 1 in drift" in page(lines)
