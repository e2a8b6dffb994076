"""From int32 sums to outputs, in exact integer arithmetic on unpacked arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.task import IntArray

__all__ = [
    "Int8Requantization",
    "Requantization",
    "SubByteRequantization",
    "ThresholdRequantization",
    "quantize_multiplier",
]


@dataclass(frozen=True)
class Int8Requantization:
    """TensorFlow Lite's int8 arithmetic, per output channel.

    ``acc = bias + sum((x + input_offset) * w)``; ``acc << max(shift, 0)``, times the multiplier as
    Q31 and rounded, then a rounding shift right by ``max(-shift, 0)``, ties away from zero; plus
    ``output_offset``; clamped. Per tensor: the same multiplier and shift in every channel.

    Attributes:
        bias: int32, per channel.
        multiplier: Q31 in [0, 2^31), at least 2^30 where normalized; per channel.
        shift: Left shift, negative for right, -31 to 30; per channel.
        input_offset: Minus the input's zero point; 0 for inputs of less than 8 bits.
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
class SubByteRequantization:
    """Multiplier and shift to outputs of 4 or 2 bits, per output channel.

    ``y = clamp((((acc + bias) << left) * multiplier + 2^31) >> 32, lowest, highest)``: one
    rounding, ties upwards. The scale of a channel is ``multiplier * 2^(left - 32)``. Outputs are 0
    to 2^bits - 1, or two's complement where signed.

    Attributes:
        bias: int32, per channel.
        multiplier: int32 of at least 0, per channel.
        left: One shift for the layer; ``(acc + bias) << left`` fits an int32.
        bits: Bits of an output, 4 or 2.
        signed: Whether outputs are signed.
        input_offset: Minus the input's zero point; 0 for inputs of less than 8 bits.
    """

    bias: IntArray
    multiplier: IntArray
    left: int
    bits: int
    signed: bool = False
    input_offset: int = 0

    def apply(self, sums: IntArray) -> IntArray:
        """Return outputs for sums of products, channels last."""
        scaled = (((sums + self.bias) << self.left) * self.multiplier + (1 << 31)) >> 32
        lowest = -(1 << (self.bits - 1)) if self.signed else 0
        clipped: IntArray = np.clip(scaled, lowest, lowest + (1 << self.bits) - 1)
        return clipped


@dataclass(frozen=True)
class ThresholdRequantization:
    """Thresholds per output channel, to outputs of 4, 2 or 1 bit.

    An output is the lowest value plus the number of thresholds that the sum reaches; of 1 bit, -1
    where it does not reach its one threshold and +1 where it does. A channel that falls with its
    sum, as behind a negative batch-norm scale, starts at the highest value and loses one for each
    threshold reached. A threshold beyond every sum, e.g. 2^31 - 1, is never reached.

    Attributes:
        thresholds: (channels, 2^bits - 1) int32, ascending.
        bits: Bits of an output, 4, 2 or 1.
        signed: Whether outputs of 4 and 2 bits are two's complement; they start at 0 elsewhere.
        falling: Which channels fall, bool per channel; none do where it is None.
        input_offset: Minus the input's zero point; 0 for inputs of less than 8 bits.
    """

    thresholds: IntArray
    bits: int
    signed: bool = False
    falling: NDArray[np.bool_] | None = None
    input_offset: int = 0

    @property
    def falls(self) -> IntArray:
        """1 for each channel that falls, 0 for the others."""
        if self.falling is None:
            return np.zeros(len(self.thresholds), np.int64)
        return np.asarray(self.falling, np.int64)

    def apply(self, sums: IntArray) -> IntArray:
        """Return outputs for sums of products, channels last."""
        reached = (np.asarray(sums)[..., None] >= self.thresholds).sum(axis=-1)
        count: IntArray = np.where(self.falls, self.thresholds.shape[1] - reached, reached)
        if self.bits == 1:
            return 2 * count - 1
        return count - (1 << (self.bits - 1)) if self.signed else count


Requantization = Int8Requantization | SubByteRequantization | ThresholdRequantization


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """Return (multiplier, shift) with scale = multiplier * 2^(shift - 31), as TensorFlow Lite.

    Args:
        scale: Positive.
    """
    mantissa, exponent = np.frexp(scale)
    multiplier = round(float(mantissa) * (1 << 31))
    if multiplier == 1 << 31:
        return multiplier // 2, int(exponent) + 1
    return multiplier, int(exponent)
