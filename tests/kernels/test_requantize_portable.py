"""Requantization in C, on cores with and without DSP, saturation and long multiplication."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thumbclock import assets
from thumbclock.firmware import program
from thumbclock.machine import Machine
from thumbclock.profiles import load_profile
from thumbclock.toolchain import Source, build

SOURCE = """
#include "tc_requantize.h"
#include "thumbclock.h"
__attribute__((noinline, used)) int32_t smmulr(int32_t a, int32_t b) { return tc_smmulr(a, b); }
__attribute__((noinline, used)) int32_t round_s8(int32_t v, int32_t right, int32_t offset)
{ return tc_round_s8(v, right, offset); }
__attribute__((noinline, used)) uint32_t sub_byte(int32_t v, const tc_channel_un *c, int32_t bits)
{ return tc_requantize_un(v, c, 0, bits); }
void *volatile kept[] = {(void *)smmulr, (void *)round_s8, (void *)sub_byte};
tc_channel_un channel;
void tc_kernel(void) { channel.bias = (int32_t)kept[0]; }
"""
CORES = ["ideal-m0plus", "ideal-m3", "ideal-m4"]
WORD = st.one_of(
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.sampled_from([-(1 << 31), (1 << 31) - 1, -1, 0, 1, 1 << 30, 0xFFFF, 0x10000, -0x10000]),
)


@cache
def machine(profile: str) -> Machine:
    """An image with the functions, after start-up."""
    request = program(
        (Source.generated("requantize.c", SOURCE),),
        load_profile(profile),
        harness=True,
        include_dirs=(assets.path("kernels", "common"),),
    )
    made = Machine(build(request).elf, profile)
    made.start("tc_ready")
    return made


def signed(value: int) -> int:
    """Return a 32-bit value as a signed number."""
    return (value ^ (1 << 31)) - (1 << 31)


@pytest.mark.parametrize("profile", CORES)
@settings(max_examples=80, deadline=None)
@given(a=WORD, b=WORD)
def test_rounded_high_product(profile: str, a: int, b: int) -> None:
    """Halfword products add up to what SMMULR gives, at the ends of the range as well."""
    expected = ((a * b + (1 << 31)) >> 32) & 0xFFFFFFFF
    assert machine(profile).call("smmulr", a & 0xFFFFFFFF, b & 0xFFFFFFFF).value == expected


@pytest.mark.parametrize("profile", CORES)
@settings(max_examples=60, deadline=None)
@given(
    value=st.integers(-(1 << 30), (1 << 30) - 1),
    right=st.integers(1, 31),
    offset=st.integers(-128, 127),
)
def test_rounding_shift(profile: str, value: int, right: int, offset: int) -> None:
    """Ties go away from zero, the offset is added, and the result saturates."""
    magnitude = (abs(value) + (1 << right >> 1)) >> right
    expected = min(max((magnitude if value >= 0 else -magnitude) + offset, -128), 127)
    found = machine(profile).call("round_s8", value & 0xFFFFFFFF, right, 2 * offset + 1).value
    assert signed(found) == expected


@pytest.mark.parametrize("profile", CORES)
@settings(max_examples=40, deadline=None)
@given(value=WORD, multiplier=st.integers(1, (1 << 31) - 1), bits=st.sampled_from([4, 2]))
def test_sub_byte_outputs(profile: str, value: int, multiplier: int, bits: int) -> None:
    """Products are rounded and clamped to the unsigned range."""
    board = machine(profile)
    channel = board.symbol("channel")
    board.write(channel, bytes(4) + multiplier.to_bytes(4, "little"))
    expected = min(max((value * multiplier + (1 << 31)) >> 32, 0), (1 << bits) - 1)
    assert board.call("sub_byte", value & 0xFFFFFFFF, channel, bits).value == expected
