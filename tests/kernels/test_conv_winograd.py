"""Winograd's kernel: exact, within its buffers, and refused where it does not apply."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.conv.winograd import pack_winograd
from thumbclock.kernels.measure import measure
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.requantization import Int8Requantization

WINOGRAD = parse_precision("w8a8-winograd")


@st.composite
def convolutions(draw: st.DrawFn) -> ConvSpec:
    """Draw a convolution that the kernel takes, odd outputs and partial blocks included."""
    padding = Padding(*(draw(st.integers(0, 2)) for _ in range(4)))
    return ConvSpec(
        in_h=draw(st.integers(max(3 - padding.top - padding.bottom, 1), 6)),
        in_w=draw(st.integers(max(3 - padding.left - padding.right, 1), 12)),
        in_c=draw(st.sampled_from([4, 8, 12, 16, 20, 36])),
        out_c=draw(st.integers(1, 7)),
        padding=padding,
        precision=WINOGRAD,
    )


@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m4"])
@settings(max_examples=50, deadline=None)
@given(spec=convolutions(), seed=st.integers(0, 999))
def test_bit_exact(profile: str, spec: ConvSpec, seed: int) -> None:
    """Outputs are those of the direct sums, with both orders of instructions."""
    check(random_layer(spec, seed), profile=profile)


@pytest.mark.needs_gcc
def test_bit_exact_with_gcc() -> None:
    """The C part does not lean on one compiler."""
    check(random_layer(ConvSpec.parse("5x6x8-3", precision="w8a8-winograd")), toolchain="gcc")


@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize("value", [-128, 127])
@pytest.mark.parametrize("shift", [2, 0, -9])
def test_ends_of_the_ranges(weight: int, value: int, shift: int) -> None:
    """Sums of the largest magnitude pass through the transforms, at every kind of shift."""
    spec = ConvSpec.parse("4x5x64-3", precision="w8a8-winograd")
    channels = np.zeros(3, np.int64)
    requantization = Int8Requantization(
        bias=channels + 1000,
        multiplier=np.array([1 << 30, (1 << 31) - 1, 3 << 29]),
        shift=channels + shift,
        input_offset=128 if shift < 0 else 0,
        output_offset=7,
        activation_min=-128 if shift < 0 else -100,
    )
    inputs = np.full(spec.input_shape, value)
    weights = np.full(spec.weight_shape, weight if shift < 0 else np.sign(weight))
    check(ConvLayer(spec, inputs, weights, requantization))


def test_reads_and_writes_only_its_own() -> None:
    """Every load and store lies within an array of the call, its constants or the stack."""
    spec = ConvSpec.parse("3x5x4-3", precision="w8a8-winograd")
    result = measure(spec, "nucleo-h743zi", check_memory=True)
    assert result.mismatch_count == 0


def test_is_faster_than_the_multipliers_ceiling() -> None:
    """More than two products a cycle, which SMLAD alone cannot reach."""
    spec = ConvSpec.parse("8x8x32-16", precision="w8a8-winograd")
    assert measure(spec, "ideal-m7").mac_per_cycle > 2


def test_weights_take_32_bytes_for_a_kernel() -> None:
    """16 places of 16 bits stand for 9 weights; output channels come in pairs."""
    weights = np.ones((3, 3, 3, 8), np.int64)
    assert len(pack_winograd(weights)) == 4 * 8 * 32 + 8


@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [("5x5x6-4", "3x3", "1"), ("5x5x8-4", "5x5", "1"), ("5x5x8-4", "3x3", "2")],
)
def test_refuses_what_it_does_not_compute(shape: str, kernel: str, stride: str) -> None:
    """One message says what the kernel takes."""
    spec = ConvSpec.parse(shape, kernel=kernel, stride=stride, precision="w8a8-winograd")
    with pytest.raises(UsageError, match="leave out -winograd"):
        measure(spec, "ideal-m7")
