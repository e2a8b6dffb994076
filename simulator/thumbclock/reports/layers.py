"""Kernels on published layers: tables for the terminal and for Markdown, and a figure."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thumbclock.reports.charts import save_figure
from thumbclock.result import LayerMean, LayerRow, LayersResult

__all__ = ["layers_figure", "layers_markdown", "layers_summary", "write_layers_figure"]


_APART = "does not fit where the board has its code or weights: these from flash, in no mean"


def layers_summary(result: LayersResult) -> RenderableType:
    """Return the tables of layers and of means, and what they are held against."""
    parts: list[RenderableType] = [Text(result.title, style="bold")]
    parts += [_rows(result, profile) for profile in _profiles(result)]
    if result.means:
        parts.append(_means(result))
    parts += [Text(f"{name}: {about}", style="dim") for name, about in result.baselines.items()]
    if any(row.apart for row in result.rows):
        parts.append(Text(f"* {_APART}", style="dim"))
    return Group(*parts)


def _profiles(result: LayersResult) -> list[str]:
    return list(dict.fromkeys(row.profile for row in result.rows))


def _rows(result: LayersResult, profile: str) -> Table:
    table = Table(title=profile, title_justify="left", box=None, pad_edge=False)
    table.add_column("layer")
    table.add_column("kernel")
    for heading in _row_headings(result):
        table.add_column(heading, justify="right")
    for row in result.rows:
        if row.profile == profile:
            table.add_row(row.layer, row.implementation, *_row_cells(result, row))
    return table


def _row_headings(result: LayersResult) -> tuple[str, ...]:
    against = (f"/ {name}" for name in result.baselines)
    return ("cycles", "MAC/cycle", *against, "weights B", "B/weight", "scratch B")


def _row_cells(result: LayersResult, row: LayerRow) -> Iterator[str]:
    yield f"{row.cycles}{'*' if row.apart else ''}"
    yield f"{row.macs / row.cycles:.2f}" if row.macs else "-"
    for name in result.baselines:
        baseline = row.baseline_cycles.get(name)
        yield f"{row.cycles / baseline:.3f}" if baseline else "-"
    yield str(row.weight_bytes)
    yield f"{row.weight_bytes / row.weights:.2f}" if row.weights else "-"
    yield str(row.scratch_bytes)


def _means(result: LayersResult) -> Table:
    title = "Geometric means of cycles by those of the baselines"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("kernel", "board"):
        table.add_column(heading)
    for heading in _mean_headings(result):
        table.add_column(heading, justify="right")
    for mean in result.means:
        table.add_row(mean.kernel, mean.profile, *_mean_cells(result, mean))
    return table


def _mean_headings(result: LayersResult) -> tuple[str, ...]:
    return ("layers", "MAC/cycle", *(f"/ {name}" for name in result.baselines), "wanted")


def _mean_cells(result: LayersResult, mean: LayerMean) -> Iterator[str]:
    yield str(mean.layers)
    yield f"{mean.mac_per_cycle:.2f}"
    for name in result.baselines:
        yield f"{mean.ratios[name]:.3f}" if name in mean.ratios else "-"
    yield f"{mean.wanted:.2f}" if mean.wanted else "-"


def layers_markdown(result: LayersResult) -> str:
    """Return the tables as Markdown: means first, then the layers of each board."""
    lines = [f"## {result.title}", ""]
    lines += [f"- {name}: {about}" for name, about in result.baselines.items()]
    compiler = result.toolchain
    flags = " ".join(compiler.flags)
    lines += [
        f"- thumbclock {result.version}, {compiler.name} {compiler.version}: `{flags}`",
        "",
        *_markdown_table(
            ("kernel", "board", *_mean_headings(result)),
            ((m.kernel, m.profile, *_mean_cells(result, m)) for m in result.means),
        ),
    ]
    for profile in _profiles(result):
        rows = (row for row in result.rows if row.profile == profile)
        lines += [
            "",
            f"### {profile}",
            "",
            *_markdown_table(
                ("layer", "kernel", *_row_headings(result)),
                ((row.layer, row.implementation, *_row_cells(result, row)) for row in rows),
            ),
        ]
    if any(row.apart for row in result.rows):
        lines += ["", rf"\* {_APART}"]
    return "\n".join([*lines, ""])


def _markdown_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|---|---|{'---:|' * (len(headings) - 2)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def write_layers_figure(result: LayersResult, path: Path) -> None:
    """Draw the means as ``.svg``, ``.png`` or ``.pdf``.

    Raises:
        UsageError: The file cannot be written.
    """
    save_figure(lambda: layers_figure(result), path)


def layers_figure(result: LayersResult) -> Figure:
    """Return bars of the ratio to the first baseline: for each kernel a bar for each board."""
    baseline = next(iter(result.baselines))
    means = [mean for mean in result.means if baseline in mean.ratios]
    kernels = list(dict.fromkeys(mean.kernel for mean in means))
    profiles = list(dict.fromkeys(mean.profile for mean in means))
    figure = Figure(figsize=(8.0, 0.9 + 0.45 * len(kernels)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(profiles)
    for place, profile in enumerate(profiles):
        chosen = [mean for mean in means if mean.profile == profile]
        middle = (place - (len(profiles) - 1) / 2) * height
        positions = [kernels.index(mean.kernel) + middle for mean in chosen]
        widths = [mean.ratios[baseline] for mean in chosen]
        bars = axes.barh(positions, widths, height * 0.92, label=profile)
        axes.bar_label(bars, fmt="%.2f", label_type="center", color="white", fontsize=8)
        for position, mean in zip(positions, chosen, strict=True):
            if mean.wanted:
                ends = (position - height / 2, position + height / 2)
                axes.plot((mean.wanted, mean.wanted), ends, color="black", linewidth=1.4)
    axes.set_yticks(range(len(kernels)), kernels)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.05)
    axes.axvline(1.0, color="0.5", linewidth=0.8, linestyle=":")
    axes.set_xlabel(f"cycles by those of {baseline}, geometric mean; black: wanted")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
