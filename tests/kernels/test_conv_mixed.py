"""Convolutions of any pair of widths, bit for bit, with groups, dilation and every output."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check
from kernel_cases import convolutions

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.mixed import pack_mixed_weights, unpack_mixed_weights
from thumbclock.kernels.conv.reference import accumulate
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.measure import measure
from thumbclock.kernels.packed import lowest_value
from thumbclock.kernels.requantization import (
    Int8Requantization,
    SubByteRequantization,
    ThresholdRequantization,
)
from thumbclock.kernels.support import every_precision
from thumbclock.profiles import load_profile

PAIRS = [f"w{weights}a{activations}" for weights in (8, 4, 2, 1) for activations in (8, 4, 2, 1)]
PRECISIONS = [precision.name for precision in every_precision()]
PROFILES = ["ideal-m4", "ideal-m7"]  # whose inner loops differ
TOOLCHAINS = [
    ("zig", 150),
    pytest.param(
        *("gcc", 60),
        marks=pytest.mark.needs_gcc,
    ),
]


@pytest.mark.parametrize(("toolchain", "examples"), TOOLCHAINS)
def test_bit_exact(toolchain: str, examples: int) -> None:
    """Outputs equal the reference's, and nothing but output and scratch is touched."""

    @settings(max_examples=examples, deadline=None)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        spec = data.draw(convolutions(data.draw(st.sampled_from(PRECISIONS)), grouped=True))
        per_tensor = data.draw(st.booleans())
        layer = random_layer(spec, data.draw(st.integers(0, 999)), per_tensor=per_tensor)
        check(layer, toolchain=toolchain, profile=data.draw(st.sampled_from(PROFILES)))

    holds()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision(precision: str, profile: str) -> None:
    """Each has a kernel, for groups whose channels start inside a byte too."""
    spec = ConvSpec.parse("5x4x9-6", dilation="1x2", groups=3, stride="2x1", precision=precision)
    check(random_layer(spec), profile=profile)


@pytest.mark.parametrize("groups", [1, 2, 5, 10])
def test_cortex_m33(groups: int) -> None:
    """Every core that has the DSP extension runs them."""
    spec = ConvSpec.parse("4x4x10-20", groups=groups, precision="w2a1o4")
    check(random_layer(spec), profile="ideal-m33")


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("weight_end", ["least", "greatest", "alternating"])
@pytest.mark.parametrize("input_end", ["least", "greatest"])
@pytest.mark.parametrize("profile", PROFILES)
def test_ends_of_the_ranges(pair: str, weight_end: str, input_end: str, profile: str) -> None:
    """No lane or sum overflows when all operands are at the ends of their ranges."""
    spec = ConvSpec.parse("2x3x140-3", precision=f"{pair}o8")
    bits, width = spec.precision.weight_bits, spec.precision.activation_bits
    low = lowest_value(bits, signed=True)
    high = 1 if bits == 1 else low + (1 << bits) - 1
    index = np.indices(spec.weight_shape).sum(axis=0) % 2
    weights = {
        "least": np.full(spec.weight_shape, low),
        "greatest": np.full(spec.weight_shape, high),
        "alternating": np.where(index == 0, low, high),
    }[weight_end]
    least = lowest_value(width, signed=width == 8)
    greatest = 1 if width == 1 else least + (1 << width) - 1
    inputs = np.full(spec.input_shape, greatest if input_end == "greatest" else least)
    # One output in each channel lets the lowest bits through, the others saturate.
    bias = 3 - accumulate(spec, inputs, weights)[1, 1]
    halved = Int8Requantization(bias, np.full(3, 1 << 30), np.zeros(3, np.int64))
    check(ConvLayer(spec, inputs, weights, halved), profile=profile)


@pytest.mark.parametrize("shift", [3, 1, 0, -1, -7, -31])
def test_int8_shifts(shift: int) -> None:
    """Left shifts, none, and right shifts up to the longest are TensorFlow Lite's."""
    layer = random_layer(ConvSpec.parse("5x5x4-6", precision="w2a4o8"), 7)
    rng = np.random.default_rng(1)
    requantization = Int8Requantization(
        bias=rng.integers(-9, 9, 6),
        multiplier=rng.integers(1 << 30, 1 << 31, 6),
        shift=np.full(6, shift),
        output_offset=2,
    )
    check(replace(layer, requantization=requantization))


