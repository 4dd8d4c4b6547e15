"""What results files mean: defects, findings, calibration. Nothing here runs a model."""
