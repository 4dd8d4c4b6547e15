"""Attention, AdditiveAttention, MultiHeadAttention and GroupQueryAttention.

Every row of an attention mask has a True, as the documentation demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.catalogue import (
    Choice,
    Chooser,
    Draft,
    Weight,
    called,
    distinct,
    explicit,
    masked,
    row,
    rule,
    single,
    sized,
)
from harness.spec import Input

PROFILES = ("main", "negative", "spread", "small", "impulse")
"""Not `large`: Keras subtracts 1e9 from a masked score, and such inputs reach that value."""
SHARED = {
    "use_causal_mask": (False, True),
    "return_attention_scores": (False, True),
    "key": (False, True),
    "sizes": ("distinct", "equal"),
    "open_sizes": (False, True),
    "batch": (2, 1, 3),
}
DROPOUT = {"dropout": ("default", 0.5)}
LATER = {"dropout": (0.5,)}
GEMM = "onnx2pytorch takes no Gemm of two computed tensors, which tf2onnx makes of these"


def _lengths(choice: Choice, fill: Chooser) -> tuple[int, int, int]:
    """Numbers of queries and keys, and of features."""
    queries, keys, features = sized(choice["sizes"], fill, 3, batch=choice["batch"], options=(3, 4, 5, 7))
    return queries, keys, features


def _steps(choice: Choice, count: int) -> int | None:
    return None if choice["open_sizes"] else count


def _asked(draft: Draft, choice: Choice) -> Draft:
    """The draft with the call's flags, and the scores as a second output."""
    flags = {name: True for name in ("use_causal_mask", "return_attention_scores") if choice[name]}
    if choice["return_attention_scores"]:
        draft = replace(draft, spec=replace(draft.spec, outputs=("layer", "layer:1")))
    return called(draft, **flags) if flags else draft


def _with_masks(draft: Draft, choice: Choice, queries: int | None, keys: int | None) -> Draft:
    """Query and value masks, as the list that these layers take."""
    if choice["mask"] == "none":
        return draft
    both = masked(draft, (queries,), "ragged", name="query_mask", hides=("x1",))
    both = masked(both, (keys,), choice["mask"], name="value_mask")
    *before, last = both.spec.layers
    layers = (*before, replace(last, keywords={"mask": ("query_mask", "value_mask")}))
    return replace(both, spec=replace(both.spec, layers=layers))


@row(
    "keras",
    "Attention",
    axes={
        "score_mode": ("default", "dot", "concat"),
        "use_scale": ("default", True),
        "mask": ("none", "ragged", "hole"),
        **SHARED,
        **DROPOUT,
    },
    later=LATER,
    profiles=PROFILES,
    pins=[{"profile": "hidden", "mask": "ragged"}],
    per_axis=4,
)
def attention(choice: Choice, fill: Chooser) -> Draft:
    """Inputs are the query, the value and perhaps a separate key."""
    queries, keys, features = _lengths(choice, fill)
    q, k = _steps(choice, queries), _steps(choice, keys)
    weights = {"scale": Weight((), "alpha")} if choice["use_scale"] is True else {}
    if choice["score_mode"] == "concat":
        weights["concat_score_weight"] = Weight((), "alpha")
    shapes = [(q, features), (k, features), (k, features)][: 3 if choice["key"] else 2]
    config = explicit(choice, "score_mode", "use_scale", "dropout")
    draft = single("keras", "Attention", config, shapes, weights=weights, batch=choice["batch"])
    return _asked(_with_masks(draft, choice, q, k), choice)


@row(
    "keras",
    "AdditiveAttention",
    axes={"use_scale": ("default", False), "mask": ("none", "ragged", "hole"), **SHARED},
    profiles=PROFILES,
    pins=[{"profile": "hidden", "mask": "ragged"}],
    per_axis=4,
)
def additive_attention(choice: Choice, fill: Chooser) -> Draft:
    """As Attention, with a scale for each feature."""
    queries, keys, features = _lengths(choice, fill)
    q, k = _steps(choice, queries), _steps(choice, keys)
    weights = {} if choice["use_scale"] is False else {"scale": Weight((features,), "alpha")}
    shapes = [(q, features), (k, features), (k, features)][: 3 if choice["key"] else 2]
    config = explicit(choice, "use_scale")
    draft = single("keras", "AdditiveAttention", config, shapes, weights=weights, batch=choice["batch"])
    return _asked(_with_masks(draft, choice, q, k), choice)


