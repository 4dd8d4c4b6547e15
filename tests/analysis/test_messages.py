"""Messages without what changes from case to case."""

import pytest

from harness.analysis.messages import family, normalised, shown


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
    ],
)
def test_numbers_names_and_shapes_do_not_tell_messages_apart(one, other):
    assert normalised(one) == normalised(other)


def test_words_tell_messages_apart():
    assert normalised("operation_type='Loop'") != normalised("operation_type='Size'")
    assert normalised("Keras 2 has no layer AugMix", "AugMix") == normalised("Keras 2 has no layer MixUp", "MixUp")
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
