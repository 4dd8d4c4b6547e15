"""Rows of shallow networks: transfer functions, and processing of inputs and outputs."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Row, Weight, row
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs
from harness.spec import Exactness

SELECTING = ("poslin", "satlin", "satlins", "hardlim", "hardlims")
SMOOTH = ("tansig", "logsig", "radbas", "tribas", "elliotsig", "softmax")


def _transfer(kind: str) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """A transfer function over features."""
        return after_inputs(kind, {}, [(fill.pick((3, 5, 7)),)], {}, choice)

    profiles = ("spread", "ties") if kind in SELECTING else ("main", "spread", "large", "small")
    return row(
        DIALECT,
        kind,
        axes={"batch": (2, 1, 3)},
        profiles=profiles,
        exactness=Exactness.SELECTS if kind in SELECTING else Exactness.COMPUTES,
        per_axis=3,
    )(build)


transfer_rows = tuple(_transfer(kind) for kind in (*SELECTING, *SMOOTH))


def _mapping(kind: str, reverse: bool) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """`y` is ymin of mapminmax and ymean of mapstd."""
        count = 1 if choice["features"] == "one" else fill.pick((3, 5))
        weights = {"xoffset": Weight((count,), "mean"), "gain": Weight((count,), "even")}
        name = f"{kind}_reverse" if reverse else kind
        return after_inputs(name, {"y": choice["y"]}, [(count,)], weights, choice)

    return row(
        DIALECT,
        f"{kind}_reverse" if reverse else kind,
        axes={"y": (-1, 0, 0.25), "features": ("several", "one"), "batch": (2, 1)},
        profiles=("main", "spread", "large"),
        per_axis=2,
    )(build)


mapping_rows = tuple(_mapping(kind, reverse) for kind in ("mapminmax", "mapstd") for reverse in (False, True))

REMOVED = {"middle": (2, 4), "first": (1,), "last": (5,), "most": (1, 2, 4, 5)}
"""Which of five features are constant, counted from 1."""


def _rows(reverse: bool) -> Row:
    name = "removeconstantrows_reverse" if reverse else "removeconstantrows"

    def build(choice: Choice, fill: Chooser) -> Draft:
        """The processing removes constant features from a network's inputs and restores them in its outputs."""
        remove = list(REMOVED[choice["remove"]])
        keep = [k for k in range(1, 6) if k not in remove]
        weights = {"value": Weight((len(remove),), "mean")} if reverse else {}
        return after_inputs(name, {"keep": keep, "remove": remove}, [(len(keep) if reverse else 5,)], weights, choice)

    return row(
        DIALECT,
        name,
        axes={"remove": tuple(REMOVED), "batch": (2, 1)},
        profiles=("main", "special"),
        exactness=Exactness.MOVES,
        per_axis=2,
    )(build)


without_rows, with_rows = _rows(False), _rows(True)
