"""What an error looks like on the command line: its text on stderr and an exit code, a traceback only with `--debug`.

====  =================================================================================
code  meaning
====  =================================================================================
0     done
1     the run failed (a deadlock, for instance), or aimcsim did
2     the input cannot be used: a file, an option, a network that does not fit its chip
3     a check of results failed
130   interrupted
143   terminated
====  =================================================================================
"""

from __future__ import annotations

import errno
import signal
import traceback
import warnings
from typing import Any

import typer
from typer.core import TyperCommand

from aimcsim.errors import AimcsimError, InputError

FAILED = 1
CHECK_FAILED = 3
INTERRUPTED = 130
TERMINATED = 143
MOST_LINES = 40
"""Mistakes that are listed at a time; `check --json` has all."""


class Terminated(KeyboardInterrupt):
    """Somebody asked the process to end; like an interrupt, but from elsewhere."""


def _terminate(*_signal: object) -> None:
    raise Terminated


class GuardedCommand(TyperCommand):
    """A command that ends with an exit code and never with a traceback, unless `aimcsim --debug` asks for it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options, and say what is wrong with one without words that come from a library below Typer."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ").partition(", unable to parse")[0]
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        before = signal.signal(signal.SIGTERM, _terminate)
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning  # type: ignore[assignment]
                return super().invoke(ctx)
        except (typer.Exit, BrokenPipeError):
            raise  # a chosen end; a reader that has stopped, where Typer ends quietly
        except KeyboardInterrupt as error:
            word, code = ("terminated", TERMINATED) if isinstance(error, Terminated) else ("interrupted", INTERRUPTED)
            typer.echo(": ".join((word, *map(str, error.args))), err=True)
            raise typer.Exit(code) from None
        except Exception as error:  # noqa: BLE001 - the last line of defence
            if ctx.find_root().params.get("debug"):
                traceback.print_exc()
            else:
                typer.echo(_text(error), err=True)
            raise typer.Exit(error.exit_code if isinstance(error, AimcsimError) else FAILED) from None
        finally:
            signal.signal(signal.SIGTERM, before)


def _show_warning(message: Warning | str, *_where: object) -> None:
    """Say a warning as a line on stderr."""
    typer.echo(f"warning: {message}", err=True)


def _text(error: Exception) -> str:
    """Return what a user reads."""
    if isinstance(error, InputError):
        lines = str(error).splitlines()
        more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        return "\n".join([*(line for message in lines[:MOST_LINES] for line in spread(message)), *more])
    if isinstance(error, AimcsimError | ImportError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"cannot write: {error.strerror}"
    what = f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"internal error, please report it with the output of `aimcsim --debug ...` ({what})"


def spread(message: str) -> list[str]:
    """Return a message with a line for everything it lists: what needs the space, and levers, first those that fit."""
    for word in ("; levers: ", ". Levers: "):
        what, found, levers = message.partition(word)
        if found:
            break
    else:
        return [message]
    what, found, needs = what.partition("): ")
    listed = [f"{what}):", *(f"  {need}" for need in needs.split("; "))] if found else [what]
    ordered = sorted(levers.split("; "), key=lambda lever: "still too many" in lever)
    return [*listed, "levers:", *(f"  {lever}" for lever in ordered)]
