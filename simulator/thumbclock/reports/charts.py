"""Figures of results, drawn by matplotlib: the same bytes for the same result."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from thumbclock.errors import UsageError
from thumbclock.reports.tables import cycles_per_output, group_labels, implementation
from thumbclock.result import CompareResult, KernelResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "FORMATS",
    "GRID",
    "INK",
    "check_chart_path",
    "compare_figure",
    "save_figure",
    "write_chart",
]

FORMATS = (".svg", ".png", ".pdf")
"""File name endings that a chart can have."""

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by their lightness.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
INK, GRID = "#222222", "#d9d9d9"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "thumbclock",
    "svg.fonttype": "path",
}
# Without a date, and without the version of what drew it.
_METADATA: dict[str, dict[str, str | None]] = {
    ".svg": {"Date": None, "Creator": "thumbclock"},
    ".png": {"Software": "thumbclock"},
    ".pdf": {"CreationDate": None, "Creator": "thumbclock", "Producer": None},
}
_DPI = 150


def check_chart_path(path: Path) -> None:
    """Refuse a chart that could not be written, before anything is measured for it.

    Raises:
        UsageError: The ending is not of a known format, or there is no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"chart {path}: expected a name that ends in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")


def write_chart(result: CompareResult, path: Path) -> None:
    """Draw a comparison into a file; its ending tells the format.

    Raises:
        UsageError: The file cannot be written, or is of no known format.
    """
    save_figure(lambda: compare_figure(result), path)


def save_figure(draw: Callable[[], Figure], path: Path) -> None:
    """Draw a figure in the project's style into a file; its ending tells the format.

    Raises:
        UsageError: The file cannot be written, or is of no known format.
    """
    check_chart_path(path)
    suffix = path.suffix.lower()
    with mpl.rc_context(_STYLE):
        figure = draw()
        try:
            figure.savefig(path, format=suffix[1:], dpi=_DPI, metadata=_METADATA[suffix])
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def compare_figure(result: CompareResult) -> Figure:
    """Return bars of cycles with MAC/cycle, and beside them energy with its interval.

    Rows keep their order; those of one board and placement stand together below its name.
    """
    has_energy = any(row.run.energy_uj for row in result.rows)
    headings = group_labels(result)
    groups = list(dict.fromkeys(headings))
    places = _places(headings)
    figure = Figure(
        figsize=(10 if has_energy else 7, 1.8 + 0.3 * (places[-1] + 1)), layout="constrained"
    )
    panels = figure.subplots(1, 1 + has_energy, sharey=True, squeeze=False)[0]
    colours = [COLOURS[groups.index(group) % len(COLOURS)] for group in headings]
    _draw_cycles(panels[0], result.rows, places, colours)
    if len(groups) > 1:
        _draw_headings(panels[0], headings, places)
    if has_energy:
        _draw_energy(panels[1], result.rows, places, colours)
    figure.suptitle(_title(result, groups), x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.supxlabel(_footnote(result), x=0.01, ha="left", fontsize=7.5, color="#555555")
    return figure


def _places(headings: list[str]) -> list[float]:
    """Return where each bar stands, with room for a heading where board or placement change."""
    places: list[float] = []
    for index, heading in enumerate(headings):
        starts = index > 0 and heading != headings[index - 1]
        places.append(places[-1] + (2.2 if starts else 1.0) if places else 0.0)
    return places


def _draw_headings(axes: "Axes", headings: list[str], places: list[float]) -> None:
    for index, (heading, place) in enumerate(zip(headings, places, strict=True)):
        if index and heading == headings[index - 1]:
            continue
        axes.annotate(
            heading,
            (0, place - 0.5),
            xytext=(3, 2),
            textcoords="offset points",
            va="bottom",
            fontsize=8,
            fontweight="bold",
            color=INK,
        )


def _rate(row: KernelResult) -> str:
    if row.macs:
        return f"{row.mac_per_cycle:.2f} MAC/cycle"
    return f"{cycles_per_output(row):.2f} cycles/output"


def _draw_cycles(
    axes: "Axes", rows: tuple[KernelResult, ...], places: list[float], colours: list[str]
) -> None:
    cycles = [row.run.cycles / 1e3 for row in rows]
    axes.barh(places, cycles, height=0.72, color=colours)
    for place, value, row in zip(places, cycles, rows, strict=True):
        wrong = "  outputs differ!" if row.mismatch_count else ""
        axes.annotate(
            f"{_rate(row)}{wrong}",
            (value, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.set_yticks(places, [implementation(row) for row in rows])
    axes.set_ylim(places[-1] + 0.7, -1.4 if places[-1] + 1 > len(places) else -0.7)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.28 * max(cycles))  # room for the labels
    axes.set_xlabel("thousand cycles")
    axes.set_title("Cycles", loc="left", fontsize=9.5)


def _draw_energy(
    axes: "Axes", rows: tuple[KernelResult, ...], places: list[float], colours: list[str]
) -> None:
    for row, place, colour in zip(rows, places, colours, strict=True):
        energy = row.run.energy_uj
        if energy is None:
            axes.annotate("no electrical figures", (0, place), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=8)  # fmt: skip
            continue
        axes.barh([place], [energy.typical], height=0.72, color=colour)
        axes.errorbar(
            [energy.typical],
            [place],
            xerr=[[energy.typical - energy.low], [energy.high - energy.typical]],
            color=INK,
            linewidth=1,
            capsize=2.5,
        )
        axes.annotate(
            f"{energy.typical:.3g}" if energy.typical < 100 else f"{energy.typical:.0f}",
            (energy.high, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )
    highest = max(row.run.energy_uj.high for row in rows if row.run.energy_uj)
    axes.set_xlim(0, 1.15 * highest)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("µJ")
    axes.set_title(
        "Energy: typical, and the interval that sources support", loc="left", fontsize=9.5
    )


def _title(result: CompareResult, groups: list[str]) -> str:
    return f"{result.title}, {groups[0]}" if len(groups) == 1 else result.title


def _footnote(result: CompareResult) -> str:
    models = dict.fromkeys((row.run.model.core, row.run.model.accuracy) for row in result.rows)
    accuracy = "; ".join(f"{core}: {statement}" for core, statement in models)
    version = result.rows[0].run.model.version
    return f"Estimates of thumbclock {version}. {accuracy}."
