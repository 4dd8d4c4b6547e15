"""Released converters walked beside what is installed, where neither the record nor a baseline fits."""
