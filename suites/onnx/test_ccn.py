"""A real network in both forms, written by MATLAB itself: the object in a `.mat`, and its ONNX file (opset 8)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.matlab.readers.toolbox import Network
from harness.models.reader import network_of
from harness.run.session import Session
from harness.spec import Array
from harness.workers.protocol import A, Answer, Call, Convert, Failure, Outputs, Run

NETWORK, EXPORTED = "ccn_net.mat", "ccn_net.onnx"
IMAGES = 3
LIMIT = 1e-5
"""Largest error allowed, relative to the layer's largest activation."""
REFUSALS = {"onnx2torch": ("operation_type='BatchNormalization', version=7", "it knows the operator from opset 9 on")}
"""Converters that refuse this file: a part of their message, and the reason."""


@pytest.fixture(scope="module")
def files(real_files: Path) -> Path:
    """The folder with both files; skips if one is missing."""
    if not all((real_files / name).is_file() for name in (NETWORK, EXPORTED)):
        pytest.skip(f"{NETWORK} and {EXPORTED} are not in {real_files}")
    return real_files


@pytest.fixture(scope="module")
def network(files: Path) -> Network:
    """The network of the `.mat`, with every layer that computes as an output."""
    stored = network_of(files / NETWORK)
    wide = tuple(layer.name for layer in stored.spec.layers if layer.kind != "ClassificationOutputLayer")
    return replace(stored, spec=replace(stored.spec, outputs=wide))


@pytest.fixture(scope="module")
def images(network: Network) -> list[dict[str, Array]]:
    """Pixels from 0 to 255; the ONNX file takes one image at a time, under the name of the input layer."""
    source = np.random.Generator(np.random.PCG64(0))
    shape = [1, *(int(n or 1) for n in network.spec.inputs[0].shape)]
    return [{network.spec.layers[0].name: source.uniform(0, 255, shape).astype(np.float32)} for _ in range(IMAGES)]


@pytest.fixture(scope="module")
def ours(
    network: Network, images: list[dict[str, Array]], parity: Session, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Array]]:
    """Every layer of our PyTorch network, by the layer's name, for each image."""
    _need(parity, "matlab", "matlab2torch")
    folder = tmp_path_factory.mktemp("ccn")
    _called(parity, "torch", "harness.models.deliver:deliver", "torch", network.spec, dict(network.weights), folder)
    return [
        dict(
            zip(
                network.spec.outputs,
                _called(parity, "torch", "harness.models.deliver:outputs", "torch", folder, x),
                strict=True,
            )
        )
        for x in images
    ]


@pytest.fixture(scope="module")
def wide(files: Path, parity: Session, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """MATLAB's ONNX file with the output of every node as an output, and their names."""
    _need(parity, "onnx", "")
    out = tmp_path_factory.mktemp("ccn") / "every.onnx"
    function = "harness.matlab.to_onnx:with_every_output"
    return out, _called(parity, "onnxruntime", function, str(files / EXPORTED), str(out))


def test_onnxruntime_gives_every_layer(
    wide: tuple[Path, list[str]], images: list[dict[str, Array]], ours: list[dict[str, Array]], parity: Session
) -> None:
    """MATLAB's export in ONNX Runtime, layer by layer by name, against our PyTorch from the object."""
    path, names = wide
    for x, expected in zip(images, ours, strict=True):
        outputs = dict(zip(names, _run(parity, "onnx", path, x), strict=True))
        assert furthest(outputs, expected) <= LIMIT


@pytest.mark.parametrize("converter", ["onnx2torch", "onnx2pytorch"])
def test_converter_gives_every_layer(
    converter: str,
    wide: tuple[Path, list[str]],
    images: list[dict[str, Array]],
    ours: list[dict[str, Array]],
    *,
    parity: Session,
    tmp_path: Path,
) -> None:
    """MATLAB's export through another converter, layer by layer, against our PyTorch from the object."""
    _need(parity, "onnx", converter)
    path, names = wide
    hop = next(plugin for plugin in parity.registry.hops if plugin.name == converter)
    out = tmp_path / "converted.pt"
    answer = parity.workers[hop.worker].request(Convert(hop.reference, path, out))
    says, why = REFUSALS.get(converter, ("", ""))
    if says and isinstance(answer.value, Failure) and says in answer.value.message:
        pytest.xfail(f"{converter} refuses {says}: {why}")
    _answered(answer)
    assert not says, f"fixed upstream: remove {converter} from REFUSALS"
    for x, expected in zip(images, ours, strict=True):
        outputs = dict(zip(names, _run(parity, "torch", out, x), strict=True))
        assert furthest(outputs, expected) <= LIMIT


def furthest(outputs: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """The largest error of any layer, relative to its largest value. An input layer's node is its subtraction."""
    errors = {}
    for name, wanted in expected.items():
        got = outputs[name if name in outputs else f"{name}_Sub"]
        assert got.size == wanted.size, f"{name}: {got.shape}, expected {wanted.shape}"
        errors[name] = float(np.abs(got.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max())
    return max(errors.values())


def _need(parity: Session, dialect: str, hop: str) -> None:
    """Skip if no such route is selected, or none can run here."""
    if why := parity.obstacle(dialect, hop):
        pytest.skip(why)


def _run(parity: Session, kind: str, path: Path, inputs: Mapping[str, Array]) -> Outputs:
    runtime = parity.registry.runtime_of(kind)
    assert runtime is not None
    (outputs,) = _answered(parity.workers[runtime.worker].request(Run(runtime.reference, path, (inputs,)))).outputs
    assert not isinstance(outputs, Failure)
    return outputs


def _called(parity: Session, worker: str, function: str, *arguments: Any) -> Any:
    return _answered(parity.workers[worker].request(Call(function, arguments)))


def _answered(answer: Answer[A]) -> A:
    assert not isinstance(answer.value, Failure), answer.value.sentence
    return answer.value
