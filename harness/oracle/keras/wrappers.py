"""TimeDistributed and Bidirectional: https://keras.io/api/layers/recurrent_layers/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.oracle import oracle, part, semantics
from harness.spec import Array, Config


@oracle("keras", "TimeDistributed")
def time_distributed(config: Config, weights: Mapping[str, Array], x: Array, *, mask: Array | None = None) -> Array:
    """Applies the layer to each time step (axis 1) alone, by joining all steps into one batch.

    https://keras.io/api/layers/recurrent_layers/time_distributed/. `mask` has no effect on the wrapped layers of the
    catalogue.
    """
    layer = config["layer"]
    y = semantics("keras", layer["kind"])(layer["config"], weights, x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]))
    assert not isinstance(y, tuple)
    return y.reshape(*x.shape[:2], *y.shape[1:])


@oracle("keras", "Bidirectional")
def bidirectional(
    config: Config,
    weights: Mapping[str, Array],
    x: Array,
    *,
    mask: Array | None = None,
    initial_state: tuple[Array, ...] | None = None,
) -> Array | tuple[Array, ...]:
    """Merges a forward layer with a backward layer, whose sequence is reversed first.

    https://keras.io/api/layers/recurrent_layers/bidirectional/: `merge_mode` is concat, sum, mul or ave, or None for
    two outputs. The default `backward_layer` is the forward layer with `go_backwards` negated. Initial and final
    states are those of the forward layer, then those of the backward layer. In a sequence, the outputs of masked
    steps are zeros, as in Keras' source.
    """
    forward = config["layer"]
    turned = {**forward["config"], "go_backwards": not forward["config"].get("go_backwards", False)}
    backward = config.get("backward_layer") or {"kind": forward["kind"], "config": turned}
    results = []
    for k, (layer, name) in enumerate(((forward, "forward"), (backward, "backward"))):
        keywords: dict[str, Any] = {} if mask is None else {"mask": mask}
        run_config = {**layer["config"], "zero_output_for_mask": forward["config"].get("return_sequences", False)}
        if initial_state is not None:
            half = len(initial_state) // 2
            state = initial_state[k * half : (k + 1) * half]
            keywords["initial_state"] = state[0] if half == 1 else state
        result = semantics("keras", layer["kind"])(run_config, part(weights, name), x, **keywords)
        results.append(result if isinstance(result, tuple) else (result,))
    (y, *states), (z, *others) = results
    if forward["config"].get("return_sequences", False):
        z = np.flip(z, axis=1)
    mode = config.get("merge_mode", "concat")
    merged: tuple[Array, ...]
    if mode is None:
        merged = (y, z)
    elif mode == "concat":
        merged = (np.concatenate([y, z], axis=-1),)
    elif mode == "mul":
        merged = (y * z,)
    else:
        merged = ((y + z) / 2.0 if mode == "ave" else y + z,)
    result = (*merged, *states, *others)
    return result if len(result) > 1 else result[0]
