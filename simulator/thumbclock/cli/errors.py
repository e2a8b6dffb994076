"""How a command ends that does not end well: one message on standard error, and an exit code."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from thumbclock.errors import ThumbclockError

__all__ = ["DEFECT", "INTERRUPTED", "reported"]

DEFECT = 70
"""Exit code of an exception that thumbclock did not expect (EX_SOFTWARE of sysexits.h)."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

_Parameters = ParamSpec("_Parameters")


def reported(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Wrap a command so that every exception becomes one message and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ThumbclockError as error:
            _say(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            _say("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("THUMBCLOCK_DEBUG") == "1":
                _print_traceback()
            _say(
                f"a defect of thumbclock: {type(error).__name__}: {error}; please report it with "
                "what THUMBCLOCK_DEBUG=1 prints"
            )
            raise typer.Exit(DEFECT) from None

    return wrapper


def _print_traceback() -> None:
    import traceback

    traceback.print_exc(file=sys.stderr)


def _say(message: str) -> None:
    sys.stdout.flush()
    typer.echo(f"thumbclock: {message}", err=True)
