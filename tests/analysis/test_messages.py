"""Messages without what changes from case to case."""

import pytest

from harness.analysis.messages import family, normalised, shown

LOADS = "Fail: [ONNXRuntimeError] : 1 : FAIL : Load model from"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Load model from keras-a.onnx failed: node keras_tensor_14",
            "Load model from keras-b13.onnx failed: node keras_tensor_9",
        ),
        ('bad "a/layer_1/Erfc:0" of shape (3, None, 4)', 'bad "a/layer_22/mul" of shape [2]'),
        ("cannot\n\nArguments received by X.call():\n  inputs=a", "cannot"),
        ("at 0x7f5a78, version=13", "at 0x1d, version=1"),
        ("KeyError: 'dense0'", "KeyError: 'layer_normalization 2'"),
        ('KeyError: "dense0"', "KeyError: 'add'"),
        ("output 'relu2' has shape (2, 3), expected (3,)", "output 'layer' has shape (1,), expected (2, 5)"),
        (
            "RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
            "RuntimeError: Given groups=2, weight of size [2, 1, 3], expected input[3, 3, 8] to have 2 channels",
        ),
        (
            "RuntimeError: shape '[-1, 1, 6, 7]' is invalid for input of size 80",
            "RuntimeError: Calculated padded input size per channel: (1 x 1). Kernel size: (3 x 3). Kernel size can't",
        ),
        (
            f"{LOADS} /tmp/x/LSTM-02.onnx failed:Node (LSTM__96) Op (LSTM) "
            "[ShapeInferenceError] First input tensor must have rank 3",
            "InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running "
            "Conv node. Name:'functional_1/layer_1/Relu:0_nchwc' Status Message: Invalid input shape: {5,8}",
        ),
        (
            f"{LOADS} a.onnx failed:Type Error: Type parameter (T) of Optype "
            "(Add) bound to different types (tensor(float) and tensor(double) in node (LSTM__9631).",
            "InvalidGraph: [ONNXRuntimeError] : 10 : INVALID_GRAPH : Load model from b.onnx failed:This is invalid. "
            "Type Error: Type 'tensor(int32)' of input parameter (x_int) of operator (Conv) in node (a/b) is invalid.",
        ),
        (
            "Non-zero status code returned while running FusedConv node. Name:'a/BiasAdd' Status Message: no dilation",
            "Non-zero status code returned while running Conv node. Name:'layer_nchwc' Status Message: no dilation",
        ),
        (
            "Invalid model. Node input 'a/b:0' is not a graph input or output.",
            "Invalid model. Node input 'keras_tensor_3' is not a graph input or output.",
        ),
        ("failed:Node (a/b/Conv) Op (Conv) has no pads", "failed:Node (Conv__96) Op (Conv) has no pads"),
    ],
)
def test_numbers_names_and_shapes_do_not_tell_messages_apart(one, other):
    assert normalised(one) == normalised(other)


def test_words_tell_messages_apart():
    assert normalised("operation_type='Loop'") != normalised("operation_type='Size'")
    assert normalised("KeyError: 'a'") != normalised("AttributeError: 'a'")
    assert normalised("output 'a' has shape (3,)") != normalised("output 'a' has dtype int64")
    assert normalised("RuntimeError: The size of tensor a (3)") != normalised("RuntimeError: t() expects a tensor")
    assert normalised("Keras 2 has no layer AugMix", "AugMix") == normalised("Keras 2 has no layer MixUp", "MixUp")
    of_runtime = f"{LOADS} a.onnx failed:Node (a) Op (Conv) [ShapeInferenceError] "
    assert normalised(f"{of_runtime}Attribute pads has incorrect size") != normalised(
        f"{of_runtime}Incompatible dimensions"
    )
    assert family("GlobalMaxPooling2D") == family("GlobalMaxPooling1D")


def test_arguments_and_wrappers_do_not_tell_messages_apart():
    assert normalised("Keyword argument not understood:', 'salt')") == normalised(
        "Keyword argument not understood:', 'gate')"
    )
    one, other = (
        normalised(
            f"TypeError: Error when deserializing class '{name}' using config={{'name': 1}}.\n\nException "
            f"encountered: Unrecognized keyword arguments passed to {name}: {{'x': 1}}"
        )
        for name in ("RNN", "RandomZoom")
    )
    assert one == other


def test_a_node_is_named_whether_or_not_the_message_was_cut():
    whole = 'In Node, ("a/b", Erfc, "", -1) : ("x": tensor(float),) -> ("c",) , Error No Op registered for Erfc'
    assert normalised(whole) == normalised(whole[:45]) == "Node Erfc"


def test_what_is_shown_of_a_message_is_what_went_wrong():
    message = 'In Node, ("a", Erfc, "", -1) : ("b": tensor(float),) -> ("c",) , Error No Op registered for Erfc'
    assert shown(message) == "In Node, Error No Op registered for Erfc"
    assert len(shown("long " * 1000)) == 240
