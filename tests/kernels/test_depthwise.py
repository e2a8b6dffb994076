"""Depthwise convolutions: what users write, and every kernel bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.reference import accumulate
from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.depthwise.data import random_layer
from thumbclock.kernels.depthwise.layer import DepthwiseLayer
from thumbclock.kernels.depthwise.packing import pack_weights
from thumbclock.kernels.depthwise.spec import DepthwiseSpec
from thumbclock.kernels.measure import measure
from thumbclock.kernels.packed import lowest_value
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.profiles import load_profile

PAIRS = [f"w{weights}a{activations}" for weights in (8, 4, 2, 1) for activations in (8, 4, 2, 1)]
PRECISIONS = [
    f"{pair}o{outputs}{signed}{thresholds}"
    for pair in PAIRS
    for outputs in (8, 4, 2, 1)
    for signed in ["", "s"][: 1 + bool({int(pair[-1]), outputs} & {4, 2})]
    for thresholds in ["", "-thresholds"][: 1 + (outputs in {4, 2})]
]
TOOLCHAINS = [
    ("zig", 80),
    pytest.param(
        *("gcc", 20),
        marks=pytest.mark.needs_gcc,
    ),
]
_CHANNELS = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 12, 17, 31, 33, 40])


@st.composite
def general(draw: st.DrawFn) -> DepthwiseSpec:
    """Draw any kernel, stride, padding, dilation and channel multiplier."""
    kernel_h, kernel_w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dilation_h, dilation_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = Padding(*(draw(st.integers(0, 3)) for _ in range(4)))
    least_h = max((kernel_h - 1) * dilation_h + 1 - padding.top - padding.bottom, 1)
    least_w = max((kernel_w - 1) * dilation_w + 1 - padding.left - padding.right, 1)
    in_c = draw(_CHANNELS)
    return DepthwiseSpec(
        ConvSpec(
            in_h=draw(st.integers(least_h, least_h + 4)),
            in_w=draw(st.integers(least_w, least_w + draw(st.sampled_from([4, 19])))),
            in_c=in_c,
            out_c=in_c * draw(st.sampled_from([1, 1, 2, 3])),
            kernel_h=kernel_h,
            kernel_w=kernel_w,
            stride_h=draw(st.integers(1, 5)),
            stride_w=draw(st.integers(1, 5)),
            padding=padding,
            dilation_h=dilation_h,
            dilation_w=dilation_w,
            groups=in_c,
            precision=parse_precision(draw(st.sampled_from(PRECISIONS))),
        )
    )


@st.composite
def tiles(draw: st.DrawFn, precisions: list[str]) -> DepthwiseSpec:
    """Draw a 3x3 kernel that works on strips, with one tile or several in either direction."""
    stride = draw(st.sampled_from([1, 2]))
    padding = Padding(*(draw(st.integers(0, 3)) for _ in range(4)))
    rows = draw(st.sampled_from([1, 2, 3, 4, 5, 16, 17, 18, 32, 33, 34, 35, 67]))
    columns = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 9, 10, 13]))
    in_c = draw(_CHANNELS)
    return DepthwiseSpec(
        ConvSpec(
            in_h=max(stride * (rows - 1) + 3 - padding.top - padding.bottom, 1),
            in_w=max(stride * (columns - 1) + 3 - padding.left - padding.right, 1),
            in_c=in_c,
            out_c=in_c,
            stride_h=stride,
            stride_w=stride,
            padding=padding,
            groups=in_c,
            precision=parse_precision(draw(st.sampled_from(precisions))),
        )
    )


@pytest.mark.parametrize(("toolchain", "examples"), TOOLCHAINS)
def test_any_shape(toolchain: str, examples: int) -> None:
    """Outputs equal the reference's, and nothing but output and scratch is touched."""

    @settings(max_examples=examples, deadline=None)
    @given(spec=general(), seed=st.integers(0, 999))
    def holds(spec: DepthwiseSpec, seed: int) -> None:
        check(random_layer(spec, seed), toolchain=toolchain)

    holds()


