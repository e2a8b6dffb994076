"""Packed layouts lose nothing and take the space they state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_cases import convolutions

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.packing import (
    pack_requantization,
    pack_weights,
    unpack_weights,
    weight_bytes,
)
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.packed import pack_activations, unpack_activations
from thumbclock.kernels.requantization import Int8Requantization, SubByteRequantization

LOADED = ["w8a8", "w4a8", "w4a4", "w2a2", "w1a1"]


@pytest.mark.parametrize("precision", LOADED)
@given(data=st.data())
def test_weights_come_back(precision: str, data: st.DataObject) -> None:
    """Unpacking inverts packing, and the packed size is the stated one."""
    spec = data.draw(convolutions(precision))
    weights = random_layer(spec, data.draw(st.integers(0, 99))).weights
    packed = pack_weights(spec, weights)
    assert len(packed) == weight_bytes(spec)
    assert (unpack_weights(spec, packed) == weights).all()


@given(
    bits=st.sampled_from([1, 2, 4, 8]),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_activations_come_back(bits: int, shape: tuple[int, int, int], seed: int) -> None:
    """Unpacking inverts packing for every width."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1 << bits, shape)
    values = {8: values - 128, 1: 2 * values - 1}.get(bits, values)
    packed = pack_activations(values, bits)
    assert len(packed) == shape[0] * shape[1] * -(-shape[2] * bits // 8)
    assert (unpack_activations(packed, shape, bits) == values).all()


def test_low_fields_come_first() -> None:
    """The order of nibbles in a byte is the documented one."""
    assert pack_activations(np.array([[[1, 2, 3]]]), 4) == bytes([0x21, 0x03])


@pytest.mark.parametrize("precision", LOADED)
def test_full_layers_take_their_bits(precision: str) -> None:
    """Where nothing needs filling, weights of b bits take b / 8 bytes each, and 8 bytes in all."""
    spec = ConvSpec.parse("8x8x64-64", precision=precision)
    exact = 64 * 9 * 64 * spec.precision.weight_bits // 8
    assert weight_bytes(spec) == exact + (0 if precision == "w1a1" else 8)


def test_refuses_what_does_not_fit() -> None:
    """A value beyond its field is an error, not another value."""
    spec = ConvSpec.parse("1x1x1-1", kernel="1", precision="w4a4")
    with pytest.raises(UsageError, match="-8 to 7"):
        pack_weights(spec, np.array([[[[8]]]]))
    with pytest.raises(UsageError, match="0 to 15"):
        pack_activations(np.array([[[-1]]]), 4)
    with pytest.raises(UsageError, match="neither -1 nor"):
        pack_activations(np.array([[[0]]]), 1)
    with pytest.raises(UsageError, match="expected OHWI"):
        pack_weights(spec, np.array([[[[1, 1]]]]))


def test_refuses_sums_that_would_wrap() -> None:
    """A shift that takes a possible sum out of 32 bits is found when the table is packed."""
    one = np.array([1])
    spec = ConvSpec.parse("1x1x1-1", kernel="1")
    weights = np.full((1, 1, 1, 1), 127)
    with pytest.raises(UsageError, match="leave 32 bits"):
        pack_requantization(spec, Int8Requantization(one, one, one * 20), weights)
    with pytest.raises(UsageError, match="leave 32 bits"):
        pack_requantization(spec, SubByteRequantization(one, one, 28, 4), weights)