def _projections(sizes: Mapping[str, tuple[int, int, int]], *, use_bias: bool) -> dict[str, Weight]:
    """Kernel and bias of each projection, features to (heads, size)."""
    weights = {}
    for name, (features, heads, size) in sizes.items():
        weights[f"{name}/kernel"] = Weight((features, heads, size), "kernel", fan_in=features)
        if use_bias:
            weights[f"{name}/bias"] = Weight((heads, size), "bias")
    return weights


def _headed(
    kind: str,
    config: Mapping[str, object],
    choice: Choice,
    shapes: Mapping[str, tuple[int | None, ...]],
    weights: Mapping[str, Weight],
) -> Draft:
    """One layer called with the query, and the value and perhaps the key by name."""
    names = [name for name in ("query", "value", "key") if name in shapes]
    draft = single("keras", kind, config, [shapes["query"]], weights=weights, batch=choice["batch"])
    layer = replace(draft.spec.layers[0], inputs=("query",), keywords={name: (name,) for name in names[1:]})
    inputs = tuple(Input(name, shapes[name]) for name in names)
    return replace(draft, spec=replace(draft.spec, inputs=inputs, layers=(layer,)))


HEADED = {
    "use_bias": ("default", False),
    "use_gate": ("default", True),
    "sliding_window": ("default", 2),
    "mask": ("none", "value_mask", "attention_mask"),
}


HIDDEN = [{"profile": "hidden", "mask": "value_mask", "key": True}]
"""A masked key that holds NaN or infinity: its score is replaced before the softmax, so it must not show. A masked
value's share is zero, and zero times NaN is NaN for everybody: values hide nothing."""


def _masked(draft: Draft, choice: Choice, queries: int | None, keys: int | None) -> Draft:
    if choice["mask"] == "value_mask":
        hides = ("key",) if choice["key"] else ()
        return masked(draft, (keys,), "ragged", name="value_mask", hides=hides)
    if choice["mask"] == "attention_mask":
        return masked(draft, (queries, keys), "ragged", name="attention_mask")
    return draft


_FIRST_SEEN = rule("mask", "sliding_window", reason="the window of a late query may hold masked keys only")(
    lambda mask, window: mask == "none" or window == "default"
)


