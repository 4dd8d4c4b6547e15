"""Where a converter's issues are filed: GitHub's form for a new issue, from the metadata of its distribution."""

from __future__ import annotations

import re
from collections import Counter
from importlib.metadata import PackageNotFoundError, metadata

from harness.installed import SUITE
from harness.results.events import SOURCE
from harness.results.file import Results

_REPOSITORY = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?(?:[/#?].*)?$")


def trackers(results: Results) -> dict[str, str]:
    """For each hop, or `source`, that deviates: the address of GitHub's form for a new issue, where one is known.

    The distribution's own metadata tells, or else the issues to which the expectations of its deviations link.
    """
    packages = {note.name: note.distribution for note in results.header.plugins if note.kind == "hop"}
    links: dict[str, Counter[str]] = {}
    for result in results.results:
        if result.blame is None:
            continue
        of_hop = links.setdefault(result.blame, Counter())
        if result.expectation is not None and (match := _REPOSITORY.match(result.expectation.link or "")):
            of_hop[match[1]] += 1
    forms = {}
    for hop, linked in links.items():
        package = packages.get(hop, "keras" if hop == SOURCE else "")
        repository = _declared(package) or next((name for name, _ in linked.most_common(1)), "")
        if repository and package != SUITE:
            forms[hop] = f"https://github.com/{repository}/issues/new"
    return forms


def _declared(package: str) -> str:
    """`owner/name` of the repository that a distribution names; '' for none, or where it is not installed."""
    try:
        known = metadata(package) if package else None
    except PackageNotFoundError:
        known = None
    if known is None:
        return ""
    pages = known.get_all("Home-page") or []
    urls = [*pages, *(url.partition(",")[2].strip() for url in known.get_all("Project-URL") or ())]
    return next((match[1] for url in urls if (match := _REPOSITORY.match(url))), "")
