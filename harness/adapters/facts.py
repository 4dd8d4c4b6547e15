"""`python -m harness.adapters.facts module:Class KIND [DISTRIBUTION]`: the facts of one plugin as a line of JSON.

DISTRIBUTION names the distribution that holds the class, if the caller knows it, as an entry point does. The line is
`{"facts": {...}}`, or `{"error": {...}}` with the parts of a PluginError.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import distribution, packages_distributions

from harness.adapters.plugin import PluginError, facts_of
from harness.adapters.registry import resolve


def distribution_of(module: str) -> str:
    """The installed distribution that holds a module.

    '' for a loose file, and for a module of a namespace package that none of its distributions lists.
    """
    names = sorted(set(packages_distributions().get(module.partition(".")[0], ())))
    if len(names) > 1:  # a namespace package of several distributions
        path = module.replace(".", "/")
        files = (f"{path}.py", f"{path}/__init__.py")
        names = [name for name in names if any(str(file) in files for file in distribution(name).files or ())]
    return names[0] if len(names) == 1 else ""


def main() -> None:
    """Print the facts of the class, or the parts of the PluginError that it causes."""
    reference, kind, known, *_ = [*sys.argv[1:], ""]
    try:
        facts = facts_of(resolve(reference), kind, reference)
    except PluginError as error:
        print(json.dumps({"error": error.parts}))
        return
    origin = known or distribution_of(reference.partition(":")[0])
    print(json.dumps({"facts": {"distribution": origin, **facts, "origin": origin}}))


if __name__ == "__main__":
    main()
