"""From int32 sums to outputs, in exact integer arithmetic on unpacked arrays."""

from dataclasses import dataclass

import numpy as np

from thumbclock.kernels.task import IntArray

__all__ = [
    "BinaryRequantization",
    "Int8Requantization",
    "Requantization",
    "UnsignedRequantization",
]


@dataclass(frozen=True)
class Int8Requantization:
    """TensorFlow Lite's int8 arithmetic, per output channel.

    ``acc = bias + sum((x + input_offset) * w)``; ``acc << max(shift, 0)``, times the multiplier as
    Q31 and rounded, then a rounding shift right by ``max(-shift, 0)``, ties away from zero; plus
    ``output_offset``; clamped.

    Attributes:
        bias: int32, per channel.
        multiplier: Q31 in [2^30, 2^31), per channel.
        shift: Left shift, negative for right; per channel.
        input_offset: Minus the input's zero point.
        output_offset: The output's zero point.
        activation_min: Least output.
        activation_max: Greatest output.
    """

    bias: IntArray
    multiplier: IntArray
    shift: IntArray
    input_offset: int = 0
    output_offset: int = 0
    activation_min: int = -128
    activation_max: int = 127

    @property
    def padding_value(self) -> int:
        """What padded input holds: the zero point."""
        return -self.input_offset

    @property
    def offset(self) -> int:
        """What is added to an input before it is multiplied."""
        return self.input_offset

    def apply(self, sums: IntArray) -> IntArray:
        """Return outputs for sums of products, channels last."""
        shifted = (sums + self.bias) << np.maximum(self.shift, 0)
        product = (shifted * self.multiplier + (1 << 30)) >> 31
        right = np.maximum(-self.shift, 0)
        magnitude = (np.abs(product) + ((1 << right) >> 1)) >> right
        result = np.sign(product) * magnitude + self.output_offset
        clipped: IntArray = np.clip(result, self.activation_min, self.activation_max)
        return clipped


@dataclass(frozen=True)
class UnsignedRequantization:
    """Multiplier and shift to unsigned outputs of a few bits, per output channel.

    ``y = clamp((((acc + bias) << left) * multiplier + 2^31) >> 32, 0, 2^bits - 1)``: one rounding,
    ties upwards. The scale of a channel is ``multiplier * 2^(left - 32)``.

    Attributes:
        bias: int32, per channel.
        multiplier: Positive int32, per channel.
        left: One shift for the layer; ``(acc + bias) << left`` fits an int32.
        bits: Bits of an output.
    """

    bias: IntArray
    multiplier: IntArray
    left: int
    bits: int

    padding_value: int = 0
    offset: int = 0

    def apply(self, sums: IntArray) -> IntArray:
        """Return outputs for sums of products, channels last."""
        scaled = (((sums + self.bias) << self.left) * self.multiplier + (1 << 31)) >> 32
        clipped: IntArray = np.clip(scaled, 0, (1 << self.bits) - 1)
        return clipped


@dataclass(frozen=True)
class BinaryRequantization:
    """A threshold per output channel: +1 where the sum reaches it, -1 elsewhere.

    A channel that fires below its threshold is written with weights and threshold negated.

    Attributes:
        threshold: Per channel.
    """

    threshold: IntArray

    padding_value: int = -1
    offset: int = 0

    def apply(self, sums: IntArray) -> IntArray:
        """Return +1 or -1 for sums of products, channels last."""
        return np.where(sums >= self.threshold, 1, -1).astype(np.int64)


Requantization = Int8Requantization | UnsignedRequantization | BinaryRequantization
