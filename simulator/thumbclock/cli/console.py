"""Where commands print: tables to standard output, progress to a terminal only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["progress_bar", "stdout_console"]

_PIPE_COLUMNS = 120


def stdout_console() -> "Console":
    """Return a console for tables; in a pipe it is as wide as the widest of them."""
    from rich.console import Console

    stated = os.environ.get("COLUMNS", "").isdigit()
    width = None if stated or sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(highlight=False, width=width)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator["Progress"]:
    """Show a progress bar on standard error while the block runs, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield progress
