"""The results file: what a run leaves and all that reports and analyses read."""
