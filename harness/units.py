"""Constants of float32 arithmetic, by which errors are measured."""

UNIT = 2.0**-24
"""Unit roundoff of float32: the largest relative error of one rounding to nearest."""
SMALLEST = 2.0**-126
"""Smallest normal float32. No noise scale is smaller, because flushing subnormal numbers to zero is allowed."""
