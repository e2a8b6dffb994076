"""What is printed and drawn of estimates against silicon."""

import io
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from thumbclock.reports.validation import (
    validation_figure,
    validation_summary,
    write_validation_figure,
)
from thumbclock.result import ErrorStatistics, Image, ValidationResult, ValidationRow


def row(name: str, group: str, measured: float, estimated: float | None) -> ValidationRow:
    """Return a row, without an estimate where there is none."""
    error = None if estimated is None else 100 * (estimated / measured - 1)
    return ValidationRow(
        name=name,
        group=group,
        image=Image(name="a.elf", sha256="0" * 64),
        profile="ideal-m4",
        core="cortex-m4",
        profile_sha256="0" * 64,
        clock_hz=100_000_000,
        version="0.1.0",
        region="run",
        measured_cycles=measured,
        estimated_cycles=estimated,
        error_percent=error,
        tolerance="5 %",
        within_tolerance=None if error is None else abs(error) <= 5,
        source="MINE",
        failure="UsageFault somewhere" if estimated is None else None,
    )


ROWS = (
    row("sort [fast]", "loops", 1000, 1030),
    row("hash", "loops", 2_000_000, 1_800_000),
    row("crash", "loops", 500, None),
    row("copy", "memory", 12.5, 12.5),
)
RESULT = ValidationResult(
    title="Small programs",
    suite="small",
    complete=True,
    rows=ROWS,
    groups=(
        ErrorStatistics(
            group="loops", rows=2, mean_percent=6.5, worst_percent=10, worst_row="hash",
            bias_percent=-3.5,
        ),
        ErrorStatistics(
            group="memory", rows=1, mean_percent=0, worst_percent=0, worst_row="copy",
            bias_percent=0,
        ),
    ),
    overall=ErrorStatistics(
        group="all", rows=3, mean_percent=13 / 3, worst_percent=10, worst_row="hash",
        bias_percent=-7 / 3,
    ),
    sources={"MINE": "a bench of one's own"},
)  # fmt: skip


def printed(result: ValidationResult, width: int = 100) -> list[str]:
    """Return the lines of the summary, single-spaced."""
    console = Console(file=io.StringIO(), width=width)
    console.print(validation_summary(result))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_summary() -> None:
    """Each row with its error and source below its group; then errors by group, and citations."""
    lines = printed(RESULT)
    assert lines[0] == "Small programs"
    assert "sort [fast] 1,000 1,030 +3.0 % 5 % ideal-m4 MINE" in lines
    assert "hash 2,000,000 1,800,000 -10.0 % 5 % ideal-m4 MINE" in lines
    assert "copy 12.5 12.5 +0.0 % 5 % ideal-m4 MINE" in lines
    assert "crash 500 - no estimate 5 % ideal-m4 MINE" in lines
    assert "crash: UsageFault somewhere" in lines
    assert "loops 2 6.5 % 10.0 % -3.5 % hash" in lines
    assert "all 3 4.3 % 10.0 % -2.3 % hash" in lines
    assert "MINE a bench of one's own" in lines
    assert lines.index("loops") < lines.index("memory")


def test_summary_of_one_group_and_of_none() -> None:
    """One group needs no heading and no second sum; without estimates there are no errors."""
    one = RESULT.model_copy(update={"rows": ROWS[:2], "groups": RESULT.groups[:1]})
    lines = printed(one)
    assert "loops" not in lines
    assert not any(line.startswith("all ") for line in lines)
    none = RESULT.model_copy(update={"rows": ROWS[2:3], "groups": (), "overall": None})
    assert not any("worst" in line for line in printed(none))
    partial = RESULT.model_copy(update={"complete": False})
    assert printed(partial)[-1] == "interrupted: the file has more rows"


def texts(figure: Figure) -> set[str]:
    """Return everything that is written in a figure."""
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    for axes in figure.axes:
        written |= {label.get_text() for label in axes.get_yticklabels()}
    return written


def test_figure() -> None:
    """A point and a bar for each row with an estimate; the identity and the band around it."""
    figure = validation_figure(RESULT)
    scatter, bars = figure.axes
    points = [line for line in scatter.lines if line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in points] == [[1000, 2_000_000], [12.5]]
    assert [list(line.get_ydata()) for line in points] == [[1030, 1_800_000], [12.5]]
    assert scatter.get_xscale() == scatter.get_yscale() == "log"
    assert scatter.get_xlim() == scatter.get_ylim()
    legend = scatter.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["±5 %", "loops", "memory"]
    written = texts(figure)
    assert {
        "sort [fast]",
        "hash",
        "copy",
        "loops",
        "memory",
        "+3.0",
        "\N{MINUS SIGN}10.0",
        "+0.0",
    } <= written
    assert "crash" not in written
    low, high = bars.get_xlim()
    assert low < -10 < 10 < high


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_figure_files_are_reproducible(suffix: str, tmp_path: Path) -> None:
    """The same result gives the same bytes."""
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_validation_figure(RESULT, first)
    write_validation_figure(RESULT, second)
    assert first.read_bytes() == second.read_bytes()
