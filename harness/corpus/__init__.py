"""The corpus of golden cases: its store, freezing, verification and coverage."""
