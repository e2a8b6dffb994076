"""Kernels of 4, 2 and 1 bit on both kinds of core: rounds, planes, thresholds, sliced layouts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_bench import check
from kernel_cases import convolutions

from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.reference import accumulate
from thumbclock.kernels.conv.sliced import (
    is_sliced,
    pack_sliced_weights,
    sliced_scratch_bytes,
    unpack_sliced_weights,
)
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import SubByteRequantization, ThresholdRequantization
from thumbclock.profiles import load_profile

CORES = ["ideal-m4", "ideal-m7"]
_SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def sliced_convolutions(draw: st.DrawFn) -> ConvSpec:
    """Draw a convolution that the bit-sliced kernel serves."""
    spec = draw(convolutions("w1a1"))
    in_c, out_c = draw(st.sampled_from([32, 64, 96])), draw(st.sampled_from([32, 64]))
    return replace(spec, in_c=in_c, out_c=out_c)


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", ["w4a4", "w2a2", "w4a4-thresholds", "w2a2-thresholds"])
@_SOME
@given(data=st.data())
def test_bit_exact(precision: str, profile: str, data: st.DataObject) -> None:
    """Single- and dual-issue loops, scaled outputs and thresholds, odd shapes."""
    spec = data.draw(convolutions(precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile=profile)


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("products", [4369, 4370, 9000])
@pytest.mark.parametrize("weight", [-8, 7])
def test_long_sums_of_nibbles(profile: str, products: int, weight: int) -> None:
    """Sums are exact that an accumulator which two channels share cannot hold."""
    spec = ConvSpec.parse(f"1x2x{products}-2", kernel="1", precision="w4a4")
    total = 15 * products * weight
    biases, shift = np.array([5 - total, 9 - total]), 8
    requantization = SubByteRequantization(biases, np.full(2, 1 << (32 - shift)), shift, 4)
    inputs = np.full(spec.input_shape, 15)
    check(
        ConvLayer(spec, inputs, np.full(spec.weight_shape, weight), requantization),
        profile=profile,
    )


@pytest.mark.parametrize("profile", CORES)
@_SOME
@given(spec=sliced_convolutions(), seed=st.integers(0, 999))
def test_sliced_bit_exact(profile: str, spec: ConvSpec, seed: int) -> None:
    """Any kernel, stride and padding, with windows that overlap, touch or lie apart."""
    layer = random_layer(spec, seed)
    assert layer.task(load_profile(profile).core).function == "tc_conv_w1a1_sliced"
    check(layer, profile=profile)


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("blocks", [1, 3, 4, 5, 15, 16, 255])
@pytest.mark.parametrize("differing", [False, True])
def test_all_planes(profile: str, blocks: int, *, differing: bool) -> None:
    """Counters neither lose nor make up carries from no product of -1 to all of them."""
    spec = ConvSpec.parse(f"1x1x{32 * blocks}-32", kernel="1", precision="w1a1")
    weights = np.ones(spec.weight_shape, np.int64)
    inputs = np.full(spec.input_shape, -1 if differing else 1)
    total = -spec.products if differing else spec.products
    # Thresholds around the sum and around the ends of what sums can be.
    ends = [total, total + 1, total - 1, -spec.products, spec.products + 2, 2**31 - 1, -(2**31) + 1]
    thresholds = np.resize(ends, (32, 1))
    falling = np.arange(32) % 3 == 0
    check(
        ConvLayer(spec, inputs, weights, ThresholdRequantization(thresholds, 1, falling=falling)),
        profile=profile,
    )


def test_sliced_serves_whole_words_only() -> None:
    """Other binary layers, and the largest, keep the kernel that counts bits."""
    assert is_sliced(ConvSpec.parse("4x4x32-64", precision="w1a1"))
    assert not is_sliced(ConvSpec.parse("4x4x33-64", precision="w1a1"))
    assert not is_sliced(ConvSpec.parse("4x4x32-65", precision="w1a1"))
    assert not is_sliced(ConvSpec.parse("4x4x32-64", precision="w1a1o8"))
    assert not is_sliced(ConvSpec.parse("1x1x8192-32", kernel="1", precision="w1a1"))
    spec = ConvSpec.parse("4x4x32-32", precision="w1a1")
    small = random_layer(spec).task(load_profile("ideal-m0plus").core)
    assert small.function == "tc_conv_w1a1"  # the loops need Armv7-M


@_SOME
@given(spec=sliced_convolutions(), seed=st.integers(0, 99))
def test_sliced_weights_come_back(spec: ConvSpec, seed: int) -> None:
    """The transformation of a block is undone, and a weight takes a bit."""
    weights = random_layer(spec, seed).weights
    packed = pack_sliced_weights(spec, weights)
    assert len(packed) == weights.size // 8
    assert (unpack_sliced_weights(spec, packed) == weights).all()


def test_sliced_scratch_is_small() -> None:
    """Two words for each 32 inputs that a row of outputs sees, and three times two."""
    spec = ConvSpec.parse("16x16x32-64", precision="w1a1")
    assert sliced_scratch_bytes(spec) == 8 * (18 * 3 + 3)


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", ["w4a4-thresholds", "w2a2-thresholds"])
@pytest.mark.parametrize("channels", [8, 24, 40, 64, 460])
def test_thresholds_see_every_bit(precision: str, profile: str, channels: int) -> None:
    """Sums at the ends of their range fall on the right side of thresholds one apart."""
    spec = ConvSpec.parse(f"2x3x{channels}-5", kernel="2x2", precision=precision)
    bits = spec.precision.activation_bits
    inputs = np.full(spec.input_shape, (1 << bits) - 1)
    ends = np.array([-(1 << (bits - 1)), (1 << (bits - 1)) - 1])
    weights = np.broadcast_to(ends[np.arange(5) % 2][:, None, None, None], spec.weight_shape)
    sums = accumulate(spec, inputs, weights, 0)[0, 0]
    count = (1 << bits) - 1
    thresholds = sums[:, None] + np.arange(count) - np.arange(5)[:, None]
    falling = np.arange(5) == 3
    rule = ThresholdRequantization(thresholds, bits, falling=falling)
    check(ConvLayer(spec, inputs, weights, rule), profile=profile)
