"""The table from which w8a8 and w4a8 kernels requantize in registers, and which layers fit it."""

import numpy as np

from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import Int8Requantization, Requantization
from thumbclock.kernels.tables import largest_input, pack_int8
from thumbclock.kernels.task import IntArray

__all__ = ["fits_groups", "is_dense", "pack_groups"]

_GROUP = 4
_SUM_LIMITS = {"w8a8": (1 << 23, 1 << 31) * 2, "w4a8": (1 << 23, 1 << 19, 1 << 27, 1 << 31)}
"""What a group's sums must stay below: 2^31 over the scale at which an accumulator has them."""


def is_dense(spec: ConvSpec) -> bool:
    """Return whether the kernel is one of ``tc_dense.h``."""
    return not spec.precision.winograd and spec.precision.base in _SUM_LIMITS


def fits_groups(spec: ConvSpec, requantization: Requantization, weights: IntArray) -> bool:
    """Return whether a dense kernel can take outputs straight from its accumulators.

    It can where sums fit the scaled accumulators whatever the activations are, every shift is to
    the right by 2 to 12, outputs use all of int8, and none leaves 16 bits before it is saturated.
    That is every usual layer; others have their sums in memory.
    """
    if not is_dense(spec) or not isinstance(requantization, Int8Requantization):
        return False
    magnitudes = np.abs(np.asarray(weights, np.int64)).reshape(spec.out_c, -1).sum(axis=1)
    limits = np.resize(_SUM_LIMITS[spec.precision.base], spec.out_c)
    right = -requantization.shift
    if (128 * magnitudes >= limits).any() or (right < 2).any() or (right > 12).any():
        return False
    widest = largest_input(spec.precision, requantization.input_offset)
    largest = widest * magnitudes + np.abs(requantization.bias)
    outputs = (largest * requantization.multiplier >> (31 + right)) + 512
    bounds = (requantization.activation_min, requantization.activation_max)
    return bool((outputs < 1 << 15).all()) and bounds == (-128, 127)


def pack_groups(spec: ConvSpec, requantization: Int8Requantization, weights: IntArray) -> bytes:
    """Pack ``tc_dense_group`` of a layer that `fits_groups`.

    Raises:
        UsageError: A product would leave 32 bits.
    """
    by_channel = np.asarray(weights, np.int64).reshape(spec.out_c, -1)
    plain = np.frombuffer(pack_int8(requantization, by_channel, spec.precision), "<i4")
    table = np.zeros((-(-spec.out_c // _GROUP) * _GROUP, 3), np.int64)
    table[: spec.out_c, :2] = plain.reshape(-1, 3)[:, :2]
    table[:, 0] *= 2
    table[: spec.out_c, 2] = (1 << (32 + requantization.shift)) + 1
    groups = table.reshape(-1, _GROUP, 3)
    pairs = groups[:, :, :2].reshape(len(groups), -1)
    return np.concatenate([pairs, groups[:, :, 2]], axis=1).astype("<i4").tobytes()
