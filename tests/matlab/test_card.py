"""Names of classes and the preparation of inputs: from the file to the program, to ONNX and to people."""

from __future__ import annotations

import base64
import json
from importlib.util import find_spec

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.card import Card, labels_of, names_in, recipe
from harness.matlab.readers.network import read_network
from harness.matlab.readers.records import Record
from harness.matlab.torch.source import program
from harness.models.deliver import load_torch, onnx_inputs, write_onnx, write_torch
from harness.spec import Input, Layer, Spec

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def classifier(channels=3, size=(3, 2, 2)):
    """A picture of 2 x 2 x 3, whose channels are summed up, and a softmax over three classes."""
    layers = (
        Layer("ImageInputLayer", "data", {}, ("data_in",)),
        Layer("GlobalAveragePooling2DLayer", "mean", {}, ("data",)),
        Layer("SoftmaxLayer", "prob", {}, ("mean",)),
    )
    return Spec("matlab", (Input("data_in", size),), layers, ("prob",))


CARD = Card(title="A net", classes=("Cardboard", "Ictal", 'a "road"'), labelled="prob")


def loaded(spec, weights, card, folder):
    write_torch(spec, weights, folder, card)
    return load_torch(folder)


def test_names_in_what_matlab_stores():
    assert names_in(Object("categorical", {"categories": ["cat", "dog"]})) == ("cat", "dog")
    assert names_in(Cell(("road", "sky"), (2, 1))) == ("road", "sky")
    assert names_in(np.array(["a", "b"])) == ("a", "b")
    assert names_in(np.zeros(2)) == names_in(None) == ()


@pytest.mark.parametrize("key", ["Categories", "Classes", "ClassNames"])
def test_labels_are_those_of_an_output_layer(key):
    records = {
        "hidden": Record("a.B", "hidden", {key: Cell(("x", "y"), (2, 1))}),
        "out": Record("a.C", "out", {key: Cell(("cat", "dog"), (2, 1))}),
    }
    assert labels_of(records, ("out",)) == Card(classes=("cat", "dog"), labelled="out")
    assert labels_of({"plain": Record("a.B", "plain", {})}, ("plain",)) == Card()
    assert labels_of({"out": Record("a.B", "out", {key: "auto"})}, ("out",)) == Card()


@needs_torch
def test_predict_gives_labels_with_probabilities(tmp_path):
    import torch

    network = loaded(classifier(), {}, CARD, tmp_path)
    assert network.classes == ("Cardboard", "Ictal", 'a "road"')
    picture = np.zeros((2, 2, 3))
    picture[..., 2] = np.log(8.0)  # exp of the means: 1, 1, 8
    ((first, second), *rest) = network.predict(network.prepare(picture), top=2)
    assert rest == []
    assert first == ('a "road"', pytest.approx(0.8))
    assert second[1] == pytest.approx(0.1)
    with pytest.raises(ValueError, match=r"the observation has size \[3, 2, 3\] here; expected \[3, 2, 2\]"):
        network.prepare(np.zeros((2, 3, 3)))
    two = network.predict(torch.zeros(2, 3, 2, 2))
    assert [len(labels) for labels in two] == [3, 3]


@needs_torch
def test_a_wrong_number_of_names_is_no_prediction(tmp_path):
    network = loaded(classifier(), {}, Card(classes=("a", "b"), labelled="prob"), tmp_path)
    with pytest.raises(ValueError, match="the output has 3 channels; expected 2, one for each class"):
        network.predict(network.prepare(np.zeros((2, 2, 3))))


@needs_torch
def test_a_segmentation_names_the_class_of_each_pixel(tmp_path):
    layers = (Layer("ImageInputLayer", "data", {}, ("data_in",)), Layer("SoftmaxLayer", "prob", {}, ("data",)))
    spec = Spec("matlab", (Input("data_in", (3, 2, 2)),), layers, ("prob",))
    network = loaded(spec, {}, CARD, tmp_path)
    picture = np.zeros((2, 2, 3))
    picture[0, 1, 2] = picture[1, 0, 1] = 5
    x = network.prepare(picture)
    assert network.places(x).tolist() == [[[0, 2], [1, 0]]]
    with pytest.raises(ValueError, match=r"labels each pixel or step: call places\(x\)"):
        network.predict(x)


