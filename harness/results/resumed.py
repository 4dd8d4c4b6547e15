"""What a run takes from the results file of an earlier one: all that a cut run did, or which cases failed."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from harness.errors import InputError
from harness.results.events import Header, Judgement
from harness.results.file import Results

INDIFFERENT = frozenset({"cache", "no-cache"})
"""Options in which the two parts of a run may differ."""
_FACTS = ("versions", "routes", "plugins", "floor", "changed", "pack", "under_test", "beside")
_FAILED = f'"judgement":"{Judgement.FAILED}"'
AGAIN = "Repeat the whole run: go without --resume"


class CannotResume(InputError):
    """A results file with which a run cannot go on."""


def cut_run(path: Path) -> Results | None:
    """The results of a cut run; None if the file is missing, or was cut before its first result.

    Raises CannotResume for a run that has its end, and ResultsError for a file that is damaged.
    """
    if not path.is_file() or b"\n" not in path.read_bytes()[: 1 << 20]:
        return None
    cut = Results.load(path, cut_ok=True)
    if not cut.cut:
        raise CannotResume("the run has its end: there is nothing to go on with", where=path, advice=AGAIN)
    return cut if cut.results else None


def check_same(cut: Results, header: Header, owed: Collection[tuple[str, str]], path: Path) -> None:
    """Raise CannotResume if a run with this header, which owes these pairs of case and route, is not the cut one."""
    earlier = cut.header
    different = [name for name in _FACTS if getattr(earlier, name) != getattr(header, name)]
    different += sorted(
        name
        for name in earlier.options.keys() | header.options.keys()
        if name not in INDIFFERENT and earlier.options.get(name) != header.to_json()["options"].get(name)
    )
    if "versions" in different:
        both = sorted(earlier.versions.keys() | header.versions.keys())
        changed = [name for name in both if earlier.versions.get(name) != header.versions.get(name)]
        different[different.index("versions")] = f"the versions of {', '.join(changed)}"
    if not different and cut.owed_pairs != frozenset(owed):
        different = ["the cases that are owed"]
    if different:
        raise CannotResume(
            f"the cut run was another: different are {', '.join(different)}",
            where=path,
            expected=f"the run `{' '.join(earlier.command)}`",
            advice="Give the same options, or repeat the whole run without --resume, with other results: --results",
        )


def failed_cases(path: Path) -> frozenset[str]:
    """The ids of the cases that failed in the run whose file this is; empty where there is no such file.

    Only lines of failures are parsed. What is no results file tells nothing: the run that asks will replace the file.
    """
    cases = set()
    with suppress(OSError, ValueError, KeyError), path.open(encoding="utf-8") as file:
        for line in file:
            if _FAILED in line:
                data = json.loads(line)
                if data["judgement"] == Judgement.FAILED:
                    cases.add(data["case"])
    return frozenset(cases)
