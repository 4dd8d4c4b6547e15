"""The report: one HTML file made from one results file. Nothing here runs a model."""

from harness.report.page import write_report

__all__ = ["write_report"]
