"""One deviation as a folder that needs the frameworks only."""
