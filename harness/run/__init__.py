"""Running: the walk of a case along a route, and what drives it."""
