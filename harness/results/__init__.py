"""The results file. A run writes it; reports and analyses read nothing else of a run."""
