"""The command line: one function per verb. Nothing heavy is imported before a verb is known."""

from regraft.cli.app import main

__all__ = ["main"]