@pytest.mark.parametrize(("toolchain", "examples"), TOOLCHAINS)
@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m4"])
def test_int8_3x3(profile: str, toolchain: str, examples: int) -> None:
    """Tiles, their halves and their edges fit together in each core's order of instructions."""

    @settings(max_examples=examples // 2, deadline=None)
    @given(spec=tiles(["w8a8", "w4a8", "w2a8", "w1a8"]), seed=st.integers(0, 999))
    def holds(spec: DepthwiseSpec, seed: int) -> None:
        check(random_layer(spec, seed), toolchain=toolchain, profile=profile)

    holds()


@pytest.mark.parametrize(("toolchain", "examples"), TOOLCHAINS)
def test_3x3_of_any_precision(toolchain: str, examples: int) -> None:
    """The same, with sums that are requantized apart."""

    @settings(max_examples=examples, deadline=None)
    @given(spec=tiles(PRECISIONS), seed=st.integers(0, 999))
    def holds(spec: DepthwiseSpec, seed: int) -> None:
        check(random_layer(spec, seed), toolchain=toolchain)

    holds()


@pytest.mark.parametrize("profile", ["ideal-m0plus", "ideal-m3", "ideal-m33"])
@settings(max_examples=25, deadline=None)
@given(spec=general() | tiles(["w8a8", "w4a4", "w1a1"]), seed=st.integers(0, 999))
def test_other_cores(profile: str, spec: DepthwiseSpec, seed: int) -> None:
    """Cores without DSP instructions, or unaligned loads, compute the same."""
    check(random_layer(spec, seed), profile=profile)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dilation", ["1", "2"])
def test_every_precision(precision: str, dilation: str) -> None:
    """Each has a kernel, on strips and for any shape."""
    spec = DepthwiseSpec.parse("5x4x33", dilation=dilation, precision=precision)
    check(random_layer(spec))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kernel", ["3x3", "5x5"])
@pytest.mark.parametrize("weight_end", ["least", "greatest"])
@pytest.mark.parametrize("input_end", ["least", "greatest"])
def test_ends_of_the_ranges(pair: str, kernel: str, weight_end: str, input_end: str) -> None:
    """No lane or sum overflows when all operands are at the ends of their ranges."""
    spec = DepthwiseSpec.parse("4x5x32", kernel=kernel, precision=f"{pair}o8")
    bits, width = spec.precision.weight_bits, spec.precision.activation_bits
    low, least = lowest_value(bits, signed=True), lowest_value(width, signed=width == 8)
    high = 1 if bits == 1 else low + (1 << bits) - 1
    greatest = 1 if width == 1 else least + (1 << width) - 1
    weights = np.full(spec.conv.weight_shape, low if weight_end == "least" else high)
    inputs = np.full(spec.conv.input_shape, least if input_end == "least" else greatest)
    offset = (-least if input_end == "greatest" else -greatest) if width == 8 else 0
    sums = accumulate(spec.conv, inputs, weights, offset)
    zeros = np.zeros(32, np.int64)
    shift = zeros - max(int(np.abs(sums).max()).bit_length() - 7, 0)
    check(
        DepthwiseLayer(
            spec, inputs, weights, Int8Requantization(zeros, zeros + (1 << 30) + 1, shift, offset)
        )
    )


@pytest.mark.parametrize("shift", [7, 3, 1, 0, -1, -2, -7, -31])
@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m4", "ideal-m0plus"])
def test_int8_shifts(profile: str, shift: int) -> None:
    """Left shifts, none, and right shifts up to the longest are TensorFlow Lite's."""
    layer = random_layer(DepthwiseSpec.parse("5x5x6"), 7)
    rng = np.random.default_rng(1)
    requantization = Int8Requantization(
        bias=rng.integers(-9, 9, 6),
        multiplier=rng.integers(1 << 30, 1 << 31, 6),
        shift=np.full(6, shift),
        input_offset=3,
        output_offset=2,
    )
    small = np.sign(layer.weights)
    check(replace(layer, weights=small, requantization=requantization), profile=profile)


@settings(max_examples=20, deadline=None)
@given(
    right=st.integers(2, 12),
    offset=st.integers(-128, 127),
    bounds=st.tuples(st.integers(-128, 127), st.integers(-128, 127)).map(sorted),
    stride=st.sampled_from(["1", "2"]),
    seed=st.integers(0, 99),
)
def test_ties_and_bounds(
    right: int, offset: int, bounds: list[int], stride: str, seed: int
) -> None:
    """Sums that end in a tie round away from zero, and activations clamp."""
    layer = random_layer(DepthwiseSpec.parse("6x5x5", stride=stride), seed)
    half = np.full(5, 1 << 30)  # a quarter of what an accumulator is: ties at every bit
    requantization = Int8Requantization(
        np.arange(5) - 2, half, np.full(5, -right), 12, offset, bounds[0], bounds[1]
    )
    check(replace(layer, requantization=requantization))


def test_weights_are_tensorflow_lites() -> None:
    """Of 8 bits nothing is moved: 1HWC, channels of a multiplier side by side."""
    spec = DepthwiseSpec.parse("4x4x3-6")
    taps = np.arange(-27, 27).reshape(1, 3, 3, 6)
    weights = taps.transpose(3, 1, 2, 0)
    assert pack_weights(spec, weights) == taps.astype(np.int8).tobytes()


@pytest.mark.parametrize(("precision", "expected"), [("w4a4", 9 * 17), ("w2a8", 9 * 9)])
def test_weights_take_their_bits(precision: str, expected: int) -> None:
    """A tap's last byte is filled up, and no more."""
    spec = DepthwiseSpec.parse("4x4x33", precision=precision)
    assert len(pack_weights(spec, random_layer(spec).weights)) == expected


@pytest.mark.parametrize(
    ("precision", "kernel"), [("w8a8", "3x3"), ("w4a4", "3x3"), ("w1a1", "3x3"), ("w8a8", "5x2")]
)
@pytest.mark.parametrize("profile", ["ideal-m7", "nucleo-l4r5zi"])
def test_measures_what_it_checked(precision: str, kernel: str, profile: str) -> None:
    """On the simulated board outputs are the reference's, and no access is out of place."""
    spec = DepthwiseSpec.parse("3x4x33", kernel=kernel, precision=precision)
    result = measure(spec, profile, check_memory=True)
    assert result.mismatch_count == 0
    assert result.mac_per_cycle == spec.conv.macs / result.run.cycles


def test_int8_rate() -> None:
    """DS-CNN's layer stays near what its kernels are ordered for."""
    layer = random_layer(DepthwiseSpec.parse("25x5x64"))
    for profile in ("ideal-m7", "ideal-m4"):
        task = layer.task(load_profile(profile).core)
        assert task.options is not None
        assert task.options["kernel"] == "s8_3x3"
        cycles = measure(layer.spec, profile).run.cycles
        assert cycles < {"ideal-m7": 125_000, "ideal-m4": 220_000}[profile]


def test_parses_what_a_user_writes() -> None:
    """Channels once where each has one output, twice where it has several."""
    assert DepthwiseSpec.parse("25x5x64").conv.out_c == 64
    spec = DepthwiseSpec.parse("25x5x8-16", kernel="5x3", stride="2", dilation="1x2")
    assert spec.multiplier == 2
    assert spec.conv.output_shape == (13, 3, 16)
    assert spec.title == "depthwise 25x5x8-16, kernel 5x3, stride 2x2, dilation 1x2"
    assert DepthwiseSpec.parse(spec.shape_text).conv.group_in_c == 1


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("25x5", "HxWxC or HxWxCin-Cout"),
        ("5x5x4-6", "expected a multiple"),
        ("5x5x0", "0 input"),
        ("5x5x" + "9" * 5000, "HxWxC"),
    ],
)
def test_refuses_with_what_it_expected(shape: str, said: str) -> None:
    """An error names the part and the form that was expected."""
    with pytest.raises(UsageError, match=said):
        DepthwiseSpec.parse(shape)


