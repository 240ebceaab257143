"""The command line: one module a command, heavy parts imported where they are used."""
