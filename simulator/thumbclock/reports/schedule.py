"""What a search of instruction orders found, for a reader."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thumbclock.result import IssuedCycle, ScheduleResult, ScheduleTarget

__all__ = ["schedule_summary"]


def schedule_summary(result: ScheduleResult) -> RenderableType:
    """Return cycles before and after, how the new order issues, and the order as assembly."""
    parts: list[RenderableType] = [Text(f"{result.source}, {result.label}", style="bold")]
    parts.append(_cycles(result.targets))
    said = f"{result.steps:,} orders tried, seed {result.seed}"
    if result.interrupted:
        said += "; interrupted, the best so far"
    elif not result.changed:
        said += "; none was better than what is there"
    parts.append(Text(f"{said}\n"))
    for target in result.targets:
        parts += [
            Text(f"{target.profile}: one iteration", style="bold"),
            _picture(target),
            Text(""),
        ]
    parts.append(Text("assembly", style="bold"))
    parts += [Text(line) for line in _assembly(result)]
    return Group(*parts)


def _cycles(targets: Sequence[ScheduleTarget]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("cycles per iteration", no_wrap=True)
    for header in ("before", "after", "gain", "no order below"):
        table.add_column(header, justify="right", no_wrap=True)
    for target in targets:
        gain = 1 - target.after_cycles / target.before_cycles
        table.add_row(
            target.profile,
            f"{target.before_cycles:g}",
            f"{target.after_cycles:g}",
            f"{gain:.1%}",
            f"{target.floor_cycles:g}",
        )
    return table


def _picture(target: ScheduleTarget) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("cycle", justify="right", no_wrap=True)
    pairs = any(len(cycle.instructions) > 1 for cycle in target.issue)
    table.add_column("older" if pairs else "instruction", no_wrap=True)
    if pairs:
        table.add_column("younger", no_wrap=True)
    table.add_column("waits", no_wrap=True)
    for cycle in target.issue:
        issued = [Text(text) for text in cycle.instructions]
        younger = issued[1:] or [Text("")]
        row = [issued[0], *(younger if pairs else [])]
        table.add_row(Text(f"{cycle.cycle}"), *row, Text(_waits(cycle)))
    return table


def _waits(cycle: IssuedCycle) -> str:
    reasons = (f"{reason.replace('_', ' ')} {count}" for reason, count in cycle.stalls.items())
    return ", ".join(reasons)


def _assembly(result: ScheduleResult) -> Iterator[str]:
    for index, line in enumerate([*result.assembly, ""]):
        yield from (f"{name}:" for name, at in result.labels.items() if at == index)
        if line:
            yield f"    {line}"
