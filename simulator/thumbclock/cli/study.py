"""``thumbclock study``: experiments that measure many kernels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.cli.console import Waiting, progress_bar, stdout_console
from thumbclock.cli.errors import reported
from thumbclock.cli.options import (
    DEFAULT_PROFILE,
    JsonOption,
    QuietOption,
    ToolchainOption,
    words,
)
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
        str,
        typer.Option(
            metavar="TEXT",
            help="Only where 'LAYER PRECISION BOARD' contains it, e.g. 'DS-CNN' or ' w4a4 '.",
        ),
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
        layers_there = ", ".join(dict.fromkeys(item.layer.name for item in measurements(described)))
        raise UsageError(
            f"--match {match!r}: expected a part of 'LAYER PRECISION BOARD'; {file} has the layers "
            f"{layers_there}"
        )
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
    if markdown is not None and not markdown.parent.is_dir():
        raise UsageError(f"cannot write {markdown}: there is no folder {markdown.parent}")
    given = [path.resolve() for path in (file, *outputs) if path is not None]
    if len(set(given)) < len(given):
        raise UsageError("two of FILE, --figure, --markdown and --json are the same file")


def unroll(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of layers, .toml.")],
    profile: Annotated[str, typer.Option(help="Board or core.")] = DEFAULT_PROFILE,
    place: Annotated[
        str, typer.Option(metavar="ROLE=MEMORY,...", help="Which memory holds what.")
    ] = "",
    kernels: Annotated[
        str, typer.Option(metavar="NAME,...", help="Kernels to choose from, for every layer.")
    ] = "w8a8,w8a8-unrolled",
    budget: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES", min=0, help="Most emitted code.  [default: 3/4 of the code memory]"
        ),
    ] = None,
    match: Annotated[
        str, typer.Option(metavar="TEXT", help="Only layers whose name contains it.")
    ] = "",
    toolchain: ToolchainOption = "zig",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Choose which layers of a file to unroll, for the fewest cycles in a budget of code memory.

    Exit code: 0; 1 when an output differs from its reference; 2 when FILE is not valid, or the
    budget does not suffice; 3 when a kernel faulted.
    """
    with Waiting("starting the simulator (compiled on its first use)", quiet=quiet):
        from thumbclock.kernels.precision import parse_precision
        from thumbclock.profiles import load_profile, parse_placement
        from thumbclock.reports.unroll import unroll_summary
        from thumbclock.result import write_result
        from thumbclock.studies.layers import layer_specs, read_layers
        from thumbclock.studies.unroll import Budget, choose, default_budget_bytes, measure_options
        from thumbclock.toolchain import find_toolchain

    board, compiler = load_profile(profile), find_toolchain(toolchain)
    placement = parse_placement(place, board.board)
    most = default_budget_bytes(placement) if budget is None else budget
    within = Budget(board, placement, most)
    precisions = [parse_precision(name) for name in words([kernels])]
    described = read_layers(file)
    chosen = layer_specs(described, precisions, match)
    if not chosen:
        raise UsageError(f"--match {match!r}: no layer of {file} has that in its name")
    rows = []
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("measuring", total=len(chosen))
        for name, specs in chosen.items():
            progress.update(task, description=name)
            rows.append(measure_options(name, specs, within, compiler))
            progress.update(task, advance=1)
    result = choose(described.title, rows, within, compiler)
    if json is not None:
        write_result(result, json)
    if not quiet:
        stdout_console().print(unroll_summary(result))
    options = [option for row in rows for option in row.options]
    if wrong := [option for option in options if option.outputs_differ]:
        raise CheckFailed(f"{len(wrong)} of {len(options)} kernels differ from their reference")


study.command()(reported(layers))
study.command()(reported(unroll))
