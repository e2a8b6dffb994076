"""Estimates against silicon for a reader: a table of rows, their errors, and a figure."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thumbclock.reports.charts import COLOURS, GRID, INK, save_figure
from thumbclock.result import ErrorStatistics, ValidationResult, ValidationRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["validation_figure", "validation_summary", "write_validation_figure"]

_BAND_PERCENT = 5.0
_LABEL_CHARACTERS = 44

# ---------------------------------------------------------------- tables


def validation_summary(result: ValidationResult) -> RenderableType:
    """Return every row with its error and source, then mean, worst and bias by group."""
    parts: list[RenderableType] = [Text(result.title, style="bold"), _rows(result)]
    parts += [Text(f"{row.name}: {row.failure}", style="red") for row in result.rows if row.failure]
    if result.overall is not None:
        parts += [Text(""), _errors(result, result.overall)]
    if result.sources:
        parts += [Text(""), *_citations(result)]
    if not result.complete:
        parts.append(Text("\ninterrupted: the file has more rows", style="red"))
    return Group(*parts)


def _rows(result: ValidationResult) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("row", overflow="fold")
    for header in ("measured", "estimate", "error"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("allowed", no_wrap=True)
    table.add_column("profile", no_wrap=True)
    table.add_column("source", overflow="fold")
    several = len(result.groups) > 1
    for group, rows in _by_group(result):
        if several:
            table.add_row(Text(group, style="bold"))
        for row in rows:
            table.add_row(
                Text(f"  {row.name}" if several else row.name),
                _cycles(row.measured_cycles),
                "-" if row.estimated_cycles is None else _cycles(row.estimated_cycles),
                _error(row),
                row.tolerance or "",
                row.profile,
                Text(row.source),
            )
    return table


def _by_group(result: ValidationResult) -> Iterator[tuple[str, list[ValidationRow]]]:
    for group in dict.fromkeys(row.group for row in result.rows):
        yield group, [row for row in result.rows if row.group == group]


def _cycles(cycles: float) -> str:
    return f"{cycles:,.0f}" if cycles >= 1000 or cycles.is_integer() else f"{cycles:,.1f}"


def _error(row: ValidationRow) -> Text:
    if row.error_percent is None:
        return Text("no estimate", style="red")
    is_over = row.within_tolerance is False
    return Text(f"{row.error_percent:+.1f} %", style="bold red" if is_over else "")


def _errors(result: ValidationResult, overall: ErrorStatistics) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("group")
    for header in ("rows", "mean error", "worst", "bias"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("worst row", overflow="fold")
    for errors in (*result.groups, *([overall] if len(result.groups) > 1 else [])):
        table.add_row(
            Text(errors.group),
            str(errors.rows),
            f"{errors.mean_percent:.1f} %",
            f"{errors.worst_percent:.1f} %",
            f"{errors.bias_percent:+.1f} %",
            Text(errors.worst_row),
        )
    return table


def _citations(result: ValidationResult) -> Iterator[Text]:
    for tag, citation in result.sources.items():
        yield Text.assemble((tag, "bold"), f"  {citation}")


# ---------------------------------------------------------------- figure


def write_validation_figure(result: ValidationResult, path: Path) -> None:
    """Draw estimates against silicon into a file; its ending tells the format.

    Raises:
        UsageError: The file cannot be written, or is of no known format.
    """
    save_figure(lambda: validation_figure(result), path)


def validation_figure(result: ValidationResult) -> Figure:
    """Return estimates over measured cycles, and below them the error of each row.

    Rows without an estimate are left out; there must be one with.
    """
    groups = [
        (group, [row for row in rows if row.error_percent is not None])
        for group, rows in _by_group(result)
    ]
    groups = [(group, rows) for group, rows in groups if rows]
    lines = sum(len(rows) for _, rows in groups) + 1.2 * len(groups)
    bars_inches = 0.6 + 0.17 * lines
    figure = Figure(figsize=(7.2, 5.2 + bars_inches), layout="constrained")
    scatter, bars = figure.subplots(2, 1, height_ratios=(4.4, bars_inches))
    _draw_scatter(scatter, groups)
    _draw_errors(bars, groups)
    figure.suptitle(result.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.supxlabel(_footnote(result), x=0.01, ha="left", fontsize=7.5, color="#555555")
    return figure


def _draw_scatter(axes: "Axes", groups: list[tuple[str, list[ValidationRow]]]) -> None:
    rows = [row for _, members in groups for row in members]
    cycles = [c for row in rows for c in (row.measured_cycles, row.estimated_cycles or 0) if c > 0]
    ends = [min(cycles) / 1.4, max(cycles) * 1.4]
    low, high = ([end * (1 + sign * _BAND_PERCENT / 100) for end in ends] for sign in (-1, 1))
    axes.fill_between(ends, low, high, color=GRID, linewidth=0, label=f"±{_BAND_PERCENT:g} %")
    axes.plot(ends, ends, color=INK, linewidth=0.6)
    for index, (group, members) in enumerate(groups):
        axes.plot(
            [row.measured_cycles for row in members],
            [row.estimated_cycles or 0 for row in members],
            linestyle="none",
            marker="osD^vPX"[index % 7],
            markersize=5,
            markerfacecolor="none",
            markeredgewidth=1.2,
            color=COLOURS[index % len(COLOURS)],
            label=group,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda cycles, _: f"{cycles:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_aspect("equal")
    axes.grid(visible=True, axis="both")
    axes.set_xlabel("cycles measured on silicon")
    axes.set_ylabel("cycles estimated")
    axes.legend(loc="upper left", fontsize=8)


def _draw_errors(axes: "Axes", groups: list[tuple[str, list[ValidationRow]]]) -> None:
    place, ticks, labels = 0.0, [], []
    rows = [row for _, members in groups for row in members]
    reach = max(_BAND_PERCENT, *(abs(row.error_percent or 0) for row in rows)) * 1.25
    axes.axvspan(-_BAND_PERCENT, _BAND_PERCENT, color=GRID, alpha=0.5, linewidth=0)
    for index, (group, members) in enumerate(groups):
        axes.annotate(
            group,
            (-reach, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            fontweight="bold",
            color=INK,
        )
        for row in members:
            place += 1
            error = row.error_percent or 0
            axes.barh([place], [error], height=0.72, color=COLOURS[index % len(COLOURS)])
            axes.annotate(
                f"{error:+.1f}".replace("-", "\N{MINUS SIGN}"),
                (error, place),
                xytext=(3 if error >= 0 else -3, 0),
                textcoords="offset points",
                va="center",
                ha="left" if error >= 0 else "right",
                fontsize=7,
                color=INK,
            )
            ticks.append(place)
            labels.append(_shortened(row.name))
        place += 1.2
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(ticks, labels, fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 0.5, -0.7)
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("error of the estimate, %")


def _shortened(name: str) -> str:
    return name if len(name) <= _LABEL_CHARACTERS else f"{name[: _LABEL_CHARACTERS - 1]}…"


def _footnote(result: ValidationResult) -> str:
    lines = [
        f"{errors.group}: mean {errors.mean_percent:.1f} %, worst {errors.worst_percent:.1f} %, "
        f"bias {errors.bias_percent:+.1f} % over {errors.rows}"
        for errors in result.groups
    ]
    return "\n".join((*lines, f"Estimates of thumbclock {result.rows[0].version}."))
