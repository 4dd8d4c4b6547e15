"""Conformance suite and parity harness for deep-learning model converters."""

from pathlib import Path

if not (_here := Path(__file__).parent).joinpath("suites").is_dir():
    __path__.append(str(_here.parent))  # in a checkout the suites lie beside the package: `harness.suites` all the same
