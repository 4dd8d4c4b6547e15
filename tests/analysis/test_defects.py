"""Grouping by cause: synthetic runs whose defects are known."""

import json
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from harness.analysis.defects import sentence
from harness.analysis.tally import defects
from harness.outcomes import Harm, Metrics, Outcome
from harness.results.events import ExpectationNote, Judgement, PluginNote, Result, Stage
from harness.run.walk import MESSAGE_LENGTH

AXES = {"padding": ["same", "valid"], "strides": [1, 2, 3], "kernel": [1, 2, 3, 4, 5], "bias": [True, False]}
GRID = [dict(zip(AXES, values, strict=True)) for values in product(*AXES.values())]
NOTES = (
    PluginNote("tf2onnx", "hop", engine="tf2onnx", base="tf2onnx"),
    PluginNote("tf2onnx13", "hop", engine="tf2onnx", base="tf2onnx", opset=13),
    PluginNote("tf2onnx18", "hop", engine="tf2onnx", base="tf2onnx", opset=18),
    PluginNote("kerasexport", "hop", engine="tf2onnx", base="kerasexport"),
    PluginNote("h5import", "hop", engine="keras", base="h5import"),
    PluginNote("keras", "format", engine="keras", base="keras"),
    PluginNote("h5", "format", engine="keras", base="h5"),
    PluginNote("keras", "runtime", engine="another", base="keras"),
)
"""What the header of a run says of its plugins."""
REFUSED = "NotImplementedError: no such thing (node_12, shape (3, 4))"


def result(
    config, *, layer="Conv2D", hops=("tf2onnx",), fails=None, outcome=Outcome.REFUSED, message=REFUSED, note=None
):
    """A result of the case of this layer and configuration; `fails` is the hop at fault, after which nothing goes."""
    stages = [
        Stage("keras", Outcome.EXACT if fails != "source" else outcome, message=message if fails == "source" else "")
    ]
    for hop in hops if fails != "source" else ():
        bad = hop == fails
        units = 5000.0 if bad and outcome is Outcome.DIVERGENT else 1.0
        stages.append(
            Stage(
                "x",
                outcome if bad else Outcome.EXACT,
                hop=hop,
                metrics=Metrics(units=units),
                message=message if bad else "",
            )
        )
        if bad:
            break
    judgement = Judgement.PASSED if fails is None else Judgement.FAILED if note is None else Judgement.EXPECTED
    return Result(
        case=f"keras-{layer}-{json.dumps(config)}",
        dialect="keras",
        layer=layer,
        profile="main",
        config=config,
        route="-".join(["keras", *hops]),
        stages=tuple(stages),
        judgement=judgement,
        expectation=None if note is None else ExpectationNote(note, outcome, "a reason that says it", ""),
    )


def run(breaks, **changes):
    return [result(config, fails="tf2onnx" if breaks(config) else None, **changes) for config in GRID]


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (lambda c: c["padding"] == "same", "padding = same"),
        (lambda c: c["kernel"] != 3, "kernel \u2260 3"),
        (lambda c: c["strides"] > 1, "strides > 1"),
        (lambda c: c["kernel"] < 3, "kernel < 3"),
        (lambda c: c["kernel"] in (1, 4), "kernel = 1 or 4"),
        (lambda c: c["padding"] == "same" and c["strides"] > 1, "padding = same and strides > 1"),
        (lambda c: c["padding"] == "same" and c["kernel"] != 2, "kernel \u2260 2 and padding = same"),
        (lambda c: not c["bias"] and c["kernel"] == 5, "bias = false and kernel = 5"),
        (
            lambda c: c["padding"] == "same" and c["strides"] == 1 and not c["bias"],
            "bias = false and padding = same and strides = 1",
        ),
        (lambda c: c["kernel"] == 4 or c["strides"] == 2, "kernel = 4, or strides = 2"),
        (
            lambda c: c["kernel"] == 4 or (c["strides"] == 2 and not c["bias"]),
            "bias = false and strides = 2, or kernel = 4",
        ),
        (lambda c: True, "always"),
    ],
)
def test_the_smallest_condition_is_found(breaks, words):
    (defect,) = defects(run(breaks))
    (condition,) = defect.conditions
    assert condition.words == words
    assert condition.perfect
    assert condition.others == 0
    assert defect.condition == words
    assert condition.failing == sum(map(breaks, GRID))
    assert condition.failing + condition.passing == len(GRID)


