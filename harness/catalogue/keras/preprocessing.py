"""Preprocessing of numbers, categories and text.

`sparse` outputs and vocabularies in files are not drawn: the first are no tensors that another format has, the second
no part of a model's configuration.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, explicit, row, rule, single, sized
from harness.spec import Exactness, Input

SHAPE = {"rank": (2, 3), "sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
MODES = ("default", "one_hot", "multi_hot", "count")
WORDS = ("", "a", "cat", "Cat", "the dog", "été", "鳥", "out", "longer-word", "x" * 20)
"""Strings of 0 to 20 bytes, among them the default mask token's and others of more than one byte a letter."""


def _shape(choice: Choice, fill: Chooser) -> tuple[int, ...]:
    return tuple(sized(choice["sizes"], fill, choice["rank"] - 1, batch=choice["batch"]))


@row(
    "keras",
    "Rescaling",
    # float16 rounds 0.1 and 0.017 by thousands of noise units, 1 / 255 by 256, the others not at all
    axes={**SHAPE, "scale": (0.5, 1 / 255, -2.0, "list", 0.1, 0.017), "offset": ("default", 3.0, "list")},
    later={"scale": (0.1, 0.017)},
    profiles=("main", "negative", "large", "small", "special"),
    per_axis=4,
)
def rescaling(choice: Choice, fill: Chooser) -> Draft:
    """A list has one number for each channel."""
    shape = _shape(choice, fill)
    lists = {"scale": [0.5 + k for k in range(shape[-1])], "offset": [k - 1.5 for k in range(shape[-1])]}
    config = {name: lists[name] if value == "list" else value for name, value in explicit(choice, *lists).items()}
    return single("keras", "Rescaling", config, [shape], batch=choice["batch"])


@row(
    "keras",
    "Normalization",
    axes={**SHAPE, "axis": ("default", 1, (1, 2), None), "given": (True, False), "invert": ("default", True)},
    profiles=("main", "negative", "large", "small"),
    rules=[
        rule("rank", "axis", reason="the axes are the input's")(lambda rank, axis: axis != (1, 2) or rank == 3),
    ],
    second_batches=SOME,
    per_axis=4,
)
def normalization(choice: Choice, fill: Chooser) -> Draft:
    """Mean and variance are arguments, or the weights of a layer adapted to data."""
    shape = _shape(choice, fill)
    axis: tuple[int, ...] = {"default": (len(shape),), 1: (1,), None: (), (1, 2): (1, 2)}[choice["axis"]]
    size = tuple(shape[k - 1] for k in axis)
    config = explicit(choice, "axis", "invert")
    weights: dict[str, Weight] = {}
    if choice["given"]:
        count = 1
        for n in size:
            count *= n
        mean, variance = [0.7 * k - 1.1 for k in range(count)], [0.3 + 0.9 * k for k in range(count)]
        config |= {"mean": _nested(mean, size), "variance": _nested(variance, size)}
    else:
        weights = {"mean": Weight(size, "mean"), "variance": Weight(size, "variance"), "count": Weight((), "count")}
    return single("keras", "Normalization", config, [shape], weights=weights, batch=choice["batch"])


def _nested(values: list[float], shape: tuple[int, ...]) -> Any:
    """The flat list as nested lists of the shape, or its number if the shape is empty."""
    if not shape:
        return values[0]
    if len(shape) == 1:
        return values
    step = len(values) // shape[0]
    return [_nested(values[k * step : (k + 1) * step], shape[1:]) for k in range(shape[0])]


@row(
    "keras",
    "Discretization",
    axes={
        "bin_boundaries": ((-1.0, 0.0, 2.0), (0.0,), (-2.5, -0.5, 0.5, 2.5, 6.0)),
        "output_mode": MODES,
        **SHAPE,
    },
    profiles=("main", "ties", "spread", "integer"),
    rules=[
        rule("rank", "output_mode", reason="Keras 3.15 merges over axis 1, its documentation over the last axis")(
            lambda rank, mode: rank == 2 or mode not in ("multi_hot", "count")
        )
    ],
    exactness=Exactness.MOVES,
    per_axis=4,
)
def discretization(choice: Choice, fill: Chooser) -> Draft:
    """`ties`, `spread` and `integer` have numbers that equal a boundary."""
    config = {"bin_boundaries": list(choice["bin_boundaries"]), **explicit(choice, "output_mode")}
    return single("keras", "Discretization", config, [_shape(choice, fill)], batch=choice["batch"])


