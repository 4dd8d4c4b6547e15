"""Since which release, or which commit, a deviation is there: throw-away environments, and a search over them."""
