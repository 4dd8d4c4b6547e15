"""Networks of MATLAB as files: parsed, read, written as PyTorch programs. Reading needs NumPy, SciPy and mat-io only."""
