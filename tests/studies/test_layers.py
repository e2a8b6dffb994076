"""Kernels on the layers of a file: what is measured, what is averaged, what is refused."""

import math
from pathlib import Path

import pytest

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.measure import measure
from thumbclock.reports.layers import layers_figure, layers_markdown, layers_summary
from thumbclock.result import LayersResult, read_result, write_result
from thumbclock.studies.layers import measure_layer, measurements, read_layers, summarise
from thumbclock.toolchain import find_toolchain

FILE = """
title = "Two layers"
profiles = ["ideal-m7", "nucleo-h743zi"]

[baselines]
"another library" = "as somebody measured it"

[[layers]]
name = "small"
group = "all"
shape = "4x4x8-4"
precisions = ["w8a8", "w4a4"]
cycles."another library" = { ideal-m7 = 10000, nucleo-h743zi = 20000 }

[[layers]]
name = "pointwise"
group = "all"
shape = "3x3x16-6"
kernel = "1x1"
padding = "valid"
precisions = ["w8a8"]
cycles."another library" = { ideal-m7 = 3000 }

[[means]]
kernel = "w8a8 everywhere"
precision = "w8a8"
groups = ["all"]
wanted = { ideal-m7 = 0.5 }
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> LayersResult:
    """The file's measurements."""
    path = tmp_path_factory.mktemp("layers") / "layers.toml"
    path.write_text(FILE, encoding="utf-8")
    file, toolchain = read_layers(path), find_toolchain("zig")
    rows = [measure_layer(item, toolchain) for item in measurements(file)]
    return summarise(file, rows, toolchain)


def test_measures_each_layer_as_a_kernel_is_measured(result: LayersResult) -> None:
    """Cycles are those of `measure`, for every precision on every board."""
    found = [(row.layer, row.implementation, row.profile) for row in result.rows]
    assert found == [
        (layer, precision, profile)
        for profile in ("ideal-m7", "nucleo-h743zi")
        for layer, precision in (("small", "w8a8"), ("small", "w4a4"), ("pointwise", "w8a8"))
    ]
    spec = ConvSpec.parse("3x3x16-6", kernel="1x1", padding="valid")
    alone = measure(spec, "ideal-m7")
    assert (result.rows[2].cycles, result.rows[2].macs) == (alone.run.cycles, 3 * 3 * 16 * 6)
    assert result.rows[2].weights == 96
    assert not any(row.outputs_differ or row.apart for row in result.rows)


def test_means_are_geometric(result: LayersResult) -> None:
    """A mean covers the layers of its groups for which the baseline has a figure."""
    first, second = result.means
    small, pointwise = result.rows[0], result.rows[2]
    expected = math.sqrt(small.cycles / 10000 * pointwise.cycles / 3000)
    assert first.ratios["another library"] == pytest.approx(expected)
    assert (first.layers, first.wanted) == (2, 0.5)
    macs = small.macs + pointwise.macs
    assert first.mac_per_cycle == pytest.approx(macs / (small.cycles + pointwise.cycles))
    assert second.ratios["another library"] == pytest.approx(result.rows[3].cycles / 20000)
    assert second.wanted is None


def test_comes_back_from_json_and_is_shown(result: LayersResult, tmp_path: Path) -> None:
    """Results round-trip; tables and figure have a place for each row."""
    write_result(result, tmp_path / "layers.json")
    assert read_result(tmp_path / "layers.json") == result
    text = layers_markdown(result)
    assert text.count("| pointwise | w8a8 |") == 2
    assert f"| {result.rows[0].cycles} |" in text
    assert len(layers_figure(result).axes[0].patches) == 2
    assert layers_summary(result) is not None


def test_what_does_not_fit_runs_from_flash(tmp_path: Path) -> None:
    """Emitted code larger than the memory for code is measured in flash, and is in no mean."""
    path = tmp_path / "layers.toml"
    path.write_text(
        FILE.replace('["ideal-m7", "nucleo-h743zi"]', '["nucleo-h743zi"]')
        .replace('"4x4x8-4"', '"2x2x64-32"')
        .replace('["w8a8", "w4a4"]', '["w8a8-unrolled"]')
        .replace('precision = "w8a8"', 'precision = "w8a8-unrolled"'),
        encoding="utf-8",
    )
    file, toolchain = read_layers(path), find_toolchain("zig")
    item = measurements(file)[0]
    row = measure_layer(item, toolchain)
    assert row.apart
    assert row.placement["code"] == "flash"
    assert row.weight_bytes > 64 * 1024
    assert summarise(file, [row], toolchain).means == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Two layers"', "title = 3", "title: Input should be a valid string"),
        ('group = "all"', 'grp = "all"', "layers.0.group: Field required"),
        ('cycles."another library"', 'cycles."nobody"', "cycles of nobody; expected one of"),
        ("= { ideal-m7 = 10000", "= { ideal-m7 = 0", "greater than 0"),
        ("wanted = { ideal-m7 = 0.5", "wanted = { ideal-m7 = inf", "finite number"),
        ('"Two layers"', '"Two', "give a TOML file of layers"),
    ],
)
def test_refuses_files_that_are_not_valid(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One message says where the file is wrong."""
    path = tmp_path / "layers.toml"
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_layers(path)


def test_refuses_layers_that_are_not_there(tmp_path: Path) -> None:
    """An operator, precision or board of no such name is refused before anything is built."""
    path = tmp_path / "layers.toml"
    for old, new in (('"w4a4"', '"w3a3"'), ('"ideal-m7", ', '"ideal-m8", ')):
        path.write_text(FILE.replace(old, new), encoding="utf-8")
        with pytest.raises(UsageError):
            measurements(read_layers(path))
