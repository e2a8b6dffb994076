"""Weights and scratch of ``w8a8_winograd.c``: Winograd's minimal filtering F(2x2, 3x3), exactly.

S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for
Convolutional Neural Networks, CVPR 2016. The kernel's transform is taken twice as large in each
direction, so that all numbers are integers.
"""

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.packing import READ_AHEAD_BYTES
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.cores import loop_order
from thumbclock.kernels.requantization import Int8Requantization, Requantization
from thumbclock.kernels.tables import largest_sums
from thumbclock.kernels.task import IntArray
from thumbclock.profiles import CoreProfile

__all__ = [
    "check_winograd",
    "check_winograd_sums",
    "pack_winograd",
    "winograd_files",
    "winograd_scratch_bytes",
]

_KERNEL_TRANSFORM = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
_TILES = 4  # of a block, as in the C code
_SUM_LIMIT = 1 << 29


def check_winograd(spec: ConvSpec) -> None:
    """Refuse what the kernel does not compute.

    Raises:
        UsageError: The convolution is not 3x3 with stride 1, or a pixel is no whole word.
    """
    fits = (
        (spec.kernel_h, spec.kernel_w, spec.stride_h, spec.stride_w) == (3, 3, 1, 1)
        and spec.groups == 1
        and not spec.is_dilated
        and spec.in_c % 4 == 0
        and spec.precision.base == "w8a8"
        and spec.precision.output_bits == 8
    )
    if not fits:
        raise UsageError(
            f"{spec.title} {spec.precision.name}: Winograd's kernel computes w8a8 convolutions "
            "with a 3x3 kernel, stride 1, no dilation, one group and a multiple of 4 input "
            "channels; leave out -winograd"
        )


def winograd_files(core: CoreProfile) -> tuple[str, ...]:
    """Return the kernel's sources below ``kernels/``."""
    return ("conv/w8a8_winograd.c", f"conv/winograd_dot_{loop_order(core)}.S")


def check_winograd_sums(spec: ConvSpec, requantization: Requantization, weights: IntArray) -> None:
    """Refuse numbers whose fourfold sums, as the kernel has them, leave 32 bits.

    Raises:
        UsageError: They may.
    """
    if not isinstance(requantization, Int8Requantization):
        return
    largest = largest_sums(
        weights.reshape(spec.out_c, -1), spec.precision, requantization.input_offset
    )
    largest = largest + np.abs(requantization.bias)
    worst = int(largest.argmax())
    if largest[worst] >= _SUM_LIMIT:
        raise UsageError(
            f"output channel {worst}: sums of up to {largest[worst]} with bias; Winograd's kernel "
            f"takes sums below {_SUM_LIMIT}, as it has them fourfold; leave out -winograd"
        )


def pack_winograd(weights: IntArray) -> bytes:
    """Pack transformed weights: pair of output channels, place, pair of inputs, output channel.

    The lanes of a word are input channels 0 and 2, then 1 and 3, of four, as SXTB16 takes them
    from a word of activations.

    Args:
        weights: OHWI int8, 3x3, a multiple of 4 input channels.
    """
    out_c, _, _, in_c = weights.shape
    transform = _KERNEL_TRANSFORM
    places = np.einsum("ai,oijc,bj->oabc", transform, weights, transform).reshape(out_c, 16, in_c)
    padded = np.zeros((-(-out_c // 2) * 2, 16, in_c), np.int64)
    padded[:out_c] = places
    # (pair of outputs, output, place, four inputs, lane, odd)
    by_lane = padded.reshape(-1, 2, 16, in_c // 4, 2, 2)
    ordered = by_lane.transpose(0, 2, 3, 5, 1, 4)
    packed: bytes = ordered.astype("<i2").tobytes()
    return packed + bytes(READ_AHEAD_BYTES)


def winograd_scratch_bytes(spec: ConvSpec) -> int:
    """Return what the kernel needs of its scratch argument, aligned to 4 bytes.

    Transformed activations of a block of four tiles, the sums of two output channels, pointers to
    the pixels of the block, and a pixel of padding.
    """
    words = 16 * _TILES * (spec.in_c // 2) + 2 * 16 * _TILES + 4 * (2 * _TILES + 2)
    return 4 * words + spec.in_c
