"""``thumbclock study``: experiments that measure many kernels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.cli.console import Waiting, progress_bar, stdout_console
from thumbclock.cli.errors import reported
from thumbclock.cli.options import JsonOption, QuietOption, ToolchainOption
from thumbclock.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from thumbclock.result import LayerRow

__all__ = ["study"]

study = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Experiments that measure many kernels.",
)


@study.callback()
def _study() -> None:
    """Experiments that measure many kernels."""


def layers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of layers, .toml.")],
    match: Annotated[
        str, typer.Option(metavar="TEXT", help="Only kernels whose name contains it.")
    ] = "",
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the means as .svg, .png or .pdf.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown.")
    ] = None,
    toolchain: ToolchainOption = "zig",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Measure kernels on the layers of a file, beside the cycles that it states of others.

    Exit code: 0; 1 when an output differs from its reference; 2 when FILE is not valid; 3 when a
    kernel faulted. After Ctrl-C, what was measured so far is shown and written.
    """
    with Waiting("starting the simulator (compiled on its first use)", quiet=quiet):
        from thumbclock.reports.layers import layers_markdown, layers_summary, write_layers_figure
        from thumbclock.result import write_result
        from thumbclock.studies.layers import measure_layer, measurements, read_layers, summarise
        from thumbclock.toolchain import find_toolchain

    _check_outputs(file, figure, markdown, json)
    described = read_layers(file)
    chosen = [item for item in measurements(described) if match in item.name]
    if not chosen:
        raise UsageError(f"--match {match!r}: no kernel of {file} has that in its name")
    compiler = find_toolchain(toolchain)
    rows: list[LayerRow] = []
    interrupted = False
    try:
        with progress_bar(quiet=quiet) as progress:
            task = progress.add_task("measuring", total=len(chosen))
            for item in chosen:
                progress.update(task, description=item.name)
                rows.append(measure_layer(item, compiler))
                progress.update(task, advance=1)
    except KeyboardInterrupt:
        interrupted = True
    result = summarise(described, rows, compiler)
    if json is not None:
        write_result(result, json)
    if markdown is not None:
        markdown.write_text(layers_markdown(result), encoding="utf-8")
    if figure is not None and result.means:
        write_layers_figure(result, figure)
    if not quiet:
        stdout_console().print(layers_summary(result))
    if interrupted:
        raise KeyboardInterrupt
    if wrong := [row for row in rows if row.outputs_differ]:
        raise CheckFailed(
            f"{len(wrong)} of {len(rows)} kernels differ from their reference, the first "
            f"{wrong[0].layer} {wrong[0].implementation} on {wrong[0].profile}"
        )


def _check_outputs(file: Path, *outputs: Path | None) -> None:
    """Refuse before anything is measured what could not be written after it."""
    from thumbclock.reports.charts import check_chart_path

    figure, markdown, _ = outputs
    if figure is not None:
        check_chart_path(figure)
    if markdown is not None and markdown.suffix != ".md":
        raise UsageError(f"--markdown {markdown}: expected a name that ends in .md")
    given = [path.resolve() for path in (file, *outputs) if path is not None]
    if len(set(given)) < len(given):
        raise UsageError("two of FILE, --figure, --markdown and --json are the same file")


study.command()(reported(layers))
