"""Networks of MATLAB and MatConvNet as PyTorch programs."""