def test_what_nothing_small_separates_is_a_guess_and_says_so():
    def breaks(config):
        return config["padding"] == "same" and config["strides"] == 1 and not config["bias"] and config["kernel"] != 3

    (defect,) = defects(run(breaks))
    (condition,) = defect.conditions
    assert not condition.perfect
    assert condition.recall == 1
    assert condition.precision == 0.4
    assert len(condition.axes) == 2
    assert defect.condition.startswith("not told apart by three axes or two alternatives; best guess ")
    assert defect.condition.endswith("(precision 40 %, recall 100 %)")


def test_where_no_axis_says_anything_there_is_no_guess():
    def breaks(config):
        return (config["bias"] + (config["padding"] == "same") + config["strides"] + config["kernel"]) % 2 == 0

    (defect,) = defects(run(breaks))
    assert defect.conditions[0].axes == ()
    assert "guess" not in defect.condition
    assert "not told apart" in defect.condition


def test_few_cases_that_much_could_explain_are_not_explained():
    configs = [
        {f"axis{k}": 0 for k in range(8)},
        {f"axis{k}": 1 for k in range(8)},
        {f"axis{k}": k % 2 for k in range(8)},
    ]
    several = defects([result(config, fails="tf2onnx" if place == 1 else None) for place, config in enumerate(configs)])
    assert several[0].conditions[0].others == 0  # all of those axes cut the cases in one way
    configs = [{f"axis{k}": int(k == place) for k in range(-1, 7)} for place in range(7)]
    extra = {f"axis{k}": 1 for k in range(-1, 7)}
    several = defects([*(result(config) for config in configs), result(extra, fails="tf2onnx")])
    assert several[0].conditions[0].perfect
    pairs = defects([*(result({**c, "axis-1": k % 2}) for k, c in enumerate(configs)), result(extra, fails="tf2onnx")])
    assert not pairs[0].conditions[0].sure
    assert pairs[0].condition.startswith("too few cases to tell")


def test_what_separates_cases_picked_at_random_too_is_not_trusted():
    draw = Random(1)
    configs = [{f"axis{k}": draw.randrange(4) for k in range(9)} for _ in range(12)]
    several = defects(
        [result(config, fails="tf2onnx" if place % 3 == 0 else None) for place, config in enumerate(configs)]
    )
    (condition,) = several[0].conditions
    assert condition.perfect
    assert not condition.sure
    assert condition.chance
    assert several[0].condition.startswith("too few cases to tell: ")
    assert not defects(run(lambda c: c["padding"] == "same" and c["strides"] > 1))[0].conditions[0].chance


def test_the_converters_own_words_make_one_group_over_layers():
    several = defects(
        [
            result({"rank": 2}, layer="Dense", fails="tf2onnx", message="Op at node_1 of Dense: no Loop, shape [1, 2]"),
            result({"rank": 3}, layer="GRU", fails="tf2onnx", message="Op at node_22 of GRU: no Loop, shape [7]"),
            result({"rank": 4}, layer="GRU", fails="tf2onnx", message="Op at node_22 of GRU: no Size, shape [7]"),
        ]
    )
    assert sorted((cause.layers, len(cause.cases)) for cause in several) == [(("Dense", "GRU"), 1 + 1), (("GRU",), 1)]
    assert all(cause.harm is Harm.LOUD for cause in several)


def test_layers_with_conditions_of_their_own_are_told_apart():
    def row(layer, config, breaks):
        return result(config, layer=layer, fails="tf2onnx" if breaks else None, message="no Loop")

    configs = [{"rank": rank, "bias": bias} for rank in (2, 3, 4) for bias in (True, False)]
    several = defects(
        [row("A", config, config["rank"] == 3) for config in configs]
        + [row("B", config, config["bias"]) for config in configs]
    )
    assert [cause.condition for cause in several] == ["A: rank = 3; B: bias = true"]


