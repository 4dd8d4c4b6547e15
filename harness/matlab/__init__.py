"""MATLAB networks as files: readers that need NumPy and SciPy only, and the PyTorch layers that stand for MATLAB's."""
