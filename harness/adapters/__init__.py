"""What stands between the suite and a framework: formats, hops (converters) and runtimes, and how they join up."""
