"""The emitter's constants and what it leaves out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.kernels.conv.emit import emit_unrolled
from thumbclock.kernels.conv.spec import ConvSpec


def _products(text: str) -> int:
    return sum(line.split()[0] in {"smlad", "smuad"} for line in text.splitlines() if line.strip())


def test_leaves_out_pairs_of_zeros() -> None:
    """Each pair that is left out spares one SMLAD a pixel; half a pair spares none."""
    spec = ConvSpec.parse("4x4x8-2", kernel="1", precision="w8a8-unrolled")
    weights = np.full(spec.weight_shape, 3)
    full = _products(emit_unrolled(spec, weights))
    assert full == 4 * 2 * 4
    weights[0, 0, 0, [0, 2]] = 0
    weights[1, 0, 0, 1] = 0
    assert _products(emit_unrolled(spec, weights)) == full - 4


def test_all_zero_channels_still_have_sums() -> None:
    """A channel without operands sums to zero, whatever its registers held."""
    spec = ConvSpec.parse("1x1x4-2", kernel="1", precision="w8a8-unrolled")
    text = emit_unrolled(spec, np.zeros(spec.weight_shape, np.int64))
    assert _products(text) == 0
    assert sum(f"mov r{register}, #0" in text for register in range(4, 12)) == 8


@given(low=st.integers(-128, 127), high=st.integers(-128, 127))
def test_constants_hold_both_weights(low: int, high: int) -> None:
    """Whatever instructions a constant takes, they leave its two lanes in the register."""
    spec = ConvSpec.parse("1x1x4-1", kernel="1", precision="w8a8-unrolled")
    weights = np.array([low, 0, high, 0]).reshape(spec.weight_shape)
    value = 0
    for line in emit_unrolled(spec, weights).splitlines():
        mnemonic, _, operands = line.strip().partition(" ")
        if operands.startswith("r2, #"):
            number = int(operands.split("#")[1], 0)
            value = {
                "mov": number,
                "mvn": ~number & 0xFFFFFFFF,
                "movw": number,
                "movt": value & 0xFFFF | number << 16,
            }[mnemonic]
    assert value == (low & 0xFFFF) | (high & 0xFFFF) << 16
