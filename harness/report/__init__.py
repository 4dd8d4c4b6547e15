"""The report: one HTML file from one results file. It reads `harness.results.file` and nothing that runs."""

from harness.report.page import write_report

__all__ = ["write_report"]