@row(
    "keras",
    "CategoryEncoding",
    axes={
        "num_tokens": (4, 2, 7),
        "output_mode": ("default", "one_hot", "count"),
        "count_weights": (False, True),
        "dtype": ("int32", "int64"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative"),
    rules=[
        rule("output_mode", "count_weights", reason="weights are counted")(
            lambda mode, weighted: not weighted or mode == "count"
        )
    ],
    exactness=lambda choice: Exactness.COMPUTES if choice["count_weights"] else Exactness.MOVES,
    second_batches=SOME,
    per_axis=3,
)
def category_encoding(choice: Choice, fill: Chooser) -> Draft:
    """Tokens occur more than once in a sample, or not at all."""
    steps = 1 if choice["output_mode"] == "one_hot" else 5
    config = {"num_tokens": choice["num_tokens"], **explicit(choice, "output_mode")}
    draft = single(
        "keras",
        "CategoryEncoding",
        config,
        [(steps,)],
        dtype=choice["dtype"],
        batch=choice["batch"],
        bounds={"x": choice["num_tokens"]},
    )
    if not choice["count_weights"]:
        return draft
    (layer,) = draft.spec.layers
    spec = replace(
        draft.spec,
        inputs=(*draft.spec.inputs, Input("amounts", (steps,))),
        layers=(replace(layer, keywords={"count_weights": ("amounts",)}),),
    )
    return replace(draft, spec=spec)


SIGNED = rule("dtype", "signed", reason="words have no sign")(lambda dtype, signed: not signed or dtype != "string")


@row(
    "keras",
    "Hashing",
    axes={
        "num_bins": (5, 1, 8),
        "dtype": ("int64", "int32", "string"),
        "mask_value": ("default", "given"),
        "salt": ("default", 7, (3, 11)),
        "output_mode": MODES,
        "batch": (2, 1, 3),
        "signed": (False, True),
    },
    later={"signed": (True,)},
    rules=[SIGNED],
    profiles=("main",),
    exactness=Exactness.MOVES,
    second_batches=SOME,
    per_axis=3,
)
def hashing(choice: Choice, fill: Chooser) -> Draft:
    """Every framework must give a value the same bin, or a trained embedding after the layer is useless."""
    config = {"num_bins": choice["num_bins"], **explicit(choice, "salt", "output_mode")}
    if choice["mask_value"] == "given":
        config["mask_value"] = "" if choice["dtype"] == "string" else 0
    draft = single("keras", "Hashing", config, [(4,)], dtype=choice["dtype"], batch=choice["batch"], bounds={"x": 5000})
    return replace(draft, words={"x": WORDS}, least={"x": -5000} if choice["signed"] else {})


@row(
    "keras",
    "HashedCrossing",
    axes={"num_bins": (5, 16), "dtype": ("int64", "string"), "output_mode": ("default", "one_hot"), "batch": (2, 1, 3)},
    profiles=("main",),
    exactness=Exactness.MOVES,
    second_batches=SOME,
    per_axis=2,
)
def hashed_crossing(choice: Choice, fill: Chooser) -> Draft:
    """Two features crossed."""
    config = {"num_bins": choice["num_bins"], **explicit(choice, "output_mode")}
    draft = single(
        "keras",
        "HashedCrossing",
        config,
        [(1,), (1,)],
        dtype=choice["dtype"],
        batch=choice["batch"],
        bounds={"x1": 50, "x2": 50},
    )
    return replace(draft, words={"x1": WORDS, "x2": WORDS})


LOOKUP = {
    "vocabulary": ("several", "one"),
    "num_oov_indices": ("default", 2, 3),
    "mask_token": ("default", "given"),
    "output_mode": (*MODES, "tf_idf"),
    "invert": ("default", True),
    "pad_to_max_tokens": ("default", True),
    "salt": ("default", 7),
    "batch": (2, 1, 3),
}
LOOKUP_RULES = [
    rule("output_mode", "invert", reason="the way back starts from indices")(
        lambda mode, invert: invert == "default" or mode == "default"
    ),
    rule("output_mode", "pad_to_max_tokens", reason="there is no axis of tokens to pad")(
        lambda mode, pad: pad == "default" or mode in ("multi_hot", "count", "tf_idf")
    ),
    rule("num_oov_indices", "salt", reason="a salt is for choosing among several unknown")(
        lambda spare, salt: salt == "default" or spare != "default"
    ),
    rule("invert", "salt", "num_oov_indices", reason="an index is not hashed")(
        lambda invert, salt, spare: invert == "default" or (salt == "default" and spare == "default")
    ),
]


def _lookup(kind: str, choice: Choice, words: list[Any], mask: Any, more: dict[str, Any]) -> Draft:
    config: dict[str, Any] = {
        "vocabulary": words,
        **explicit(choice, "num_oov_indices", "output_mode", "invert", "pad_to_max_tokens", "salt"),
        **more,
    }
    if choice["mask_token"] == "given":
        config["mask_token"] = mask
    if choice["output_mode"] == "tf_idf":
        config["idf_weights"] = [0.3 + 0.6 * k for k in range(len(words))]
    if choice["pad_to_max_tokens"] is True:
        config["max_tokens"] = len(words) + 6
    text = isinstance(words[0], str)
    back = choice["invert"] is True
    draft = single(
        "keras",
        kind,
        config,
        [(1,) if choice["output_mode"] == "one_hot" else (5,)],
        dtype="string" if text and not back else "int64",
        batch=choice["batch"],
        bounds={"x": len(words) + 2 if back else 12},
    )
    return replace(draft, words={"x": WORDS})


@row(
    "keras",
    "IntegerLookup",
    axes={**LOOKUP, "oov_token": ("default", -7), "oov_method": ("default", "farmhash"), "signed": (False, True)},
    later={"signed": (True,)},
    # one of several unknown indices by remainder: floored or truncated
    pins=[
        {"signed": True, "num_oov_indices": 3, "batch": 3},
        {"signed": True, "num_oov_indices": 2, "output_mode": "count", "mask_token": "given"},
    ],
    profiles=("main",),
    rules=[
        *LOOKUP_RULES,
        rule("signed", "invert", reason="an index has no sign")(
            lambda signed, invert: not signed or invert == "default"
        ),
        rule("oov_token", "invert", reason="the token stands for an unknown index")(
            lambda token, invert: token == "default" or invert is True
        ),
        rule("oov_method", "num_oov_indices", "salt", reason="a salt is farmhash's")(
            lambda method, spare, salt: (
                (method != "default" or salt == "default") and (method == "default" or spare != "default")
            )
        ),
        rule("oov_method", "invert", reason="an index is not hashed")(
            lambda method, invert: method == "default" or invert == "default"
        ),
    ],
    exactness=lambda choice: Exactness.COMPUTES if choice["output_mode"] == "tf_idf" else Exactness.MOVES,
    second_batches=SOME,
    per_axis=3,
)
def integer_lookup(choice: Choice, fill: Chooser) -> Draft:
    """Values 0 to 11, some of them in the vocabulary, one of them the mask token; `signed`: -11 to 11."""
    draft = _lookup(
        "IntegerLookup",
        choice,
        [7, 3, 11, 5] if choice["vocabulary"] == "several" else [4],
        2,
        explicit(choice, "oov_token", "oov_method"),
    )
    return replace(draft, least={"x": -11}) if choice["signed"] else draft


@row(
    "keras",
    "StringLookup",
    axes={**LOOKUP, "oov_token": ("default", "?")},
    profiles=("main",),
    rules=[
        *LOOKUP_RULES,
        rule("oov_token", "invert", reason="the token stands for an unknown index")(
            lambda token, invert: token == "default" or invert is True
        ),
    ],
    exactness=lambda choice: Exactness.COMPUTES if choice["output_mode"] == "tf_idf" else Exactness.MOVES,
    second_batches=SOME,
    per_axis=3,
)
def string_lookup(choice: Choice, fill: Chooser) -> Draft:
    """Words with capitals and letters of more than one byte, some of them in the vocabulary."""
    words = ["cat", "été", "the dog", "鳥"] if choice["vocabulary"] == "several" else ["a"]
    return _lookup("StringLookup", choice, words, "", explicit(choice, "oov_token"))


TEXTS = ("the cat", "The CAT, the dog!", "dog", "a  b", "été; 鳥", "", "cat-dog cat")


@row(
    "keras",
    "TextVectorization",
    axes={
        "vocabulary": ("several", "few"),
        "standardize": ("default", None, "lower", "strip_punctuation"),
        "split": ("default", "character"),
        "ngrams": ("default", 2, (1, 3)),
        "output_mode": ("default", "multi_hot", "count", "tf_idf"),
        "output_sequence_length": ("default", 3, 6),
        "pad_to_max_tokens": ("default", True),
        "batch": (2, 1, 3),
    },
    profiles=("main",),
    rules=[
        rule("output_mode", "output_sequence_length", reason="only a sequence has a length")(
            lambda mode, length: mode == "default" or length == "default"
        ),
        rule("output_mode", "pad_to_max_tokens", reason="there is no axis of tokens to pad")(
            lambda mode, pad: pad == "default" or mode != "default"
        ),
    ],
    exactness=lambda choice: Exactness.COMPUTES if choice["output_mode"] == "tf_idf" else Exactness.MOVES,
    second_batches=SOME,
    per_axis=3,
)
def text_vectorization(choice: Choice, fill: Chooser) -> Draft:
    """Texts with capitals, punctuation, spaces and letters of more than one byte; no capital of those, which
    TensorFlow leaves as it is."""
    words = ["the", "cat", "dog", "the cat", "c", "t", "été", "CAT"][: 8 if choice["vocabulary"] == "several" else 3]
    config: dict[str, Any] = {
        "vocabulary": words,
        **explicit(
            choice, "standardize", "split", "ngrams", "output_mode", "output_sequence_length", "pad_to_max_tokens"
        ),
    }
    if choice["output_mode"] == "tf_idf":
        config["idf_weights"] = [0.3 + 0.6 * k for k in range(len(words))]
    if choice["pad_to_max_tokens"] is True:
        config["max_tokens"] = len(words) + 4
    draft = single("keras", "TextVectorization", config, [(1,)], dtype="string", batch=choice["batch"])
    return replace(draft, words={"x": TEXTS})
