"""What the element-wise operators compute, in exact integers, from TensorFlow Lite's definitions.

Fields of 4, 2 and 1 bit follow the same steps; their outputs are clamped to what they can hold.
"""

from dataclasses import dataclass

import numpy as np

from thumbclock.kernels.requantization import quantize_multiplier
from thumbclock.kernels.task import IntArray

__all__ = [
    "Addition",
    "Multiplication",
    "Quantization",
    "Rescaling",
    "Thresholds",
    "multiply_quantized",
]


@dataclass(frozen=True)
class Quantization:
    """The real value of q is ``scale * (q - zero_point)``."""

    scale: float
    zero_point: int


def multiply_quantized(values: IntArray, multiplier: int, shift: int) -> IntArray:
    """Return values times ``multiplier * 2^(shift - 31)``, rounded twice as TensorFlow Lite does.

    Shifted left where the shift is positive; times the multiplier as Q31, ties upwards; shifted
    right where the shift is negative, ties away from zero.
    """
    product = ((values << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    right = max(-shift, 0)
    rounded: IntArray = np.sign(product) * ((np.abs(product) + ((1 << right) >> 1)) >> right)
    return rounded


@dataclass(frozen=True)
class Addition:
    """The integers of an addition; shifts are zero or negative, as of scales up to 1.

    Attributes:
        first: Offset, multiplier and shift of the first input.
        second: Those of the second.
        multiplier: Of the sum, Q31.
        shift: Of the sum.
        output_offset: The output's zero point.
    """

    first: tuple[int, int, int]
    second: tuple[int, int, int]
    multiplier: int
    shift: int
    output_offset: int

    @classmethod
    def of(cls, first: Quantization, second: Quantization, output: Quantization) -> "Addition":
        """Return the addition of two quantized tensors: both scaled to twice the larger scale."""
        twice = 2.0 * max(first.scale, second.scale)
        return cls(
            (-first.zero_point, *quantize_multiplier(first.scale / twice)),
            (-second.zero_point, *quantize_multiplier(second.scale / twice)),
            *quantize_multiplier(twice / ((1 << 20) * output.scale)),
            output.zero_point,
        )

    def apply(self, first: IntArray, second: IntArray) -> IntArray:
        """Return the sums, before they are clamped."""
        sums = _input_of_sum(first, *self.first) + _input_of_sum(second, *self.second)
        return multiply_quantized(sums, self.multiplier, self.shift) + self.output_offset


def _input_of_sum(values: IntArray, offset: int, multiplier: int, shift: int) -> IntArray:
    return multiply_quantized((values + offset) << 20, multiplier, shift)


@dataclass(frozen=True)
class Multiplication:
    """The integers of a multiplication.

    Attributes:
        offset1: Minus the zero point of the first input.
        offset2: Minus that of the second.
        multiplier: Q31.
        shift: Left shift, negative for right.
        output_offset: The output's zero point.
    """

    offset1: int
    offset2: int
    multiplier: int
    shift: int
    output_offset: int

    @classmethod
    def of(
        cls, first: Quantization, second: Quantization, output: Quantization
    ) -> "Multiplication":
        """Return the multiplication of two quantized tensors."""
        scale = first.scale * second.scale / output.scale
        return cls(
            *(-first.zero_point, -second.zero_point),
            *quantize_multiplier(scale),
            output.zero_point,
        )

    def apply(self, first: IntArray, second: IntArray) -> IntArray:
        """Return the products, before they are clamped."""
        products = (first + self.offset1) * (second + self.offset2)
        return multiply_quantized(products, self.multiplier, self.shift) + self.output_offset


@dataclass(frozen=True)
class Rescaling:
    """The integers of a requantization by multiplier and shift.

    Attributes:
        offset: Minus the input's zero point.
        multiplier: Q31.
        shift: Left shift, negative for right.
        output_offset: The output's zero point.
    """

    offset: int
    multiplier: int
    shift: int
    output_offset: int

    @classmethod
    def of(cls, source: Quantization, output: Quantization) -> "Rescaling":
        """Return the requantization from one scale and zero point to others."""
        return cls(
            -source.zero_point,
            *quantize_multiplier(source.scale / output.scale),
            output.zero_point,
        )

    def apply(self, values: IntArray) -> IntArray:
        """Return the requantized values, before they are clamped."""
        scaled = multiply_quantized(values + self.offset, self.multiplier, self.shift)
        return scaled + self.output_offset


@dataclass(frozen=True)
class Thresholds:
    """A requantization by thresholds: the output counts those that a value reaches.

    Attributes:
        levels: Ascending; one fewer than an output has values.
        lowest: The output of a value that reaches none.
        step: From one output to the next; 2 for -1 and +1.
    """

    levels: tuple[int, ...]
    lowest: int
    step: int = 1

    def apply(self, values: IntArray) -> IntArray:
        """Return the outputs."""
        reached = sum((values >= level).astype(np.int64) for level in self.levels)
        return self.lowest + self.step * np.asarray(reached, np.int64)
