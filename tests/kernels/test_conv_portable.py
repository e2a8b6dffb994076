"""Convolutions on cores without DSP instructions: the same outputs as everywhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check
from kernel_cases import convolutions

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.measure import measure

CORES = ["ideal-m0plus", "ideal-m3"]
PRECISIONS = [
    *("w8a8", "w4a8", "w2a8", "w1a8", "w8a4", "w4a4", "w2a2", "w1a1"),
    *("w4a2s", "w1a4s", "w8a1o8", "w2a8o4s", "w4a4o2-thresholds"),
]


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", PRECISIONS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_bit_exact(precision: str, profile: str, data: st.DataObject) -> None:
    """Every unpack stage, core and requantization, on shapes that are odd in every way."""
    spec = data.draw(convolutions(precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile=profile)


@pytest.mark.needs_gcc
@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", ["w8a8", "w2a4s", "w1a1"])
def test_bit_exact_with_gcc(precision: str, profile: str) -> None:
    """The C parts do not lean on one compiler."""
    layer = random_layer(ConvSpec.parse("5x4x18-7", precision=precision), 3)
    check(layer, profile=profile, toolchain="gcc")


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", ["w8a8", "w2a2", "w1a1"])
def test_reads_and_writes_only_its_own(precision: str, profile: str) -> None:
    """Every load and store lies within an array of the call, its constants or the stack."""
    spec = ConvSpec.parse("3x3x9-3", precision=precision, kernel="2x3")
    assert measure(spec, profile, check_memory=True).mismatch_count == 0


@pytest.mark.parametrize("precision", ["w8a8-unrolled", "w8a8-winograd"])
def test_some_kernels_need_dsp_instructions(precision: str) -> None:
    """A core without them is refused by name, before anything is built."""
    with pytest.raises(UsageError, match=r"Cortex-M0\+ lacks the DSP extension .*, or w8a8"):
        measure(ConvSpec.parse("4x4x4-4", precision=precision), "ideal-m0plus")
