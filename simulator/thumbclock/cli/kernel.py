"""``thumbclock kernel``: build, run, check and price one kernel."""

from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.cli.console import Waiting, stdout_console
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
)
from thumbclock.errors import CheckFailed

if TYPE_CHECKING:
    from thumbclock.kernels.precision import Precision

__all__ = ["kernel"]


def kernel(
    operator: Annotated[str, typer.Argument(metavar="OPERATOR", help=OPERATOR_HELP)],
    weights: Annotated[int, typer.Option(metavar="BITS", help="Bits of a weight.")] = 8,
    activations: Annotated[int, typer.Option(metavar="BITS", help="Bits of an activation.")] = 8,
    output: Annotated[
        int | None,
        typer.Option(metavar="BITS", help="Bits of an output.  [default: as activations]"),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Activations of 4 and 2 bits are signed.")
    ] = False,
    thresholds: Annotated[
        bool, typer.Option("--thresholds", help="Requantize by thresholds, to 4 bits or less.")
    ] = False,
    shape: ShapeOption = None,
    kernel_size: KernelSizeOption = None,
    stride: StrideOption = None,
    padding: PaddingOption = None,
    dilation: DilationOption = None,
    groups: GroupsOption = None,
    axis: AxisOption = None,
    activation: ActivationOption = None,
    skip: Annotated[
        int | None,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help="Leave out so many operands; unrolled code."
        ),
    ] = None,
    unrolled: Annotated[
        bool, typer.Option("--unrolled", help="Emit the weights as constants in code.")
    ] = False,
    winograd: Annotated[
        bool, typer.Option("--winograd", help="Fewer products for more flash; 3x3, stride 1.")
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
    check_memory: Annotated[
        bool,
        typer.Option(
            "--check-memory", help="Check every load and store as well; slow on large layers."
        ),
    ] = False,
    toolchain: ToolchainOption = "zig",
    seed: SeedOption = 0,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Build, run, check and price one kernel, at the second of two calls.

    Exit code: 0 when every output equals the reference; 1 when one differs.
    """
    from thumbclock.energy import check_schedule, with_schedule
    from thumbclock.kernels.operators import parse_spec
    from thumbclock.kernels.options import KernelOptions
    from thumbclock.profiles import load_profile, parse_placement
    from thumbclock.result import write_result
    from thumbclock.toolchain import find_toolchain

    precision = _precision(
        weights,
        activations,
        output,
        skip,
        signed=signed,
        thresholds=thresholds,
        winograd=winograd,
        unrolled=unrolled,
    )
    spec = parse_spec(
        operator,
        KernelOptions(
            precision=precision,
            shape=shape,
            kernel=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            axis=axis,
            activation=activation,
        ),
    )
    board = load_profile(
        profile, clock_hz=clock_hz(clock), supply_v=supply_v(supply), caches=caches
    )
    placement = parse_placement(place, board.board)
    duty = schedule(period, sleep, battery, self_discharge)
    check_schedule(board.board, duty)
    with Waiting(f"building and running {spec.shape_text}", quiet=quiet):
        from thumbclock.kernels.measure import measure

        result = measure(
            spec, board, placement, find_toolchain(toolchain), seed=seed, check_memory=check_memory
        )
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


def _precision(
    weights: int,
    activations: int,
    output: int | None,
    skip: int | None,
    *,
    signed: bool,
    thresholds: bool,
    winograd: bool,
    unrolled: bool,
) -> "Precision":
    from thumbclock.kernels.precision import parse_precision

    emitted = f"-skip{skip}" if skip is not None else "-unrolled" * unrolled
    return parse_precision(
        f"w{weights}a{activations}"
        + (f"o{output}" if output is not None else "")
        + "s" * signed
        + "-thresholds" * thresholds
        + "-winograd" * winograd
        + emitted
    )
