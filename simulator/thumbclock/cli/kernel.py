"""``thumbclock kernel``: build, run, check and price one kernel."""

from typing import Annotated

import typer

from thumbclock.cli.console import Waiting, stdout_console
from thumbclock.cli.options import (
    DEFAULT_PROFILE,
    DEFAULT_SHAPE,
    BatteryOption,
    CachesOption,
    ClockOption,
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
    operator_name,
    schedule,
    supply_v,
)
from thumbclock.errors import CheckFailed

__all__ = ["kernel"]


def kernel(
    operator: Annotated[str, typer.Argument(metavar="OPERATOR", help="conv")],
    weights: Annotated[int, typer.Option(metavar="BITS", help="Bits of a weight.")] = 8,
    activations: Annotated[int, typer.Option(metavar="BITS", help="Bits of an activation.")] = 8,
    shape: ShapeOption = DEFAULT_SHAPE,
    kernel_size: KernelSizeOption = "3x3",
    stride: StrideOption = "1",
    padding: PaddingOption = "same",
    skip: Annotated[
        int | None,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help="Leave out so many operands; unrolled code."
        ),
    ] = None,
    unrolled: Annotated[
        bool, typer.Option("--unrolled", help="Emit the weights as constants in code.")
    ] = False,
    profile: Annotated[
        str, typer.Option("--profile", "-p", metavar="NAME", help="Board; see thumbclock profiles.")
    ] = DEFAULT_PROFILE,
    clock: ClockOption = None,
    supply: SupplyOption = None,
    caches: CachesOption = "usual",
    period: PeriodOption = None,
    sleep: SleepOption = None,
    battery: BatteryOption = None,
    self_discharge: SelfDischargeOption = 0.0,
    place: Annotated[
        str,
        typer.Option(
            metavar="ROLE=MEMORY,...",
            help="Where parts lie, e.g. code=flash; the rest as the board has it.",
        ),
    ] = "",
    toolchain: ToolchainOption = "zig",
    seed: SeedOption = 0,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Build, run, check and price one kernel, at the second of two calls.

    Exit code: 0 when every output equals the reference; 1 when one differs.
    """
    from thumbclock.energy import check_schedule, with_schedule
    from thumbclock.kernels.spec import ConvSpec
    from thumbclock.profiles import load_profile, parse_placement
    from thumbclock.result import write_result
    from thumbclock.toolchain import find_toolchain

    operator_name(operator)
    spec = ConvSpec.parse(
        shape,
        kernel=kernel_size,
        stride=stride,
        padding=padding,
        precision=_precision(weights, activations, skip, unrolled=unrolled),
    )
    board = load_profile(
        profile, clock_hz=clock_hz(clock), supply_v=supply_v(supply), caches=caches
    )
    placement = parse_placement(place, board.board)
    duty = schedule(period, sleep, battery, self_discharge)
    check_schedule(board.board, duty)
    with Waiting(f"building and running {spec.shape_text}", quiet=quiet):
        from thumbclock.kernels.measure import measure

        result = measure(spec, board, placement, find_toolchain(toolchain), seed=seed)
    result = result.model_copy(update={"run": with_schedule(result.run, board.board, duty)})
    if json is not None:
        write_result(result, json)
    if not quiet:
        from thumbclock.reports.tables import kernel_summary

        stdout_console().print(kernel_summary(result))
    if result.mismatch_count:
        first = result.mismatches[0]
        raise CheckFailed(
            f"{result.mismatch_count} outputs differ from the reference, the first at "
            f"{list(first.index)}: expected {first.expected}, found {first.actual}"
        )


def _precision(weights: int, activations: int, skip: int | None, *, unrolled: bool) -> str:
    name = f"w{weights}a{activations}"
    if skip is not None:
        return f"{name}-skip{skip}"
    return f"{name}-unrolled" if unrolled else name
