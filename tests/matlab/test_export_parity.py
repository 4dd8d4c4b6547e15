"""`matlab/export_parity.m`, run in Octave with stand-ins for the classes of Deep Learning Toolbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from harness.matlab.octave import Octave, OctaveError, executable
from harness.optional import absence

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = (ROOT / "matlab", Path(__file__).parent / "mock")
LAYER = "nnet.cnn.layer."

pytestmark = pytest.mark.skipif(
    executable() is None,
    reason=absence("octave"),
)


@pytest.fixture(scope="module")
def octave() -> Iterator[Octave]:
    with Octave(*SCRIPTS) as running:
        yield running


def plain(value: Any) -> Any:
    """Structs as dicts, cells as lists in MATLAB's order, char as str, other arrays as they are."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == object and value.shape == (1, 1) and value[0, 0] is None:
        return {}  # SciPy's reading of a struct without fields
    if value.dtype.names:
        assert value.shape == (1, 1)
        return {name: plain(value[0, 0][name]) for name in value.dtype.names}
    if value.dtype == object:
        return [plain(item) for item in value.ravel(order="F")]
    if value.dtype.kind == "U":
        assert value.size <= 1
        return value.item() if value.size else ""
    return value


def exported(octave: Octave, path: Path, network: str, *samples: str) -> dict[str, Any]:
    octave.call("mock_export", network, path, *samples)
    variables = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    assert list(variables) == ["parity"]
    return plain(variables["parity"])


def counted(*shape: int) -> np.ndarray:
    """1, 2, 3, ... in MATLAB's order, scaled: the arrays of `mock_network.m`."""
    return np.arange(1, np.prod(shape) + 1).reshape(shape, order="F") / 16 - 1


def activations(sample: dict[str, Any]) -> dict[str, np.ndarray]:
    for item in sample["activations"]:
        assert set(item) == {"layer", "value", "format"}
        assert item["value"].dtype in (np.float32, np.float64)
    return {item["layer"]: item["value"] for item in sample["activations"]}


def formats(sample: dict[str, Any]) -> dict[str, str]:
    return {item["layer"]: item["format"] for item in sample["activations"]}


def links(parity: dict[str, Any]) -> list[tuple[str, str]]:
    both = parity["connections"]
    assert set(both) == {"source", "destination"}
    return list(zip(both["source"], both["destination"], strict=True))


def test_series_network_is_a_chain(octave: Octave, tmp_path: Path) -> None:
    parity = exported(octave, tmp_path / "net.mat", "series")
    assert list(parity) == [
        "format", "version", "source", "layers", "connections", "inputs", "outputs", "samples",
    ]  # fmt: skip
    assert parity["format"] == "parity"
    assert parity["version"] == 1
    assert parity["source"].startswith("SeriesNetwork, Octave ")
    assert [(layer["class"].removeprefix(LAYER), layer["name"]) for layer in parity["layers"]] == [
        ("ImageInputLayer", "in"),
        ("Convolution2DLayer", "conv_1"),
        ("ReLULayer", "relu"),
        ("FullyConnectedLayer", "fc"),
        ("SoftmaxLayer", "soft max"),
        ("ClassificationOutputLayer", "class"),
    ]
    assert links(parity) == [
        ("in", "conv_1"), ("conv_1", "relu"), ("relu", "fc"), ("fc", "soft max"), ("soft max", "class"),
    ]  # fmt: skip
    assert parity["inputs"] == ["in"]
    assert parity["outputs"] == ["class"]
    assert parity["samples"] == []


def test_shapes_of_the_containers(octave: Octave, tmp_path: Path) -> None:
    octave.call("mock_export", "series", tmp_path / "net.mat", "image", "images")
    parity = loadmat(tmp_path / "net.mat")["parity"][0, 0]
    assert parity["layers"].shape == (6, 1)
    assert parity["connections"][0, 0]["source"].shape == (5, 1)
    assert parity["inputs"].shape == (1, 1)
    assert parity["samples"].shape == (1, 2)
    sample = parity["samples"][0, 0][0, 0]
    assert sample["inputs"].shape == sample["formats"].shape == (1, 1)
    assert sample["activations"].shape == (5, 1)


def test_properties_are_public_and_in_matlabs_layout(octave: Octave, tmp_path: Path) -> None:
    layers = {layer["name"]: layer for layer in exported(octave, tmp_path / "net.mat", "series")["layers"]}
    conv = layers["conv_1"]["properties"]
    assert conv["Name"] == "conv_1"
    assert conv["PaddingMode"] == "manual"
    assert conv["Stride"].tolist() == [[1, 1]]
    assert conv["PaddingSize"].tolist() == [[0, 0, 0, 0]]
    assert conv["Weights"].dtype == np.float32
    np.testing.assert_array_equal(conv["Weights"], counted(2, 2, 2, 3))
    np.testing.assert_array_equal(conv["Bias"], counted(1, 1, 3))
    np.testing.assert_array_equal(layers["fc"]["properties"]["Weights"], counted(2, 36))
    assert layers["in"]["properties"]["Normalization"] == "zerocenter"
    assert layers["in"]["properties"]["InputSize"].tolist() == [[4, 5, 2]]


