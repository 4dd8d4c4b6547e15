"""Modules for what PyTorch has no layer for. They need torch alone: a converted network carries the source of those it
uses in its `model.py`, so each class stands by itself.

Images are N x C x H x W (x D), sequences N x T x C, features N x C.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Normalize(nn.Module):
    """An input layer: `(x - shift) / scale * factor + offset`, statistics per element, per channel or one for all."""

    shift: Tensor
    scale: Tensor | None

    def __init__(self, shift: tuple[int, ...], scale: tuple[int, ...] = (), factor: float = 1.0, offset: float = 0.0):
        super().__init__()
        self.factor, self.offset = factor, offset
        self.register_buffer("shift", torch.zeros(shift))
        self.register_buffer("scale", torch.ones(scale) if scale else None)

    def forward(self, x: Tensor) -> Tensor:
        y = x - self.shift
        y = y if self.scale is None else y / self.scale
        y = y if self.factor == 1.0 else y * self.factor
        return y if self.offset == 0.0 else y + self.offset

    def extra_repr(self) -> str:
        return f"shift={tuple(self.shift.shape)}, factor={self.factor}, offset={self.offset}"


class Convolution(nn.Module):
    """A convolution in 1 to 3 dimensions with what `nn.Conv2d` lacks: pads that differ by side, `same` worked out from
    the input at hand (the odd element goes to the end), other values than zero. Sequences are N x T x C.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
        pads: tuple[tuple[int, int], ...] | None,
        *,
        groups: int = 1,
        mode: str = "constant",
        value: float = 0.0,
        bias: bool = True,
    ):
        super().__init__()
        self.stride, self.dilation, self.pads, self.groups = stride, dilation, pads, groups
        self.mode, self.value = mode, value
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        sequence = x.dim() == 3
        x = x.transpose(1, 2) if sequence else x
        pads = self.pads
        if pads is None:
            sizes = zip(x.shape[2:], self.weight.shape[2:], self.stride, self.dilation, strict=True)
            # (n - 1) // s is ceil(n / s) - 1 without negative numbers, whose quotients torch.onnx rounds up
            totals = [max(0, (n - 1) // s * s + (k - 1) * d + 1 - n) for n, k, s, d in sizes]
            pads = tuple((total // 2, total - total // 2) for total in totals)
        x = self.padded(x, pads)
        convolve = (F.conv1d, F.conv2d, F.conv3d)[len(self.stride) - 1]
        y = convolve(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return y.transpose(1, 2) if sequence else y

    def padded(self, x: Tensor, pads: tuple[tuple[int, int], ...]) -> Tensor:
        if self.mode != "symmetric":
            flat = [n for pair in reversed(pads) for n in pair]
            return F.pad(x, flat, self.mode, self.value) if self.mode == "constant" else F.pad(x, flat, self.mode)
        for axis, (before, after) in enumerate(pads, start=2):  # mirrored with the edge itself, which F.pad cannot
            size = x.shape[axis]
            front = x.narrow(axis, 0, before).flip(axis)
            back = x.narrow(axis, size - after, after).flip(axis)
            x = torch.cat([front, x, back], axis)
        return x

    def extra_repr(self) -> str:
        pads = "same" if self.pads is None else self.pads
        return (
            f"{tuple(self.weight.shape)}, stride={self.stride}, dilation={self.dilation}, pads={pads}, "
            f"groups={self.groups}"
        )


class TransposedConvolution(nn.Module):
    """A transposed convolution in 1 to 3 dimensions, then cropped by side; None crops to input * stride."""

    def __init__(
        self,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
        crops: tuple[tuple[int, int], ...] | None,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.stride, self.crops, self.groups = stride, crops, groups
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(shape[1] * groups)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        sequence = x.dim() == 3
        x = x.transpose(1, 2) if sequence else x
        spread = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(self.stride) - 1]
        y = spread(x, self.weight, None, self.stride, groups=self.groups)
        crops = self.crops
        if crops is None:
            totals = [k - s for k, s in zip(self.weight.shape[2:], self.stride, strict=True)]
            crops = tuple((t // 2, t - t // 2) if t >= 0 else (0, t) for t in totals)
        y = F.pad(y, [-n for pair in reversed(crops) for n in pair])
        if self.bias is not None:
            y = y + self.bias.reshape(1, -1, *[1] * len(self.stride))
        return y.transpose(1, 2) if sequence else y

    def extra_repr(self) -> str:
        crops = "same" if self.crops is None else self.crops
        return f"{tuple(self.weight.shape)}, stride={self.stride}, crops={crops}, groups={self.groups}"


class Pool(nn.Module):
    """Pooling in 1 to 3 dimensions with pads by side (None: `same`). `how` is `max`, `average` (padding counts as
    zeros) or `inside` (only the elements of the image count). Sequences are N x T x C.
    """

    def __init__(
        self, how: str, window: tuple[int, ...], stride: tuple[int, ...], pads: tuple[tuple[int, int], ...] | None
    ):
        super().__init__()
        self.how, self.window, self.stride, self.pads = how, window, stride, pads

    def forward(self, x: Tensor) -> Tensor:
        sequence = x.dim() == 3
        x = x.transpose(1, 2) if sequence else x
        pads = self.pads
        if pads is None:
            sizes = zip(x.shape[2:], self.window, self.stride, strict=True)
            totals = [max(0, (n - 1) // s * s + k - n) for n, k, s in sizes]
            pads = tuple((total // 2, total - total // 2) for total in totals)
        flat = [n for pair in reversed(pads) for n in pair]
        if self.how == "max":
            pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(self.window) - 1]
            y = pool(F.pad(x, flat, "constant", -torch.inf), self.window, self.stride)
        else:
            y = self.mean(F.pad(x, flat))
            if self.how == "inside":
                y = y / self.mean(F.pad(torch.ones_like(x[:1, :1]), flat))
        return y.transpose(1, 2) if sequence else y

    def mean(self, x: Tensor) -> Tensor:
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(self.window) - 1]
        return pool(x, self.window, self.stride)

    def extra_repr(self) -> str:
        pads = "same" if self.pads is None else self.pads
        return f"{self.how}, window={self.window}, stride={self.stride}, pads={pads}"


class PoolWithIndices(nn.Module):
    """Max pooling that also gives the place of each maximum in its plane, row by row, and the plane's size. Pads are by
    side (None: `same`).
    """

    def __init__(
        self,
        window: tuple[int, int],
        stride: tuple[int, int],
        pads: tuple[tuple[int, int], ...] | None,
    ):
        super().__init__()
        self.window, self.stride, self.pads = window, stride, pads

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pads = self.pads
        if pads is None:
            sizes = zip(x.shape[2:], self.window, self.stride, strict=True)
            totals = [max(0, (n - 1) // s * s + k - n) for n, k, s in sizes]
            pads = tuple((total // 2, total - total // 2) for total in totals)
        (top, bottom), (left, right) = pads
        height, width = x.shape[2:]
        padded = F.pad(x, (left, right, top, bottom), "constant", -torch.inf)
        y, at = F.max_pool2d(padded, self.window, self.stride, return_indices=True)
        wide = width + left + right
        places = (at // wide - top) * width + at % wide - left
        return y, places, torch.tensor([height, width], dtype=torch.int64)  # read as numbers: never on a GPU

    def extra_repr(self) -> str:
        pads = "same" if self.pads is None else self.pads
        return f"window={self.window}, stride={self.stride}, pads={pads}"


class Unpool(nn.Module):
    """Each value at its place in a plane of zeros."""

    def forward(self, x: Tensor, places: Tensor, size: Tensor) -> Tensor:
        height, width = int(size[0]), int(size[1])
        samples, channels, rows, columns = x.shape
        plane = torch.zeros((samples, channels, height * width), dtype=x.dtype, device=x.device)
        flat = (samples, channels, rows * columns)  # no -1, which ONNX cannot work out where there are no samples
        return plane.scatter(2, places.reshape(flat), x.reshape(flat)).reshape(samples, channels, height, width)


class GlobalPool(nn.Module):
    """Over time for sequences, which leaves features; over the plane for images, which leaves 1 x 1."""

    def __init__(self, how: str):
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        axes, keep = ((1,), False) if x.dim() == 3 else (tuple(range(2, x.dim())), True)
        return x.amax(axes, keep) if self.how == "max" else x.mean(axes, keep)

    def extra_repr(self) -> str:
        return self.how


class ColumnMajorFlatten(nn.Module):
    """Images to features in MATLAB's order: height fastest, then width (then depth), then channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 1, *range(x.dim() - 1, 1, -1)).flatten(1) if x.dim() > 3 else x


class ColumnMajorLinear(nn.Linear):
    """A fully connected layer after images, which are flattened in MATLAB's order first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 1, *range(x.dim() - 1, 1, -1)).flatten(1))


class SequenceBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of N x T x C."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class SequenceGroupNorm(nn.GroupNorm):
    """Group normalisation of N x T x C, over time too."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class SequencePReLU(nn.PReLU):
    """PReLU of N x T x C."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class AxesNorm(nn.Module):
    """Layer normalisation over all axes but the batch, with one weight and bias per channel."""

    def __init__(self, channels: int, eps: float):
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(1, x.dim()))
        away = x - x.mean(axes, keepdim=True)
        y = away / torch.sqrt((away * away).mean(axes, keepdim=True) + self.eps)
        shape = [1] * x.dim()
        shape[2 if x.dim() == 3 else 1] = -1
        return y * self.weight.reshape(shape) + self.bias.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class InstanceNorm(nn.Module):
    """Normalisation of each channel of each sample by itself, over time, plane or volume.

    `nn.InstanceNorm2d` and `nn.GroupNorm` mean the same, and refuse to work on one element or on no samples.
    """

    def __init__(self, channels: int, eps: float):
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes = (1,) if x.dim() == 3 else tuple(range(2, x.dim()))
        away = x - (x.mean(axes, keepdim=True) if axes else x)
        square = (away * away).mean(axes, keepdim=True) if axes else away * away
        y = away / torch.sqrt(square + self.eps)
        shape = [1] * x.dim()
        shape[2 if x.dim() == 3 else 1] = -1
        return y * self.weight.reshape(shape) + self.bias.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of images over their channels alone, at each place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelWindowNorm(nn.Module):
    """MATLAB's normalisation across channels, for even windows too: floor((N-1)/2) channels before, floor(N/2) after.

    `nn.LocalResponseNorm` has the longer side before. `alpha` is per element.
    """

    def __init__(self, size: int, kappa: float, alpha: float, beta: float):
        super().__init__()
        self.size, self.kappa, self.alpha, self.beta = size, kappa, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        squares = F.pad(x * x, (0, 0, 0, 0, (self.size - 1) // 2, self.size // 2))
        total = squares[:, : x.shape[1]]
        for k in range(1, self.size):
            total = total + squares[:, k : k + x.shape[1]]
        return x / (self.kappa + self.alpha * total) ** self.beta

    def extra_repr(self) -> str:
        return f"{self.size}, kappa={self.kappa}, alpha={self.alpha}, beta={self.beta}"


class MomentsNorm(nn.Module):
    """MatConvNet's bnorm in test mode: `weight * (x - mean) / sigma + bias`.

    `nn.BatchNorm2d` wants sigma^2 - epsilon, which loses digits and can be negative.
    """

    mean: Tensor
    sigma: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("sigma", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean, sigma, weight, bias = (v.reshape(1, -1, 1, 1) for v in (self.mean, self.sigma, self.weight, self.bias))
        return weight * (x - mean) / sigma + bias

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}"


class LastOrAll(nn.Module):
    """`nn.LSTM` or `nn.GRU` over N x T x C, or one step N x C, that returns all outputs or each direction's last."""

    hidden: Tensor
    cell: Tensor

    def __init__(self, cell: str, inputs: int, units: int, *, last: bool, both_ways: bool = False, states: int = 0):
        super().__init__()
        kind = nn.LSTM if cell == "LSTM" else nn.GRU
        self.rnn = kind(inputs, units, batch_first=True, bidirectional=both_ways)
        self.last = last
        for name in ("hidden", "cell")[:states]:
            self.register_buffer(name, torch.zeros(2 if both_ways else 1, units))
        self.states = states

    def forward(self, x: Tensor) -> Tensor:
        single = x.dim() == 2
        x = x.unsqueeze(1) if single else x
        if self.states:
            start = [s.unsqueeze(1).expand(-1, x.shape[0], -1).contiguous() for s in (self.hidden, *self.cells())]
            y, end = self.rnn(x, tuple(start) if self.states == 2 else start[0])
        else:
            y, end = self.rnn(x)
        if not (self.last or single):
            return y
        hidden = end[0] if isinstance(end, tuple) else end
        return torch.cat(tuple(hidden), 1)

    def cells(self) -> list[Tensor]:
        return [self.cell] if self.states == 2 else []


class CellLSTM(nn.Module):
    """An LSTM with other activations than `nn.LSTM` has; gates i, f, g, o. Runs step by step."""

    hidden: Tensor
    cell: Tensor

    def __init__(self, inputs: int, units: int, *, last: bool, both_ways: bool, state: str, gate: str):
        super().__init__()
        self.units, self.last, self.state, self.gate = units, last, state, gate
        ways = 2 if both_ways else 1
        self.weight_ih = nn.Parameter(torch.zeros(ways, 4 * units, inputs))
        self.weight_hh = nn.Parameter(torch.zeros(ways, 4 * units, units))
        self.bias = nn.Parameter(torch.zeros(ways, 4 * units))
        self.register_buffer("hidden", torch.zeros(ways, units))
        self.register_buffer("cell", torch.zeros(ways, units))

    def activate(self, name: str, x: Tensor) -> Tensor:
        if name == "hard-sigmoid":
            return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)
        return {"tanh": torch.tanh, "softsign": F.softsign, "relu": F.relu, "sigmoid": torch.sigmoid}[name](x)

    def one_way(self, x: Tensor, way: int) -> Tensor:
        h = self.hidden[way].expand(x.shape[0], -1)
        c = self.cell[way].expand(x.shape[0], -1)
        outputs = []
        for step in range(x.shape[1]):
            z = F.linear(x[:, step], self.weight_ih[way], self.bias[way]) + F.linear(h, self.weight_hh[way])
            i, f, g, o = z.chunk(4, 1)
            c = self.activate(self.gate, f) * c + self.activate(self.gate, i) * self.activate(self.state, g)
            h = self.activate(self.gate, o) * self.activate(self.state, c)
            outputs.append(h)
        return torch.stack(outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = x.dim() == 2
        x = x.unsqueeze(1) if single else x
        runs = [self.one_way(x, 0)]
        if self.weight_ih.shape[0] == 2:
            runs.append(self.one_way(x.flip(1), 1))
        if self.last or single:
            return torch.cat([run[:, -1] for run in runs], 1)
        return torch.cat([runs[0], *(run.flip(1) for run in runs[1:])], 2)

    def extra_repr(self) -> str:
        return f"{self.weight_ih.shape[2]}, {self.units}, state={self.state}, gate={self.gate}, last={self.last}"


class CellGRU(nn.Module):
    """A GRU with other activations than `nn.GRU` has, or whose reset gate works before the multiplication
    (`early`); gates r, z, n. Runs step by step.
    """

    hidden: Tensor

    def __init__(self, inputs: int, units: int, *, last: bool, early: bool, state: str, gate: str):
        super().__init__()
        self.units, self.last, self.early, self.state, self.gate = units, last, early, state, gate
        self.weight_ih = nn.Parameter(torch.zeros(3 * units, inputs))
        self.weight_hh = nn.Parameter(torch.zeros(3 * units, units))
        self.bias_ih = nn.Parameter(torch.zeros(3 * units))
        self.bias_hh = nn.Parameter(torch.zeros(3 * units))
        self.register_buffer("hidden", torch.zeros(1, units))

    def activate(self, name: str, x: Tensor) -> Tensor:
        if name == "hard-sigmoid":
            return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)
        return {"tanh": torch.tanh, "softsign": F.softsign, "relu": F.relu, "sigmoid": torch.sigmoid}[name](x)

    def forward(self, x: Tensor) -> Tensor:
        single = x.dim() == 2
        x = x.unsqueeze(1) if single else x
        h = self.hidden.expand(x.shape[0], -1)
        gates, candidate = self.weight_hh[: 2 * self.units], self.weight_hh[2 * self.units :]
        gate_bias, candidate_bias = self.bias_hh[: 2 * self.units], self.bias_hh[2 * self.units :]
        outputs = []
        for step in range(x.shape[1]):
            seen = F.linear(x[:, step], self.weight_ih, self.bias_ih)
            r, z = self.activate(self.gate, seen[:, : 2 * self.units] + F.linear(h, gates, gate_bias)).chunk(2, 1)
            if self.early:
                back = F.linear(r * h, candidate, candidate_bias)
            else:
                back = r * F.linear(h, candidate, candidate_bias)
            n = self.activate(self.state, seen[:, 2 * self.units :] + back)
            h = (1.0 - z) * n + z * h
            outputs.append(h)
        return h if self.last or single else torch.stack(outputs, 1)

    def extra_repr(self) -> str:
        return f"{self.weight_ih.shape[1]}, {self.units}, state={self.state}, gate={self.gate}, early={self.early}"


class SelfAttention(nn.Module):
    """Scaled dot-product attention of several heads over N x T x C, keys and values of any width."""

    def __init__(self, inputs: int, keys: int, values: int, outputs: int, *, heads: int, causal: bool):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query, self.key = nn.Linear(inputs, keys), nn.Linear(inputs, keys)
        self.value, self.output = nn.Linear(inputs, values), nn.Linear(values, outputs)

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], self.heads, x.shape[2] // self.heads).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.output(seen.transpose(1, 2).flatten(2))

    def extra_repr(self) -> str:
        return f"heads={self.heads}, causal={self.causal}"


class WordEmbedding(nn.Embedding):
    """Rows by index from 1, N x T x 1 in; with `unknown` every index out of range means the last row."""

    def __init__(self, words: int, width: int, unknown: bool):
        super().__init__(words, width)
        self.unknown = unknown

    def forward(self, x: Tensor) -> Tensor:
        index = x[..., 0].long()
        if self.unknown:
            last = self.num_embeddings
            index = torch.where((index < 1) | (index >= last), last, index)
        return super().forward(index - 1)


class Add(nn.Module):
    """The sum of its inputs."""

    def forward(self, *inputs: Tensor) -> Tensor:
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total


class Multiply(nn.Module):
    """The product of its inputs, element by element."""

    def forward(self, *inputs: Tensor) -> Tensor:
        product = inputs[0]
        for x in inputs[1:]:
            product = product * x
        return product


class Concatenate(nn.Module):
    """Its inputs side by side along an axis."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class DepthToSpace(nn.Module):
    """Channels to blocks of pixels: `dcr` has depth fastest among channels, `crd` (as `nn.PixelShuffle`) slowest."""

    def __init__(self, rows: int, columns: int, mode: str):
        super().__init__()
        self.rows, self.columns, self.mode = rows, columns, mode

    def forward(self, x: Tensor) -> Tensor:
        depth = x.shape[1] // (self.rows * self.columns)
        if self.mode == "dcr":
            split = x.reshape(x.shape[0], self.rows, self.columns, depth, *x.shape[2:]).permute(0, 3, 4, 1, 5, 2)
        else:
            split = x.reshape(x.shape[0], depth, self.rows, self.columns, *x.shape[2:]).permute(0, 1, 4, 2, 5, 3)
        return split.reshape(x.shape[0], depth, x.shape[2] * self.rows, x.shape[3] * self.columns)

    def extra_repr(self) -> str:
        return f"{self.rows}, {self.columns}, mode={self.mode}"


class Resize(nn.Module):
    """Resizing of images by `nearest` or `bilinear`, with MATLAB's choices of where an output pixel looks and how it
    rounds.
    """

    def __init__(
        self,
        size: tuple[int, int] | None,
        scale: tuple[float, float] | None,
        method: str,
        half_pixel: bool,
        rounding: str,
    ):
        super().__init__()
        self.size, self.scale, self.method, self.half_pixel, self.rounding = size, scale, method, half_pixel, rounding

    def forward(self, x: Tensor) -> Tensor:
        for axis in (2, 3):
            x = self.along(x, axis)
        return x

    def along(self, x: Tensor, axis: int) -> Tensor:
        last = x.shape[axis] - 1
        if self.size is not None:
            count = self.size[axis - 2]
            scale = count / x.shape[axis]
        else:
            assert self.scale is not None, "a size or a scale"
            scale = self.scale[axis - 2]
            count = int(scale * x.shape[axis])
        place = torch.arange(count, dtype=torch.float64, device=x.device)
        at = (place + 0.5) / scale - 0.5 if self.half_pixel else place / scale
        if self.method == "nearest":
            rounded = {"round": torch.floor(at + 0.5), "floor": torch.floor(at), "onnx-10": torch.ceil(at - 0.5)}
            return x.index_select(axis, rounded[self.rounding].clamp(0, last).long())
        low = torch.floor(at)
        share = (at - low).to(x.dtype).reshape([-1 if k == axis else 1 for k in range(4)])
        first = x.index_select(axis, low.clamp(0, last).long())
        second = x.index_select(axis, (low + 1).clamp(0, last).long())
        return first * (1.0 - share) + second * share

    def extra_repr(self) -> str:
        return f"size={self.size}, scale={self.scale}, {self.method}, half_pixel={self.half_pixel}, {self.rounding}"


class Crop(nn.Module):
    """The first input cropped to height and width of the second: from a corner (row, column), or as near to it as the
    size allows, or centred.
    """

    def __init__(self, corner: tuple[int, int] | None):
        super().__init__()
        self.corner = corner

    def forward(self, x: Tensor, reference: Tensor) -> Tensor:
        height, width = reference.shape[2:]
        top, left = self.corner or ((x.shape[2] - height) // 2, (x.shape[3] - width) // 2)
        top, left = min(top, x.shape[2] - height), min(left, x.shape[3] - width)
        return x[:, :, top : top + height, left : left + width]

    def extra_repr(self) -> str:
        return "centred" if self.corner is None else f"corner={self.corner}"


class Scale(nn.Module):
    """Each channel times its weight, plus its bias."""

    def __init__(self, channels: int, bias: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        y = x * self.weight.reshape(1, -1, 1, 1)
        return y if self.bias is None else y + self.bias.reshape(1, -1, 1, 1)


class Mapping(nn.Module):
    """Processing of a shallow network's inputs, `(x - xoffset) * gain + y`, or of its outputs, the other way round."""

    xoffset: Tensor
    gain: Tensor

    def __init__(self, features: int, y: float, reverse: bool):
        super().__init__()
        self.y, self.reverse = y, reverse
        self.register_buffer("xoffset", torch.zeros(features))
        self.register_buffer("gain", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        if self.reverse:
            return (x - self.y) / self.gain + self.xoffset
        return (x - self.xoffset) * self.gain + self.y

    def extra_repr(self) -> str:
        return f"{self.gain.numel()}, y={self.y}, reverse={self.reverse}"


class KeepRows(nn.Module):
    """Only these features, counted from 0."""

    def __init__(self, keep: tuple[int, ...]):
        super().__init__()
        self.keep = keep

    def forward(self, x: Tensor) -> Tensor:
        return x[:, list(self.keep)]

    def extra_repr(self) -> str:
        return f"{self.keep}"


class RestoreRows(nn.Module):
    """Features that were left out, constants, back at their places, counted from 0."""

    value: Tensor

    def __init__(self, keep: tuple[int, ...], remove: tuple[int, ...]):
        super().__init__()
        self.places = tuple(sorted(range(len(keep) + len(remove)), key=(*keep, *remove).__getitem__))
        self.register_buffer("value", torch.zeros(len(remove)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.value.expand(x.shape[0], -1)], 1)[:, list(self.places)]


class Transfer(nn.Module):
    """A transfer function of shallow networks that PyTorch has no layer for."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        if self.name == "radbas":
            return torch.exp(-(x * x))
        if self.name == "tribas":
            return F.relu(1.0 - x.abs())
        return torch.where(x >= 0, 1.0, -1.0 if self.name == "hardlims" else 0.0).to(x.dtype)

    def extra_repr(self) -> str:
        return self.name


class Call(nn.Module):
    """A function of the inputs and of buffers. The buffers are parameters of the function, by name."""

    def __init__(self, function: Callable[..., Tensor], **shapes: tuple[int, ...]):
        super().__init__()
        self.function, self.names = function, tuple(shapes)
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs, **{name: getattr(self, name) for name in self.names})

    def extra_repr(self) -> str:
        return ", ".join([self.function.__name__, *(f"{n}={tuple(getattr(self, n).shape)}" for n in self.names)])