def test_wrong_values_are_grouped_by_family_and_by_condition():
    def row(layer, config, breaks, **more):
        return result(config, layer=layer, fails="tf2onnx" if breaks else None, outcome=Outcome.DIVERGENT, **more)

    configs = [{"profile": profile, "rank": rank} for profile in ("main", "special") for rank in (2, 3)]
    special = [
        row(layer, config, config["profile"] == "special", message=f"{layer} 5e3 units")
        for layer in ("ELU", "Conv1D", "Conv2D")
        for config in configs
    ]
    (defect,) = defects(special)
    assert defect.layers == ("Conv1D", "Conv2D", "ELU")
    assert defect.condition == "profile = special"
    assert defect.harm is Harm.SILENT
    assert defect.units == 5000
    other = [row("Dense", config, config["rank"] == 3) for config in configs]
    assert [cause.layers for cause in defects(special + other)] == [("Conv1D", "Conv2D", "ELU"), ("Dense",)]


def test_one_expectation_of_wrong_values_makes_one_cause_of_families():
    rows = [
        result({"rank": 2}, layer=layer, fails="source", outcome=Outcome.MALFORMED, message="shape (1,)", note="known")
        for layer in ("Add", "Average")
    ]
    (defect,) = defects(rows)
    assert (defect.layers, defect.expectations, defect.harm) == (("Add", "Average"), ("known",), Harm.STRUCTURE)
    assert defect.hop == "source (keras)"


def test_a_single_case_is_no_always():
    assert defects([result({"rank": 2}, fails="tf2onnx")])[0].condition == "in the only case that got there"
    two = [result({"rank": rank}, fails="tf2onnx") for rank in (2, 3)]
    assert defects(two)[0].condition == "in all 2 that got there"


def test_routes_that_share_a_stage_count_it_once():
    config = {"rank": 2}
    more = [("tf2onnx",), ("tf2onnx", "onnx2torch"), ("tf2onnx", "onnx2pytorch")]
    (defect,) = defects([result(config, hops=hops, fails="tf2onnx") for hops in more] + [result({"rank": 3})])
    assert (len(defect.cases), len(defect.results), defect.conditions[0].failing) == (1, 3, 1)
    assert defect.condition == "rank = 2 (one case)"


def test_opsets_are_one_converter_and_an_axis():
    configs = [{"rank": 2}, {"rank": 3}]
    hops = ["tf2onnx", "tf2onnx13", "tf2onnx18"]
    (every,) = defects([result(config, hops=(hop,), fails=hop) for config in configs for hop in hops], NOTES)
    assert (every.hop, len(every.cases), len(every.results), every.condition) == ("tf2onnx", 2, 6, "always")
    (one,) = defects(
        [result(c, hops=(hop,), fails=hop if hop == "tf2onnx18" else None) for c in configs for hop in hops], NOTES
    )
    assert one.condition == "opset = 18"
    (later,) = defects(
        [
            result(c, hops=("h5import", hop), fails=hop if hop == "tf2onnx18" else None)
            for c in configs
            for hop in hops[1:]
        ],
        NOTES,
    )
    assert later.condition == "opset = 18"


def test_a_name_that_ends_in_a_number_tells_no_opset():
    """The header says which converters are one: names are not taken apart."""
    hops = ["mine12", "mine13"]
    assert sorted(cause.hop for cause in defects([result({"rank": 2}, hops=(hop,), fails=hop) for hop in hops])) == hops


def test_converters_and_formats_of_one_engine_are_one_defect():
    rows = [
        result({"rank": 2}, fails="source", message="no such layer"),
        result({"rank": 3}, hops=("h5import",), fails="h5import", message="no such layer"),
    ]
    (defect,) = defects(rows, NOTES)
    assert defect.hops == ("h5import", "source (keras)")
    assert len(defects(rows)) == 2


def test_the_way_to_a_stage_can_be_the_condition():
    configs = [{"rank": 2}, {"rank": 3}]
    (defect,) = defects(
        [
            result(config, hops=(way, "torchscript"), fails="torchscript" if way == "a" else None)
            for config in configs
            for way in ("a", "b")
        ]
    )
    assert defect.condition == "route up to it = keras-a"


