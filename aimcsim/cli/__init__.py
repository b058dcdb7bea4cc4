"""The command line: `app` holds the commands, `views` what they show, `tables` and `summaries` how that looks."""

from aimcsim.cli.app import app, main

__all__ = ["app", "main"]
