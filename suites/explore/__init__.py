"""Fresh cases."""