def test_groups_are_the_channels() -> None:
    """A convolution of fewer groups is none."""
    with pytest.raises(UsageError, match="a group for each"):
        DepthwiseSpec(ConvSpec(4, 4, 4, 4, groups=2))


@pytest.mark.parametrize("precision", ["w8a8-unrolled", "w8a8-skip50"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(multiplier=st.integers(1, 2), channels=st.integers(1, 5), stride=st.integers(1, 2))
def test_weights_as_constants(precision: str, multiplier: int, channels: int, stride: int) -> None:
    """Emitted code computes it too, exactly or with operands left out."""
    spec = DepthwiseSpec.parse(
        f"5x6x{channels}-{channels * multiplier}", stride=str(stride), precision=precision
    )
    check(random_layer(spec, channels))


def test_refuses_what_has_no_kernel() -> None:
    """Precisions without a kernel and foreign requantizations are named."""
    core = load_profile("ideal-m7").core
    with pytest.raises(UsageError, match="no kernel w8a8-winograd; leave out -winograd"):
        random_layer(DepthwiseSpec.parse("4x4x4", precision="w8a8-winograd")).task(core)
    layer = random_layer(DepthwiseSpec.parse("4x4x4"))
    narrow = replace(layer, spec=DepthwiseSpec.parse("4x4x4", precision="w8a8o4"))
    with pytest.raises(UsageError, match="expected a SubByteRequantization"):
        narrow.task(core)
