"""Every tensor that a model of Keras or torch makes while it runs, without names; called in a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.models import predictors
from harness.spec import Array

LIMIT = 1 << 29
"""Bytes of tensors; of a model that makes more, none are given: some alone would not show what is absent."""


def tensors(predictor: str, artifact: Path, arrays: Mapping[str, Array], trust: bool) -> list[Array]:
    """The real tensors of one run of the model by a class of `harness.models.predictors`; none of other frameworks.

    Raises PredictionError as the predictor does.
    """
    chosen = getattr(predictors, predictor)()
    if isinstance(chosen, predictors.TorchPredictor):
        found = _of_torch(chosen, artifact, arrays, trust)
    elif isinstance(chosen, predictors.KerasPredictor):
        found = _of_keras(chosen, artifact, arrays, trust)
    else:
        found = []
    return found if sum(value.nbytes for value in found) <= LIMIT else []


def _of_torch(predictor: Any, artifact: Path, arrays: Mapping[str, Array], trust: bool) -> list[Array]:
    """What each operator of torch gives, below modules and functions: also what no module makes."""
    from torch import Tensor
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    found: list[Array] = []
    size = 0

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal size
            result = func(*args, **(kwargs or {}))
            for value in tree_leaves(result):
                if size <= LIMIT and isinstance(value, Tensor) and value.is_floating_point():
                    found.append(np.array(value.detach().float().numpy()))
                    size += found[-1].nbytes
            return result

    with Watch():  # type: ignore[no-untyped-call]
        predictor.predict(artifact, arrays, trust=trust)
    return found


def _of_keras(predictor: Any, artifact: Path, arrays: Mapping[str, Array], trust: bool) -> list[Array]:
    """The outputs of the layers of a functional model."""
    import keras

    model = predictor.opened(artifact, trust=trust)
    seen: Iterable[Any] = keras.tree.flatten([layer.output for layer in model.layers])
    wide = keras.Model(model.inputs, list(seen))
    declared = predictor.takes(wide)
    fitted = [
        predictors.fitted(item, array, name) for item, (name, array) in zip(declared, arrays.items(), strict=True)
    ]
    return [value for value in predictor.outputs(wide, declared, fitted) if np.asarray(value).dtype.kind == "f"]
