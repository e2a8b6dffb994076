"""Pooling, bit for bit: every kernel, both compilers, cores with DSP instructions and without."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.packed import value_range
from thumbclock.kernels.pooling.layer import PoolLayer, random_layer
from thumbclock.kernels.pooling.reference import pool
from thumbclock.kernels.pooling.spec import PoolSpec
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.sizes import Padding
from thumbclock.kernels.weightless import ActivationRange

PRECISIONS = ["w8a8", "w8a4", "w8a4s", "w8a2", "w8a2s", "w8a1"]
OPERATORS = ["maxpool", "avgpool", "globalmaxpool", "globalavgpool"]
CASES = list(product(["max", "average"], PRECISIONS))


@st.composite
def poolings(draw: st.DrawFn, kind: str, precision: str) -> PoolSpec:
    """Draw a pooling that is odd in every way; a window may be larger than the image."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    pads = [draw(st.integers(0, side - 1)) for side in (*kernel, *kernel)]
    padding = Padding(pads[0], pads[2], pads[1], pads[3])
    least_h = max(kernel[0] - padding.top - padding.bottom, 1)
    least_w = max(kernel[1] - padding.left - padding.right, 1)
    return PoolSpec(
        kind,  # type: ignore[arg-type]
        draw(st.integers(least_h, least_h + 6)),
        draw(st.integers(least_w, least_w + 6)),
        draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 37, 40, 70])),
        *kernel,
        *draw(st.tuples(st.integers(1, 6), st.integers(1, 6))),
        padding,
        activation="-5,60" if precision == "w8a8" and draw(st.booleans()) else "none",
        precision=parse_precision(precision),
    )


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)])
@pytest.mark.parametrize(("kind", "precision"), CASES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_bit_exact(kind: str, precision: str, toolchain: str, data: st.DataObject) -> None:
    """Outputs equal the reference's on any shape, and nothing else is touched."""
    spec = data.draw(poolings(kind, precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), toolchain=toolchain)


@pytest.mark.parametrize("channels", [8, 16, 24, 64])
@pytest.mark.parametrize("padding", ["same", "valid", "1,1,1,1"])
def test_usual_windows(channels: int, padding: str) -> None:
    """Windows of 2x2 pixels of whole words have a loop of their own; borders do not take it."""
    for stride in ("1", "2", "3x1"):
        options = KernelOptions(
            shape=f"5x7x{channels}", kernel="2", stride=stride, padding=padding, activation="-50,50"
        )
        for operator in ("maxpool", "avgpool"):
            spec = parse_spec(operator, options)
            assert isinstance(spec, PoolSpec)
            check(random_layer(spec))


@pytest.mark.parametrize("profile", ["ideal-m3", "ideal-m0plus"])
@pytest.mark.parametrize(("kind", "precision"), CASES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_bit_exact_without_dsp(
    kind: str, precision: str, profile: str, data: st.DataObject
) -> None:
    """Cores without DSP instructions, and without unaligned loads, agree."""
    spec = data.draw(poolings(kind, precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile=profile)


@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m3"])
@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_large_windows_at_the_ends(precision: str, end: int, profile: str) -> None:
    """Sums of images of one value do not overflow: of 256 pixels, of more, of the most."""
    bits = parse_precision(precision)
    value = value_range(bits.activation_bits, signed=bits.signed)[end]
    for shape in ("16x16x5", "1x257x3", "52x42x9"):
        spec = parse_spec("globalavgpool", KernelOptions(bits, shape))
        assert isinstance(spec, PoolSpec)
        inputs = np.full(spec.input_shape, value)
        check(PoolLayer(spec, inputs), profile=profile)
        inputs[0, 0] = -value if bits.activation_bits == 1 else value ^ 1
        check(PoolLayer(spec, inputs), profile=profile)


def test_averages_of_every_count() -> None:
    """Every sum of every count up to 256 is rounded like a quotient: the reciprocals are exact."""
    for count in range(1, 257):
        reciprocal = 0xFFFFFFFF // (4 * count if count < 3 else count) + 2
        sums = np.arange(-128 * count, 127 * count + 1)
        scaled = sums * (4 if count < 3 else 1)
        quotients = ((scaled * reciprocal >> 16) + (1 << 15)) >> 16
        expected = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
        np.testing.assert_array_equal(quotients, expected)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=30))
def test_reference_rounds_half_away_from_zero(values: list[int]) -> None:
    """The reference's averages are exact quotients, rounded to nearest, half away from zero."""
    spec = PoolSpec("average", 1, len(values), 1, 1, len(values))
    exact = Fraction(sum(values), len(values))
    half_up = int(abs(exact) + Fraction(1, 2))
    found = pool(spec, np.array(values).reshape(spec.input_shape), ActivationRange())
    assert found.item() == (half_up if exact >= 0 else -half_up)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("precision", ["w8a8", "w8a4s"])
def test_measured(operator: str, precision: str) -> None:
    """Every operator is reached by name, and reads and writes its arrays alone."""
    spec = parse_spec(operator, KernelOptions(parse_precision(precision), "5x6x19"))
    result = measure(spec, "ideal-m4", check_memory=True)
    assert result.mismatch_count == 0
    assert result.operator == operator
    assert result.macs == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": "3x3"}, "expected HxWxC"),
        ({"shape": "0x3x3"}, "expected 1 to"),
        ({"kernel": "40x2"}, "has no output"),
        ({"kernel": "999999999"}, "kernel_h is 999999999"),
        ({"shape": "2000x2000x1", "kernel": "99", "stride": "1"}, "what its windows cover"),
        ({"kernel": "8000", "stride": "1", "padding": "7999,7999,7999,7999"}, "the output"),
        ({"activation": f"0,{'9' * 5000}"}, "expected none, relu"),
        ({"precision": parse_precision("w8a8-winograd")}, "leave out -winograd"),
        ({"kernel": "2", "padding": "2,0,0,0"}, "less than the window"),
        ({"stride": "0"}, "expected at least 1"),
        ({"activation": "swish"}, "expected none, relu, relu6"),
        ({"activation": "9,-9"}, "LOW <= HIGH"),
        ({"precision": parse_precision("w8a4"), "activation": "relu"}, "clamp apart"),
        ({"precision": parse_precision("w8a8o4")}, "requantize apart"),
        ({"precision": parse_precision("w8a8-unrolled")}, "no weights"),
        (
            {"precision": parse_precision("w8a4"), "kernel": "100", "shape": "100x100x1"},
            "at most 2184",
        ),
    ],
)
def test_says_what_it_expects(options: dict[str, object], message: str) -> None:
    """What cannot be pooled is refused with what was expected."""
    with pytest.raises(UsageError, match=message):
        random_layer(parse_spec("avgpool", KernelOptions(**options)))  # type: ignore[arg-type]