def test_stages_after_the_one_at_fault_say_nothing():
    config = {"rank": 2}
    stages = (
        Stage("keras", Outcome.EXACT),
        Stage("onnx", Outcome.DIVERGENT, hop="a", metrics=Metrics(units=1e6)),
        Stage("torch", Outcome.CRASH, hop="b"),
    )
    whole = result(config, fails="tf2onnx")
    late = Result(**{**vars(whole), "stages": stages})
    (defect,) = defects([late])
    assert (defect.hop, defect.outcome) == ("a", Outcome.DIVERGENT)


def test_a_failure_of_another_kind_is_no_passing_case():
    def row(config):
        if config["padding"] == "same":
            return result(config, fails="tf2onnx", message="no padding" if config["bias"] else "no bias")
        return result(config)

    assert [cause.condition for cause in defects(map(row, GRID))] == ["padding = same"] * 2
    all_fail = [result(c, fails="tf2onnx", message="first" if c["strides"] == 2 else "second") for c in GRID]
    assert {cause.condition for cause in defects(all_fail)} == {"strides = 2", "always, or another failure comes first"}


def test_unexpected_come_first_then_silent_then_many():
    rows = [
        result({"rank": 1}, layer="A", fails="tf2onnx", message="loud and new"),
        *[result({"rank": k}, layer="B", fails="tf2onnx", message="loud", note="known") for k in range(3)],
        *[result({"rank": k}, layer="C", fails="tf2onnx", message="louder", note="known") for k in range(4)],
        result({"rank": 1}, layer="D", fails="tf2onnx", outcome=Outcome.MALFORMED, note="shape"),
        result({"rank": 1}, layer="E", fails="tf2onnx", outcome=Outcome.DIVERGENT, note="value"),
    ]
    several = defects(rows)
    assert [cause.layers for cause in several] == [("A",), ("E",), ("D",), ("C",), ("B",)]
    assert [cause.unexpected for cause in several] == [1, 0, 0, 0, 0]
    assert sentence(several) == "5 defects, 10 results of 10 cases; 1 unexpected"
    assert sentence(several[1:]).endswith("; all expected")
    assert [cause.layers for cause in defects(reversed(rows))] == [cause.layers for cause in several]


def test_the_smallest_case_has_the_shortest_configuration():
    rows = [result({"rank": 22222}, fails="tf2onnx"), result({"rank": 3}, fails="tf2onnx")]
    assert defects(rows)[0].smallest == rows[1].case


def test_inner_layers_and_lists_of_numbers_are_axes():
    inner = [
        result({"layer": {"kind": kind, "config": {"units": units}}}, fails="tf2onnx" if kind == "GRU" else None)
        for kind in ("GRU", "LSTM")
        for units in (2, 3, 5)
    ]
    assert defects(inner)[0].condition == "layer = GRU"
    sizes = [[1, 1], [1, 2], [2, 1], [3, 3], [2, 2], [1, 3]]
    lists = [
        result({"strides": size, "units": units}, fails="tf2onnx" if max(size) > 1 else None)
        for size in sizes
        for units in (2, 3)
    ]
    assert defects(lists)[0].condition == "strides \u2260 [1,1]"
    lists = [result({"strides": size}, fails="tf2onnx" if max(size) > 2 else None) for size in sizes]
    assert defects(lists)[0].condition == "largest of strides = 3"


def test_converters_that_one_library_does_the_work_for_share_its_defects():
    configs = [{"rank": 2}, {"rank": 3}]
    (defect,) = defects(
        [
            result(config, hops=(hop,), fails=hop, outcome=Outcome.INVALID)
            for config in configs
            for hop in ("kerasexport", "tf2onnx", "tf2onnx13")
        ],
        NOTES,
    )
    assert (defect.hops, defect.hop, len(defect.results)) == (("tf2onnx", "kerasexport"), "tf2onnx, kerasexport", 6)
    apart = [result({"rank": 2}, hops=(hop,), fails=hop) for hop in ("onnx2torch", "onnx2pytorch")]
    assert len(defects(apart)) == 2


