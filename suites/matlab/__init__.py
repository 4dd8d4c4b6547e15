"""MATLAB's files."""
