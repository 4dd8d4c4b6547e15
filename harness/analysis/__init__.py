"""Analyses results files: defects, findings, calibration. Nothing here runs a model."""
