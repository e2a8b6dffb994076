"""The command line: one module per command, thin, and nothing heavy imported before it is needed.

Exit codes: 0 good; 1 a check failed; 2 bad input or usage; 3 the simulated program faulted or ran
out of its limits; 70 a defect of thumbclock; 130 interrupted.
"""

from typing import Annotated

import typer

from thumbclock.cli.compare import compare
from thumbclock.cli.errors import reported
from thumbclock.cli.kernel import kernel
from thumbclock.cli.profiles import profiles
from thumbclock.cli.run import run
from thumbclock.cli.schedule import schedule
from thumbclock.cli.study import study
from thumbclock.cli.validate import validate

__all__ = ["app", "main"]

# Plain help: rich's costs as much to import as everything else here together.
app = typer.Typer(
    name="thumbclock",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, kernel, compare, schedule, validate, profiles):
    app.command()(reported(command))
app.add_typer(study, name="study")


def _show_version(wanted: bool) -> None:
    if wanted:
        import thumbclock

        typer.echo(f"thumbclock {thumbclock.__version__}")
        raise typer.Exit


@app.callback()
def _thumbclock(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """What would this cost on that microcontroller?

    Runs Cortex-M programs and quantized kernels and estimates cycles, time, energy, RAM and flash.
    """


def main() -> None:
    """Run the command line and exit with its code."""
    app(prog_name="thumbclock")
