"""``thumbclock compare``: precisions, profiles and placements of an operator, side by side."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from thumbclock.cli.console import Waiting, progress_bar, stdout_console
from thumbclock.cli.options import (
    DEFAULT_PROFILE,
    OPERATOR_HELP,
    ActivationOption,
    AxisOption,
    BatteryOption,
    CachesOption,
    ClockOption,
    DilationOption,
    GroupsOption,
    JsonOption,
    KernelSizeOption,
    PaddingOption,
    PeriodOption,
    QuietOption,
    SeedOption,
    SelfDischargeOption,
    ShapeOption,
    SleepOption,
    StrideOption,
    SupplyOption,
    ToolchainOption,
    clock_hz,
    schedule,
    supply_v,
    words,
)
from thumbclock.errors import CheckFailed, UsageError

__all__ = ["compare"]


def compare(
    operator: Annotated[str, typer.Option(metavar="NAME", help=OPERATOR_HELP)] = "conv",
    precisions: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="One row each; the first is the baseline.  [default: the operator's usual ones]",
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            "--profiles",
            "-p",
            metavar="NAME,...",
            help=f"Boards to compare; repeat for more.  [default: {DEFAULT_PROFILE}]",
        ),
    ] = None,
    clock: ClockOption = None,
    supply: SupplyOption = None,
    caches: CachesOption = "usual",
    period: PeriodOption = None,
    sleep: SleepOption = None,
    battery: BatteryOption = None,
    self_discharge: SelfDischargeOption = 0.0,
    place: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=MEMORY,...",
            help="A placement to compare, e.g. code=flash; repeat for more. 'default' is the "
            "board's own.",
        ),
    ] = None,
    shape: ShapeOption = None,
    kernel_size: KernelSizeOption = None,
    stride: StrideOption = None,
    padding: PaddingOption = None,
    dilation: DilationOption = None,
    groups: GroupsOption = None,
    axis: AxisOption = None,
    activation: ActivationOption = None,
    toolchain: ToolchainOption = "zig",
    seed: SeedOption = 0,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the rows as .svg, .png or .pdf.")
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Build, run, check and price kernels, and hold them against the first of them.

    Exit code: 0 when every row was measured and equals its reference; 1 when an output differs or
    a row does not fit its board; 3 when a kernel faulted. The other rows are shown all the same.
    """
    with Waiting("starting the simulator (compiled on its first use)", quiet=quiet):
        from thumbclock.energy import check_schedule
        from thumbclock.kernels.operators import find_operator, parse_spec
        from thumbclock.kernels.options import KernelOptions
        from thumbclock.kernels.precision import parse_precision
        from thumbclock.profiles import load_profile
        from thumbclock.result import write_result
        from thumbclock.studies.compare import candidates, compare_kernels
        from thumbclock.toolchain import find_toolchain

    if chart is not None:
        from thumbclock.reports.charts import check_chart_path

        check_chart_path(chart)
        if json is not None and chart.resolve() == json.resolve():
            raise UsageError(f"--chart and --json both name {chart}; give two files")
    names = find_operator(operator).precisions if precisions is None else words([precisions])
    if not names:
        raise UsageError("--precisions names none; give at least one, e.g. w8a8,w4a4")
    described = KernelOptions(
        shape=shape,
        kernel=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        axis=axis,
        activation=activation,
    )
    specs = [
        parse_spec(operator, replace(described, precision=parse_precision(name))) for name in names
    ]
    boards = [
        load_profile(name, clock_hz=clock_hz(clock), supply_v=supply_v(supply), caches=caches)
        for name in words(profile or [DEFAULT_PROFILE])
    ]
    duty = schedule(period, sleep, battery, self_discharge)
    for board in boards:
        check_schedule(board.board, duty)
    rows = candidates(specs, boards, place or ["default"])
    compiler = find_toolchain(toolchain)
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("measuring", total=len(rows))
        result = compare_kernels(
            rows,
            compiler,
            title=specs[0].title,
            seed=seed,
            schedule=duty,
            each=lambda name: progress.update(task, advance=1, description=name),
        )
    if json is not None:
        write_result(result, json)
    if not quiet:
        from thumbclock.reports.tables import compare_summary

        stdout_console().print(compare_summary(result))
    if chart is not None and result.rows:
        from thumbclock.reports.charts import write_chart

        write_chart(result, chart)
        if not quiet:
            typer.echo(f"\nChart: {chart}")
    wrong = [row for row in result.rows if row.mismatch_count]
    if any(failure.kind == "fault" for failure in result.failures):
        raise typer.Exit(3)
    if wrong or result.failures:
        raise CheckFailed(
            f"{len(wrong)} of {len(rows)} rows differ from their reference, and "
            f"{len(result.failures)} could not be measured"
            + "".join(
                f"\n  {failure.implementation}: {failure.reason}"
                for failure in result.failures
                if quiet
            )
        )
