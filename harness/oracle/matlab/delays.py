"""The delay lines of shallow networks for time series. Sequences are N x T x C.

https://www.mathworks.com/help/deeplearning/ug/understanding-neural-network-toolbox-data-structures.html: the columns of
a weight are those of the first delay, then those of the second.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


@oracle(DIALECT, "tapdelay")
def tap_delay(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`y(t) = [x(t - d1); x(t - d2); ...]` for each step t from `longest` on."""
    first, steps = config["longest"], x.shape[1]
    if first >= steps:
        raise ValueError(f"a sequence of {steps} steps is not longer than the delay of {first}")
    return np.concatenate([x[:, first - delay : steps - delay] for delay in config["delays"]], axis=2)
