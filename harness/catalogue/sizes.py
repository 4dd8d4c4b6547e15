"""Sizes that all rows share."""

OPEN_SIZE = 5
"""Size of an open axis in the first inputs."""
