"""The `parity` command. Each module here that defines `command` is a verb, named by its file (`harness.cli.main`)."""
