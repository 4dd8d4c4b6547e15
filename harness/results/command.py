"""Commands that the software prints, so that a reader can walk a case again as its run walked it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.results.events import Header

_REPEATED = {"hops": "--hop", "workers": "--worker"}


def replay(
    case: str, route: str, options: Mapping[str, Any], *, opset: int | None = None, more: Sequence[str] = ()
) -> str:
    """`parity replay` of a case on a route, quoted for a shell.

    `options` are those of the header of a results file, which leaves out what has its default. Without `opset` the
    command names the opset of the run, if the run has one opset only. `more` are words that end the command.
    """
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


def walk_of(header: Header, case: str, route: str) -> str:
    """`parity replay` of a case without a result, on a route or on the first part of one. The pack of the run is named
    where it gives the beginning of the route."""
    routes = () if header.pack is None else header.pack.routes
    is_behind = any(f"{each}-".startswith(f"{route}-") for each in routes)
    options = {name: value for name, value in header.options.items() if name != "pack" or is_behind}
    return replay(case, route, options)
