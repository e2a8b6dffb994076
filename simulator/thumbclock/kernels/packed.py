"""How tensors of 8, 4, 2 and 1 bit lie in memory."""

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.task import IntArray

__all__ = [
    "activation_ctype",
    "from_fields",
    "lowest_value",
    "pack_activations",
    "pixel_bytes",
    "to_fields",
    "unpack_activations",
    "value_range",
]


def activation_ctype(bits: int) -> str:
    """Return the C type that kernels take activations as: int8, or bytes of packed fields."""
    return "int8_t" if bits == 8 else "uint8_t"


def pixel_bytes(channels: int, bits: int) -> int:
    """Return the bytes of a pixel of packed channels."""
    return -(-channels * bits // 8)


def pack_activations(values: IntArray, bits: int, *, signed: bool = False) -> bytes:
    """Pack an HWC tensor pixel by pixel, least significant field first.

    Args:
        values: int8 for 8 bits, unsigned for 4 and 2 unless signed, -1 and +1 for 1.
        bits: 8, 4, 2 or 1.
        signed: Whether values of 4 and 2 bits are two's complement.

    Raises:
        UsageError: A value does not fit.
    """
    fields = to_fields(np.asarray(values, np.int64), bits, signed=signed)
    per_byte = 8 // bits
    *pixels, channels = fields.shape
    padded = np.zeros((*pixels, -(-channels // per_byte) * per_byte), np.int64)
    padded[..., :channels] = fields
    grouped = padded.reshape(-1, per_byte) << (np.arange(per_byte) * bits)
    return bytes(grouped.sum(axis=1).astype(np.uint8))


def unpack_activations(
    data: bytes, shape: tuple[int, int, int], bits: int, *, signed: bool = False
) -> IntArray:
    """Return the HWC tensor that `pack_activations` packed.

    Raises:
        UsageError: The bytes are not as many as the shape takes, or a spare field is not zero.
    """
    height, width, channels = shape
    per_byte = 8 // bits
    size = pixel_bytes(channels, bits)
    if len(data) != height * width * size:
        raise UsageError(
            f"{len(data)} bytes of activations; {height}x{width}x{channels} at {bits} bits takes "
            f"{height * width * size}"
        )
    raw = np.frombuffer(data, np.uint8).astype(np.int64).reshape(height, width, size, 1)
    fields = (raw >> (np.arange(per_byte) * bits)) & ((1 << bits) - 1)
    fields = fields.reshape(height, width, size * per_byte)
    if fields[..., channels:].any():
        raise UsageError("a spare field of a pixel's last byte is not zero; kernels write zeros")
    return from_fields(fields[..., :channels], bits, signed=signed or bits == 8)


def lowest_value(bits: int, *, signed: bool) -> int:
    """Return the least activation or weight of some bits: 8 are always signed, 1 is -1 or +1."""
    if bits == 1:
        return -1
    return -(1 << (bits - 1)) if signed or bits == 8 else 0


def value_range(bits: int, *, signed: bool) -> tuple[int, int]:
    """Return the least and the greatest value of some bits; -1 and 1 of one."""
    low = lowest_value(bits, signed=signed)
    return low, 1 if bits == 1 else low + (1 << bits) - 1


def to_fields(values: IntArray, bits: int, *, signed: bool) -> IntArray:
    """Return values as unsigned fields of some bits; -1 and +1 become 0 and 1.

    Raises:
        UsageError: A value does not fit.
    """
    if bits == 1:
        if not np.isin(values, (-1, 1)).all():
            raise UsageError("a binary value is neither -1 nor +1")
        return (values + 1) // 2
    low, high = value_range(bits, signed=signed)
    if values.size and (values.min() < low or values.max() > high):
        raise UsageError(
            f"values from {values.min()} to {values.max()} do not fit {bits} bits; expected "
            f"{low} to {high}"
        )
    return values & ((1 << bits) - 1)


def from_fields(fields: IntArray, bits: int, *, signed: bool) -> IntArray:
    """Return the values that `to_fields` made fields of."""
    if bits == 1:
        return fields * 2 - 1
    return fields - ((fields >> (bits - 1)) << bits) if signed else fields
