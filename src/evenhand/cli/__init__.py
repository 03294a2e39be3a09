"""The command line: one file a command, each a thin twin of a library function."""

from evenhand.cli.app import app, main

__all__ = ["app", "main"]
