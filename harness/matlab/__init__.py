"""Read networks from MATLAB's files, without a framework, and write them as PyTorch programs."""
