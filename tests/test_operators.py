"""What the count of operators reads in ONNX files and in tf2onnx's source; no framework is started."""

import ast
import sys
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from benchmarks.entered import Watch, functions, marked  # noqa: E402
from benchmarks.handlers import COMPUTED, read  # noqa: E402
from benchmarks.operator_reasons import load_reasons  # noqa: E402
from benchmarks.operator_values import Fact, classed, facts, possible_places  # noqa: E402
from benchmarks.operators import possible  # noqa: E402


@pytest.mark.parametrize(
    ("operator", "attribute", "value", "kind"),
    [
        ("Conv", "pads", [0, 1, 0, 1], "symmetric"),
        ("Conv", "pads", [0, 1, 1, 0], "lopsided"),
        ("Conv", "pads", [0, 0, 0, 0], "none"),
        ("ConvTranspose", "pads", [0, 0, -1, 0], "negative"),
        ("Conv", "strides", [1, 1], "1"),
        ("Conv", "strides", [2, 2], "equal"),
        ("Conv", "dilations", [1, 2], "unequal"),
        ("Transpose", "perm", [0, 3, 1, 2], "channels first"),
        ("Transpose", "perm", [0, 2, 3, 1], "channels last"),
        ("Transpose", "perm", [0, 1, 3, 2], "last two"),
        ("Transpose", "perm", [1, 0], "last two"),
        ("Transpose", "perm", [0, 1, 2], "identity"),
        ("Transpose", "perm", [2, 0, 1], "other"),
        ("Softmax", "axis", -1, "negative"),
        ("Softmax", "axis", 3, "2 or more"),
        ("Elu", "alpha", 1.0, "default"),
        ("Elu", "alpha", 0.5, "other"),
        ("Cast", "to", TensorProto.INT64, "int64"),
        ("LSTM", "activations", [b"Sigmoid", b"Tanh"], "Sigmoid, Tanh"),
        ("ReduceMean", "axes", [-1, -2], "several negative"),
        ("CumSum", "exclusive", True, "1"),
    ],
)
def test_classes_of_values(operator, attribute, value, kind):
    assert classed(operator, attribute, value) == kind


def model(*nodes, constants=()):
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        initializer=list(constants),
    )
    return helper.make_model(graph)


def test_facts_of_a_convolution_of_each_channel():
    kernel = helper.make_tensor("w", TensorProto.FLOAT, [4, 1, 1, 1], [1.0] * 4)
    seen = set(facts(model(helper.make_node("Conv", ["x", "w"], ["y"], group=4, strides=[2, 1]), constants=[kernel])))
    assert seen == {
        Fact("Conv", "", ""),
        Fact("Conv", "input W", "constant"),
        Fact("Conv", "input B", "absent"),
        Fact("Conv", "auto_pad", "NOTSET"),
        Fact("Conv", "group", "each channel"),
        Fact("Conv", "strides", "unequal"),
    }


def test_facts_of_inputs_that_are_computed_left_out_or_constant():
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [-1])
    seen = set(
        facts(
            model(
                helper.make_node("Shape", ["x"], ["s"]),
                helper.make_node("Expand", ["x", "s"], ["e"]),
                helper.make_node("Squeeze", ["e", "axes"], ["y"]),
                constants=[axes],
            )
        )
    )
    assert {Fact("Expand", "input shape", "computed"), Fact("Squeeze", "input axes", "one negative")} <= seen
    assert Fact("Squeeze", "input axes", "absent") in set(possible_places("Squeeze"))


def test_facts_of_a_branch():
    inner = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"])], "b", [], [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)]
    )
    assert Fact("Relu", "", "") in set(facts(model(helper.make_node("If", ["c"], ["y"], then_branch=inner))))


