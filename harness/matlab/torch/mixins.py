"""What a converted network has beside its layers: the labels of its classes, and the preparation of its input.

As with `blocks.py`, a converted network carries the source of those it uses in its `model.py`: they need torch alone.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Labelled:
    """The names of a network's classes. `labelled` is the number of the output whose channels they name."""

    classes: tuple[str, ...] = ()
    labelled = 0

    def scores(self, *inputs: Tensor) -> Tensor:
        """The output that has the classes, with the classes along the last axis: N x C, N x T x C or N x H x W x C."""
        with torch.no_grad():
            result = self(*inputs)  # type: ignore[operator] # a module is beside this class
        y = result[self.labelled] if isinstance(result, tuple) else result
        y = y.movedim(1, -1) if y.dim() > 3 else y
        if y.shape[-1] != len(self.classes):
            raise ValueError(f"the output has {y.shape[-1]} channels; expected {len(self.classes)}, one for each class")
        while y.dim() > 2 and all(n == 1 for n in y.shape[1:-1]):  # an image of one pixel is one answer
            y = y.flatten(1, -2).squeeze(1)
        return y

    def predict(self, *inputs: Tensor, top: int = 5) -> list[list[tuple[str, float]]]:
        """For each sample, the `top` labels with their probabilities, the most probable first."""
        y = self.scores(*inputs)
        if y.dim() > 2:
            raise ValueError("the network labels each pixel or step: call places(x) for the class of each")
        best = y.topk(min(top, y.shape[-1]), dim=-1)
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [[(self.classes[k], value) for k, value in zip(*row, strict=True)] for row in rows]

    def places(self, *inputs: Tensor) -> Tensor:
        """For each pixel, N x H x W, or step, N x T, the number in `classes` of the most probable class."""
        return self.scores(*inputs).argmax(-1)


class Prepared:
    """The preparation of one observation as MATLAB has it. `size` is that of the network's input, None where open."""

    size: tuple[int | None, ...] = ()

    def prepare(self, observation) -> Tensor:  # type: ignore[no-untyped-def] # of torch, NumPy, lists
        """A picture H x W x C (of `imread`), a sequence C x T or a vector of features, as a batch of one.

        The average image, if the network has one, is subtracted. Numbers are not rescaled, and pictures of another size
        are refused: resize them first, as they were resized in training.
        """
        x = torch.as_tensor(observation).to(torch.float32)
        if len(self.size) == 1:
            x = x.reshape(-1)
        elif len(self.size) == 2:
            x = x.transpose(0, 1)
        else:
            x = x.unsqueeze(-1) if x.dim() == len(self.size) - 1 else x
            x = x.movedim(-1, 0)
        fits = x.dim() == len(self.size) and all(n in (None, m) for n, m in zip(self.size, x.shape, strict=True))
        if not fits:
            raise ValueError(f"the observation has size {list(x.shape)} here; expected {list(self.size)}")
        x = x.unsqueeze(0)
        average = getattr(self, "average_image", None)
        return x if average is None else x - average
