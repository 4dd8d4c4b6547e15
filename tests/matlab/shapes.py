"""Files in the shapes in which people keep networks: beside other variables, within objects and structs, unfinished.

`READ` are those that are converted, with the notes of the network; `REFUSED` those that are not, with the message. Each
has the variable that is asked for, if any.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, Object
from tests.matlab import objects

PACKAGE = "nnet.cnn.layer."
HEADER = b"MATLAB 5.0 MAT-file, written by a test".ljust(124) + b"\x00\x01IM"


def number(*values: float) -> np.ndarray:
    """A row."""
    return np.array([values], dtype=float)


def learnable(value: np.ndarray) -> dict[str, object]:
    """A struct with the field Value."""
    return {"Value": np.atleast_2d(value).astype(np.float32), "LearnRateFactor": number(1)}


def layer(kind: str, name: str, package: str = PACKAGE, **saved: object) -> Object:
    """A layer as it is saved."""
    return Object(package + kind, {"Version": number(1), "any": {"Version": number(3), "Name": name, **saved}})


def dense(name: str = "fc", scale: float = 2.0) -> Object:
    """A fully connected layer of three values that multiplies."""
    weights = {"Weights": learnable(scale * np.eye(3)), "Bias": learnable(np.zeros((3, 1)))}
    return layer("FullyConnectedLayer", name, OutputSize=number(3), **weights)


def untrained(name: str = "fc") -> Object:
    """A fully connected layer that was never trained."""
    return layer("FullyConnectedLayer", name, OutputSize=number(3), Weights=learnable(np.zeros((0, 0))))


def inputs() -> Object:
    """An input layer of three features."""
    return layer("FeatureInputLayer", "in", InputSize=number(3), Normalization="none")


def handle(text: str) -> Object:
    """A function handle."""
    return Object("function_handle", {"function": text})


def series(*layers: Object, kind: str = "SeriesNetwork") -> Object:
    """A chain: by default the three values doubled."""
    chain = layers or (inputs(), dense(), layer("ClassificationOutputLayer", "out"))
    return Object(kind, {"any": {"Version": number(1), "Layers": Cell(tuple(chain), (len(chain), 1))}})


def graph(kind: str = "DAGNetwork", *layers: Object) -> Object:
    """The same, with a table of connections."""
    chain = layers or (inputs(), dense())
    names = [item.fields["any"]["Name"] for item in chain]
    table = Object("connectionTable", {"Source": names[:-1], "Destination": names[1:]})
    return Object(kind, {"any": {"Layers": Cell(tuple(chain), (len(chain), 1)), "Connections": table}})


def shallow() -> Object:
    """A `network`: 2 x, without processing."""
    none = Cell((), (0, 0))
    one = {"size": number(3), "processFcns": none, "processSettings": none}
    fields = {
        "inputs": Cell((one,), (1, 1)),
        "outputs": Cell(({**one, "size": number(3)},), (1, 1)),
        "layers": Cell(({"transferFcn": "purelin", "netInputFcn": "netsum", "size": number(3)},), (1, 1)),
        "inputWeights": Cell(({"delays": number(0)},), (1, 1)),
        "layerWeights": Cell((np.zeros((0, 0)),), (1, 1)),
        "inputConnect": np.array([[True]]),
        "layerConnect": np.array([[False]]),
        "IW": Cell((2 * np.eye(3),), (1, 1)),
        "LW": Cell((np.zeros((0, 0)),), (1, 1)),
        "b": Cell((np.zeros((3, 1)),), (1, 1)),
    }
    return Object("network", {"any": fields})


def datastore() -> Any:
    """A handle that holds itself, as a datastore does by its listeners."""
    from matio.utils.matclass import MatlabOpaque

    inner = MatlabOpaque({"Files": "a.png"}, "matlab.io.datastore.internal.FileSet", "MCOS")
    outer = MatlabOpaque({"Files": inner, "ReadSize": number(1)}, "matlab.io.datastore.ImageDatastore", "MCOS")
    inner.properties["Owner"] = outer
    return outer


def detector(kind: str, **properties: object) -> Object:
    """A detector: an object around a network."""
    return Object(kind, {"ModelName": "vehicle", "ClassNames": Cell(("car",), (1, 1)), **properties})


def element(kind: int, data: bytes) -> bytes:
    """An element of a file of version 5."""
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(kind: int, name: str, dims: tuple[int, ...], *parts: bytes) -> bytes:
    """A matrix of a file of version 5."""
    sizes = element(5, struct.pack(f"<{len(dims)}i", *dims))
    body = struct.pack("<IIII", 6, 8, kind, 0) + sizes + element(1, name.encode()) + b"".join(parts)
    return struct.pack("<II", 14, len(body)) + body


def text(name: str, value: str) -> bytes:
    """A row of char."""
    return matrix(4, name, (1, len(value)), element(4, value.encode("utf-16-le")))


def record(kind: int, name: str, dims: tuple[int, ...] = (1, 1), owner: str = "", **fields: bytes) -> bytes:
    """A struct (2), or an object of the old kind (3)."""
    names = b"".join(field.encode().ljust(32, b"\0") for field in fields)
    classes = element(1, owner.encode()) if kind == 3 else b""
    return matrix(kind, name, dims, classes, struct.pack("<HHi", 5, 4, 32), element(1, names), *fields.values())


def anonymous(name: str) -> bytes:
    """An anonymous function whose workspace holds an empty function handle."""
    workspace = matrix(1, "", (1, 1), record(2, "", f=matrix(16, "", (0, 0))))
    return matrix(16, name, (1, 1), record(2, "", function=text("", "sf%0@(x)2*x"), workspace=workspace))


def cells(*more: bytes) -> bytes:
    """A network as cells W, b and act_fcns: the three values doubled; and more variables."""
    weights = matrix(6, "", (3, 3), element(9, (2 * np.eye(3)).tobytes()))
    biases = matrix(6, "", (3, 1), element(9, bytes(24)))
    variables = [matrix(1, "W", (1, 1), weights), matrix(1, "b", (1, 1), biases), text("act_fcns", "linear"), *more]
    return HEADER + b"".join(variables)


Shape = tuple[Any, str | None, Any]
"""Variables, or the bytes of a file; the variable that is asked for; the notes, or the message."""
INNER = "; what that does before and after it (preparing images, decoding boxes) is left out"


def read() -> Mapping[str, Shape]:
    """Files whose network doubles three values."""
    both = {"first": series(), "second": graph()}
    faster = detector("fasterRCNNObjectDetector", Network=graph(), RegionProposalNetwork=graph())
    loss = layer("myLoss", "loss", package="")
    return {
        "a series": ({"net": series()}, None, ()),
        "a graph": ({"net": graph()}, None, ()),
        "a dlnetwork": ({"net": graph("dlnetwork")}, None, ()),
        "a graph of layers": ({"lgraph": graph("nnet.cnn.LayerGraph")}, None, ()),
        "an array of layers": ({"layers": Cell((inputs(), dense()), (2, 1))}, None, ()),
        "beside datastores": ({"imds": datastore(), "net": series(), "more": datastore()}, None, ()),
        "chosen beside datastores": ({"imds": datastore(), "net": series()}, "net", ()),
        "beside data": ({"XTrain": np.zeros((3, 9)), "info": {"Loss": number(1)}, "net": series()}, None, ()),
        "one of two": ({"net": series(), "other": series(dense("a"), dense("b"))}, "net", ()),
        "beside layers without weights": (
            {"layers": Cell((inputs(), untrained()), (2, 1)), "model": series()},
            None,
            (ASIDE,),
        ),
        "in an object beside layers without weights": (
            {"layers": Cell((inputs(), untrained()), (2, 1)), "model": detector("classifier", Network=graph())},
            None,
            (f"model.Network is the network of an object (classifier){INNER}", ASIDE),
        ),
        "in a detector": (
            {"detector": detector("yolov2ObjectDetector", Network=graph())},
            None,
            (f"detector.Network is the network of an object (yolov2ObjectDetector){INNER}",),
        ),
        "in a saved detector": (
            {"detector": Object("yolov2ObjectDetector", {"any": {"Network": graph(), "Version": number(1)}})},
            None,
            (f"detector.Network is the network of an object (yolov2ObjectDetector){INNER}",),
        ),
        "of two in a detector": (
            {"detector": faster},
            None,
            (f"detector.Network is the network of an object (fasterRCNNObjectDetector){INNER}",),
        ),
        "chosen in a detector": ({"detector": faster}, "detector.RegionProposalNetwork", ()),
        "an autoencoder": (
            {"autoenc": Object("Autoencoder", {"HiddenSize": number(3), "Net": shallow()})},
            None,
            (f"autoenc.Net is the network of an object (Autoencoder){INNER}",),
        ),
        "a simulated network": (
            {"sim": Object("SimNetwork", {"net": series()})},
            None,
            (f"sim.net is the network of an object (SimNetwork){INNER}",),
        ),
        "in a struct": ({"result": {"net": series(), "accuracy": number(0.9)}}, None, ()),
        "deep in a struct": ({"result": {"best": {"net": series()}, "accuracy": number(0.9)}}, None, ()),
        "of two in a struct": ({"nets": both}, "nets.second", ()),
        "a custom loss": (
            {"net": series(inputs(), dense(), loss)},
            None,
            ("left out: loss (myLoss), an output layer of a SeriesNetwork: a loss",),
        ),
        "a custom loss in a graph": (
            {"net": graph("DAGNetwork", inputs(), dense(), loss)},
            None,
            ("left out: loss (myLoss), an output layer of a DAGNetwork: a loss",),
        ),
        "a function layer": (
            {
                "net": graph(
                    "dlnetwork",
                    inputs(),
                    layer("FunctionLayer", "fn", PredictFcn=handle("sf%0@(x).5*x")),
                    dense(scale=4.0),
                )
            },
            None,
            (),
        ),
        "shallow": ({"net": shallow()}, None, ()),
        "cells": (cells(), None, NOTE),
        "cells beside an anonymous function": (cells(anonymous("f")), None, NOTE),
        "cells beside an empty handle": (cells(matrix(16, "f", (0, 0))), None, NOTE),
        "cells beside structs without fields": (cells(record(2, "s", (1, 2584))), None, NOTE),
        "cells beside objects without fields": (cells(record(3, "s", (1, 2584), owner="label")), None, NOTE),
        "cells beside an empty cell": (cells(matrix(1, "c", (0, 0))), None, NOTE),
        "cells beside an empty struct": (cells(record(2, "s", (0, 0), a=b"")), None, NOTE),
    }


ASIDE = "left aside: layers, which is untrained: it has layers without weights"
NOTE = ("every matrix is square: they are taken as outputs x inputs",)


def refused() -> Mapping[str, Shape]:
    """Files whose message says what to do."""
    both = {"first": series(), "second": graph()}
    never = Cell((inputs(), untrained()), (2, 1))
    image = layer("ImageInputLayer", "in", InputSize=number(2, 2, 1), Normalization={"Type": "zerocenter"})
    function = layer("FunctionLayer", "fn", PredictFcn=handle("sf%0@(x)k*x"), NumInputs=number(1))
    named = layer("FunctionLayer", "fn", PredictFcn=handle("double_it"))
    return {
        "two networks": (
            both,
            None,
            r"holds more than one network; .* got 2 networks \(first, second\)\. Name one \(--variable first\)",
        ),
        "two in a struct": (
            {"nets": both},
            None,
            r"got 2 networks \(nets\.first, nets\.second\)\. Name one \(--variable nets\.first\)",
        ),
        "no such variable": (
            {"net": series(), "x": number(1)},
            "nte",
            r"has no variable 'nte'; expected one of net \(SeriesNetwork\), x \(double\)",
        ),
        "no such field": ({"nets": both}, "nets.third", r"'nets\.third' has no 'third'; expected one of first \(Ser"),
        "a datastore": ({"imds": datastore()}, "imds", "imds: values are nested too deeply"),
        "datastores alone": ({"imds": datastore(), "x": number(1)}, None, r"holds no network; .*imds \(matlab\.io"),
        "a wrapper without its network": (
            {"sim": Object("SimNetwork", {"Data": number(1)})},
            None,
            r"If sim, a SimNetwork, has a network, save that: `net = sim\.net; save\('net\.mat', 'net'\)` in MATLAB",
        ),
        "an autoencoder without its network": (
            {"autoenc": Object("Autoencoder", {"HiddenSize": number(3)})},
            None,
            r"`net = network\(autoenc\); save\('net\.mat', 'net'\)`",
        ),
        "a detector without its network": (
            {"d": detector("ssdObjectDetector")},
            None,
            r"`net = d\.Network; save\('net\.mat', 'net'\)`",
        ),
        "untrained": (
            {"lgraph": graph("nnet.cnn.LayerGraph", inputs(), untrained())},
            None,
            "is untrained: it has no Wei",
        ),
        "two networks beside layers without weights": (
            {"layers": never, **both},
            None,
            r"got 2 networks \(first, second\)\. Name one \(--variable first\)",
        ),
        "nothing but layers without weights": (
            {"layers": never, "lgraph": graph("nnet.cnn.LayerGraph", inputs(), untrained())},
            None,
            r"got 2 networks \(layers, lgraph\)\.",
        ),
        "no mean": ({"net": series(image, dense())}, None, "is untrained: it has no Mean for the normalisation 'zero"),
        "a function layer": (
            {"net": graph("dlnetwork", inputs(), function, dense())},
            None,
            r"1 unsupported: nnet\.cnn\.layer\.FunctionLayer 'fn' \(its function @\(x\)k\*x is there, and is not read: "
            r"the value of k is not in its text\)",
        ),
        "a layer of a named function": (
            {"net": graph("dlnetwork", inputs(), named, dense())},
            None,
            r"'fn' \(runs the function double_it that the file does not hold\)",
        ),
        "a custom layer": (
            {"net": series(inputs(), layer("mine", "m", package=""), dense())},
            None,
            "1 unsupported: mine 'm'",
        ),
        "million structs without fields": (
            cells(record(2, "s", (1000, 1001))),
            None,
            "holds more than the 1000000 values that are read. The file may be a bomb",
        ),
        "handle without content": (HEADER + matrix(16, "f", (1, 1)), None, "claims 1 elements and holds 0"),
    }


def write(path: Path, shape: Shape, version: str = "v7") -> None:
    """The file of a shape."""
    if isinstance(shape[0], bytes):
        path.write_bytes(shape[0])
    else:
        objects.save(path, shape[0], version)
