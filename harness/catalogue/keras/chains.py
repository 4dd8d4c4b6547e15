"""Chains of Dense that exporters turn into one Gemm, and tensors that are read again behind an activation.

tf2onnx makes one Gemm of a product, its factor and what is added (`tf2onnx/rewriter/gemm_rewriter.py`), whatever that
is: a bias, another tensor, or the constant with which an activation begins. Importers may compute an activation in the
memory of its input, which something else reads later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, distinct, row, rule
from harness.catalogue.keras.graphs import GraphBuilder, Weights, dense, norm
from harness.spec import Input

ACTIVATIONS = (
    "hard_silu", "hard_sigmoid", "squareplus", "sparse_plus", "sparse_sigmoid", "soft_shrink", "tanh_shrink",
    "silu", "mish", "softplus", "log_sigmoid", "leaky_relu", "selu",
)  # fmt: skip
"""Those that begin with a sum or a product, and those that converters know as one operator or recognise."""

SUMS = {
    # the layers behind the Dense; those that merge read the second input `y` too
    "Rescaling": ("Rescaling",),
    "Rescaling, Rescaling": ("Rescaling", "Rescaling"),
    "Rescaling, Add": ("Rescaling", "Add"),
    "Add": ("Add",),
    "Add of a column": ("Add",),
    "Add to a column": ("Add",),
    "Add, Rescaling": ("Add", "Rescaling"),
    "Multiply": ("Multiply",),
    "Multiply, Add": ("Multiply", "Add"),
    "Subtract": ("Subtract",),
    "Dense": ("Dense",),
    "BatchNormalization": ("BatchNormalization",),
}
SCALED = ("Rescaling, Add of Rescaling", "Add of Rescaling")
"""Chains whose sum reads a rescaled `y`: `alpha A B + beta C`."""
BIASED = ("Rescaling", "Rescaling, Add", "Add", "Multiply, Add", "Dense")
FACTOR = 0.3
"""Factor of each Rescaling. float16 does not have it."""


@row(
    "keras",
    "Affine",
    axes={
        "chain": (*ACTIVATIONS, *SUMS, *SCALED),
        "use_bias": (False, True),
    },
    profiles=("main",),
    rules=[
        rule("chain", "use_bias", reason="a bias takes the place of what would be added; a few chains go on behind it")(
            lambda chain, use_bias: not use_bias or chain in BIASED
        )
    ],
    second_batches=SOME,
    per_axis=0,
)
def affine(choice: Choice, fill: Chooser) -> Draft:
    """A Dense of vectors, and behind it an activation or the layers of the chain."""
    chain = choice["chain"]
    features, units = distinct(fill, 2, (3, 4, 5, 6))
    if chain == "Add to a column":
        units = 1
    builder = GraphBuilder(fill, {"x": (features,), "y": (units,)})
    second = {"Add of a column": 1, "Add to a column": 4}.get(chain, units)
    weights = dense(features, units, use_bias=choice["use_bias"])
    config: dict[str, Any] = {"units": units, "use_bias": choice["use_bias"]}
    if chain in ACTIVATIONS:
        last = builder.add("Dense", {**config, "activation": chain}, ("x",), (units,), weights)
        return builder.draft((Input("x", (features,)),), (last,), 2)
    last = builder.add("Dense", config, ("x",), (units,), weights)
    other = "y"
    if chain in SCALED:
        other = builder.add("Rescaling", {"scale": -2.5}, ("y",), (second,))
    for kind in SUMS.get(chain) or chain.removesuffix(" of Rescaling").split(", "):
        reads = (last, other) if kind in ("Add", "Multiply", "Subtract") else (last,)
        table: Mapping[str, tuple[dict[str, Any], Weights]] = {
            "Rescaling": ({"scale": FACTOR}, {}),
            "Dense": (config | {"units": units}, dense(units, units, use_bias=choice["use_bias"])),
            "BatchNormalization": ({}, norm(units)),
        }
        arguments, laws = table.get(kind, ({}, {}))
        last = builder.add(kind, arguments, reads, (max(units, second),), laws)
    return builder.draft((Input("x", (features,)), Input("y", (second,))), (last,), 2)


LAYERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ReLU": ("ReLU", {}),
    "LeakyReLU": ("LeakyReLU", {"negative_slope": 0.25}),
    "ELU": ("ELU", {}),
    "Dropout": ("Dropout", {"rate": 0.5}),
}
OPERATORS = (
    *LAYERS, "relu6", "selu", "celu", "silu", "hard_sigmoid", "hard_silu", "hard_tanh", "mish",
)  # fmt: skip
"""What PyTorch can compute in place."""


@row(
    "keras",
    "Residual",
    axes={
        "operator": OPERATORS,
        "tensor": ("hidden", "input"),
        "merge": ("Add", "Concatenate"),
        "order": ("after", "before"),
    },
    profiles=("main", "negative"),
    second_batches=SOME,
    per_axis=0,
)
def residual(choice: Choice, fill: Chooser) -> Draft:
    """`merge(tensor, operator(tensor))`, or the two the other way round: the tensor is read after the operator ran."""
    size = fill.pick((3, 4, 5))
    builder = GraphBuilder(fill, {"x": (size,)})
    tensor = builder.add("Dense", {"units": size}, ("x",), (size,), dense(size, size))
    tensor = tensor if choice["tensor"] == "hidden" else "x"
    kind, config = LAYERS.get(choice["operator"], ("Activation", {"activation": choice["operator"]}))
    applied = builder.add(kind, config, (tensor,), (size,))
    reads = (tensor, applied) if choice["order"] == "before" else (applied, tensor)
    merged = builder.add(choice["merge"], {}, reads, (size * (1 + (choice["merge"] == "Concatenate")),))
    return builder.draft((Input("x", (size,)),), (merged,), 2)
