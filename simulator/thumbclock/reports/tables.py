"""Tables of results for a terminal."""

from collections.abc import Iterable, Iterator
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thumbclock.result import (
    CompareResult,
    DutyCycle,
    EnergyUj,
    FaultReport,
    Interval,
    KernelResult,
    RunResult,
    waiting_cycles,
)

__all__ = [
    "compare_summary",
    "cycles_per_output",
    "fault_text",
    "group_labels",
    "implementation",
    "kernel_summary",
    "row_labels",
    "run_summary",
]

_FUNCTIONS_SHOWN = 8
_STALLS_SHOWN = 6
_REGISTERS_PER_LINE = 4

_ENDS = {
    "exit": "the program exited",
    "returned": "the function returned",
    "fault": "the program faulted",
    "instruction_limit": "the instruction limit was reached",
    "time_limit": "the time limit was reached",
    "idle": "the program waits for an interrupt that nothing raises",
}


_WORTH_SAYING = 0.02  # of the cycles


def run_summary(result: RunResult) -> RenderableType:
    """Return what a run cost, where the cycles went, and how it ended."""
    table = _facts()
    table.add_row("image", f"{result.image.name} on {result.profile}")
    for name, value in _costs(result):
        table.add_row(name, value)
    end = _ENDS[result.exit.reason]
    if result.exit.code is not None and result.exit.reason == "exit":
        end += f" with code {result.exit.code}"
    table.add_row("ended", Text(end))
    table.add_row("accuracy", Text(f"{result.model.core}: {result.model.accuracy}"))
    return Group(table, *_where_cycles_went(result))


def kernel_summary(result: KernelResult) -> RenderableType:
    """Return what a kernel cost, and whether its outputs are right."""
    run = result.run
    table = _facts()
    shape = result.title.removeprefix(result.operator).strip()
    table.add_row("kernel", f"{result.operator} {implementation(result)}, {shape}")
    table.add_row("board", run.profile)
    if run.placement:
        places = ", ".join(f"{role}={memory}" for role, memory in run.placement.items())
        table.add_row("placement", Text(places))
    if run.toolchain:
        table.add_row("compiler", f"{run.toolchain.name} {run.toolchain.version}")
    for name, value in _costs(run):
        table.add_row(name, value)
    if result.macs:
        table.add_row("MAC/cycle", f"{result.mac_per_cycle:.3f}  ({result.macs:,} MACs)")
    else:
        cycles = cycles_per_output(result)
        table.add_row("cycles/output", f"{cycles:.2f}  ({result.outputs:,} outputs)")
    table.add_row("outputs", Text(_verdict(result)))
    table.add_row("accuracy", Text(f"{run.model.core}: {run.model.accuracy}"))
    return Group(table, *_where_cycles_went(run))


def compare_summary(result: CompareResult) -> RenderableType:
    """Return kernels side by side, held against the baseline, and what could not be measured."""
    parts: list[RenderableType] = [Text(result.title, style="bold")]
    if result.rows:
        parts += [*_comparisons(result), *_duty_cycles(result), *_remarks(result)]
    for failure in result.failures:
        places = ",".join(f"{role}={memory}" for role, memory in failure.placement.items())
        where = f"{failure.implementation} on {failure.profile} ({places})"
        parts.append(Text(f"{where}: {failure.kind}: {failure.reason}", style="red"))
    return Group(*parts)


# Each unit stands below its name, so that the table fits 80 columns.
_HEADERS = (
    "kernel", "cycles", "MAC/\ncycle", "speed-\nup", "time\nµs", "energy\nµJ", "interval\nµJ",
    "RAM\nKiB", "flash\nKiB", "stack\nbytes", "out-\nputs",
)  # fmt: skip


def _comparisons(result: CompareResult) -> Iterator[RenderableType]:
    """Yield a table, or one for each board and placement, all with columns of the same widths."""
    lines = _comparison_lines(result)
    parts = zip(_HEADERS, *lines, strict=True)
    widths = [max(len(line) for part in column for line in part.split("\n")) for column in parts]
    headings = group_labels(result)
    several = len(set(headings)) > 1
    for heading in dict.fromkeys(headings):
        if several:
            yield Text(f"\n{heading}", style="bold")
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        for index, (header, width) in enumerate(zip(_HEADERS, widths, strict=True)):
            justify: Literal["left", "right"] = "right" if index else "left"
            table.add_column(
                header, justify=justify, no_wrap=True, min_width=width, vertical="bottom"
            )
        for line, own in zip(lines, headings, strict=True):
            if own == heading:
                table.add_row(*line)
        yield table