@needs_torch
def test_the_average_image_is_subtracted_by_prepare_alone(tmp_path):
    average = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    network = loaded(classifier(), {}, Card(average=average), tmp_path)
    picture = np.full((2, 2, 3), 20.0)
    x = network.prepare(picture)
    assert x.shape == (1, 3, 2, 2)
    assert x[0, :, 0, 1].tolist() == [17, 16, 15]  # 20 less 3, 4, 5
    assert network.average_image.shape == (3, 2, 2)


@needs_torch
def test_sequences_and_features_are_prepared(tmp_path):
    layers = (Layer("SequenceInputLayer", "s", {}, ("s_in",)),)
    network = loaded(Spec("matlab", (Input("s_in", (None, 2)),), layers, ("s",)), {}, Card(), tmp_path)
    assert network.prepare([[1, 2, 3], [4, 5, 6]]).tolist() == [[[1, 4], [2, 5], [3, 6]]]
    layers = (Layer("FeatureInputLayer", "f", {}, ("f_in",)),)
    network = loaded(Spec("matlab", (Input("f_in", (3,)),), layers, ("f",)), {}, Card(), tmp_path)
    assert network.prepare([[1], [2], [3]]).tolist() == [[1, 2, 3]]


def test_text_of_a_file_cannot_leave_the_docstring():
    """Names come from files of strangers."""
    spec = classifier()
    hostile = Card(
        classes=('"""\nraise SystemExit\n"""', "b\\"), labelled="prob", hints=('"""\nraise SystemExit("x")\n',)
    )
    space: dict[str, object] = {"__name__": "m", "__file__": "m.py"}
    exec(compile(program(spec, {}, hostile).source, "m.py", "exec"), space)
    assert space["Network"].classes == hostile.classes


def test_a_layer_may_be_called_as_what_the_program_has():
    layers = (Layer("ImageInputLayer", "classes", {}, ("data_in",)), Layer("SoftmaxLayer", "predict", {}, ("classes",)))
    spec = Spec("matlab", (Input("data_in", (3, 2, 2)),), layers, ("predict",))
    text = program(spec, {}, Card(classes=("a", "b", "c"), labelled="predict")).source
    assert "self.classes_ = " in text
    assert "self.predict_ = " in text


def test_recipe_says_what_the_network_does_itself():
    spec = classifier()
    normal = Layer("ImageInputLayer", "data", {"Normalization": "zerocenter"}, ("data_in",))
    spec = Spec("matlab", spec.inputs, (normal, *spec.layers[1:]), spec.outputs)
    assert recipe(spec, {"data/Mean": np.full(3, 120.0)}, Card(hints=("more",))) == (
        "the input is a picture of 2 x 2 x 3 (h, w, c); the network itself subtracts the mean of layer data: do not do "
        "so again",
        "its numbers are from 0 to 255, as far as the mean (120) shows",
        "more",
    )
    assert recipe(classifier(size=(3, None, None)), {}, Card()) == ("the input is a picture of ? x ? x 3 (h, w, c)",)


@pytest.mark.parametrize(
    ("mean", "line"),
    [
        ([0.4, 0.5, 0.6], "its numbers are from 0 to 1, as far as the mean (0.5) shows"),
        ([0.5, 1.5, 1.0], "its numbers are from 0 to 255, as far as the mean (1) shows"),
        ([-4.62], "the file does not say what range its numbers have: the mean (-4.62) is not within 0 to 255"),
        ([-3, 3, 60], "the file does not say what range its numbers have: the mean (-3 to 60) is not within 0 to 255"),
        ([300], "the file does not say what range its numbers have: the mean (300) is not within 0 to 255"),
    ],
)
def test_a_mean_shows_no_range_that_it_is_outside_of(mean, line):
    normal = Layer("ImageInputLayer", "data", {"Normalization": "zerocenter"}, ("data_in",))
    spec = Spec("matlab", (Input("data_in", (3, 2, 2)),), (normal,), ("data",))
    assert recipe(spec, {"data/Mean": np.array(mean, np.float32)}, Card())[1] == line


def test_matconvnet_says_classes_and_average(tmp_path):
    layer = {"type": "relu", "name": "r"}
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = layer
    names = np.empty((1, 2), dtype=object)
    names[0, 0], names[0, 1] = "tabby", "tench"
    average = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3)
    meta = {
        "classes": {"name": names},
        "normalization": {"imageSize": [[4, 5, 3]], "averageImage": average, "interpolation": "bicubic"},
    }
    savemat(tmp_path / "net.mat", {"net": {"layers": cell, "meta": meta}})
    card = read_network(tmp_path / "net.mat").card
    assert (card.classes, card.labelled) == (("tabby", "tench"), "r")
    np.testing.assert_array_equal(card.average, average)
    assert card.hints == ("meta.normalization.interpolation is bicubic",)


