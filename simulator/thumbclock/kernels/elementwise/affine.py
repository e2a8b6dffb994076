"""Additions of int8 in one step, found by search and proven on all pairs of inputs."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from thumbclock.kernels.elementwise.reference import Addition
from thumbclock.kernels.task import IntArray

__all__ = ["ADD_SHIFT", "AffineAddition", "find_affine"]

ADD_SHIFT = 21
"""Bits of a sum behind its point, as ``TC_ADD_SHIFT``; 11 bits stand before it."""

# Added to both factors. Ties go away from zero on both sides only where the factors are a little
# too large; by how much depends on the scales.
_TILTS = (0, 1, -1, 2, 8, 32, 128, 256, 512, 1024)


@dataclass(frozen=True)
class AffineAddition:
    """``(factor1 * x // 256 + factor2 * y // 256 + start) >> ADD_SHIFT``, saturated to int8."""

    factor1: int
    factor2: int
    start: int


def find_affine(addition: Addition) -> AffineAddition | None:
    """Return one step that equals an addition's own on all 65,536 pairs; None if none is found."""
    values = np.arange(-128, 128, dtype=np.int64)
    wanted = np.clip(addition.apply(values[:, None], values[None, :]), -128, 127)
    ideal = [
        _scale(addition, operand) * (1 << (ADD_SHIFT + 8))
        for operand in (addition.first, addition.second)
    ]
    tilts = sorted(product(_TILTS, repeat=2), key=lambda pair: sum(map(abs, pair)))
    for tilt1, tilt2 in tilts:
        factor1, factor2 = round(ideal[0]) + tilt1, round(ideal[1]) + tilt2
        if max(factor1, factor2) >= 1 << 31:
            return None
        terms = (factor1 * values >> 8)[:, None] + (factor2 * values >> 8)[None, :]
        start = _start(terms, wanted)
        if start is not None:
            return AffineAddition(factor1, factor2, start)
    return None


def _scale(addition: Addition, operand: tuple[int, int, int]) -> Fraction:
    """Return what an input is multiplied by altogether."""
    _, multiplier, shift = operand
    own = Fraction(multiplier) * Fraction(2) ** (shift - 31) * (1 << 20)
    return own * addition.multiplier * Fraction(2) ** (addition.shift - 31)


def _start(terms: IntArray, wanted: IntArray) -> int | None:
    """Return what, added to the terms, shifts to the wanted outputs without an overflow."""
    inner_low, inner_high = wanted > -128, wanted < 127
    least = int((((wanted << ADD_SHIFT) - terms)[inner_low]).max(initial=-(1 << 31)))
    most = int(((((wanted + 1) << ADD_SHIFT) - 1 - terms)[inner_high]).min(initial=(1 << 31) - 1))
    start = (least + most) // 2
    # The partial sums start + one term are bounded by these, too.
    reach = int(np.abs(terms).max()) + abs(start)
    return start if least <= most and reach < 1 << 31 else None
