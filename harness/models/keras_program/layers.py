"""The writers of all layers: who imports `WRITERS` here has them registered."""

from __future__ import annotations

from harness.models.keras_program import activation, merging, normalization, recurrent, shapes, weighted
from harness.models.keras_program.writers import WRITERS

__all__ = ["WRITERS", "activation", "merging", "normalization", "recurrent", "shapes", "weighted"]
