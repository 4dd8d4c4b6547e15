"""Modules for what PyTorch has no layer for, in Keras' order of axes: batch, steps or space, channels.

They need torch alone: a program carries the source of those it uses in its `model.py`, so each class stands by itself.
A mask is (batch, steps) and False where a step is to be passed over.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelsLast(nn.Module):
    """A module of PyTorch, which has the channels second, for tensors that have them on another axis: last in Keras."""

    def __init__(self, inner: nn.Module, axis: int = -1):
        super().__init__()
        self.inner, self.axis = inner, axis

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.movedim(self.axis, 1)).movedim(1, self.axis)


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation along one axis of a tensor of any rank."""

    def __init__(self, channels: int, axis: int, eps: float, momentum: float):
        super().__init__(channels, eps=eps, momentum=momentum)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        last = x.movedim(self.axis, -1)
        return super().forward(last.reshape(-1, last.shape[-1])).reshape(last.shape).movedim(-1, self.axis)


class AxesLayerNorm(nn.Module):
    """Layer normalisation over any axes; weight and bias span them, in rising order."""

    def __init__(self, axes: tuple[int, ...], eps: float, weight: tuple[int, ...] = (), bias: tuple[int, ...] = ()):
        super().__init__()
        self.axes, self.eps = axes, eps
        self.weight = nn.Parameter(torch.ones(weight)) if weight else None
        self.bias = nn.Parameter(torch.zeros(bias)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        away = x - x.mean(self.axes, keepdim=True)
        y = away / torch.sqrt((away * away).mean(self.axes, keepdim=True) + self.eps)
        spanned = {axis % x.dim() for axis in self.axes}
        shape = [n if axis in spanned else 1 for axis, n in enumerate(x.shape)]
        y = y if self.weight is None else y * self.weight.reshape(shape)
        return y if self.bias is None else y + self.bias.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.axes}, eps={self.eps}"


