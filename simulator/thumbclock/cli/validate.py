"""``thumbclock validate``: estimates against cycles measured on silicon."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.cli.console import Waiting, progress_bar, stdout_console
from thumbclock.cli.options import JsonOption, QuietOption
from thumbclock.errors import CheckFailed, SimulationFault, UsageError

if TYPE_CHECKING:
    from thumbclock.result import ValidationResult, ValidationRow

__all__ = ["validate"]

_TIMEOUT_S = 60.0


def validate(
    figures: Annotated[
        Path, typer.Argument(metavar="FIGURES", help="Measured cycles, in .toml or .csv.")
    ],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the images.  [default: that of FIGURES]"),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", min=0, help="What each row may be off by."),
    ] = None,
    max_mean_error: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", min=0, help="What each group may be off by on average."),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw estimates against silicon as .svg, .png or .pdf."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take rows from an earlier --json where image, profile and region are the same.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.001, help="Time for each row here.")
    ] = _TIMEOUT_S,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Hold estimates against cycles measured on silicon: error by row, mean, worst and bias.

    FIGURES has a row for each measured figure: CSV with a column for each key, or TOML with a table
    [[row]] for each, [defaults] for all, title, suite and [sources]. The keys:

    \b
      image       ELF or Intel HEX, relative to FIGURES or --images
      profile     board, or a .toml file relative to FIGURES
      region      what is measured, see below
      measured    cycles that silicon took
      source      a tag of profiles/sources.toml or [sources], or a citation

    \b
    and perhaps
      name        of the row
      group       what is counted together; by default the core
      tolerance   e.g. 4 % or 6 cycles, whichever is more
      note        for a reader
      set         SYMBOL=INTEGER,...   words to set when main is reached
      minus       a second measurement to subtract: minus.set, minus.image
      per         what the cycles are divided by
      caches, clock_hz, supply_v    where they are not the profile's

    \b
    Regions; a PLACE is a symbol or an address, N counts from 1:
      run                           from reset to the end
      call:FUNCTION(ARG,...) nth:N  the Nth call in a row (1 is cold), after main
                                    is reached, or after:PLACE
      from:PLACE to:PLACE nth:N     from the Nth arrival; without from: from
                                    reset, without to: to the end
      symbol:NAME[INDEX] at:PLACE   a word of cycles that the program counted;
                                    without at: when it has ended

    \b
    A TOML table with these words as keys is the same:
      region = { call = "f", arguments = [3, "table"], nth = 2 }
    A marginal cost, here of one of 10 more iterations:
      set = { n = 30 }   minus = { set = { n = 20 } }   per = 10

    Exit code: 0; 1 when a row is off by more than its tolerance or --max-error, or a group by more
    than --max-mean-error; 2 when FIGURES is not valid; 3 when a program faulted or took too long:
    the other rows are shown all the same. After Ctrl-C, --json has the rows measured so far, for
    --resume.
    """  # noqa: D301 - \b is the character by which click leaves a paragraph as it is
    with Waiting("starting the simulator (compiled on its first use)", quiet=quiet):
        from thumbclock.result import ValidationResult, read_result, write_result
        from thumbclock.studies.figures import read_figures
        from thumbclock.studies.validate import measure_rows, subjects, summarise

    _check_outputs(figures, json, figure)
    earlier = None if resume is None else read_result(resume)
    if earlier is not None and not isinstance(earlier, ValidationResult):
        raise UsageError(f"--resume {resume}: expected a result of thumbclock validate")
    file = read_figures(figures, images)
    chosen = subjects(file)
    rows: list[ValidationRow] = []
    try:
        with progress_bar(quiet=quiet) as progress:
            task = progress.add_task("measuring", total=len(chosen))
            for row in measure_rows(chosen, timeout_s=timeout, earlier=earlier):
                rows.append(row)
                progress.update(task, advance=1, description=row.name)
    except KeyboardInterrupt:
        if json is not None:
            write_result(summarise(file, rows), json)
        raise
    result = summarise(file, rows)
    if json is not None:
        write_result(result, json)
    if not quiet:
        from thumbclock.reports.validation import validation_summary

        stdout_console().print(validation_summary(result))
    if figure is not None and result.overall is not None:
        from thumbclock.reports.validation import write_validation_figure

        write_validation_figure(result, figure)
    _judge(result, max_error, max_mean_error)


def _check_outputs(figures: Path, json: Path | None, figure: Path | None) -> None:
    """Refuse before anything is measured what could not be written after it."""
    if figure is None:
        return
    from thumbclock.reports.charts import check_chart_path

    check_chart_path(figure)
    for other in (figures, json):
        if other is not None and figure.resolve() == other.resolve():
            raise UsageError(f"--figure {figure}: expected a file of its own")


def _judge(
    result: "ValidationResult", max_error: float | None, max_mean_error: float | None
) -> None:
    """Raise what the exit code tells."""
    if failed := [row for row in result.rows if row.failure is not None]:
        raise SimulationFault(
            f"{len(failed)} of {len(result.rows)} rows have no estimate; the first, "
            f"{failed[0].name}: {failed[0].failure}"
        )
    over = [
        f"{row.name}: {row.error_percent or 0:+.2f} %, allowed {row.tolerance}"
        for row in result.rows
        if row.within_tolerance is False
    ]
    if max_error is not None:
        over += [
            f"{row.name}: {row.error_percent or 0:+.2f} %, allowed {max_error:g} % (--max-error)"
            for row in result.rows
            if abs(row.error_percent or 0) > max_error
        ]
    if max_mean_error is not None:
        over += [
            f"{group.group}: mean error {group.mean_percent:.2f} %, allowed {max_mean_error:g} % "
            "(--max-mean-error)"
            for group in result.groups
            if group.mean_percent > max_mean_error
        ]
    if over:
        raise CheckFailed("\n  ".join(("errors above what is allowed:", *over)))
