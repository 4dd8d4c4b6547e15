"""The converter as the parity suite knows it."""


class SmallOnnx:
    """ONNX to PyTorch. What is made further of its modules is no matter of this converter: nothing goes on from it."""

    name = "smallonnx"
    source = "onnx"
    target = "torch"
    requires = ("torch", "onnx", "smallonnx")
    behind = (0,)

    def convert(self, artifact, out):
        import onnx
        import torch

        import smallonnx

        torch.save(smallonnx.convert(onnx.load(artifact)), out)
        return out
