"""Worker processes, and the requests that they answer."""
