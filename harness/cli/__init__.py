"""The `parity` command. Each module here with a function `command` is a verb of the same name (`harness.cli.main`)."""
