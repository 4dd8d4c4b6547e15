"""What differs between two environments, and how it is allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.results.environments import OtherEnvironment, discrepancies

BASE = {"python": "3.11.7", "tf-keras": "2.21.0", "torch": "2.15.0", "jax": "not installed"}


def test_equal_environments_have_no_discrepancy() -> None:
    assert discrepancies(BASE, dict(BASE)) == ()


def test_what_differs_is_refused_with_the_option_that_allows_it() -> None:
    with pytest.raises(OtherEnvironment) as error:
        discrepancies(BASE, {**BASE, "python": "3.12.1", "torch": "2.16.0"}, across=["python"])
    assert str(error.value) == (
        "versions: the runs are of different environments: torch 2.15.0 -> 2.16.0; expected the same versions in both. "
        "If this is what you compare, say so: --across torch"
    )


@pytest.mark.parametrize("builds", [("2.15.0", "2.15.0+cpu"), ("2.15.0+cu132", "2.15.0")])
def test_a_build_of_the_same_release_is_told_and_not_refused(builds: tuple[str, str]) -> None:
    (each,) = discrepancies({"torch": builds[0]}, {"torch": builds[1]})
    assert (str(each), each.matters, each.allowed) == (f"torch {builds[0]} -> {builds[1]}", False, False)


@pytest.mark.parametrize("builds", [("2.15.0", "2.15.01+cpu"), ("2.15.0+cpu", "2.15.0+cu132"), ("2.15.0", "2.15.0.1")])
def test_another_release_or_another_build_is_refused(builds: tuple[str, str]) -> None:
    with pytest.raises(OtherEnvironment, match="--across torch"):
        discrepancies({"torch": builds[0]}, {"torch": builds[1]})


def test_a_name_may_be_spelled_as_packages_are() -> None:
    (each,) = discrepancies(BASE, {**BASE, "tf-keras": "2.20.0"}, across=["TF_Keras"])
    assert (each.name, each.allowed, each.is_backwards, str(each)) == (
        "tf-keras",
        True,
        True,
        "tf-keras 2.21.0 -> 2.20.0 (older)",
    )


def test_a_name_of_what_is_the_same_is_no_error() -> None:
    assert discrepancies(BASE, dict(BASE), across=["torch"]) == ()


def test_a_name_that_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(OtherEnvironment, match=r"neither run knows 'torhc'.*Nearest: torch\."):
        discrepancies(BASE, dict(BASE), across=["torhc"])


def test_what_one_lacks_is_listed_and_not_refused() -> None:
    """What needs it was walked in one of the two only."""
    differing = discrepancies(BASE, {"python": "3.11.7", "tf-keras": "2.21.0", "jax": "0.10.2"})
    assert [(each.name, each.base, each.head, each.matters) for each in differing] == [
        ("torch", "2.15.0", "not installed", False),
        ("jax", "not installed", "0.10.2", False),
    ]


def test_what_runs_tests_is_listed_and_not_refused() -> None:
    """A newer pytest alone made a gate walk everything twice. Nothing that gives a result imports it or Hypothesis:
    the import linter holds that for this project, and here it is seen of a gate and of a worker."""
    newer = {"pytest": "9.3.0", "hypothesis": "6.171.0", "torch": "2.15.0"}
    differing = discrepancies({"pytest": "9.2.0", "hypothesis": "6.170.15", "torch": "2.15.0"}, newer)
    assert [(each.name, each.matters) for each in differing] == [("pytest", False), ("hypothesis", False)]
    code = "import sys, harness.cli.gate, harness.beside.walk, harness.workers.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytest", "_pytest", "hypothesis"} & set(done.stdout.split())
