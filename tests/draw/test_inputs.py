"""Every input profile is what it is called."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from harness.catalogue import PROFILES, Draft, single
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
