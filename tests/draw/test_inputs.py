"""Every input profile is what it is called."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from harness.catalogue import PROFILES, Draft, masked, single
from harness.draw.inputs import LAWS, draw_inputs


def draft(shape: tuple[int, ...]) -> Draft:
    return single("keras", "Dense", {}, [shape], batch=3)


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_is_float32_of_the_right_shape(profile: str) -> None:
    x = draw_inputs(draft((4, 5)), profile, np.random.default_rng(0))["x"]
    assert x.shape == (3, 4, 5)
    assert x.dtype == np.float32


def test_profiles_are_what_they_are_called() -> None:
    shape = (4, 6, 5)
    assert (LAWS["negative"](shape, np.random.default_rng(0)) < -1).all()
    lowest = LAWS["lowest"](shape, np.random.default_rng(0))
    assert (lowest < 0).all()
    assert lowest.flat[0] == lowest.flat[-1] == np.finfo(np.float32).min
    assert np.isnan(LAWS["nan"](shape, np.random.default_rng(0)).reshape(-1)[[0, 60, 119]]).all()
    assert {-0.5, 0.5, 2.5, 3} <= set(LAWS["spread"](shape, np.random.default_rng(0)).reshape(-1).tolist())
    assert (LAWS["impulse"](shape, np.random.default_rng(0)).sum(axis=(1, 2)) == 1).all()
    special = LAWS["special"](shape, np.random.default_rng(0))
    assert np.isnan(special).any()
    assert {np.inf, -np.inf} <= set(special.reshape(-1).tolist())
    assert (np.signbit(special) & (special == 0)).any()
    assert 2**31 in LAWS["integer"](shape, np.random.default_rng(0))
    ties = LAWS["ties"](shape, np.random.default_rng(0))
    assert len(np.unique(ties)) <= 5
    rows_of_main = LAWS["main"](shape, np.random.default_rng(0)).reshape(4, -1)
    assert all((a != b).any() for a, b in pairwise(rows_of_main))


# What a mask hides, ids, pixels


def hiding(*, hides: tuple[str, ...] = ("x",)) -> Draft:
    return masked(single("keras", "LSTM", {}, [(5, 2)], batch=3), (5,), "ragged", hides=hides)


def test_hidden_steps_hold_no_numbers_and_the_others_only_numbers() -> None:
    arrays = draw_inputs(hiding(), "hidden", np.random.default_rng(0))
    masked_steps, seen = arrays["x"][~arrays["mask"]], arrays["x"][arrays["mask"]]
    assert (np.abs(seen) < 100).all()
    assert np.isnan(masked_steps).any()
    assert {np.inf, -np.inf} <= set(masked_steps.reshape(-1).tolist())
    assert not (np.abs(masked_steps) < 100).any()


def test_a_mask_of_the_elements_hides_elements() -> None:
    draft = masked(single("keras", "Softmax", {}, [(4, 6)], batch=3), (4, 6), "ragged", hides=("x",))
    arrays = draw_inputs(draft, "hidden", np.random.default_rng(0))
    assert (~np.isfinite(arrays["x"]) <= ~arrays["mask"]).all()
    assert (np.abs(arrays["x"][arrays["mask"]]) < 100).all()
    assert np.isnan(arrays["x"]).any()


def test_nothing_is_hidden_under_other_profiles() -> None:
    assert np.isfinite(draw_inputs(hiding(), "main", np.random.default_rng(0))["x"]).all()


def test_hidden_needs_a_mask_that_hides() -> None:
    for plain in (draft((4, 5)), hiding(hides=())):
        with pytest.raises(ValueError, match=r"^the profile 'hidden' needs a mask, and the draft has none that hides"):
            draw_inputs(plain, "hidden", np.random.default_rng(0))


def test_ids_are_whole_numbers_within_bounds_in_the_dtype_of_the_input() -> None:
    drawn = single("keras", "Embedding", {}, [(50,)], bounds={"x": 3}, batch=3)
    ids = draw_inputs(drawn, "ids", np.random.default_rng(0))["x"]
    assert ids.dtype == np.float32
    assert set(ids.reshape(-1).tolist()) == {0, 1, 2}
    assert (ids.flat[0], ids.flat[-1]) == (2, 0)


def test_bytes_lie_between_the_levels_from_the_first_to_the_last() -> None:
    pixels = LAWS["bytes"]((4, 6, 5), np.random.default_rng(0))
    assert set((pixels % 1).reshape(-1).tolist()) == {0.25}
    assert (pixels.min(), pixels.max()) == (0.25, 255.25)
