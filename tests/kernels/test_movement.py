"""Operators that move data, bit for bit: any shape, any width of fields, every core."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.measure import measure
from thumbclock.kernels.movement.layer import random_layer
from thumbclock.kernels.movement.reference import move
from thumbclock.kernels.movement.spec import (
    ConcatSpec,
    MovementSpec,
    PadSpec,
    ReshapeSpec,
    TransposeSpec,
)
from thumbclock.kernels.operators import parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision, parse_precision

PRECISIONS = ["w8a8", "w8a4", "w8a4s", "w8a2", "w8a1"]
OPERATORS = ["pad", "concat", "transpose", "reshape"]
_SIDE = st.integers(1, 6)
_CHANNELS = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 40])
_SHAPES = st.tuples(_SIDE, _SIDE, _CHANNELS)


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


@st.composite
def _movements(draw: st.DrawFn, operator: str, precision: Precision) -> MovementSpec:
    """Draw an operator's shapes."""
    shape = draw(_SHAPES)
    if operator == "pad":
        extent = st.integers(0, 3)
        before, behind = draw(st.tuples(*[extent] * 3)), draw(st.tuples(*[extent] * 3))
        return PadSpec(shape, before, behind, precision)
    if operator == "concat":
        axis = draw(st.integers(0, 2))
        shapes = []
        for _ in range(draw(st.integers(2, 4))):
            extents = list(shape)
            extents[axis] = draw(_CHANNELS if axis == 2 else _SIDE)
            shapes.append((extents[0], extents[1], extents[2]))
        return ConcatSpec(tuple(shapes), axis, precision)
    if operator == "transpose":
        first, second, third = draw(st.permutations(range(3)))
        return TransposeSpec(shape, (first, second, third), precision)
    elements = shape[0] * shape[1] * shape[2]
    channels = draw(st.sampled_from(_divisors(elements)))
    height = draw(st.sampled_from(_divisors(elements // channels)))
    return ReshapeSpec(shape, (height, elements // channels // height, channels), precision)


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("operator", OPERATORS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_bit_exact(operator: str, precision: str, toolchain: str, data: st.DataObject) -> None:
    """Outputs equal the reference's on any shape, and nothing else is touched."""
    spec = data.draw(_movements(operator, parse_precision(precision)))
    check(random_layer(spec, data.draw(st.integers(0, 999))), toolchain=toolchain)


@pytest.mark.parametrize("precision", ["w8a8", "w8a2"])
@pytest.mark.parametrize("operator", OPERATORS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_without_unaligned_access(operator: str, precision: str, data: st.DataObject) -> None:
    """The Cortex-M0+, which has neither unaligned accesses nor DSP instructions, agrees."""
    spec = data.draw(_movements(operator, parse_precision(precision)))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile="ideal-m0plus")


def test_reference_by_hand() -> None:
    """Each operator on an image that one can follow."""
    image = np.arange(4).reshape(1, 2, 2)
    padded = move(PadSpec((1, 2, 2), (0, 1, 0), (0, 0, 1)), [image], 9)
    np.testing.assert_array_equal(padded, [[[9, 9, 9], [0, 1, 9], [2, 3, 9]]])
    joined = move(ConcatSpec(((1, 2, 2), (1, 2, 2))), [image, image + 4])
    np.testing.assert_array_equal(joined, [[[0, 1, 4, 5], [2, 3, 6, 7]]])
    turned = move(TransposeSpec((1, 2, 2), (2, 0, 1)), [image])
    np.testing.assert_array_equal(turned, [[[0, 2]], [[1, 3]]])
    flat = move(ReshapeSpec((1, 2, 2), (1, 1, 4)), [image])
    np.testing.assert_array_equal(flat, [[[0, 1, 2, 3]]])


def test_words_move_fast() -> None:
    """Whole words move at less than a cycle and a half a byte, transposed at three and a half."""
    for operator, shape, limit in (
        ("pad", "16x16x32", 1.5),
        ("concat", "16x16x32+16x16x32", 1.5),
        ("transpose", "16x16x32", 3.5),
    ):
        spec = parse_spec(operator, KernelOptions(shape=shape))
        result = measure(spec, "ideal-m4")
        extent = result.shape
        assert result.run.cycles < limit * extent["out_h"] * extent["out_w"] * extent["out_c"]


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("pad", KernelOptions(padding="same")),
        ("pad", KernelOptions(padding="1,2,3")),
        ("pad", KernelOptions(padding="9" * 5000 + ",1,1,1")),
        ("concat", KernelOptions(shape="2x2x2")),
        ("concat", KernelOptions(shape="2x2x2+3x2x2")),
        ("concat", KernelOptions(axis="hw")),
        ("transpose", KernelOptions(axis="hhc")),
        ("reshape", KernelOptions(shape="2x2x2")),
        ("reshape", KernelOptions(shape="2x2x2-1x1x7")),
        ("pad", KernelOptions(parse_precision("w8a8-unrolled"))),
    ],
)
def test_what_is_refused(operator: str, options: KernelOptions) -> None:
    """An operator that cannot be is refused with a reason."""
    with pytest.raises(UsageError):
        parse_spec(operator, options)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator_is_known(operator: str) -> None:
    """Users reach each operator by name, with a shape of its own."""
    spec = parse_spec(operator, KernelOptions())
    assert spec.title.startswith(operator)
    assert spec.shape_text == parse_spec(operator, KernelOptions(shape=spec.shape_text)).shape_text
