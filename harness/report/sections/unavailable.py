"""Routes that could not run, each with its reason."""

from __future__ import annotations

from typing import Any

from harness.report.sections import Look

PLACE = 20


def facts(look: Look) -> dict[str, Any] | None:
    """The routes; no section where all could run."""
    routes = look.results.header.unavailable
    return {"routes": routes} if routes else None