@pytest.mark.skipif(find_spec("onnxscript") is None or find_spec("onnxruntime") is None, reason="no ONNX")
def test_onnx_has_the_card_in_its_metadata_and_names_of_the_exporter(tmp_path):
    import onnxruntime

    layers = (Layer("SequenceInputLayer", "Input", {}, ("Input_in",)), Layer("SoftmaxLayer", "prob", {}, ("Input",)))
    spec = Spec("matlab", (Input("Input_in", (None, 2)),), layers, ("prob",))
    average = np.arange(3, dtype=np.float32).reshape(1, 1, 3)
    card = Card(classes=("ö", "b"), labelled="prob", average=average)
    (path,) = write_onnx(spec, {}, tmp_path, card)
    session = onnxruntime.InferenceSession(str(path))
    assert [(item.name, item.shape) for item in session.get_inputs()] == [("Input", ["N", "T", 2])]
    assert [(item.name, item.shape) for item in session.get_outputs()] == [("prob", ["N", "T", 2])]
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["classes"] == '["ö", "b"]'
    assert facts["preprocessing"].startswith("the input is a sequence of ? x 2 (steps, features)\nsubtract the average")
    image = json.loads(facts["average_image"])
    assert image["shape"] == [1, 1, 3]
    assert np.frombuffer(base64.b64decode(image["float32"]), "<f4").tolist() == [0, 1, 2]


def test_an_input_layer_that_is_an_output_keeps_its_name():
    spec = classifier()
    assert onnx_inputs(spec) == ["data"]
    assert onnx_inputs(Spec("matlab", spec.inputs, spec.layers[:1], ("data",))) == ["data_in"]


# --- real networks, end to end -----------------------------------------------------------------------------------

OBJECTS = (
    *("bookshelf_large", "coffee_machine", "coffee_table_set_1", "file_cabinet_large", "laptop_pc_1", "mug_beer"),
    *("sofa_set_1", "table_conference_1", "toolbox_metal_blue", "vase_large_2"),
)


@needs_torch
@pytest.mark.parametrize(
    ("file", "variable", "classes", "observation", "shape"),
    [
        ("ccn_net.mat", None, OBJECTS, (150, 150, 3), (1, 10)),
        ("malaria_cnn.mat", None, ("1", "2"), (181, 181, 3), (1, 2)),
        ("dcfnet_simplenn.mat", None, None, (125, 125, 3), (1, 32, 125, 125)),
        ("nnvmt_example2.mat", None, None, (2,), (1, 1)),
        ("daakuang_case2_oldnetwork.mat", "net1", None, (3,), (1, 1)),
    ],
)
def test_real_networks_predict(file, variable, classes, observation, shape, real_files, tmp_path):
    """A picture or vector of the file's size goes in as MATLAB has it, and labels or numbers come out."""
    import torch

    if not (real_files / file).is_file():
        pytest.skip(f"{file} is not in {real_files}")
    read = read_network(real_files / file, variable)
    network = loaded(read.spec, read.weights, read.card, tmp_path)
    x = network.prepare(np.random.default_rng(0).integers(0, 256, observation))
    with torch.no_grad():
        y = network(x)
    assert tuple(y.shape) == shape
    assert bool(torch.isfinite(y).all())
    if classes is None:
        assert not hasattr(network, "classes")
        return
    assert network.classes == classes
    (labels,) = network.predict(x, top=len(classes))
    assert {name for name, _ in labels} == set(classes)
    assert sum(share for _, share in labels) == pytest.approx(1, abs=1e-5)
    assert [share for _, share in labels] == sorted(y[0].tolist(), reverse=True)


@needs_torch
def test_the_real_average_image_is_prepared(real_files, tmp_path):
    read = read_network(real_files / "dcfnet_simplenn.mat")
    network = loaded(read.spec, read.weights, read.card, tmp_path)
    x = network.prepare(np.zeros((125, 125, 3)))
    np.testing.assert_allclose(-x[0, :, 7, 9].numpy(), read.card.average.ravel())