def test_what_a_runtime_says_is_a_symptom_where_an_expectation_speaks():
    def row(rank, message, note, outcome=Outcome.INVALID):
        return result({"rank": rank}, fails="tf2onnx", message=message, outcome=outcome, note=note)

    assert len(defects([row(1, "no Mul", "known"), row(2, "no Add", "known")])) == 1
    assert len(defects([row(1, "no Mul", None), row(2, "no Add", None)])) == 2
    refused = [row(rank, text, "known", Outcome.REFUSED) for rank, text in ((1, "no Mul"), (2, "no Add"))]
    assert len(defects(refused)) == 2
    one_voice = [row(1, "no Mul", "a"), row(2, "no Mul", "b")]
    assert [cause.expectations for cause in defects(one_voice)] == [("a", "b")]
    assert len(defects([*one_voice, row(3, "no Add", "a")])) == 2


def test_a_refusal_is_one_whichever_expectation_speaks_unless_its_message_was_cut():
    both = [result({"rank": rank}, fails="tf2onnx", message="no Mul", note=f"known-{rank}") for rank in (1, 2)]
    assert [cause.expectations for cause in defects(both)] == [("known-1", "known-2")]
    cut = [result({"rank": r}, fails="tf2onnx", message="x" * MESSAGE_LENGTH, note=f"known-{r}") for r in (1, 2)]
    assert len(defects(cut)) == 2


def test_the_same_wrong_answer_of_a_case_is_one_defect():
    def row(source, message):
        deviating = result(
            {"rank": 2}, fails="source", outcome=Outcome.DIVERGENT, message=message, note=f"known-{source}"
        )
        return replace(deviating, route=source, stages=(replace(deviating.stages[0], artifact=source),))

    (defect,) = defects([row("keras", "expected 1, got 2.5"), row("h5", "expected 1, got 2.5")], NOTES)
    assert defect.expectations == ("known-h5", "known-keras")
    assert len(defects([row("keras", "expected 1, got 2.5"), row("h5", "expected 1, got 7.5")], NOTES)) == 2


def test_the_order_of_results_says_nothing():
    rows = [
        result({"rank": rank}, hops=("tf2onnx", *more), fails="tf2onnx", outcome=outcome, message=text, note=note)
        for rank in (2, 3)
        for more, note in (((), "known"), (("onnx2torch",), "other"), (("onnx2pytorch",), None))
        for outcome, text in ((Outcome.INVALID, "no Mul"),)
    ]
    (defect,) = defects(rows)
    assert (defect.expectations, defect.unexpected, len(defect.results)) == (("known", "other"), 2, 6)
    (again,) = defects(reversed(rows))
    assert (again.text, set(again.results)) == (defect.text, set(defect.results))


def test_facts_that_follow_from_a_case_can_be_the_condition():
    rows = [
        replace(result({"rank": rank}, fails="tf2onnx" if rank in (2, 5) else None), facts={"same_pad": pad})
        for rank, pad in ((1, "none"), (2, "lopsided"), (3, "none"), (4, "symmetric"), (5, "lopsided"))
    ]
    assert defects(rows)[0].condition == "same_pad = lopsided"


def test_nothing_deviates():
    assert defects([result({"rank": 2})]) == []
    assert sentence([]) == "No defects: no result deviates"


@pytest.fixture
def deviations():
    return [
        result({"rank": 2}, fails="tf2onnx", note="known-one"),
        result({"rank": 2}, layer="GRU", fails="tf2onnx", message="no GRU here", outcome=Outcome.INVALID),
        result({"rank": 3}),
    ]


def test_a_defect_as_text(deviations):
    new, known = defects(deviations)
    assert sentence([new, known]) == "2 defects, 2 results of 2 cases; 1 unexpected"
    assert "known-one" in known.text
    assert "known-one" not in new.text


def test_a_defect_as_json(deviations):
    first, second = [cause.to_json() for cause in defects(deviations)]
    assert (first["layers"], first["harm"], first["unexpected"]) == (["GRU"], "loud", 1)
    assert (second["condition"], second["expectations"]) == ("rank = 2 (one case)", ["known-one"])
    assert second["conditions"][0]["passing"] == 1


WRONG_SHAPE = {"outcome": Outcome.MALFORMED, "fails": "tf2onnx"}


