"""The command line: `app` holds the commands, `views` what they show, `tables` how that looks in a terminal."""

from aimcsim.cli.app import app, main

__all__ = ["app", "main"]
