"""What has changed in a converter and was entered by no case of a run: nobody knows what it does now."""

from __future__ import annotations

from harness.results.changed import Changed
from harness.results.file import Results


def untried(head: Results, base: Results | None = None) -> tuple[Changed, ...]:
    """The changed functions that no result of the head entered, but those that the base had like this already.

    A file that nobody imports stands for all of its functions.
    """
    known = set() if base is None else {each.key for each in base.header.changed}
    entered = {digest for result in head.results for digest in result.entered}
    left = [each for each in head.header.changed if each.key not in known and each.digest not in entered]
    files = {each.file for each in left if each.is_file}
    return tuple(each for each in left if each.is_file or each.file not in files)