@row(
    "keras",
    "MultiHeadAttention",
    axes={
        "num_heads": (2, 1, 3),
        "key_dim": (2, 3),
        "value_dim": ("default", 4),
        "output_shape": ("default", 5, (2, 3)),
        "rank": (3, 4),
        "attention_axes": ("default", (2,), (1,)),
        **HEADED,
        **SHARED,
        **DROPOUT,
    },
    later=LATER,
    barriers=[
        rule("open_sizes", "rank", "output_shape", reason=GEMM)(
            lambda opened, rank, shape: not opened and rank == 3 and not isinstance(shape, tuple)
        )
    ],
    profiles=PROFILES,
    rules=[
        _FIRST_SEEN,
        rule("rank", "attention_axes", reason="the axes are those between batch and features")(
            lambda rank, axes: axes == "default" or rank == 4
        ),
        rule("rank", "mask", "use_causal_mask", "sliding_window", reason="masks over two axes at once are left open")(
            lambda rank, mask, causal, window: rank == 3 or (mask == "none" and not causal and window == "default")
        ),
        rule("rank", "open_sizes", reason="one open axis")(lambda rank, opened: rank == 3 or not opened),
        rule("sliding_window", "sizes", "open_sizes", reason="with fewer keys than queries a late window is empty")(
            lambda window, sizes, opened: window == "default" or sizes == "equal" or opened
        ),
    ],
    pins=HIDDEN,
    per_axis=4,
)
def multi_head_attention(choice: Choice, fill: Chooser) -> Draft:
    """Query, value and key differ in their features, unless all sizes are `equal`."""
    queries, keys, features = _lengths(choice, fill)
    q, k = _steps(choice, queries), _steps(choice, keys)
    wide, deep = (features, features) if choice["sizes"] == "equal" else distinct(fill, 2, (2, 3, 6))
    heads, size = choice["num_heads"], choice["key_dim"]
    out = size if choice["value_dim"] == "default" else choice["value_dim"]
    places: list[tuple[int | None, ...]] = [(q,), (k,)]
    if choice["rank"] == 4:
        shared = 2
        places = [(shared, q), (shared, k)] if choice["attention_axes"] != (1,) else [(q, shared), (k, shared)]
    shapes = {"query": (*places[0], features), "value": (*places[1], wide)}
    if choice["key"]:
        shapes["key"] = (*places[1], deep)
    projections = {"query": (features, heads, size), "key": (deep if choice["key"] else wide, heads, size)}
    if choice["use_gate"] is True:
        projections["gate"] = (features, heads, out)
    projections["value"] = (wide, heads, out)
    use_bias = choice["use_bias"] == "default"
    weights = _projections(projections, use_bias=use_bias)
    output_shape = choice["output_shape"]
    last = (
        (features,) if output_shape == "default" else (output_shape,) if isinstance(output_shape, int) else output_shape
    )
    weights["attention_output/kernel"] = Weight((heads, out, *last), "kernel", fan_in=heads * out)
    if use_bias:
        weights["attention_output/bias"] = Weight(last, "bias")
    names = ("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes", *HEADED, "dropout")
    config = explicit(choice, *(name for name in names if name != "mask"))
    draft = _headed("MultiHeadAttention", config, choice, shapes, weights)
    return _asked(_masked(draft, choice, q, k), choice)


@row(
    "keras",
    "GroupQueryAttention",
    axes={
        "heads": ((4, 2), (2, 1), (3, 3), (6, 2)),
        "head_dim": (2, 3),
        **HEADED,
        **SHARED,
        **DROPOUT,
    },
    later=LATER,
    barriers=[rule("open_sizes", reason=GEMM)(lambda opened: not opened)],
    profiles=PROFILES,
    rules=[
        _FIRST_SEEN,
        rule("sliding_window", "sizes", "open_sizes", reason="with fewer keys than queries a late window is empty")(
            lambda window, sizes, opened: window == "default" or sizes == "equal" or opened
        ),
    ],
    pins=HIDDEN,
    per_axis=3,
)
def grouped_query_attention(choice: Choice, fill: Chooser) -> Draft:
    """`heads` are the numbers of heads of the query, and of key and value."""
    queries, keys, features = _lengths(choice, fill)
    q, k = _steps(choice, queries), _steps(choice, keys)
    many, few = choice["heads"]
    size = choice["head_dim"]
    shapes: dict[str, tuple[int | None, ...]] = {"query": (q, features), "value": (k, features)}
    if choice["key"]:
        shapes["key"] = (k, features)
    projections = {"query": (features, many, size), "key": (features, few, size)}
    if choice["use_gate"] is True:
        projections["gate"] = (features, many, size)
    projections["value"] = (features, few, size)
    use_bias = choice["use_bias"] == "default"
    weights = _projections(projections, use_bias=use_bias)
    weights["attention_output/kernel"] = Weight((many, size, features), "kernel", fan_in=many * size)
    if use_bias:
        weights["attention_output/bias"] = Weight((features,), "bias")
    config = {
        "head_dim": size,
        "num_query_heads": many,
        "num_key_value_heads": few,
        **explicit(choice, "use_bias", "use_gate", "sliding_window", "dropout"),
    }
    draft = _headed("GroupQueryAttention", config, choice, shapes, weights)
    return _asked(_masked(draft, choice, q, k), choice)
