"""Every kernel, bit for bit, on random shapes and values and on the ends of its ranges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_bench import check, run
from kernel_cases import convolutions

from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.reference import accumulate
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    SubByteRequantization,
    ThresholdRequantization,
)
from thumbclock.profiles import load_profile

LOADED = ["w8a8", "w4a8", "w4a4", "w2a2", "w1a1"]
UNROLLED = ["w8a8-unrolled", "w8a8-skip25", "w8a8-skip50", "w8a8-skip100"]
TOOLCHAINS = [
    "zig",
    pytest.param(
        "gcc",
        marks=pytest.mark.needs_gcc,
    ),
]
_MANY = settings(max_examples=60, deadline=None)
_FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("precision", LOADED)
@_MANY
@given(data=st.data())
def test_bit_exact(precision: str, toolchain: str, data: st.DataObject) -> None:
    """Outputs equal the reference's, and nothing around output and scratch is touched."""
    spec = data.draw(convolutions(precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), toolchain=toolchain)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("precision", UNROLLED)
@_FEW
@given(data=st.data())
def test_unrolled_bit_exact(precision: str, toolchain: str, data: st.DataObject) -> None:
    """Emitted code equals a reference in which the operands left out are zero."""
    spec = data.draw(convolutions(precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), toolchain=toolchain)


@pytest.mark.parametrize("precision", [*LOADED, "w8a8-skip25"])
@pytest.mark.parametrize("shape", ["8x9x16-16", "5x6x32-8", "6x5x3-5", "4x4x64-4"], ids=str)
def test_usual_layers(precision: str, shape: str) -> None:
    """Padded 3x3 layers of usual widths."""
    check(random_layer(ConvSpec.parse(shape, precision=precision)))


def _neutral(spec: ConvSpec) -> Requantization:
    """Return a requantization that sees one bit of every sum."""
    zeros = np.zeros(spec.out_c, np.int64)
    match spec.precision.activation_bits:
        case 8:
            return Int8Requantization(zeros, zeros + (1 << 30), zeros - 8, 127, -5, -100, 90)
        case 1:
            return ThresholdRequantization(zeros[:, None], 1)
        case bits:
            return SubByteRequantization(zeros, zeros + (1 << 28), 6, bits)


@pytest.mark.parametrize("precision", [*LOADED, "w8a8-unrolled"])
@pytest.mark.parametrize("weight_end", ["least", "greatest", "alternating"])
@pytest.mark.parametrize("input_end", ["least", "greatest"])
@pytest.mark.parametrize("channels", [6, 64, 230])
def test_ends_of_the_ranges(precision: str, weight_end: str, input_end: str, channels: int) -> None:
    """Lanes and fields do not overflow when all operands are at the ends of their ranges."""
    spec = ConvSpec.parse(f"3x3x{channels}-3", precision=precision)
    bits, width = spec.precision.weight_bits, spec.precision.activation_bits
    low, high = (-1, 1) if bits == 1 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    index = np.indices(spec.weight_shape).sum(axis=0) % 2
    weights = {
        "least": np.full(spec.weight_shape, low),
        "greatest": np.full(spec.weight_shape, high),
        "alternating": np.where(index == 0, low, high),
    }[weight_end]
    ends = {8: (-128, 127), 1: (-1, 1)}.get(width, (0, (1 << width) - 1))
    inputs = np.full(spec.input_shape, ends[input_end == "greatest"])
    neutral = _neutral(spec)
    raw = ConvLayer(spec, inputs, weights, neutral)
    check(raw)
    if isinstance(neutral, SubByteRequantization):
        # And with a scale that lets the lowest bits of large sums through.
        bias = -accumulate(spec, inputs, weights).reshape(-1, spec.out_c)[0]
        shifted = replace(neutral, bias=bias + 1, left=0, multiplier=neutral.multiplier * 7)
        check(replace(raw, requantization=shifted))


@pytest.mark.parametrize("shift", [3, 1, 0, -1, -7, -31])
def test_int8_shifts(shift: int) -> None:
    """Left shifts, none, and right shifts up to the longest are TensorFlow Lite's."""
    layer = random_layer(ConvSpec.parse("5x5x4-6", precision="w8a8"), 7)
    rng = np.random.default_rng(1)
    requantization = Int8Requantization(
        bias=rng.integers(-9, 9, 6),
        multiplier=rng.integers(1 << 30, 1 << 31, 6),
        shift=np.full(6, shift),
        input_offset=3,
        output_offset=2,
    )
    small = np.sign(layer.weights)
    check(replace(layer, weights=small, requantization=requantization))


def test_kernels_reach_their_rates() -> None:
    """Fewer bits mean fewer instructions, and int4 weights cost nothing beside int8 ones."""
    core = load_profile("ideal-m7").core
    counts = {
        precision: run(
            random_layer(ConvSpec.parse("8x8x32-32", precision=precision)).task(core), count=True
        ).instructions
        for precision in LOADED
    }
    assert counts["w8a8"] > counts["w4a4"] > counts["w2a2"] > counts["w1a1"]
    assert counts["w4a8"] < 1.05 * counts["w8a8"]