@pytest.mark.parametrize("signed", ["", "s"])
@pytest.mark.parametrize("multiplier", [1, (1 << 31) - 1])
@pytest.mark.parametrize("left", [0, 12])
def test_extreme_multipliers(left: int, multiplier: int, signed: str) -> None:
    """The least and greatest multipliers leave outputs at zero or at both ends of their range."""
    layer = random_layer(ConvSpec.parse("5x5x4-6", precision=f"w4a8o4{signed}"), 7)
    requantization = layer.requantization
    assert isinstance(requantization, SubByteRequantization)
    check(
        replace(
            layer,
            requantization=replace(requantization, multiplier=np.full(6, multiplier), left=left),
        )
    )


@pytest.mark.parametrize("precision", ["w4a8o4-thresholds", "w1a1o2s-thresholds", "w8a2o1"])
def test_thresholds_beyond_every_sum(precision: str) -> None:
    """Thresholds at the ends of int32 are always or never reached, also on falling channels."""
    layer = random_layer(ConvSpec.parse("5x5x3-4", precision=precision), 7)
    thresholds = layer.requantization
    assert isinstance(thresholds, ThresholdRequantization)
    ends = np.sort(thresholds.thresholds, axis=1)
    ends[0], ends[1, -1], ends[2, 0] = (1 << 31) - 1, (1 << 31) - 1, -(1 << 31)
    falling = np.array([True, False, False, True])
    check(replace(layer, requantization=replace(thresholds, thresholds=ends, falling=falling)))


@pytest.mark.parametrize("precision", PAIRS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_weights_come_back(precision: str, data: st.DataObject) -> None:
    """Unpacking inverts packing."""
    spec = data.draw(convolutions(precision, grouped=True))
    weights = random_layer(spec, data.draw(st.integers(0, 99))).weights
    block = data.draw(st.sampled_from([2, 4]))
    packed = pack_mixed_weights(spec, weights, block)
    assert (unpack_mixed_weights(spec, packed, block) == weights).all()


@pytest.mark.parametrize("block", [2, 4])
@pytest.mark.parametrize("pair", PAIRS)
def test_full_layers_take_their_bits(pair: str, block: int) -> None:
    """Where nothing needs filling, weights of b bits take b / 8 bytes each, and 8 bytes in all."""
    spec = ConvSpec.parse("8x8x64-64", precision=pair)
    weights = random_layer(spec).weights
    exact = weights.size * spec.precision.weight_bits // 8
    assert len(pack_mixed_weights(spec, weights, block)) == exact + 8


@pytest.mark.parametrize("pair", PAIRS)
def test_says_which_kernel_ran(pair: str) -> None:
    """Kernels made by hand serve their own precision; what differs in anything is put together."""
    core = load_profile("ideal-m4").core

    def kernel(precision: str, **shape: str) -> object:
        task = random_layer(ConvSpec.parse("4x4x2-2", precision=precision, **shape)).task(core)
        assert task.options is not None
        return task.options["kernel"]

    by_hand = pair in {"w8a8", "w4a8", "w4a4", "w2a2", "w1a1"}
    assert kernel(pair) == (pair if by_hand else "mixed")
    assert kernel(pair, dilation="2") == "mixed"
    other = "o4" if pair[-1] != "4" else "o2"
    assert kernel(pair + other) == "mixed"


def test_checks_memory_and_measures() -> None:
    """Each load and store of a grouped, dilated layer lies in the arrays of the call."""
    spec = ConvSpec.parse("5x5x6-6", dilation="2", groups=2, precision="w2a4o8")
    result = measure(spec, "ideal-m7", check_memory=True)
    assert result.mismatch_count == 0
    assert (result.shape["dilation_h"], result.shape["groups"]) == (2, 2)


def test_refuses_a_requantization_of_other_outputs() -> None:
    """Outputs of the wrong kind or width are an error, not other outputs."""
    layer = random_layer(ConvSpec.parse("4x4x2-2", precision="w4a4"))
    core = load_profile("ideal-m4").core
    wrong = replace(layer, spec=ConvSpec.parse("4x4x2-2", precision="w4a4o2"))
    with pytest.raises(UsageError, match="to 4 bits"):
        wrong.task(core)
    wrong = replace(layer, spec=ConvSpec.parse("4x4x2-2", precision="w4a4-thresholds"))
    with pytest.raises(UsageError, match="expected a ThresholdRequantization"):
        wrong.task(core)
