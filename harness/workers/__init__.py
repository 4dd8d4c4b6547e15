"""Worker processes, each with one set of frameworks, and the requests that they answer."""
