"""Keras models as PyTorch programs: every tensor between two layers has the order of axes that it has in Keras."""