def _comparison_lines(result: CompareResult) -> list[tuple[str, ...]]:
    first = result.rows[result.baseline].run.cycles
    lines: list[tuple[str, ...]] = []
    for row in result.rows:
        run, energy = row.run, row.run.energy_uj
        lines.append(
            (
                implementation(row),
                str(run.cycles),
                f"{row.mac_per_cycle:.2f}" if row.macs else "-",
                f"{first / run.cycles:.2f}x",
                _three(run.time_us),
                _three(energy.typical) if energy else "-",
                f"{_three(energy.low)}-{_three(energy.high)}" if energy else "-",
                f"{run.ram_bytes / 1024:.1f}",
                f"{run.flash_bytes / 1024:.1f}",
                "-" if run.stack_bytes is None else str(run.stack_bytes),
                "wrong" if row.mismatch_count else "ok" if row.checked else "-",
            )
        )
    return lines


def _duty_cycles(result: CompareResult) -> Iterator[RenderableType]:
    """Yield a table of average currents and battery lives, where the rows have a duty cycle."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kernel", overflow="fold")
    for header in ("active", "average mA", "interval mA", "battery days", "interval days"):
        table.add_column(header, justify="right", no_wrap=True)
    for label, row in zip(row_labels(result), result.rows, strict=True):
        duty = row.run.duty_cycle
        if duty is not None:
            current, life = duty.average_current_ma, duty.life_days
            table.add_row(
                label,
                f"{duty.active_share:.2%}",
                _three(current.typical),
                f"{_three(current.low)}-{_three(current.high)}",
                _three(life.typical) if life else "-",
                f"{_three(life.low)}-{_three(life.high)}" if life else "-",
            )
    if table.row_count:
        yield Text("")
        yield table


def _remarks(result: CompareResult) -> Iterator[RenderableType]:
    rows = result.rows
    clocks = dict.fromkeys(f"{row.run.profile} at {row.run.clock_hz / 1e6:g} MHz" for row in rows)
    placements = list(dict.fromkeys(_placement_text(row) for row in rows))
    models = dict.fromkeys((row.run.model.core, row.run.model.accuracy) for row in rows)
    right = sum(row.checked and not row.mismatch_count for row in rows)
    table = _facts()
    table.add_row("board", Text(", ".join(clocks)))
    if len(placements) == 1 and placements[0]:
        table.add_row("placement", Text(placements[0]))
    table.add_row("outputs", f"{right} of {len(rows)} equal the numpy reference, bit for bit")
    table.add_row("speed-up", Text(f"in cycles, over {row_labels(result)[result.baseline]}"))
    table.add_row("memory", "RAM is without the stack")
    for core, accuracy in models:
        table.add_row("accuracy", Text(f"{core}: {accuracy}"))
    yield Text("")
    yield table


def row_labels(result: CompareResult) -> list[str]:
    """Return a short name for each row: its kernel, and what else tells the rows apart."""
    boards = len({row.run.profile for row in result.rows}) > 1
    labels = []
    for row, place in zip(result.rows, _placement_labels(result.rows), strict=True):
        parts = [implementation(row), *([row.run.profile] if boards else []), place]
        labels.append(" ".join(part for part in parts if part))
    return labels


def group_labels(result: CompareResult) -> list[str]:
    """Return the board and placement of each row, as a heading for rows that share them."""
    places = _placement_labels(result.rows)
    return [
        f"{row.run.profile} {place}".strip() for row, place in zip(result.rows, places, strict=True)
    ]


def _placement_labels(rows: tuple[KernelResult, ...]) -> list[str]:
    """Return the roles in which placements differ between rows of the same board."""
    labels = []
    for row in rows:
        own = row.run.placement or {}
        others = [r.run.placement or {} for r in rows if r.run.profile == row.run.profile]
        differing = (role for role in own if any(own[role] != o.get(role) for o in others))
        labels.append(",".join(f"{role}={own[role]}" for role in differing))
    return labels


def fault_text(fault: FaultReport) -> str:
    """Return a fault report as text: what, where, registers, and the way there."""
    place = f" in {fault.function}" if fault.function else ""
    source = f" ({fault.source})" if fault.source else ""
    lines = [
        f"{fault.kind} at 0x{fault.address:08x}{place}{source}",
        f"  {fault.message}",
    ]
    registers = [f"{name:>4} 0x{value:08x}" for name, value in fault.registers.items()]
    lines += [
        "  " + "  ".join(registers[start : start + _REGISTERS_PER_LINE])
        for start in range(0, len(registers), _REGISTERS_PER_LINE)
    ]
    if fault.last_calls:
        lines.append(f"  calls: {' > '.join(fault.last_calls)}")
    return "\n".join(lines)


def _facts() -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    return table


def _costs(result: RunResult) -> Iterator[tuple[str, str]]:
    yield "cycles", f"{result.cycles:,}"
    yield "instructions", f"{result.instructions:,}"
    if result.instructions:
        yield "CPI", f"{result.cycles / result.instructions:.3f}"
    yield "time", f"{_time(result.time_us)} at {result.clock_hz / 1e6:g} MHz"
    if result.caches:
        misses = result.cache_misses
        yield (
            "caches",
            ", ".join(f"{name} ({misses.get(name, 0):,} misses)" for name in result.caches),
        )
    waiting = waiting_cycles(result.stalls)
    if waiting > _WORTH_SAYING * result.cycles:
        yield (
            "memory",
            f"{waiting / result.cycles:.0%} of the cycles wait for it, by times of the board's "
            "profile, whose error the accuracy below does not tell",
        )
    supply = "" if result.supply_v is None else f", at {result.supply_v:g} V"
    yield "energy", f"{_energy(result.energy_uj)}{supply}"
    if result.duty_cycle is not None:
        yield from _duty_cycle(result.duty_cycle)
    if result.stack_bytes is not None:
        yield "stack", f"{result.stack_bytes:,} bytes"
    yield "RAM", f"{result.ram_bytes:,} bytes without stack"
    yield "flash", f"{result.flash_bytes:,} bytes"


def _duty_cycle(duty: DutyCycle) -> Iterator[tuple[str, str]]:
    yield (
        "duty cycle",
        f"{duty.active_share:.2%} of {duty.period_s:g} s, else {duty.sleep}",
    )
    yield "average", f"{_between(duty.average_current_ma)} mA"
    if duty.life_days is not None:
        yield "battery", f"{_between(duty.life_days)} days from {duty.battery_mah:g} mAh"


def _between(interval: Interval) -> str:
    typical, low, high = (_three(v) for v in (interval.typical, interval.low, interval.high))
    return f"{typical} (between {low} and {high})"


def _where_cycles_went(result: RunResult) -> Iterator[RenderableType]:
    if not result.cycles:
        return
    functions = Table(box=None, pad_edge=False, header_style="bold")
    functions.add_column("function", overflow="fold")
    for header in ("calls", "cycles", "share", "with callees", "instructions"):
        functions.add_column(header, justify="right", no_wrap=True)
    for cost in result.functions[:_FUNCTIONS_SHOWN]:
        functions.add_row(
            Text(cost.name),
            f"{cost.calls:,}",
            f"{cost.exclusive_cycles:,}",
            f"{cost.exclusive_cycles / result.cycles:.1%}",
            f"{cost.inclusive_cycles:,}",
            f"{cost.instructions:,}",
        )
    yield Text("")
    yield functions
    left_out = len(result.functions) - _FUNCTIONS_SHOWN
    if left_out > 0:
        yield Text(f"and {left_out} more with fewer cycles")
    if result.stalls:
        yield Text("")
        yield _stalls(result.stalls.items(), result.cycles)


def _stalls(stalls: Iterable[tuple[str, int]], cycles: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stall")
    table.add_column("cycles", justify="right")
    table.add_column("share", justify="right")
    largest = sorted(stalls, key=lambda item: (-item[1], item[0]))
    for reason, lost in largest[:_STALLS_SHOWN]:
        table.add_row(reason.replace("_", " "), f"{lost:,}", f"{lost / cycles:.1%}")
    return table


def implementation(row: KernelResult) -> str:
    """Return the name of a row's kernel, e.g. ``w8a8-skip25``."""
    fallback = f"w{row.precision.weights}a{row.precision.activations}"
    return str(row.options.get("implementation", fallback))


def cycles_per_output(row: KernelResult) -> float:
    """Return the cycles of one element of the output."""
    return row.run.cycles / max(row.outputs, 1)


def _placement_text(row: KernelResult) -> str:
    return ", ".join(f"{role}={memory}" for role, memory in (row.run.placement or {}).items())


def _verdict(result: KernelResult) -> str:
    if not result.checked:
        return "not compared with the reference"
    if result.mismatch_count:
        return f"{result.mismatch_count} differ from the numpy reference"
    return "equal to the numpy reference, bit for bit"


def _time(microseconds: float) -> str:
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= scale:
            return f"{microseconds / scale:.4g} {unit}"
    return f"{microseconds:.4g} µs"


def _energy(energy: EnergyUj | None) -> str:
    if energy is None:
        return "no electrical figures in this profile"
    unit, scale = ("mJ", 1e3) if energy.typical >= 1e4 else ("µJ", 1.0)
    typical, low, high = (
        _three(value / scale) for value in (energy.typical, energy.low, energy.high)
    )
    return f"{typical} {unit}, between {low} and {high}"


def _three(value: float) -> str:
    """Return a number with three significant digits, and all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
