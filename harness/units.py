"""Constants of float32 arithmetic that errors are measured by."""

UNIT = 2.0**-24
"""Unit roundoff of float32: the largest relative error of one rounding to nearest."""
SMALLEST = 2.0**-126
"""Smallest normal float32: below it, flushing to zero is allowed, so no scale is smaller."""
