"""Tables and charts of comparisons, from results alone."""

from pathlib import Path

import pytest
from rich.console import Console

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.measure import measure
from thumbclock.reports.charts import FORMATS, check_chart_path, compare_figure, write_chart
from thumbclock.reports.tables import compare_summary, fault_text, row_labels
from thumbclock.result import CompareResult, FaultReport


@pytest.fixture(scope="module")
def comparison() -> CompareResult:
    """Two kernels on a board with energy and one without."""
    rows = [
        measure(ConvSpec.parse("4x4x4-4", precision=precision), board)
        for board in ("nucleo-h743zi", "ideal-m7")
        for precision in ("w8a8", "w8a8-skip50")
    ]
    return CompareResult(title="conv 4x4x4-4", rows=tuple(rows))


def test_labels_tell_rows_apart(comparison: CompareResult) -> None:
    """A label holds what differs and no more."""
    assert row_labels(comparison) == [
        "w8a8 nucleo-h743zi",
        "w8a8-skip50 nucleo-h743zi",
        "w8a8 ideal-m7",
        "w8a8-skip50 ideal-m7",
    ]
    one_board = comparison.model_copy(update={"rows": comparison.rows[:2]})
    assert row_labels(one_board) == ["w8a8", "w8a8-skip50"]


def test_table_fits_80_columns(comparison: CompareResult) -> None:
    """Nothing is cut: every figure of every row stands in the table."""
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        console.print(compare_summary(comparison))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    first = comparison.rows[0].run.cycles
    for row in comparison.rows:
        name = str(row.options["implementation"])
        fields = [
            name,
            str(row.run.cycles),
            f"{row.mac_per_cycle:.2f}",
            f"{first / row.run.cycles:.2f}x",
        ]
        assert any(line.split()[:4] == fields for line in text.splitlines())


def test_chart_shows_every_row(comparison: CompareResult) -> None:
    """Bars are as long as cycles and energy say; what has no energy says so."""
    cycles, energy = compare_figure(comparison).axes
    widths = [patch.get_width() for patch in cycles.patches]
    assert widths == [row.run.cycles / 1e3 for row in comparison.rows]
    typical = [row.run.energy_uj.typical for row in comparison.rows if row.run.energy_uj]
    assert [patch.get_width() for patch in energy.patches] == typical
    said = [text.get_text() for text in energy.texts]
    assert said.count("no electrical figures") == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_charts_are_reproducible(comparison: CompareResult, tmp_path: Path, suffix: str) -> None:
    """The same result gives the same bytes, in any format."""
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_chart(comparison, first)
    write_chart(comparison, second)
    assert first.read_bytes() == second.read_bytes()


def test_chart_path_is_checked(tmp_path: Path) -> None:
    """A chart that cannot be written is refused with the reason."""
    with pytest.raises(UsageError, match=r"\.svg, \.png, \.pdf"):
        check_chart_path(tmp_path / "chart.jpeg")
    with pytest.raises(UsageError, match="no folder"):
        check_chart_path(tmp_path / "missing" / "chart.svg")


def test_fault_tells_the_way_there() -> None:
    """A fault report ends with the calls that led to it."""
    fault = FaultReport(
        kind="BusFault", message="m", address=0x20, last_calls=("main", "f x3", "g")
    )
    assert fault_text(fault).endswith("calls: main > f x3 > g")
