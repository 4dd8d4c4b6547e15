"""Model files for tests/models/test_predict.py, made and run by their own frameworks, inside a worker.

Each class is called as a hop is. Beside the files it leaves `<name>.npz`: inputs x1, x2, ... as the framework takes
them, and the outputs y1, y2, ... of a direct call.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def _save(folder: Path, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    arrays = {f"x{k}": np.asarray(value) for k, value in enumerate(inputs, 1)}
    np.savez(folder / f"{name}.npz", **arrays, **{f"y{k}": np.asarray(value) for k, value in enumerate(outputs, 1)})


class KerasMaker:
    """`two`: an image of one channel and integers for an embedding, two outputs, as `.keras` and `.h5`; others."""

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras

        keras.utils.set_random_seed(1)
        draw = np.random.default_rng(1)
        image = draw.normal(size=(3, 4, 5, 1)).astype(np.float32)
        words = draw.integers(0, 7, size=(3, 2)).astype(np.int32)
        two = self._two()
        two.save(out / "two.keras")
        two.save(out / "two.h5")
        two.export(out / "two_saved")
        _save(out, "two", (image, words), two([image, words], training=False))
        whole = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.Flatten()])
        whole.save(out / "sequential.keras")
        _save(out, "sequential", [image[:, :2, 0, 0]], [whole(image[:, :2, 0, 0])])
        self._dictionary(out)
        self._lambda(out)
        (out / "damaged.keras").write_bytes(b"no archive")
        return out

    def _two(self) -> Any:
        import keras

        image = keras.Input((4, 5, 1), name="image")
        words = keras.Input((2,), dtype="int32", name="words")
        seen = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(image)
        read = keras.layers.Flatten()(keras.layers.Embedding(7, 3)(words))
        joined = keras.layers.Concatenate()([keras.layers.Flatten()(seen), read])
        return keras.Model([image, words], [keras.layers.Dense(4)(joined), seen])

    def _dictionary(self, out: Path) -> None:
        """Inputs and outputs by names whose order is not that of their making; a mask and a rank-1 output."""
        import keras

        late, mask = keras.Input((2,), name="late"), keras.Input((2,), dtype="bool", name="early")
        unmasked = keras.layers.Multiply()([late, keras.ops.cast(mask, "float32")])
        outputs = {"sum": keras.ops.sum(unmasked, axis=1), "is": keras.ops.greater(unmasked, 0.0)}
        model = keras.Model({"late": late, "early": mask}, outputs)
        model.save(out / "dictionary.keras")
        inputs = {"late": np.float32([[1, -2], [3, 4]]), "early": np.array([[True, True], [False, True]])}
        answers = model(inputs)
        names = [item.name for item in model.inputs]
        _save(out, "dictionary", [inputs[name] for name in names], keras.tree.flatten(answers))

    def _lambda(self, out: Path) -> None:
        import keras

        inputs = keras.Input((2,))
        model = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 3.0)(inputs))
        model.save(out / "lambda.keras")


class OnnxMaker:
    """`sum`: `a + b` and `a > b`, int64 and of an open first axis; `half`: float16 to bfloat16 and back to float16."""

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper

        def described(name: str, kind: int, shape: list[Any]) -> Any:
            return helper.make_tensor_value_info(name, kind, shape)

        pair = [described(name, TensorProto.INT64, ["n", 2, 1]) for name in ("b", "a")]
        nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Greater", ["a", "b"], ["is"])]
        results = [described("sum", TensorProto.INT64, ["n", 2, 1]), described("is", TensorProto.BOOL, ["n", 2, 1])]
        half = [described(name, TensorProto.FLOAT16, ["n"]) for name in ("x", "y")]
        graphs = {
            "sum": helper.make_graph(nodes, "sum", pair, results),
            "half": helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "half", half[:1], half[1:]),
        }
        inputs = {
            "sum": {"b": np.int64([[[2**53 + 1], [5]]]), "a": np.int64([[[2], [6]]])},
            "half": {"x": np.float16([0.5, 1 / 3])},
        }
        for name, graph in graphs.items():
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
            onnx.save(model, out / f"{name}.onnx")
            session = onnxruntime.InferenceSession(out / f"{name}.onnx", providers=["CPUExecutionProvider"])
            _save(out, name, list(inputs[name].values()), session.run(None, inputs[name]))
        return out


class TorchMaker:
    """`plain`: a module of torch alone; `told`: one that declares its inputs; `weights`: no module."""

    def convert(self, artifact: Path, out: Path) -> Path:
        import torch

        torch.manual_seed(1)
        plain = torch.nn.Bilinear(3, 2, 4)
        torch.save(plain, out / "plain.pt")
        torch.save(plain.state_dict(), out / "weights.pt")
        first, second = torch.randn(5, 3), torch.randn(5, 2)
        with torch.no_grad():
            _save(out, "plain", (first, second), [plain(first, second)])
        declared = torch.nn.Conv2d(1, 2, 1)
        declared.parity_signature = [("x", (None, 1, 4, 1), "float32")]
        torch.save(declared, out / "told.pth")
        image = torch.randn(2, 1, 4, 1)
        with torch.no_grad():
            _save(out, "told", [image], [declared(image)])
        return out
