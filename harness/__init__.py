"""Conformance suite and parity harness for deep-learning model converters."""
