"""Printed commands: those that show a case again, with all options of its run on which the answer depends."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

_REPEATED = {"hops": "--hop", "workers": "--worker"}


def replay(
    case: str, route: str, options: Mapping[str, Any], *, opset: int | None = None, more: Sequence[str] = ()
) -> str:
    """`parity replay` of a case on a route, for a shell. `options` are those of a results file's header, in which what
    is left at its default is missing; `more` are words behind them. Without `opset` that of the run counts, if it has
    one."""
    words = ["parity", "replay", case, "--route", route]
    opsets = options.get("opset", ()) if opset is None else (opset,)
    words += ["--opset", str(opsets[0])] if len(opsets) == 1 else []
    words += [word for name, option in _REPEATED.items() for value in options.get(name, ()) for word in (option, value)]
    if pack := options.get("pack"):
        words += ["--pack", str(pack), *(["--anew"] if options.get("anew") else [])]
    words += ["--device", options["device"]] if "device" in options else []
    words += ["--limit", f"{options['limit']:g}"] if "limit" in options else []
    if baseline := options.get("baseline"):
        words += ["--baseline", str(baseline)]
        words += [word for name in options.get("across", ()) for word in ("--across", name)]
    return shlex.join([*words, *more])
