"""Formats, hops (converters), runtimes and the routes that they form. Only this room calls frameworks."""
