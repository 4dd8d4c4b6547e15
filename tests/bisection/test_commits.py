"""Bisection over the commits of a miniature package's checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bisection.commits import Commits, needs_both
from harness.bisection.search import Bisection
from harness.bisection.trials import BisectError, Trials
from tests.bisection.conftest import Lab
from tests.bisection.miniature import BAD, CRASHES, GOOD, NAME, commit, git

NO_BUILD = f"{GOOD}  # no build"


def history(checkout: Path, *sources: str) -> list[str]:
    """Commits `c0`, `c1` and so on."""
    return [commit(checkout, f"c{k}", source) for k, source in enumerate(sources)]


def bisect(trials: Trials, checkout: Path, good: str, bad: str = "HEAD") -> Bisection:
    return Commits(checkout, good, bad, trials.folder).bisection(trials)


def subjects(bisection: Bisection) -> list[tuple[str, str]]:
    return [(trial.name.split(" (")[1].rstrip(")"), trial.word) for trial in bisection.trials]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_first_bad_commit_and_a_checkout_left_as_it_was(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = history(checkout, GOOD, GOOD, GOOD, BAD, BAD, BAD)
    git(checkout, "tag", "v1.0", names[0])
    (checkout / "minipkg.py").write_text(GOOD)  # which is not committed
    before = contents(checkout)
    told: list[str] = []
    found = bisect(lab(told=told), checkout, "v1.0")
    assert found.sentences == (
        f"{names[3][:12]} (c3) is the first bad commit of minipkg; {names[2][:12]} (c2) is good.",
    )
    assert subjects(found) == [("c5", "bad"), ("c0", "good"), ("c2", "good"), ("c4", "bad"), ("c3", "bad")]
    assert told[2] == "4 commits lie between: about 3 more trials"
    assert contents(checkout) == before


def test_the_first_good_commit_where_good_descends_from_bad(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = history(checkout, BAD, BAD, GOOD, GOOD)
    found = bisect(lab(), checkout, "HEAD", names[0])
    assert found.turn is not None
    assert found.sentences[0].startswith(f"{names[2][:12]} (c2) is the first good commit")


def test_commits_that_cannot_be_tried_are_skipped(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = history(checkout, GOOD, GOOD, NO_BUILD, CRASHES, BAD, BAD)
    found = bisect(lab(), checkout, names[0])
    assert found.turn is not None
    assert [each.partition("(")[2] for each in found.turn.candidates] == ["c2)", "c3)", "c4)"]
    assert found.turn.before.name == f"{names[1][:12]} (c1)"
    lines = {trial.name[-3:-1]: trial.line for trial in found.turn.between}
    assert "this commit does not build" in lines["c2"]
    assert lines["c3"] == "it printed nothing"


def test_a_side_branch(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    first, _ = history(checkout, GOOD, GOOD)
    git(checkout, "checkout", "--quiet", "-b", "side", first)
    fault = commit(checkout, "side", BAD)
    git(checkout, "checkout", "--quiet", "main")
    git(checkout, "merge", "--quiet", "--strategy-option=theirs", "--no-ff", "--message", "merge", "side")
    found = bisect(lab(), checkout, first)
    assert found.sentences == (f"{fault[:12]} (side) is the first bad commit of minipkg; {first[:12]} (c0) is good.",)


def test_a_package_below_the_top_of_its_repository(lab: Lab, tmp_path: Path) -> None:
    top = tmp_path / "top"
    for k, source in enumerate((GOOD, BAD)):
        commit(top, f"c{k}", source)
    inside = top / "python"
    inside.mkdir()
    for name in ("backend.py", "pyproject.toml", "minipkg.py"):
        git(top, "mv", name, f"python/{name}")
    git(top, "commit", "--quiet", "--message", "c2")
    (inside / "minipkg.py").write_text(GOOD)
    git(top, "commit", "--quiet", "--all", "--message", "c3")
    found = bisect(lab(), inside, "HEAD", "HEAD~")
    assert subjects(found) == [("c2", "bad"), ("c3", "good")]


def test_ends_the_wrong_way_round(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = history(checkout, GOOD, BAD)
    with pytest.raises(BisectError, match="the ends are the wrong way round"):
        bisect(lab(), checkout, names[1], names[0])


def test_ends_that_no_line_of_history_joins(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    first, second = history(checkout, GOOD, BAD)
    git(checkout, "checkout", "--quiet", "-b", "side", first)
    commit(checkout, "side", GOOD)
    with pytest.raises(BisectError) as caught:
        bisect(lab(), checkout, "side", second)
    assert str(caught.value) == (
        f"--good, --bad: neither of side and {second} is an ancestor of the other; expected two commits of one line of "
        f"history. Their nearest common ancestor is {first[:12]}: try it in place of the good one"
    )


def test_names_that_git_does_not_know(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (name,) = history(checkout, GOOD)
    with pytest.raises(BisectError) as caught:
        bisect(lab(), checkout, "v7")
    assert str(caught.value) == (
        f"--good: there is no such commit; expected a tag, a branch or a commit of {checkout}, got v7. `git fetch "
        "--tags` in the checkout may bring it"
    )
    with pytest.raises(BisectError, match="the good and the bad commit are the same"):
        bisect(lab(), checkout, name)
    with pytest.raises(BisectError, match="git rev-parse: fatal: not a git repository"):
        bisect(lab(), tmp_path, "v7")


def test_the_bad_end_is_the_head_and_the_good_one_must_be_named() -> None:
    assert needs_both("v1", None) == ("v1", "HEAD")
    with pytest.raises(BisectError, match="--good: a bisection of a checkout needs a good commit"):
        needs_both(None, "HEAD")


def test_the_commit_is_what_is_installed(lab: Lab, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = history(checkout, GOOD, BAD)
    found = bisect(lab(), checkout, names[0])
    assert found.trials[0].versions[NAME].endswith(names[1])