class Lookup(nn.Embedding):
    """Rows by number, whatever the type of the numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.long())


class BlankSteps(nn.Module):
    """Zeros for masked steps. A step is masked where all its features are `value`."""

    def __init__(self, value: float):
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return torch.where((x != self.value).any(-1, keepdim=True), x, torch.zeros_like(x))

    def extra_repr(self) -> str:
        return f"{self.value}"


class Recurrent(nn.Module):
    """`nn.LSTM`, `nn.GRU` or `nn.RNN` over batch, steps and features: the output of the last step, or of all with
    `sequences`; from the last step to the first with `backwards`; with `states`, then those after the last step.
    """

    def __init__(self, rnn: nn.Module, *, sequences: bool = False, backwards: bool = False, states: bool = False):
        super().__init__()
        self.rnn, self.sequences, self.backwards, self.states = rnn, sequences, backwards, states

    def forward(self, x: Tensor, state: tuple[Tensor, ...] = ()) -> Tensor | tuple[Tensor, ...]:
        start = tuple(each.unsqueeze(0) for each in state)
        y, end = self.rnn(x.flip(1) if self.backwards else x, start if len(start) > 1 else next(iter(start), None))
        y = y if self.sequences else y[:, -1]
        ends = end if isinstance(end, tuple) else (end,)
        return (y, *(each.squeeze(0) for each in ends)) if self.states else y

    def extra_repr(self) -> str:
        return f"sequences={self.sequences}, backwards={self.backwards}, states={self.states}"


class Step(nn.Module):
    """One step of a recurrent layer: `seen` takes the input, `back` the state of the step before; two activations."""

    count = 1

    def __init__(self, seen: nn.Linear, back: nn.Linear, state: nn.Module, gate: nn.Module):
        super().__init__()
        self.seen, self.back, self.state, self.gate = seen, back, state, gate

    def start(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x.new_zeros((x.shape[0], self.back.in_features)),) * self.count


class SimpleStep(Step):
    """The step of a simple recurrent layer, which has no gate."""

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self.state(self.seen(x) + self.back(states[0])),)


class LSTMStep(Step):
    """The step of an LSTM; gates i, f, g, o."""

    count = 2

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c = states
        i, f, g, o = (self.seen(x) + self.back(h)).chunk(4, -1)
        c = self.gate(f) * c + self.gate(i) * self.state(g)
        return self.gate(o) * self.state(c), c


class GRUStep(Step):
    """The step of a GRU whose reset gate works after the multiplication; gates r, z, n."""

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h,) = states
        r, z, n = self.seen(x).chunk(3, -1)
        back_r, back_z, back_n = self.back(h).chunk(3, -1)
        z = self.gate(z + back_z)
        return ((1.0 - z) * self.state(n + self.gate(r + back_r) * back_n) + z * h,)


class EarlyGRUStep(Step):
    """The step of a GRU whose reset gate works before the multiplication; gates r, z, n."""

    def forward(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h,) = states
        r, z, n = self.seen(x).chunk(3, -1)
        to_r, to_z, to_n = self.back.weight.chunk(3)
        r, z = self.gate(r + F.linear(h, to_r)), self.gate(z + F.linear(h, to_z))
        return ((1.0 - z) * self.state(n + F.linear(r * h, to_n)) + z * h,)


class Stepwise(nn.Module):
    """A recurrent layer that PyTorch has not, step by step, as `Recurrent`. A masked step changes no state; its output
    is that of the step before, or zeros with `blank`.
    """

    def __init__(
        self,
        cell: Step,
        *,
        sequences: bool = False,
        backwards: bool = False,
        states: bool = False,
        blank: bool = False,
    ):
        super().__init__()
        self.cell, self.sequences, self.backwards, self.states, self.blank = cell, sequences, backwards, states, blank

    def forward(
        self, x: Tensor, mask: Tensor | None = None, state: tuple[Tensor, ...] = ()
    ) -> Tensor | tuple[Tensor, ...]:
        state = tuple(state) or self.cell.start(x)
        y = torch.zeros_like(self.cell.start(x)[0])
        outputs = []
        for t in reversed(range(x.shape[1])) if self.backwards else range(x.shape[1]):
            after = self.cell(x[:, t], state)
            if mask is None:
                y, state = after[0], after
            else:
                seen = mask[:, t, None]
                y = torch.where(seen, after[0], torch.zeros_like(y) if self.blank else y)
                state = tuple(torch.where(seen, new, old) for new, old in zip(after, state, strict=True))
            outputs.append(y)
        y = torch.stack(outputs, 1) if self.sequences else y
        return (y, *state) if self.states else y

    def extra_repr(self) -> str:
        return f"sequences={self.sequences}, backwards={self.backwards}, states={self.states}, blank={self.blank}"


class BothWays(nn.Module):
    """A recurrent layer ahead and one from the end, merged by `concat`, `sum`, `mul` or `ave`; both if `merge` is None.
    The states ahead come before those back.
    """

    def __init__(self, ahead: nn.Module, back: nn.Module, *, merge: str | None, sequences: bool = False):
        super().__init__()
        self.ahead, self.back, self.merge, self.sequences = ahead, back, merge, sequences

    def forward(
        self, x: Tensor, mask: Tensor | None = None, state: tuple[Tensor, ...] = ()
    ) -> Tensor | tuple[Tensor, ...]:
        more = {} if mask is None else {"mask": mask}
        half = len(state) // 2
        ahead, back = self.ahead(x, state=state[:half], **more), self.back(x, state=state[half:], **more)
        y, *states = ahead if isinstance(ahead, tuple) else (ahead,)
        z, *others = back if isinstance(back, tuple) else (back,)
        z = z.flip(1) if self.sequences else z
        if self.merge is None:
            return (y, z, *states, *others)
        if self.merge == "concat":
            merged = torch.cat([y, z], -1)
        else:
            merged = y * z if self.merge == "mul" else (y + z) / 2.0 if self.merge == "ave" else y + z
        return (merged, *states, *others) if states else merged

    def extra_repr(self) -> str:
        return f"merge={self.merge}, sequences={self.sequences}"


class EachStep(nn.Module):
    """A layer on each step alone."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x.flatten(0, 1))
        return y.reshape(*x.shape[:2], *y.shape[1:])


class GlobalPoolLast(nn.Module):
    """The maximum or the mean over all axes between batch and channels; a mean over steps leaves out masked ones."""

    def __init__(self, how: str, *, keep: bool = False):
        super().__init__()
        self.how, self.keep = how, keep

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        axes = tuple(range(1, x.dim() - 1))
        if self.how == "max":
            return x.amax(axes, self.keep)
        if mask is None:
            return x.mean(axes, self.keep)
        seen = mask.unsqueeze(-1)
        total = torch.where(seen, x, torch.zeros_like(x)).sum(axes, self.keep)
        return total / seen.sum(axes, self.keep)

    def extra_repr(self) -> str:
        return f"{self.how}, keep={self.keep}"


class Merge(nn.Module):
    """Its inputs by a function of torch, from the first to the last; with `mean`, divided by their number. Those of
    lower rank get axes behind the batch.
    """

    def __init__(self, function: str, mean: bool = False):
        super().__init__()
        self.function, self.mean = function, mean

    def forward(self, *inputs: Tensor) -> Tensor:
        rank = max(x.dim() for x in inputs)
        first, *rest = [x.reshape(x.shape[0], *[1] * (rank - x.dim()), *x.shape[1:]) for x in inputs]
        for x in rest:
            first = getattr(torch, self.function)(first, x)
        return first / len(inputs) if self.mean else first

    def extra_repr(self) -> str:
        return f"{self.function}, mean={self.mean}"


