"""How convolutions and precisions are written."""

from typing import Any

import pytest

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.precision import PRECISIONS, parse_precision


def test_parses_what_a_user_writes() -> None:
    """Shape, kernel, stride and padding arrive in their fields."""
    spec = ConvSpec.parse(
        "32x30x3-16", kernel="5x3", stride="2x1", padding="1,2,0,1", precision="w4a8"
    )
    assert spec.input_shape == (32, 30, 3)
    assert spec.weight_shape == (16, 5, 3, 3)
    assert (spec.stride_h, spec.stride_w) == (2, 1)
    assert spec.padding == Padding(top=1, bottom=2, left=0, right=1)
    assert spec.output_shape == (16, 29, 16)
    assert spec.macs == 16 * 29 * 16 * 45


def test_parses_dilation_and_groups() -> None:
    """A dilated kernel spans more, a group sees its own channels, and the title says so."""
    spec = ConvSpec.parse("16x16x6-9", kernel="3", dilation="2x3", groups=3, precision="w4a8")
    assert (spec.padding.top, spec.padding.left, spec.output_shape) == (2, 3, (16, 16, 9))
    assert spec.weight_shape == (9, 3, 3, 2)
    assert spec.macs == 16 * 16 * 9 * 18
    assert spec.title == "conv 16x16x6-9, kernel 3x3, stride 1x1, dilation 2x3, 3 groups"
    assert ConvSpec.parse("8x8x2-2").title == "conv 8x8x2-2, kernel 3x3, stride 1x1"


@pytest.mark.parametrize(
    ("extent", "kernel", "stride", "expected"),
    [(32, 3, 1, (1, 1, 32)), (32, 3, 2, (0, 1, 16)), (5, 1, 3, (0, 0, 2)), (7, 4, 1, (1, 2, 7))],
)
def test_same_padding_is_tensorflows(
    extent: int, kernel: int, stride: int, expected: tuple[int, int, int]
) -> None:
    """The odd row of padding goes behind, and outputs are ceil(extent / stride)."""
    spec = ConvSpec.parse(f"{extent}x9x2-2", kernel=f"{kernel}x1", stride=f"{stride}x1")
    assert (spec.padding.top, spec.padding.bottom, spec.out_h) == expected


def test_valid_padding_is_none() -> None:
    """Valid convolutions shrink."""
    assert ConvSpec.parse("8x8x1-1", padding="valid").output_shape == (6, 6, 1)


@pytest.mark.parametrize("name", [*PRECISIONS, "w8a8-skip100", "w2a8o4", "w4a2s-thresholds"])
def test_knows_its_precisions(name: str) -> None:
    """Every listed name parses to itself."""
    assert parse_precision(name).name == name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"shape": "32x32x16"}, "HxWxCin-Cout"),
        ({"shape": "0x4x4-4"}, "in_h is 0"),
        ({"kernel": "3by3"}, "kernel '3by3'"),
        ({"stride": "0"}, "stride '0'"),
        ({"padding": "full"}, "same, valid"),
        ({"shape": "2x2x1-1", "padding": "valid"}, "no output"),
        ({"shape": "8x8x1-1", "padding": "valid", "dilation": "4"}, "kernel 9x9"),
        ({"dilation": "0"}, "dilation_h is 0"),
        ({"groups": 3}, "groups is 3"),
        ({"groups": 0}, "groups is 0"),
        ({"shape": "1" * 5000 + "x1x1-1"}, "HxWxCin-Cout"),
        ({"stride": "5000000000"}, "stride '5000000000': expected N or HxW"),
        ({"stride": "999999999"}, "stride_h is 999,999,999"),
        ({"padding": "4000,4000,4000,4000"}, "the padded input: "),
        ({"dilation": "100000000"}, "dilation_h is 100,000,000"),
        ({"dilation": "9000"}, "the padded input: "),
        ({"shape": "1x1x1-9000000", "kernel": "1"}, "out_c is 9,000,000"),
        ({"shape": "1x1x4096-4096"}, "the weights: "),
        ({"shape": "999x999x1-1", "kernel": "31"}, "what its windows cover"),
        ({"precision": "w3a3"}, "w8a8, w4a8"),
        ({"precision": "w8a8-skip101"}, "0 to 100"),
    ],
)
def test_refuses_with_what_it_expected(arguments: dict[str, Any], said: str) -> None:
    """An error names the part and the form that was expected."""
    with pytest.raises(UsageError, match=said):
        ConvSpec.parse(**arguments)


@pytest.mark.parametrize(("short", "name"), [("a8", "w8a8"), ("a4s", "w4a4s"), ("a2o8", "w2a2o8")])
def test_names_without_weights(short: str, name: str) -> None:
    """The names that tables show of kernels without weights can be typed."""
    assert parse_precision(short) == parse_precision(name)
