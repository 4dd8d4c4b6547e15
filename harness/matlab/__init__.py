"""Networks of MATLAB as files: parsed, read, written as PyTorch programs. Reading needs no framework."""
