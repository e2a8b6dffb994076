"""Thresholds that stand for a batch normalization, against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thumbclock.kernels.batch_norm import BEYOND_SUMS, fold_batch_norm

_EPSILON = 2.0**-10


def _reaches(s: int, channel: tuple[float, ...], cut: Fraction) -> bool:
    """Whether gamma * (scale * s - mean) / sqrt(variance + epsilon) + beta >= cut."""
    gamma, beta, mean, variance, scale = (Fraction(value) for value in channel)
    left = gamma * (scale * s - mean)  # against (cut - beta) * sqrt(variance + epsilon)
    right = cut - beta
    square = (variance + Fraction(_EPSILON)) * right * right
    if (left >= 0) != (right >= 0):
        return left >= 0
    return left * left >= square if left >= 0 else left * left <= square


def _output(s: int, channel: tuple[float, ...], bits: int, *, signed: bool) -> int:
    """Round, ties upwards, and clamp: the greatest value whose lower cut is reached."""
    if bits == 1:
        return 1 if _reaches(s, channel, Fraction(0)) else -1
    lowest = -(1 << bits) // 2 if signed else 0
    value = lowest
    while value < lowest + (1 << bits) - 1 and _reaches(s, channel, Fraction(2 * value + 1, 8)):
        value += 1
    return value


# Few distinct values, powers of two among them, so that sums often lie on a cut.
_SIGNED = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.25]), st.floats(-4, 4, width=16))
_POSITIVE = st.sampled_from([0.0, 1.0 - _EPSILON, 4.0 - _EPSILON, 0.3, 2.0])
_SCALES = st.sampled_from([0.125, 0.25, 0.1, 1.0, 3.0])


@given(
    channel=st.tuples(_SIGNED, _SIGNED, _SIGNED, _POSITIVE, _SCALES),
    bits=st.sampled_from([1, 2, 4]),
    signed=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_thresholds_are_exact(channel: tuple[float, ...], bits: int, signed: bool) -> None:
    """Every sum gets the output of the unfolded definition, on cuts and beside them too."""
    gamma, beta, mean, variance, scale = (np.array([value]) for value in channel)
    folded = fold_batch_norm(
        *(gamma, beta, mean, variance),
        sum_scale=scale,
        output_scale=0.25,
        bits=bits,
        signed=signed and bits > 1,
        epsilon=_EPSILON,
    )
    assert (np.diff(folded.thresholds) >= 0).all()
    near = {int(t) + d for t in folded.thresholds[0] if abs(t) < BEYOND_SUMS for d in (-1, 0, 1)}
    sums = np.array(sorted(near | {-1000, -7, 0, 1, 12, 1000}))
    expected = [_output(int(s), channel, bits, signed=signed and bits > 1) for s in sums]
    assert folded.apply(sums[:, None])[:, 0].tolist() == expected


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, [-1, 1, 1]), (-1.0, [1, 1, -1])])
def test_a_negative_scale_makes_a_channel_fall(gamma: float, expected: list[int]) -> None:
    """Z is zero at the mean; where gamma is negative, greater sums yield smaller outputs."""
    one = np.ones(1)
    folded = fold_batch_norm(
        *(gamma * one, 0 * one, 3 * one, one), sum_scale=one, output_scale=1.0, bits=1
    )
    assert folded.apply(np.array([[2], [3], [4]]))[:, 0].tolist() == expected
