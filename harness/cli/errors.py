"""Errors that are the input's fault, not ours: they end the command with exit code 2 and no traceback."""

from __future__ import annotations

from harness.adapters.registry import PluginError
from harness.analysis.findings import FindingsError
from harness.corpus.store import GoldenError
from harness.judge.expectations import ExpectationError
from harness.matlab.readers.records import MatFileError, NetworkError
from harness.models.conversion import ConversionError
from harness.models.predict import PredictionError
from harness.reproducer.write import ReproduceError
from harness.results.events import ResultsError
from harness.run.reduce import ReduceError
from harness.run.session import SelectionError

INPUT_ERRORS = (
    GoldenError,
    ResultsError,
    SelectionError,
    PluginError,
    ExpectationError,
    FindingsError,
    PredictionError,
    ConversionError,
    MatFileError,
    NetworkError,
    ReduceError,
    ReproduceError,
)
