"""TensorFlow Lite's softmax of int8, in exact integers, from gemmlowp's fixed-point definitions.

Qm.n below has m integer bits, a sign and n = 31 - m fraction bits in an int32.
"""

from dataclasses import dataclass

import numpy as np

from thumbclock.kernels.elementwise.reference import multiply_quantized
from thumbclock.kernels.requantization import quantize_multiplier
from thumbclock.kernels.task import IntArray

__all__ = ["SoftmaxScale", "exponentials", "softmax"]

_INPUT_BITS = 5
_SUM_BITS = 12
_ONE = (1 << 31) - 1

_EXP_OF_POWERS = tuple(round(float(np.exp(-(2.0**power))) * (1 << 31)) for power in range(-2, 5))
"""exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) as Q0.31."""


@dataclass(frozen=True)
class SoftmaxScale:
    """What differences of inputs are multiplied by.

    Attributes:
        multiplier: Q31.
        left: Left shift before it.
        least: The least difference that counts; smaller ones contribute nothing.
    """

    multiplier: int
    left: int
    least: int

    @classmethod
    def of(cls, scale: float, beta: float = 1.0) -> "SoftmaxScale":
        """Return the multiplier of ``beta * scale`` for inputs of Q5.26."""
        real = min(beta * scale * (1 << (31 - _INPUT_BITS)), float(_ONE))
        multiplier, left = quantize_multiplier(real)
        largest = ((1 << _INPUT_BITS) - 1) * (1 << (31 - _INPUT_BITS)) / (1 << left)
        return cls(multiplier, left, -int(np.floor(largest)))


def softmax(inputs: IntArray, scale: SoftmaxScale) -> IntArray:
    """Return the softmax of each row, int8 with scale 1/256 and zero point -128."""
    differences = inputs - inputs.max(axis=1, keepdims=True)
    shares = exponentials(differences, scale)
    sums = _rounded(shares, _SUM_BITS).sum(axis=1, keepdims=True)
    # A sum is 2^bits * (1 + x) with x in [0, 1).
    length = np.frexp(sums.astype(np.float64))[1].astype(np.int64)
    bits = length - 1 - (31 - _SUM_BITS)
    inverse = _reciprocal((sums << (32 - length)) - (1 << 31))
    outputs = _rounded(_product(shares, inverse), bits + 31 - 8)
    clipped: IntArray = np.clip(outputs - 128, -128, 127)
    return clipped


def exponentials(differences: IntArray, scale: SoftmaxScale) -> IntArray:
    """Return exp of each difference times the scale, Q0.31; 0 below the least that counts."""
    counted = np.maximum(differences, scale.least)
    scaled = multiply_quantized(counted, scale.multiplier, scale.left)
    return np.where(differences >= scale.least, _exp(scaled), 0)


def _exp(values: IntArray) -> IntArray:
    """Return exp of Q5.26 values up to 0, Q0.31.

    A value is a multiple of 1/4 and a rest in [-1/4, 0); the multiple is a sum of powers of two,
    whose exponentials are multiplied.
    """
    fraction = 31 - _INPUT_BITS
    quarter = 1 << (fraction - 2)
    rest = (values & (quarter - 1)) - quarter
    result = _exp_of_rest(rest << _INPUT_BITS)
    multiple = rest - values
    for index, factor in enumerate(_EXP_OF_POWERS):
        result = np.where(multiple & (quarter << index), _product(result, factor), result)
    return np.where(values == 0, _ONE, result)


def _exp_of_rest(values: IntArray) -> IntArray:
    """Return exp of Q0.31 values in [-1/4, 0): the Taylor series to the fourth power at -1/8."""
    centre = round(float(np.exp(-0.125)) * (1 << 31))
    third = round((1 << 31) / 3)
    x = values + (1 << 28)
    x2 = _product(x, x)
    x3 = _product(x2, x)
    x4 = _product(x2, x2)
    # ((x^4 / 4 + x^3) / 3 + x^2) / 2 = x^2/2 + x^3/6 + x^4/24
    tail = _rounded(_product(_rounded(x4, 2) + x3, third) + x2, 1)
    return centre + _product(x + tail, centre)


def _reciprocal(values: IntArray) -> IntArray:
    """Return 1 / (1 + value), Q0.31 of Q0.31: Newton's iteration on half of the denominator."""
    half = (values + _ONE + 1) // 2
    x = round(48 / 17 * (1 << 29)) + _product(half, round(-32 / 17 * (1 << 29)))
    for _ in range(3):
        rest = (1 << 29) - _product(half, x)
        x = x + _product(x, rest) * 4
    return np.minimum(2 * x, _ONE)


def _product(a: IntArray, b: int | IntArray) -> IntArray:
    """Return the product of two Q31 numbers, rounded, ties upwards."""
    return (a * b + (1 << 30)) >> 31


def _rounded(values: IntArray, right: int | IntArray) -> IntArray:
    """Return values shifted right, rounded, ties away from zero."""
    rounded: IntArray = np.sign(values) * (
        (np.abs(values) + ((1 << np.asarray(right)) >> 1)) >> right
    )
    return rounded
