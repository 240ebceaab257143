"""The command line: one module a command; what is heavy is imported when it is used."""
