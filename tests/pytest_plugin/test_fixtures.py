"""What the fixtures of the suites do with a run that cannot go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]


def test_a_converter_that_lacks_a_package_ends_the_run(world: pytest.Pytester, hops: Callable[[str], None]) -> None:
    """Each further test would write a model, and end as this one does."""
    hops("LacksPackage")
    ended = world.runpytest_subprocess("-p", "no:cacheprovider", "--route", "mini-lackspackage")
    assert ended.ret is pytest.ExitCode.INTERRUPTED
    ended.stdout.fnmatch_lines(["*! *it cannot run here: it imports no_such_package, which is not installed.*!*"])
    ended.assert_outcomes(errors=1)
