"""Options that select nothing, or what cannot be."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--layer", "Nope"), "no golden layer fits 'Nope'"),
        (("--route", "x"), "no route fits 'x'"),
        (("--opset", "1"), "no converter writes opset 1"),
        (("--hop", "tests.miniatures:NoContract"), "is no hop"),
    ],
)
def test_selection_of_nothing_is_a_usage_error(world: pytest.Pytester, option: tuple[str, str], message: str) -> None:
    done = world.runpytest_subprocess(*option)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert message in done.stdout.str() + done.stderr.str()
