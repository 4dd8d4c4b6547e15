"""The corpus of golden cases: its store, how it is frozen and verified, and what it covers."""
