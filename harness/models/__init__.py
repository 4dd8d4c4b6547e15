"""A user's own model file: read, predicted with, converted, judged."""