def test_values_of_all_kinds_become_plain(octave: Octave, tmp_path: Path) -> None:
    output = octave.call("mock_export", "sequence", tmp_path / "net.mat")
    custom = plain(loadmat(tmp_path / "net.mat")["parity"])["layers"][1]
    assert custom["class"] == "cumulativeLayer"
    properties = custom["properties"]
    assert properties["Function"].replace(" ", "") == "@(x)x+1"
    assert properties["Labels"] == ["one", "two"]
    assert properties["Alias"] == "alias"
    assert properties["Initializer"] == "LayerGraph"
    assert properties["Mixed"]["inner"][0].tolist() == [[1]]
    assert [word.removeprefix("@") for word in properties["Mixed"]["inner"][1:]] == ["sin", "deep", "table"]
    assert "gone" not in properties["Mixed"]
    assert properties["Learnable"].dtype == np.float32
    assert properties["Learnable"].tolist() == [[1], [2], [3]]
    assert properties["OnDevice"].tolist() == [[1.5, 2.5]]
    assert properties["Steps"].dtype == np.int32
    assert properties["Steps"].tolist() == [[1, 2], [3, 4]]
    assert properties["Names"] == ["a", "bc"]
    assert properties["Flag"].tolist() == [[1]]
    assert properties["Empty"].shape == (0, 0)
    assert {"Table", "Secret", "Broken"}.isdisjoint(properties)
    assert "property Broken of layer sum is left out: it cannot be computed" in output


def convolved(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[:2], axis=(0, 1))
    return np.einsum("hwcnij,ijcf->hwfn", windows, weights) + bias.reshape(1, 1, -1, 1)