def of_model(case, kinds, *, layer="Fusion", **changes):
    """A result of a model of several layers."""
    return replace(result({"chain": case}, layer=layer, **changes), facts={"kinds": kinds})


def never_right(count=5):
    """Results of a layer of which no case passes."""
    return [
        result({"rows": rows}, layer="ZeroPadding2D", message=f"output 'layer' has shape ({rows},)", **WRONG_SHAPE)
        for rows in range(count)
    ]


def by_layers(found):
    return sorted((defect.layers, len(defect.results)) for defect in found)


def test_a_layer_that_is_never_right_explains_the_models_around_it():
    models = [
        of_model(1, ["ReLU", "ZeroPadding2D"], message="output 'relu2' has shape (2, 3)", **WRONG_SHAPE),
        of_model(2, ["Conv2D", "ZeroPadding2D"], message="output 'conv2d1' has shape (4, 9)", **WRONG_SHAPE),
        of_model(3, ["ReLU"]),
    ]
    assert by_layers(defects(never_right() + models)) == [(("Fusion", "ZeroPadding2D"), 7)]
    loud = {"outcome": Outcome.INVALID, "fails": "tf2onnx"}
    one = of_model(4, ["ZeroPadding2D"], message="RuntimeError: sizes differ", **loud)
    other = of_model(5, ["Conv2D", "ZeroPadding2D"], message="RuntimeError: no channel is left", **loud)
    assert by_layers(defects([*never_right(), one, other])) == [(("Fusion",), 2), (("ZeroPadding2D",), 5)]
    # four cases may be chance
    assert by_layers(defects([*never_right(4), one, other])) == [
        (("Fusion",), 1),
        (("Fusion",), 1),
        (("ZeroPadding2D",), 4),
    ]
    # and a layer that passes once is right sometimes
    passes = result({"rows": 9}, layer="ZeroPadding2D")
    assert len(defects([*never_right(), passes, one, other])) == 3


def test_words_that_occur_without_the_layer_are_no_symptom_of_it():
    loud = {"outcome": Outcome.INVALID, "fails": "tf2onnx", "message": "KeyError: 'dense0'"}
    with_it = of_model(1, ["Dense", "ZeroPadding2D"], **loud)
    without = of_model(2, ["Dense"], layer="Graph", **{**loud, "message": "KeyError: 'add3'"})
    assert by_layers(defects([*never_right(), with_it, without])) == [
        (("Fusion", "Graph"), 2),
        (("ZeroPadding2D",), 5),
    ]


def test_refusals_and_what_is_expected_of_a_model_stay_by_themselves():
    wrong = {"outcome": Outcome.DIVERGENT, "fails": "tf2onnx", "message": "5000 noise units"}
    numbers = [result({"rows": rows}, layer="ZeroPadding2D", **wrong) for rows in range(5)]
    refused = [
        of_model(case, ["ZeroPadding2D"], fails="tf2onnx", message=message)
        for case, message in enumerate(["NotImplementedError: no Erfc", "TypeError: no list"])
    ]
    known = of_model(2, ["ZeroPadding2D"], note="known", **{**wrong, "message": "4000 noise units"})
    found = defects([*numbers, *refused, known])
    assert sorted((defect.outcome, len(defect.results), defect.expectations) for defect in found) == [
        ("divergent", 1, ("known",)),
        ("divergent", 5, ()),
        ("refused", 1, ()),
        ("refused", 1, ()),
    ]


