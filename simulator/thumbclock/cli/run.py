"""``thumbclock run``: what an image costs on a board."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thumbclock.cli.console import Waiting, stdout_console
from thumbclock.cli.options import (
    BatteryOption,
    CachesOption,
    ClockOption,
    JsonOption,
    PeriodOption,
    QuietOption,
    SelfDischargeOption,
    SleepOption,
    SupplyOption,
    clock_hz,
    schedule,
    supply_v,
)
from thumbclock.errors import SimulationFault, UsageError

if TYPE_CHECKING:
    from thumbclock.machine import Machine
    from thumbclock.result import RunResult

__all__ = ["run"]

_TIMEOUT_S = 60.0
_ENDS = {"exit", "returned", "idle"}  # exits of which a duty cycle can be made


def run(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="ELF, Intel HEX, or raw binary with --base.")
    ],
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="Board; see thumbclock profiles.",
            show_default=False,
        ),
    ],
    clock: ClockOption = None,
    supply: SupplyOption = None,
    caches: CachesOption = "usual",
    period: PeriodOption = None,
    sleep: SleepOption = None,
    battery: BatteryOption = None,
    self_discharge: SelfDischargeOption = 0.0,
    base: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Load address of a raw binary.")
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            metavar="SYMBOL",
            help="Price one call of this function. Where the image has a main, its start-up code "
            "runs first and is not counted.",
        ),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N", help="Argument of the function: an integer or symbol. Repeat for more."
        ),
    ] = None,
    max_instructions: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Stop after so many instructions, at the end of a basic block."
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Stop after so much time here; 0: never."),
    ] = _TIMEOUT_S,
    engine: Annotated[
        Literal["memoised", "stepped"],
        typer.Option(help="The fast engine, or the slow reference."),
    ] = "memoised",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run an image on a simulated board and say what it cost.

    What the program prints by semihosting goes to standard output. Exit code: 0 when the program
    came to its end, whatever exit code of its own it gave; 3 when it faulted or reached a limit.
    """
    from thumbclock.energy import check_schedule, with_schedule
    from thumbclock.profiles import load_profile
    from thumbclock.result import write_result

    if arg and function is None:
        raise UsageError("--arg is for --function; say which function to call")
    address = None if base is None else _number(base, "--base")
    if address is not None and not 0 <= address < 1 << 32:
        raise UsageError(f"--base {base}: expected an address of 32 bits, e.g. 0x08000000")
    board = load_profile(
        profile, clock_hz=clock_hz(clock), supply_v=supply_v(supply), caches=caches
    )
    duty = schedule(period, sleep, battery, self_discharge)
    check_schedule(board.board, duty)
    timeout_s = timeout or None
    with Waiting("starting the simulator (compiled on its first use)", quiet=quiet) as waiting:
        from thumbclock.machine import Machine

        def output(data: bytes) -> None:
            waiting.pause()
            _print_bytes(data)

        def progress(cycles: int, instructions: int) -> None:
            waiting.say(f"{instructions:,} instructions, {cycles:,} cycles")

        machine = Machine(image, board, engine=engine, output=output, base=address)
        if function is None:
            result = machine.run(
                max_instructions=max_instructions, timeout_s=timeout_s, progress=progress
            )
        else:
            result = _call(machine, function, arg or [], max_instructions, timeout_s)
    if result.exit.reason in _ENDS:
        result = with_schedule(result, board.board, duty)
    if json is not None:
        write_result(result, json)
    if not quiet:
        from thumbclock.reports.tables import run_summary

        stdout_console().print(run_summary(result))
    _report(result, timeout, max_instructions)


def _call(
    machine: "Machine",
    function: str,
    arguments: list[str],
    max_instructions: int | None,
    timeout_s: float | None,
) -> "RunResult":
    """Call one function, after start-up code where there is some, and return its share."""
    values = [_argument(machine, text) for text in arguments]
    address = machine.symbol(function)
    if machine.image.functions and machine.image.function_index(address) is None:
        raise UsageError(f"{function} is data, at 0x{address:08x}; give the name of a function")
    limits = {} if max_instructions is None else {"max_instructions": max_instructions}
    before = None
    try:
        if "main" in machine.image.symbols:
            machine.start("main", **limits)
            before = machine.result()
        machine.call(function, *values, timeout_s=timeout_s, **limits)
    except SimulationFault:
        # The result says what it was, and is wanted all the same.
        if machine.result().exit.reason == "returned":
            raise
    after = machine.result()
    return after if before is None else after.since(before)


def _argument(machine: "Machine", text: str) -> int:
    if text in machine.image.symbols:
        return machine.symbol(text)
    value = _number(text, "--arg")
    if not -(1 << 31) <= value < 1 << 32:
        raise UsageError(f"--arg {text}: expected a number of 32 bits")
    return value & 0xFFFFFFFF


def _number(text: str, option: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(
            f"{option} {text!r}: expected a whole number, e.g. 64 or 0x08000000"
            + (", or a symbol of the image" if option == "--arg" else "")
        ) from None


def _print_bytes(data: bytes) -> None:
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(data.decode("utf-8", "replace"))
    else:
        stream.write(data)
    sys.stdout.flush()


def _report(result: "RunResult", timeout_s: float, max_instructions: int | None) -> None:
    """Say on standard error what is wrong with a run, and end with its exit code."""
    reason, code = result.exit.reason, result.exit.code
    for what in result.model.not_modelled:
        if "which the program" in what:
            typer.echo(f"thumbclock: not simulated: {what}", err=True)
    if result.fault is not None:
        from thumbclock.reports.tables import fault_text

        raise SimulationFault(fault_text(result.fault))
    if reason == "instruction_limit":
        raise SimulationFault(
            f"the program did not end within {max_instructions} instructions; give more with "
            "--max-instructions if it should"
        )
    if reason == "time_limit":
        raise SimulationFault(
            f"the program did not end within {timeout_s:g} s here ({result.instructions} "
            "instructions); give it longer with --timeout, 0 for no limit, if it should"
        )
    if reason == "idle":
        typer.echo("thumbclock: the program waits for an interrupt that nothing raises", err=True)
    elif reason == "exit" and code:
        typer.echo(f"thumbclock: the program exited with code {code}", err=True)
