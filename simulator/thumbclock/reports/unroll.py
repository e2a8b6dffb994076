"""Which layers to unroll, as a table for the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thumbclock.result import UnrollResult

__all__ = ["unroll_summary"]


def unroll_summary(result: UnrollResult) -> RenderableType:
    """Return a row for each layer: cycles and emitted bytes of its kernels, and the choice."""
    names = list(dict.fromkeys(o.implementation for row in result.rows for o in row.options))
    table = Table(title=result.title, title_justify="left", box=None, pad_edge=False)
    table.add_column("layer")
    for name in names:
        table.add_column(name, justify="right")
        table.add_column("code B", justify="right")
    table.add_column("chosen")
    for row in result.rows:
        options = {option.implementation: option for option in row.options}
        cells = []
        for name in names:
            option = options.get(name)
            cells += [str(option.cycles), str(option.code_bytes)] if option else ["-", "-"]
        table.add_row(row.layer, *cells, row.options[row.chosen].implementation)
    taken = [row.options[row.chosen] for row in result.rows]
    cycles = sum(option.cycles for option in taken)
    first = sum(row.options[0].cycles for row in result.rows)
    used = sum(option.code_bytes for option in taken)
    return Group(
        table,
        Text(f"{cycles} cycles, {cycles / first:.3f} of those of each layer's first kernel"),
        Text(f"{used} of {result.budget_bytes} bytes of emitted code"),
        Text("- does not fit, or the layer has no such kernel", style="dim"),
    )
