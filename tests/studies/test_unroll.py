"""Which layers to unroll: the choice is the best there is, and rests on what was measured."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thumbclock.cli import app
from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.measure import measure
from thumbclock.profiles import load_profile, parse_placement
from thumbclock.reports.unroll import unroll_summary
from thumbclock.result import UnrollResult, read_result
from thumbclock.studies.unroll import (
    Budget,
    choose,
    default_budget_bytes,
    fewest_cycles,
    measure_options,
)
from thumbclock.toolchain import find_toolchain

_OPTION = st.tuples(st.integers(0, 40), st.integers(0, 100))
FILE = """
title = "Two layers"
profiles = ["ideal-m7"]

[baselines]

[[layers]]
name = "small"
group = "all"
shape = "4x4x8-4"
precisions = ["w8a8"]

[[layers]]
name = "pointwise"
group = "all"
shape = "6x4x16-6"
kernel = "1x1"
precisions = ["w8a8"]
"""


@given(
    layers=st.lists(st.lists(_OPTION, min_size=1, max_size=4), max_size=5),
    budget=st.integers(0, 120),
)
def test_no_choice_within_the_budget_is_faster(
    layers: list[list[tuple[int, int]]], budget: int
) -> None:
    """The choice is that of trying all."""

    def cost(picks: tuple[int, ...]) -> tuple[int, int]:
        taken = [options[pick] for options, pick in zip(layers, picks, strict=True)]
        return sum(cycles for _, cycles in taken), sum(size for size, _ in taken)

    every = product(*(range(len(options)) for options in layers))
    costs = [cost(picks) for picks in every if cost(picks)[1] <= budget]
    if costs:
        assert cost(fewest_cycles(layers, budget)) == min(costs)
    else:
        with pytest.raises(UsageError, match="raise it, or add looped kernels"):
            fewest_cycles(layers, budget)


def _specs(shape: str, kernel: str) -> list[ConvSpec]:
    names = ("w8a8", "w8a8-unrolled", "w8a8-skip50")
    return [ConvSpec.parse(shape, kernel=kernel, precision=name) for name in names]


def test_chooses_among_what_was_measured() -> None:
    """Cycles and bytes are those of the kernels; what exceeds the budget is no option."""
    board, toolchain = load_profile("ideal-m7"), find_toolchain("zig")
    placement = board.board.default_placement
    specs = _specs("6x4x16-6", "1x1")
    alone = [measure(spec, board) for spec in specs]
    sizes = [int(kernel.options.get("emitted_code_bytes", 0)) for kernel in alone]
    assert sizes[0] == 0
    assert sizes[2] < sizes[1]
    wide = Budget(board, placement, sizes[1])
    row = measure_options("pointwise", specs, wide, toolchain)
    assert [(o.cycles, o.code_bytes) for o in row.options] == [
        (kernel.run.cycles, size) for kernel, size in zip(alone, sizes, strict=True)
    ]
    tight = Budget(board, placement, sizes[1] - 1)
    narrowed = measure_options("pointwise", specs, tight, toolchain)
    assert [o.implementation for o in narrowed.options] == ["w8a8", "w8a8-skip50"]
    result = choose("one layer", [narrowed], tight, toolchain)
    assert result.rows[0].chosen == 1


def test_refuses_layers_without_a_kernel_that_fits() -> None:
    """A layer that only has unrolled kernels, all too large, is named."""
    board = load_profile("nucleo-h743zi")
    placement = parse_placement("", board.board)
    assert default_budget_bytes(placement) == 48 * 1024
    with pytest.raises(UsageError, match="layer small: none of w8a8-unrolled fits 100 bytes"):
        measure_options(
            "small", _specs("4x4x8-4", "3x3")[1:2], Budget(board, placement, 100),
            find_toolchain("zig"),
        )  # fmt: skip


def test_the_command(tmp_path: Path) -> None:
    """It prints the table, and writes what it chose."""
    file, json = tmp_path / "layers.toml", tmp_path / "unroll.json"
    file.write_text(FILE, encoding="utf-8")
    budget = ("--profile", "ideal-m7", "--budget", "4000")
    done = CliRunner().invoke(app, ["study", "unroll", str(file), *budget, "--json", str(json)])
    assert done.exit_code == 0, done.output
    result = read_result(json)
    assert isinstance(result, UnrollResult)
    assert [row.options[row.chosen].implementation for row in result.rows] == [
        "w8a8",
        "w8a8-unrolled",
    ]
    assert "of 4000 bytes of emitted code" in done.stdout
    assert unroll_summary(result) is not None
