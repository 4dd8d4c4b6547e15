"""Deviations as programs."""