@pytest.mark.parametrize(("network", "joined"), [("series", "fc"), ("dag", "block/add"), ("dlnetwork", "block/add")])
def test_activations_are_those_of_each_layer(octave: Octave, tmp_path: Path, network: str, joined: str) -> None:
    sample = exported(octave, tmp_path / "net.mat", network, "images")["samples"][0]
    assert sample["formats"] == ["SSCB"]
    (x,) = sample["inputs"]
    assert x.dtype == np.float32  # it was uint8
    assert x.shape == (4, 5, 2, 3)
    arrays = activations(sample)
    np.testing.assert_allclose(arrays["in"], x - counted(1, 1, 2)[..., None], rtol=1e-6)
    conv = convolved(arrays["in"].astype(float), counted(2, 2, 2, 3), counted(1, 1, 3))
    np.testing.assert_allclose(arrays["conv_1"], conv, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(arrays["relu"], conv.clip(0), rtol=1e-5, atol=1e-5)
    if joined == "fc":
        expected = counted(2, 36) @ conv.clip(0).reshape(36, 3, order="F") + counted(2, 1)
        expected = expected.reshape(1, 1, 2, 3)
    else:
        expected = conv + conv.clip(0)
    np.testing.assert_allclose(arrays[joined], expected, rtol=1e-5, atol=1e-4)


def test_output_layers_get_no_activations(octave: Octave, tmp_path: Path) -> None:
    one, many = exported(octave, tmp_path / "net.mat", "series", "image", "images")["samples"]
    assert list(activations(one)) == list(activations(many)) == ["in", "conv_1", "relu", "fc", "soft max"]
    assert set(formats(one).values()) == {"SSCB"}
    assert activations(many)["soft max"].shape == (1, 1, 2, 3)


@pytest.mark.parametrize("network", ["dlnetwork", "graph", "strings"])
def test_connections_keep_their_ports(octave: Octave, tmp_path: Path, network: str) -> None:
    parity = exported(octave, tmp_path / "net.mat", network)
    assert links(parity) == [
        ("in", "conv_1"),
        ("conv_1", "relu"),
        ("conv_1", "block/add/in2"),
        ("relu", "block/add/in1"),
        ("block/add", "pool"),
    ]
    assert parity["inputs"] == ["in"]
    # a graph names no outputs here: the layer that nothing follows
    assert parity["outputs"] == (["pool/out", "pool/indices", "pool/size"] if network == "dlnetwork" else ["pool"])


def test_each_output_of_a_layer_is_asked_for(octave: Octave, tmp_path: Path) -> None:
    images, unformatted = exported(octave, tmp_path / "net.mat", "dlnetwork", "images", "unformatted")["samples"]
    arrays = activations(images)
    assert list(arrays) == ["in", "conv_1", "relu", "block/add", "pool/out", "pool/indices", "pool/size"]
    np.testing.assert_array_equal(arrays["pool/out"], arrays["block/add"].max((0, 1), keepdims=True))
    assert arrays["pool/indices"].dtype == np.float64  # it was int32
    assert formats(images)["pool/out"] == "SSCB"
    assert formats(images)["pool/size"] == ""
    assert unformatted["formats"] == ["SSCB"]


def test_several_inputs_are_in_the_networks_order(octave: Octave, tmp_path: Path) -> None:
    parity = exported(octave, tmp_path / "net.mat", "two inputs", "cell")
    assert parity["inputs"] == ["in", "other"]
    (sample,) = parity["samples"]
    assert sample["formats"] == ["SSCB", "SSCB"]
    first, second = sample["inputs"]
    np.testing.assert_array_equal(second, first / 2)
    np.testing.assert_array_equal(activations(sample)["other"], second - 1)


def test_layer_arrays_and_single_layers(octave: Octave, tmp_path: Path) -> None:
    array = exported(octave, tmp_path / "array.mat", "array")
    assert [layer["name"] for layer in array["layers"]] == ["in", "conv_1", "layer_3"]
    assert links(array) == [("in", "conv_1"), ("conv_1", "layer_3")]
    assert array["outputs"] == ["layer_3"]
    single = exported(octave, tmp_path / "single.mat", "single layer")
    assert links(single) == []
    assert single["inputs"] == single["outputs"] == ["relu"]


def test_features_are_channels_by_observations(octave: Octave, tmp_path: Path) -> None:
    many, one = exported(octave, tmp_path / "net.mat", "features", "features", "feature")["samples"]
    for sample, count in ((many, 4), (one, 1)):
        (x,) = sample["inputs"]
        assert x.shape == (3, count)
        assert formats(sample) == {"in": "CB", "fc": "CB"}
        np.testing.assert_allclose(activations(sample)["fc"], counted(2, 3) @ x + counted(2, 1), rtol=1e-5)
    assert one["formats"] == ["C"]


def test_sequences_are_channels_by_observations_by_steps(octave: Octave, tmp_path: Path) -> None:
    names = ("sequences", "sequence", "one sequence")
    samples = exported(octave, tmp_path / "net.mat", "sequence", *names)["samples"]
    for sample, form, count in zip(samples, ("CBT", "CT", "CBT"), (4, 1, 1), strict=True):
        assert sample["formats"] == [form]
        x = sample["inputs"][0].reshape(3, count, 6, order="F")
        assert formats(sample) == {"seq": "CBT", "sum": "CBT", "end": "CB", "fc": "CB"}
        arrays = activations(sample)
        np.testing.assert_array_equal(arrays["seq"], x)
        np.testing.assert_array_equal(arrays["sum"], x.cumsum(2))
        last = x.cumsum(2).cumsum(2)[..., -1]
        np.testing.assert_array_equal(arrays["end"], last)
        np.testing.assert_allclose(arrays["fc"], counted(2, 3) @ last + counted(2, 1), rtol=1e-5)


def test_a_single_sequence_may_come_without_a_cell(octave: Octave, tmp_path: Path) -> None:
    samples = exported(octave, tmp_path / "net.mat", "bare", "sequence", "one sequence", "sequences")["samples"]
    for sample, count in zip(samples, (1, 1, 4), strict=True):
        assert formats(sample) == {"bare": "CBT", "sum": "CBT"}
        x = sample["inputs"][0].reshape(3, count, 6, order="F")
        np.testing.assert_array_equal(activations(sample)["sum"], x.cumsum(2))


def test_sequences_of_images(octave: Octave, tmp_path: Path) -> None:
    many, one = exported(octave, tmp_path / "net.mat", "video", "videos", "video")["samples"]
    assert formats(many) == formats(one) == {"seq": "SSCBT", "sum": "SSCBT", "end": "SSCB"}
    (x,) = many["inputs"]
    np.testing.assert_array_equal(activations(many)["sum"], x.cumsum(4))
    np.testing.assert_array_equal(activations(many)["end"], x.cumsum(4).cumsum(4)[..., -1])
    np.testing.assert_array_equal(activations(one)["sum"], one["inputs"][0].cumsum(3)[:, :, :, None])
    (folded,) = exported(octave, tmp_path / "folded.mat", "folded", "videos")["samples"]
    assert formats(folded)["fold"] == "SSCB"
    assert activations(folded)["fold"].shape == (4, 5, 2, 12)


def test_flattened_images_are_columns(octave: Octave, tmp_path: Path) -> None:
    one, many = exported(octave, tmp_path / "net.mat", "flatten", "image", "images")["samples"]
    assert formats(one) == formats(many) == {"in": "SSCB", "flat": "CB"}
    assert activations(one)["flat"].shape == (40, 1)
    assert activations(many)["flat"].shape == (40, 3)


def test_extension_is_added_and_a_file_replaced(octave: Octave, tmp_path: Path) -> None:
    (tmp_path / "net.mat").write_text("what was there")
    octave.call("mock_export", "series", tmp_path / "net", "relative")
    assert [path.name for path in tmp_path.iterdir()] == ["net.mat"]
    assert loadmat(tmp_path / "net.mat")["parity"].shape == (1, 1)


@pytest.mark.parametrize(
    ("network", "samples", "message"),
    [
        ("shallow", (), "parity:network: a shallow network"),
        ("struct", (), "parity:network: expected a SeriesNetwork, DAGNetwork, dlnetwork, LayerGraph or"),
        ("empty", (), "parity:network: the LayerArray has no layers"),
        ("twins", (), "parity:names: several layers are named relu"),
        ("graph", ("image",), "parity:network: a LayerGraph computes no activations: assemble it first"),
        ("array", ("image",), "parity:network: a LayerArray computes no activations"),
        ("uninitialized", ("image",), "parity:network: the dlnetwork is not initialized"),
        ("two inputs", ("image",), "parity:sample: sample 1: 1 inputs; the network has 2: in, other"),
        ("series", ("image", "two images"), "parity:sample: sample 2: 2 inputs; the network has 1: in"),
        ("series", ("text",), "parity:sample: sample 1, input in: expected an array of numbers, not a char"),
        ("series", ("half a struct",), "parity:sample: sample 1: a struct must be"),
        ("series", ("uneven struct",), "parity:sample: sample 1: 1 inputs and 2 formats"),
        ("sequence", ("bare sequence",), "parity:format: sample 1, input seq (nnet.cnn.layer.SequenceInputLayer): its"),
        ("sequence", ("wrong order",), "parity:format: sample 1, input seq: a format has the letters"),
        ("sequence", ("too many dimensions",), "parity:format: sample 1, input seq: an array of size [3 4 6] does"),
        ("sequence", ("unlabelled",), "parity:format: sample 1: a SeriesNetwork or DAGNetwork takes no input of"),
        ("series", ("wrong size",), "parity:activations: sample 1: layer in: "),
        ("dlnetwork", ("wrong size",), "parity:activations: sample 1: "),
        ("series", ("mock_save",), "parity:file: {file} cannot be written: no space left on device"),
        ("series", ("mock_left_out",), "parity:file: {file} cannot be written: save left the variable out"),
        ("series", ("mock_large",), "parity:size: {file} cannot be written: 3.0 GB, and a MAT-file of version 7"),
    ],
)
def test_errors_say_what_is_wrong_and_leave_the_file(
    octave: Octave, tmp_path: Path, network: str, samples: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "net.mat"
    file.write_text("what was there")
    assert message.format(file=file) in octave.call("mock_export", network, file, *samples)
    assert file.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [file]


def test_files_that_cannot_be(octave: Octave, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "net.mat"
    assert f"there is no folder {missing.parent}" in octave.call("mock_export", "series", missing)
    folder = tmp_path / "folder.mat"
    folder.mkdir()
    assert "parity:file" in (output := octave.call("mock_export", "series", folder))
    assert "it is a folder" in output
    assert list(folder.iterdir()) == []


def test_examples_of_the_documentation_write_the_same(
    octave: Octave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "matlab-export.md").read_text()
    (matlab,) = re.findall(r"```matlab\n(.*?)```", text, flags=re.DOTALL)
    (python,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(python, {})
    by_python = plain(loadmat("net.mat")["parity"])
    (tmp_path / "example.m").write_text(matlab.replace("'net.mat'", f"'{tmp_path / 'octave.mat'}'"))
    octave.call("run", tmp_path / "example.m")
    by_octave = plain(loadmat("octave.mat")["parity"])
    np.testing.assert_equal(by_python, by_octave)
    assert activations(by_octave["samples"][0])["relu"].tolist() == [[7], [0]]


def test_help_is_the_usage(octave: Octave) -> None:
    output = octave.call("help", "export_parity")
    assert "EXPORT_PARITY(NET, FILE, SAMPLE1, SAMPLE2, ...)" in output
    assert "assumptions" not in output  # for those who change the script


def test_call_without_a_file(octave: Octave) -> None:
    with pytest.raises(OctaveError, match=r"usage: export_parity\(net, 'file.mat', sample1"):
        octave.call("export_parity", "net")
