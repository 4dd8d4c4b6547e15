"""`python -m harness.adapters.facts module:Class KIND [DISTRIBUTION]`: the facts of one plugin as a line of JSON.

DISTRIBUTION is the one that the class is of, where the caller knows it: an entry point says so.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import distribution, packages_distributions

from harness.adapters.plugin import facts_of
from harness.adapters.registry import resolve


def distribution_of(module: str) -> str:
    """The installed distribution that a module is of; '' for a loose file, and where several hold parts of its
    package and none lists the module."""
    found = sorted(set(packages_distributions().get(module.partition(".")[0], ())))
    if len(found) > 1:  # a namespace of several
        path = module.replace(".", "/")
        files = (f"{path}.py", f"{path}/__init__.py")
        found = [name for name in found if any(str(file) in files for file in distribution(name).files or ())]
    return found[0] if len(found) == 1 else ""


def main() -> None:
    """Print the facts; a PluginError ends the process with its message on stderr."""
    reference, kind, known, *_ = [*sys.argv[1:], ""]
    facts = facts_of(resolve(reference), kind, reference)
    origin = known or distribution_of(reference.partition(":")[0])
    print(json.dumps({"distribution": origin, **facts, "origin": origin}))


if __name__ == "__main__":
    main()
