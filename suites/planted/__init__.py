"""Faults planted in converters."""