class Operate(nn.Module):
    """A function of torch of numbers and of its inputs, which stand where an operand is None."""

    def __init__(self, function: str, *operands: float | None):
        super().__init__()
        self.function, self.operands = function, operands

    def forward(self, *inputs: Tensor) -> Tensor:
        waiting = iter(inputs)
        operands = [next(waiting) if value is None else torch.tensor(value) for value in self.operands]
        return getattr(torch, self.function)(*operands)

    def extra_repr(self) -> str:
        return f"{self.function}, {self.operands}"


class Reduce(nn.Module):
    """One number for all along some axes."""

    def __init__(self, function: str, axes: tuple[int, ...], *, keep: bool = False):
        super().__init__()
        self.function, self.axes, self.keep = function, axes, keep

    def forward(self, x: Tensor) -> Tensor:
        return getattr(torch, self.function)(x, self.axes, self.keep)

    def extra_repr(self) -> str:
        return f"{self.function}, {self.axes}, keep={self.keep}"


class Reshape(nn.Module):
    """Each sample in another shape, row by row; one size may be -1."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        numbers, known = 1, 1
        for n in x.shape[1:]:
            numbers = numbers * n
        for n in self.shape:
            known = known * (1 if n == -1 else n)
        return x.reshape(x.shape[0], *(numbers // known if n == -1 else n for n in self.shape))

    def extra_repr(self) -> str:
        return f"{self.shape}"


class Permute(nn.Module):
    """The axes of each sample in another order, counted from 1."""

    def __init__(self, *order: int):
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, *self.order)

    def extra_repr(self) -> str:
        return f"{self.order}"


class RepeatVector(nn.Module):
    """Features as steps that are all the same."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1).repeat(1, self.steps, 1)

    def extra_repr(self) -> str:
        return f"{self.steps}"


class Border(nn.Module):
    """Zeros before and after each axis between batch and channels; less than none is cut off."""

    def __init__(self, sides: tuple[tuple[int, int], ...]):
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, *(n for pair in reversed(self.sides) for n in pair)))

    def extra_repr(self) -> str:
        return f"{self.sides}"


class RepeatEach(nn.Module):
    """Each element so many times along its axis, for each axis between batch and channels."""

    def __init__(self, counts: tuple[int, ...]):
        super().__init__()
        self.counts = counts

    def forward(self, x: Tensor) -> Tensor:
        for axis, count in enumerate(self.counts, start=1):
            x = x.repeat_interleave(count, axis)
        return x

    def extra_repr(self) -> str:
        return f"{self.counts}"


class Affine(nn.Module):
    """`x * scale + offset`, each one number or one for each channel."""

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: tuple[int, ...], offset: tuple[int, ...]):
        super().__init__()
        self.register_buffer("scale", torch.ones(scale))
        self.register_buffer("offset", torch.zeros(offset))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset


class Standardize(nn.Module):
    """`(x - mean) / deviation`, or with `invert` the way back; both span the axes."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, axes: tuple[int, ...], shape: tuple[int, ...], *, invert: bool = False):
        super().__init__()
        self.axes, self.invert = axes, invert
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        spanned = {axis % x.dim() for axis in self.axes}
        shape = [n if axis in spanned else 1 for axis, n in enumerate(x.shape)]
        mean, deviation = self.mean, self.deviation
        if mean.dim():
            mean, deviation = mean.reshape(shape), deviation.reshape(shape)
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def extra_repr(self) -> str:
        return f"{self.axes}, invert={self.invert}"


class Slopes(nn.Module):
    """`x` where that is not negative, else times a slope, one for each element or shared along axes."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x >= 0, x, self.weight * x)


class BoundedReLU(nn.Module):
    """`x`, at most `most`; below `threshold`, `slope * (x - threshold)`."""

    def __init__(self, most: float | None, slope: float, threshold: float):
        super().__init__()
        self.most, self.slope, self.threshold = most, slope, threshold

    def forward(self, x: Tensor) -> Tensor:
        upper = x if self.most is None else x.clamp(max=self.most)
        lower = self.slope * (x - self.threshold) if self.slope else torch.zeros_like(x)
        return torch.where(x < self.threshold, lower, upper)

    def extra_repr(self) -> str:
        return f"most={self.most}, slope={self.slope}, threshold={self.threshold}"


class Exponential(nn.Module):
    """`exp(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)
