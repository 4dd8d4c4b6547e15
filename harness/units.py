"""Constants of float32 arithmetic, by which errors are measured."""

UNIT = 2.0**-24
"""Unit roundoff of float32: the largest relative error of one rounding to nearest."""
TF32 = 2.0**-11
"""Unit roundoff of TF32, float32 with ten bits of mantissa, to which tensor cores may round operands of products."""
SMALLEST = 2.0**-126
"""Smallest normal float32. No noise scale is smaller, because flushing subnormal numbers to zero is allowed."""
