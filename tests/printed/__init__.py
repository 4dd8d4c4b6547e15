"""What the documentation prints, found and run."""
