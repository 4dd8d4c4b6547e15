"""LSTM, GRU and RNN of ONNX in float64, with all that `onnx.reference` ignores (`harness.trace.onnx_operators`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from harness.spec import Array

Function = Callable[[Array], Array]


def _activation(name: str, alpha: float | None, beta: float | None) -> Function:
    """An activation of a recurrent operator; `alpha` and `beta` None have the defaults of the operator of that name."""
    a = (
        {"LeakyRelu": 0.01, "ThresholdedRelu": 1.0, "HardSigmoid": 0.2, "Elu": 1.0}.get(name, 1.0)
        if alpha is None
        else alpha
    )
    b = {"HardSigmoid": 0.5}.get(name, 1.0) if beta is None else beta
    functions: dict[str, Function] = {
        "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "Tanh": np.tanh,
        "Relu": lambda x: np.maximum(x, 0),
        "Affine": lambda x: a * x + b,
        "LeakyRelu": lambda x: np.where(x < 0, a * x, x),
        "ThresholdedRelu": lambda x: np.where(x >= a, x, 0),
        "ScaledTanh": lambda x: a * np.tanh(b * x),
        "HardSigmoid": lambda x: np.minimum(np.maximum(a * x + b, 0), 1),
        "Elu": lambda x: np.where(x < 0, a * np.expm1(x), x),
        "Softsign": lambda x: x / (1 + np.abs(x)),
        "Softplus": lambda x: np.logaddexp(x, 0),
    }
    return functions[name]


class _Recurrent(OpRun):  # type: ignore[misc,unused-ignore]
    """What LSTM, GRU and RNN share: directions, lengths, activations, layout. `step` is the operator's own."""

    gates = 1
    defaults: tuple[str, ...] = ("Tanh",)
    states = 1

    def _run(
        self, x: Array, w: Array, r: Array, b: Any = None, lengths: Any = None, *initial: Any,
        activation_alpha: Any = None, activation_beta: Any = None, activations: Any = None, clip: Any = None,
        direction: Any = None, hidden_size: Any = None, layout: Any = None, **more: Any,
    ) -> tuple[Array, ...]:  # fmt: skip
        batch_first = bool(layout)
        x = np.swapaxes(x, 0, 1) if batch_first else x
        time, batch, _ = x.shape
        directions, width = w.shape[0], r.shape[-1]
        first_states = [*initial[: self.states], *[None] * (self.states - len(initial[: self.states]))]
        peepholes = initial[self.states] if len(initial) > self.states else None
        lengths = np.full(batch, time) if lengths is None else lengths
        functions = self._functions(directions, activations, activation_alpha, activation_beta)
        outputs = np.zeros((time, directions, batch, width), x.dtype)
        last = [np.zeros((directions, batch, width), x.dtype) for _ in range(self.states)]
        for way in range(directions):
            backwards = direction == "reverse" or way == 1
            states = [
                np.zeros((batch, width), x.dtype)
                if first is None
                else (np.swapaxes(first, 0, 1) if batch_first else first)[way]
                for first in first_states
            ]
            bias = np.zeros((2 * self.gates * width,), x.dtype) if b is None else b[way]
            peephole = None if peepholes is None else peepholes[way]
            limit = clip or np.inf
            for count in range(time):
                # a sequence that is shorter than the others begins, or backwards ends, with its own first step
                at = np.where(lengths > count, lengths - 1 - count if backwards else count, 0).astype(int)
                step = x[at, np.arange(batch)]
                fresh = self.step(step, states, w[way], r[way], bias, peephole, functions[way], limit, more)
                runs = (lengths > count)[:, None]
                states = [np.where(runs, new, old) for new, old in zip(fresh, states, strict=True)]
                kept = np.where(runs, fresh[0], outputs[at, way, np.arange(batch)])
                outputs[at, way, np.arange(batch)] = kept
            for end, state in zip(last, states, strict=True):
                end[way] = state
        if batch_first:
            return np.transpose(outputs, (2, 0, 1, 3)), *(np.swapaxes(end, 0, 1) for end in last)
        return outputs, *last

    def _functions(self, directions: int, names: Any, alphas: Any, betas: Any) -> list[list[Function]]:
        chosen = list(names or self.defaults * directions)
        alphas, betas = list(alphas or []), list(betas or [])
        with_alpha = ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu")
        functions = []
        for name in chosen:  # the lists hold values for those functions only that take one, in their order
            alpha = alphas.pop(0) if name in with_alpha and alphas else None
            beta = betas.pop(0) if name in ("Affine", "ScaledTanh", "HardSigmoid") and betas else None
            functions.append(_activation(name, alpha, beta))
        count = len(self.defaults)
        return [functions[way * count : (way + 1) * count] for way in range(directions)]

    def step(
        self, x: Array, states: list[Array], w: Array, r: Array, bias: Array, peephole: Array | None,
        functions: list[Function], clip: float, more: dict[str, Any],
    ) -> list[Array]:  # fmt: skip
        raise NotImplementedError


class RNN(_Recurrent):
    """h = f(x W' + h R' + b)."""

    def step(self, x, states, w, r, bias, peephole, functions, clip, more):  # type: ignore[no-untyped-def]
        width = r.shape[-1]
        return [functions[0](np.clip(x @ w.T + states[0] @ r.T + bias[:width] + bias[width:], -clip, clip))]


class GRU(_Recurrent):
    """Gates z, r, h; `linear_before_reset` multiplies by r behind the product."""

    gates = 3
    defaults = ("Sigmoid", "Tanh")

    def step(self, x, states, w, r, bias, peephole, functions, clip, more):  # type: ignore[no-untyped-def]
        (h,), n = states, r.shape[-1]
        f, g = functions
        wb, rb = bias[: 3 * n], bias[3 * n :]
        of_x = x @ w.T + wb
        gate = f(np.clip(of_x[:, : 2 * n] + h @ r[: 2 * n].T + rb[: 2 * n], -clip, clip))
        update, reset = gate[:, :n], gate[:, n:]
        if more.get("linear_before_reset"):
            inner = of_x[:, 2 * n :] + reset * (h @ r[2 * n :].T + rb[2 * n :])
        else:
            inner = of_x[:, 2 * n :] + (reset * h) @ r[2 * n :].T + rb[2 * n :]
        return [(1 - update) * g(np.clip(inner, -clip, clip)) + update * h]


class LSTM(_Recurrent):
    """Gates i, o, f, c, with peepholes."""

    gates = 4
    defaults = ("Sigmoid", "Tanh", "Tanh")
    states = 2

    def step(self, x, states, w, r, bias, peephole, functions, clip, more):  # type: ignore[no-untyped-def]
        (h, c), n = states, r.shape[-1]
        f, g, last = functions
        every = x @ w.T + h @ r.T + bias[: 4 * n] + bias[4 * n :]
        i, o, forget, cell = (every[:, k * n : (k + 1) * n] for k in range(4))
        pi, po, pf = (0.0, 0.0, 0.0) if peephole is None else np.split(peephole, 3)
        i = f(np.clip(i + pi * c, -clip, clip))
        forget = 1 - i if more.get("input_forget") else f(np.clip(forget + pf * c, -clip, clip))
        c = forget * c + i * g(np.clip(cell, -clip, clip))
        o = f(np.clip(o + po * c, -clip, clip))
        return [o * last(c), c]
