"""A third party's converter as a plugin of the parity suite: Keras files with one Dense layer to PyTorch."""

import io
import json
import zipfile


class DenseToTorch:
    """Reads the `.keras` file without Keras; `requires` begins with torch, so it runs in torch's process."""

    name = "densetotorch"
    source = "keras"
    target = "torch"
    requires = ("torch", "h5py")

    def convert(self, artifact, out):
        import h5py
        import torch

        with zipfile.ZipFile(artifact) as archive:
            _, *layers = json.loads(archive.read("config.json"))["config"]["layers"]
            file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        if [layer["class_name"] for layer in layers] != ["Dense"]:
            raise NotImplementedError(f"one Dense layer is all it knows, not {layers}")
        after = {"linear": "Identity", "relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU"}
        kernel, *bias = (torch.from_numpy(value[:]) for _, value in sorted(file["layers/dense/vars"].items()))
        linear = torch.nn.Linear(*kernel.shape, bias=bool(bias))
        linear.load_state_dict({"weight": kernel.T, **({"bias": bias[0]} if bias else {})})
        torch.save(torch.nn.Sequential(linear, getattr(torch.nn, after[layers[0]["config"]["activation"]])()), out)
        return out
