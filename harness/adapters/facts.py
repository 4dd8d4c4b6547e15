"""`python -m harness.adapters.facts module:Class KIND`: the facts of one plugin as a line of JSON."""

from __future__ import annotations

import json
import sys

from harness.adapters.registry import facts_of, resolve


def main() -> None:
    """Print the facts; a PluginError ends the process with its message on stderr."""
    reference, kind = sys.argv[1:]
    print(json.dumps(facts_of(resolve(reference), kind, reference)))


if __name__ == "__main__":
    main()
