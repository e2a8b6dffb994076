"""Batch normalization folded into thresholds, without rounding."""

from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.requantization import ThresholdRequantization

__all__ = ["BEYOND_SUMS", "fold_batch_norm"]

BEYOND_SUMS = (1 << 31) - 1
"""Minus this is the least threshold, always reached, and this the greatest, never reached."""

Floats = NDArray[np.float64]


def fold_batch_norm(
    gamma: Floats,
    beta: Floats,
    mean: Floats,
    variance: Floats,
    *,
    sum_scale: Floats,
    output_scale: float,
    bits: int,
    signed: bool = False,
    epsilon: float = 1e-3,
    input_offset: int = 0,
) -> ThresholdRequantization:
    """Return the thresholds that stand for a batch normalization and the quantizer behind it.

    A sum s becomes ``z = gamma * (sum_scale * s - mean) / sqrt(variance + epsilon) + beta``; the
    output is ``z / output_scale`` rounded, ties upwards, and clamped to the output's range; of 1
    bit, +1 where z is at least 0. Every number counts as the rational that it is, so that the
    thresholds yield this output for every sum. Rounding, clamping and a rectifier are all in them.

    Args:
        gamma: Scale per channel; negative ones make channels that fall.
        beta: Shift per channel.
        mean: Running mean per channel, less the layer's bias where it has one.
        variance: Running variance per channel.
        sum_scale: Per channel, what one unit of a sum stands for: the scale of the inputs times
            that of the weights; positive.
        output_scale: What one unit of an output stands for; positive.
        bits: Bits of an output, 4, 2 or 1.
        signed: Whether outputs of 4 and 2 bits are signed.
        epsilon: What the network adds to the variance.
        input_offset: Minus the input's zero point.
    """
    if bits == 1:
        cuts = [Fraction(0)]
    else:
        lowest = -(1 << (bits - 1)) if signed else 0
        cuts = [(lowest + k - Fraction(1, 2)) * Fraction(output_scale) for k in range(1, 1 << bits)]
    spread = [Fraction(float(value)) + Fraction(epsilon) for value in variance]
    thresholds = [
        _channel(*(Fraction(float(value)) for value in channel), spread=spread[index], cuts=cuts)
        for index, channel in enumerate(zip(gamma, beta, mean, sum_scale, strict=True))
    ]
    return ThresholdRequantization(
        np.array(thresholds, np.int64), bits, signed, np.asarray(gamma) < 0, input_offset
    )


def _channel(
    gamma: Fraction,
    beta: Fraction,
    mean: Fraction,
    sum_scale: Fraction,
    *,
    spread: Fraction,
    cuts: list[Fraction],
) -> list[int]:
    """Return the sums at which z reaches, or if falling leaves, each cut; ascending."""
    if gamma == 0:
        return [-BEYOND_SUMS if beta >= cut else BEYOND_SUMS for cut in cuts]
    found = []
    for cut in cuts if gamma > 0 else reversed(cuts):
        # z = cut where s = middle + sign * sqrt(square)
        middle = mean / sum_scale
        root = (cut - beta) / (gamma * sum_scale)
        square = root * root * spread
        sign = 1 if root >= 0 else -1
        first = (
            _ceiling(middle, square, sign)
            if gamma > 0
            else 1 - _ceiling(-middle, square, -sign)  # a falling channel still has s = cut
        )
        found.append(min(max(first, -BEYOND_SUMS), BEYOND_SUMS))
    return found


def _ceiling(middle: Fraction, square: Fraction, sign: int) -> int:
    """Return the least integer that is at least ``middle + sign * sqrt(square)``."""
    numerator, denominator = middle.numerator, middle.denominator
    scaled = square * denominator * denominator
    down = isqrt(scaled.numerator // scaled.denominator)
    exact = down * down == scaled
    part = (down if exact else down + 1) if sign > 0 else -down
    return -((-numerator - part) // denominator)
