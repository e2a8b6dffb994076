"""Where commands print: tables to standard output, progress to a terminal only."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["Waiting", "progress_bar", "stdout_console"]

_PIPE_COLUMNS = 120
_MOMENT_S = 0.5


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


class Waiting:
    """A line on standard error that says what is going on, if that is a terminal.

    It disappears when the block ends or when ``pause`` is called, so that what a simulated program
    prints is not mixed with it; ``say`` brings it back.
    """

    def __init__(self, text: str, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.status import Status

        console = Console(stderr=True)
        self._hidden = quiet or not console.is_terminal
        self._status = Status(text, console=console)
        self._changed = time.monotonic()

    def say(self, text: str) -> None:
        """Show a text, unless there was another, or a pause, a moment ago."""
        now = time.monotonic()
        if not self._hidden and now - self._changed > _MOMENT_S:
            self._changed = now
            self._status.update(text)
            self._status.start()

    def pause(self) -> None:
        """Take the line away."""
        self._changed = time.monotonic()
        self._status.stop()

    def __enter__(self) -> "Waiting":
        if not self._hidden:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()