SOURCE = """
def add_padding(ctx, node):
    node.set_attr("auto_pad", "SAME_UPPER")


def elsewhere(ctx):
    ctx.make_node("Cast", ["x"], attr={"to": TensorProto.INT32})


@tf_op(["Conv1D", "Conv2D"])
class Conv:
    @classmethod
    def any_version(cls, opset, ctx, node):
        node.type = "Conv"
        add_padding(ctx, node)
        attr = {"perm": perm}
        ctx.make_node("Transpose", ["x"], attr=attr)

    @classmethod
    def version_1(cls, ctx, node):
        ctx.make_node("Relu", ["x"])

    @classmethod
    def version_11(cls, ctx, node):
        cls.any_version(11, ctx, node)
        if ctx.opset < 13:
            ctx.make_node("Tanh", ["x"])
        else:
            GraphBuilder(ctx).make_squeeze({"data": "x", "axes": [0]})

    @classmethod
    def version_18(cls, ctx, node):
        ctx.make_node("Split", ["x"], attr={"num_outputs": 2})
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "tf2onnx"
    (folder / "onnx_opset").mkdir(parents=True)
    (folder / "onnx_opset" / "nn.py").write_text(SOURCE)
    return folder


def test_the_source_is_read_at_its_opset(package):
    source = read(package)
    (handler,) = source.handlers
    assert (handler.file, handler.name, handler.operations) == (
        "onnx_opset/nn.py",
        "Conv.version_11",
        ("Conv1D", "Conv2D"),
    )
    assert SOURCE.splitlines()[handler.first - 1 + 1].strip().startswith("def version_11")
    written = {(one.operator, one.attribute, one.value) for one in source.writes if one.attribute}
    assert written == {
        ("Cast", "to", TensorProto.INT32),
        ("Conv", "auto_pad", "SAME_UPPER"),
        ("Transpose", "perm", COMPUTED),
    }
    operators = {one.operator for one in source.writes}
    assert operators == {"Cast", "Conv", "Transpose", "Squeeze"}  # not Relu, Tanh, Split: other opsets


def test_what_is_possible_is_what_is_written_and_what_was_seen(package):
    can = possible(read(package).writes, [Fact("Erfc", "", "")])
    assert Fact("Conv", "auto_pad", "SAME_UPPER") in can
    assert Fact("Erfc", "", "") in can
    assert {fact.value for fact in can if fact[:2] == ("Transpose", "perm")} == {
        "identity", "channels first", "channels last", "last two", "other"
    }  # fmt: skip


def test_marks_tell_the_calls_and_blocks_that_ran(tmp_path, monkeypatch):
    folder = tmp_path / "marked_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "some.py").write_text(
        'def called(x):\n    """Text."""\n    if x:\n        return 1\n    else:\n        return 2\n'
        "\n\ndef idle():\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    watch = Watch([folder])
    try:
        from marked_package.some import called  # type: ignore[import-not-found]

        assert called(0) == 2
        assert called.__doc__ == "Text."
        assert watch.news() == {"marked_package/some.py": [1, 6]}
        assert watch.news() == {}
    finally:
        sys.meta_path.remove(watch)
    one, other = functions(folder)
    assert (one.name, one.first, one.blocks) == ("called", 1, {4, 6})
    assert (other.name, other.first) == ("idle", 9)


def test_a_marked_module_keeps_its_lines():
    tree = marked(ast.parse("def f():\n    return 1 / 0\n"))
    space = {"__marks__": set()}
    exec(compile(tree, "file", "exec"), space)
    with pytest.raises(ZeroDivisionError) as caught:
        space["f"]()
    assert caught.traceback[-1].lineno == 1  # counted from 0


def test_a_reason_that_nothing_fits_is_told(tmp_path):
    file = tmp_path / "reasons.toml"
    file.write_text('[[pairs]]\nfits = ["Cast | to | *", "Relu | *"]\nreason = "so"\n')
    reasons = load_reasons(file)
    assert reasons.of_pair(Fact("Cast", "to", "bool"), set(), set()) == "so"
    assert reasons.of_pair(Fact("Conv", "group", "1"), {"nn.py f"}, {"nn.py f"}) == "its handler is never entered"
    assert reasons.of_pair(Fact("Conv", "group", "1"), {"nn.py f", "g"}, {"nn.py f"}) == ""
    assert reasons.unused == ["Relu | *"]


def test_every_pattern_of_the_reasons_stands_once():
    reasons = load_reasons(Path(__file__).parent.parent / "benchmarks" / "operators.toml")
    assert not set(reasons.pairs) & set(reasons.handlers)
