"""The report: one HTML file about a run, a difference or a matrix. Nothing here runs a model."""