def test_wrong_shapes_of_models_join_the_layer_that_has_them_alone():
    """Even where the layer is right in other cases; of two such layers, the one in more of the models."""
    pads = [
        result({"n": n}, layer="MaxPooling2D", message="output 'layer' has shape (1,)", **WRONG_SHAPE) for n in range(3)
    ]
    crops = [
        result({"m": m}, layer="Conv2DTranspose", message="output 'layer' has shape (1,)", **WRONG_SHAPE)
        for m in range(3)
    ]
    right = [result({"n": 7}, layer="MaxPooling2D"), result({"m": 7}, layer="Conv2DTranspose")]
    models = [
        of_model(1, ["MaxPooling2D", "ReLU"], message="output 'relu2' has shape (5,)", **WRONG_SHAPE),
        of_model(2, ["Conv2DTranspose", "MaxPooling2D"], message="output 'b' has shape (4,)", **WRONG_SHAPE),
    ]
    assert by_layers(defects(pads + crops + right + models)) == [
        (("Conv2DTranspose",), 3),
        (("Fusion", "MaxPooling2D"), 5),
    ]
    alien = of_model(3, ["ReLU"], message="output 'relu2' has shape (5,)", **WRONG_SHAPE)
    assert by_layers(defects(pads + crops + right + [*models, alien])) == [
        (("Conv2DTranspose",), 3),
        (("Fusion",), 3),
        (("MaxPooling2D",), 3),
    ]


def lopsided(layer, *, fails):
    """Cases of a layer. If `fails`, those whose padding is lopsided have a wrong shape."""
    return [
        replace(
            result({"n": n}, layer=layer, message="output 'y' has shape (3,)", **wrong),
            facts={"same_pad": pad},
        )
        for n, pad in enumerate(["lopsided", "symmetric", "none"] * 3)
        for wrong in ([WRONG_SHAPE] if fails and pad == "lopsided" else [{}])
    ]


def test_families_that_need_the_same_fact_are_one_defect():
    """Convolutions need another axis too, but never fail without lopsided padding."""
    pooling = lopsided("MaxPooling2D", fails=True)
    grouped = [replace(item, config={**item.config, "groups": 1}) for item in lopsided("Conv2D", fails=True)]
    fine = [
        replace(item, case=f"{item.case}-b", config={**item.config, "groups": 2})
        for item in lopsided("Conv2D", fails=False)
    ]
    assert by_layers(defects(pooling + grouped + fine)) == [(("Conv2D", "MaxPooling2D"), 6)]
    other = [replace(item, facts={}) for item in lopsided("Dense", fails=True)]
    assert len(defects(pooling + other)) == 2
    # an argument of the same name need not mean the same for two layers, where another is needed too
    as_argument = [
        [replace(item, config={**item.config, **(item.facts or {})}, facts=None) for item in items]
        for items in (pooling, grouped, fine)
    ]
    assert len(defects([item for items in as_argument for item in items])) == 2


def test_a_fact_that_most_passing_cases_have_too_is_not_needed():
    """Both layers fail without infinities only; but so do most of their cases pass."""
    groups = [
        [
            replace(
                result(
                    {"n": n},
                    layer=layer,
                    **({"message": "output 'y' has shape (3,)", **WRONG_SHAPE} if n in bad else {}),
                ),
                facts={"infinity": "both" if n == 8 else "none"},
            )
            for n in range(9)
        ]
        for layer, bad in (("MaxPooling2D", {1, 4}), ("Conv2D", {0, 3, 6}))
    ]
    assert len(defects(groups[0] + groups[1])) == 2


def padded(layer, failing, passing):
    """Cases of a layer by how they are padded: of wrong shape, then right."""
    wrong = [(pad, {"message": "output 'y' has shape (3,)", **WRONG_SHAPE}) for pad in failing]
    return [
        replace(result({"n": n}, layer=layer, **how), facts={"same_pad": pad})
        for n, (pad, how) in enumerate([*wrong, *((pad, {}) for pad in passing)])
    ]


def test_a_fact_is_needed_by_all_failing_cases_of_a_layer_and_by_most_of_a_family():
    pads = ["symmetric", "none", "none", "none"]
    host = padded("Conv2D", ["lopsided"] * 3, pads)
    mixed = padded("MaxPooling2D", ["lopsided", "lopsided", "crooked"], ["none"] * 5)
    assert len(defects(host + mixed)) == 2
    most = padded("MaxPooling1D", ["lopsided"] * 4, pads) + padded("MaxPooling3D", ["crooked"], ["none"] * 5)
    assert by_layers(defects(host + most)) == [(("Conv2D", "MaxPooling1D", "MaxPooling3D"), 8)]
    fewer = padded("MaxPooling1D", ["lopsided"], pads) + padded("MaxPooling3D", ["crooked"], ["none"] * 5)
    assert len(defects(host + fewer)) == 2
