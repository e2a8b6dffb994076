"""How the tables of requantization lie in memory: the structures of ``tc_requantize.h``."""

import struct

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.packed import lowest_value
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    SubByteRequantization,
    ThresholdRequantization,
)
from thumbclock.kernels.task import IntArray, Pointer, Struct

__all__ = [
    "TABLE",
    "largest_input",
    "largest_int8_sums",
    "largest_sums",
    "pack_int8",
    "pack_sub_byte",
    "pack_table",
    "pack_thresholds",
    "requantization_struct",
    "table_ctype",
]

TABLE = Pointer("tc_requantization")
"""The array that holds a layer's table."""

_LIMIT = 1 << 31


def largest_input(precision: Precision, input_offset: int) -> int:
    """Return the greatest magnitude of an input with its offset added."""
    bits = precision.activation_bits
    lowest = lowest_value(bits, signed=precision.signed)
    highest = 1 if bits == 1 else lowest + (1 << bits) - 1
    return max(abs(lowest + input_offset), abs(highest + input_offset))


def largest_int8_sums(
    requantization: Int8Requantization, by_channel: IntArray, precision: Precision
) -> IntArray:
    """Return how large a sum can become, doubled and shifted left as kernels multiply it.

    Args:
        requantization: The arithmetic.
        by_channel: (channels, products) weights.
        precision: Of the layer.

    Raises:
        UsageError: It would leave 32 bits.
    """
    largest = largest_sums(by_channel, precision, requantization.input_offset)
    largest = largest + np.abs(requantization.bias)
    left = np.maximum(requantization.shift, 0) + 1
    _expect_range(largest, left)
    shifted: IntArray = largest << left
    return shifted


def largest_sums(by_channel: IntArray, precision: Precision, input_offset: int) -> IntArray:
    """Return, per channel, the greatest magnitude of a sum of products.

    Args:
        by_channel: (channels, products) weights.
        precision: Of the layer.
        input_offset: What is added to inputs.
    """
    largest: IntArray = np.abs(by_channel).sum(axis=1) * largest_input(precision, input_offset)
    return largest


def table_ctype(requantization: Requantization) -> str:
    """Return the C type of an element of what `pack_table` packs."""
    match requantization:
        case Int8Requantization():
            return "tc_channel_s8"
        case SubByteRequantization():
            return "tc_channel_un"
        case ThresholdRequantization():
            return "int32_t"


def requantization_struct(requantization: Requantization) -> Struct:
    """Return the structure of ``tc_requantize.h`` that points to what `pack_table` packs."""
    match requantization:
        case Int8Requantization() as q:
            bounds = (-q.input_offset, q.output_offset, q.activation_min, q.activation_max)
            return Struct("tc_requant_s8", (TABLE, *bounds))
        case SubByteRequantization() as q:
            return Struct("tc_requant_un", (TABLE, q.left))
        case ThresholdRequantization():
            return Struct("tc_requant_thresholds", (TABLE,))


def pack_table(
    requantization: Requantization,
    by_channel: IntArray,
    precision: Precision,
    excess: IntArray | int = 0,
) -> bytes:
    """Pack the table of any requantization, channel by channel; arguments as for `pack_int8`."""
    match requantization:
        case Int8Requantization():
            return pack_int8(requantization, by_channel, precision, excess)
        case SubByteRequantization():
            return pack_sub_byte(requantization, by_channel, precision, excess=excess)
        case ThresholdRequantization():
            largest = largest_sums(by_channel, precision, requantization.input_offset)
            _expect_range(largest, np.zeros_like(largest))
            return pack_thresholds(requantization, by_channel, excess)


def pack_int8(
    requantization: Int8Requantization,
    by_channel: IntArray,
    precision: Precision,
    excess: IntArray | int = 0,
) -> bytes:
    """Pack ``tc_channel_s8``; the input offset's part of a sum is in the bias.

    Args:
        requantization: The arithmetic.
        by_channel: (channels, products) weights.
        precision: Of the layer.
        excess: By how much a kernel's sums are too great, per channel or of all.

    Raises:
        UsageError: A product would leave 32 bits.
    """
    largest_int8_sums(requantization, by_channel, precision)
    left = np.maximum(requantization.shift, 0) + 1
    folded = requantization.bias + requantization.input_offset * by_channel.sum(axis=1) - excess
    right = np.maximum(-requantization.shift, 0)
    rows = zip(folded, requantization.multiplier, left, right, strict=True)
    return b"".join(struct.pack("<iiHH", *(int(field) for field in row)) for row in rows)


def pack_sub_byte(
    requantization: SubByteRequantization,
    by_channel: IntArray,
    precision: Precision,
    group: int = 1,
    excess: IntArray | int = 0,
) -> bytes:
    """Pack ``tc_channel_un``; arguments as for `pack_int8`.

    Args:
        requantization: The arithmetic.
        by_channel: (channels, products) weights.
        precision: Of the layer.
        group: The table is filled up with zeros to a multiple of so many channels.
        excess: By how much a kernel's sums are too great, per channel or of all.

    Raises:
        UsageError: A product would leave 32 bits.
    """
    largest = largest_sums(by_channel, precision, requantization.input_offset)
    left = np.full(len(by_channel), requantization.left)
    _expect_range(largest + np.abs(requantization.bias), left)
    channels = -(-len(by_channel) // group) * group
    table = np.zeros((channels, 2), "<i4")
    folded = requantization.bias + requantization.input_offset * by_channel.sum(axis=1) - excess
    table[: len(by_channel), 0] = folded
    table[: len(by_channel), 1] = requantization.multiplier
    return table.tobytes()


def pack_thresholds(
    requantization: ThresholdRequantization, by_channel: IntArray, excess: IntArray | int = 0
) -> bytes:
    """Pack ``tc_requant_thresholds``: per channel, what its count is XORed with, and thresholds.

    A falling channel's count is inverted, which is the highest count less it; a signed output is
    the count with its top bit inverted. The input offset's part of a sum is in the thresholds.

    Args:
        requantization: The arithmetic.
        by_channel: (channels, products) weights.
        excess: By how much a kernel's sums are too great, per channel or of all.
    """
    bits = requantization.bits
    inverted = ((1 << bits) - 1) * requantization.falls
    top = 1 << (bits - 1) if requantization.signed and bits > 1 else 0
    folded = requantization.input_offset * by_channel.sum(axis=1) - excess
    table = np.empty((len(by_channel), 1 << bits), np.int64)
    table[:, 0] = inverted ^ top
    table[:, 1:] = requantization.thresholds - folded[:, None]
    return np.clip(table, 1 - _LIMIT, _LIMIT - 1).astype("<i4").tobytes()


def _expect_range(largest: IntArray, left: IntArray) -> None:
    shifted = largest << left
    worst = int(shifted.argmax())
    if shifted[worst] >= _LIMIT:
        raise UsageError(
            f"output channel {worst}: sums of up to {largest[worst]} shifted left by "
            f"{left[worst]} leave 32 bits; use a smaller shift or a larger multiplier"
        )
