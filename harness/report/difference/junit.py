"""The difference between two runs as JUnit XML: a suite for each route, a test for each result that was compared.

One more suite has a test for each changed function of a converter that no case entered, which was skipped.
"""

from __future__ import annotations

import re
from collections import defaultdict

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from harness.analysis.change import Change
from harness.analysis.difference import Difference
from harness.report.difference import words

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""
NOT_TRIED = "changed and not tried"
"""Name of the suite whose tests are functions."""


def junit(difference: Difference) -> bytes:
    """The file. What fails is a failure, what is accepted is skipped with its reason; the rest passed."""
    suites: dict[str, list[TestCase]] = defaultdict(list)
    changes = {change.key: change for change in difference.changes}
    new = {result.key for result in difference.new}
    for result in difference.head.results:
        if result.key not in new and result.key not in changes:
            suites[result.route].append(_test(result.case, result.layer, result.seconds))
    for change in difference.changes:
        test = _test(change.case, change.layer, change.result.seconds if change.result else 0.0)
        if (told := _told(change)) is not None:
            test.result = [told]
        suites[change.route].append(test)
    for each in difference.untried:
        test = TestCase(each.name, classname=each.file)
        test.result = [Skipped(_clean(words.not_tried(each)), "untried")]
        suites[NOT_TRIED].append(test)
    document = JUnitXml("parity")
    for route, tests in sorted(suites.items()):
        suite = TestSuite(route)
        suite.add_testcases(tests)
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(document.tostring())  # type: ignore[no-untyped-call]


def _test(case: str, layer: str, seconds: float) -> TestCase:
    return TestCase(case, classname=layer, time=round(seconds, 3))


def _told(change: Change) -> Failure | Skipped | None:
    if not change.is_worse:
        return None
    if not change.fails and change.accepted is not None:
        return Skipped(_clean(f"accepted until {change.accepted.until}: {change.accepted.reason}"), change.answer.value)
    failure = Failure(_clean(f"{change.answer}: {change.before} -> {change.now} at {change.by}"), change.answer.value)
    failure.text = _clean(
        f"{words.joined(change.now, change.message)}\nbefore: {change.before}\nagain: {change.replay}"
    )
    return failure


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
