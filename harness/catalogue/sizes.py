"""Sizes that rows agree on."""

OPEN_SIZE = 5
"""Size of an axis that is open at export, at the first inputs."""
