"""The Python half of ``kernels/conv/tc_mixed.h``: parts for each precision, packing, scratch.

It serves every pair of weights and activations, whatever comes out, with groups and dilation. A
step is eight fields of a window; channels come in blocks of a core's `channel_block`, group by
group. Weights of b bits take b / 8 bytes each, plus what fills a pixel's last byte, a window's last
step, a group's last block, of blocks of two a channel's first word of 2 and 1 bit, and
`READ_AHEAD_BYTES`.
"""

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.conv.reference import padding_value
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.cores import loop_order
from thumbclock.kernels.packed import from_fields, to_fields
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.task import IntArray, Pointer, Struct
from thumbclock.profiles import CoreProfile

__all__ = [
    "READ_AHEAD_BYTES",
    "channel_block",
    "finishing_part",
    "mixed_excess",
    "mixed_files",
    "mixed_parts",
    "mixed_scratch_bytes",
    "mixed_shape",
    "pack_mixed_weights",
    "unpack_mixed_weights",
]

READ_AHEAD_BYTES = 8
"""Bytes behind weights and columns that the cores load ahead and do not use."""

_STEP = 8  # products of a channel in a step


def mixed_files(core: CoreProfile) -> tuple[str, ...]:
    """Return sources below ``kernels/``; an image keeps the parts that it names."""
    if core.dsp:
        dot = f"mixed_dot_{loop_order(core)}.S"
    else:
        dot = "mixed_dot_m0.S" if core.architecture == "Armv6-M" else "mixed_dot_portable.c"
    return ("conv/mixed.c", "conv/mixed_widen.c", "conv/mixed_finish.c", f"conv/{dot}")


def channel_block(core: CoreProfile) -> int:
    """Return how many output channels a core's inner loop computes at a time."""
    return 4 if core.dsp and loop_order(core) == "m4" else 2


def mixed_parts(precision: Precision, block: int) -> Struct:
    """Return ``tc_mixed_parts`` for a precision and a core's `channel_block`."""
    widen = f"tc_widen_{_kind(precision.activation_bits, signed=precision.signed)}"
    return Struct(
        "tc_mixed_parts",
        (
            Pointer(widen),
            Pointer(f"tc_dot_{precision.weight_bits}"),
            finishing_part(precision),
            precision.activation_bits,
            precision.output_bits,
            {8: 0, 4: 8, 2: 2, 1: 1}[precision.weight_bits],
            block,
        ),
    )


def finishing_part(precision: Precision) -> Pointer:
    """Return the function that requantizes and packs the sums of two pixels."""
    if precision.thresholds or precision.output_bits == 1:
        return Pointer(f"tc_finish_thresholds{precision.output_bits}")
    return Pointer(f"tc_finish_{_kind(precision.output_bits, signed=precision.signed)}")


def _kind(bits: int, *, signed: bool) -> str:
    if bits == 1:
        return "b1"
    return f"s{bits}" if signed or bits == 8 else f"u{bits}"


def mixed_shape(spec: ConvSpec, input_offset: int) -> Struct:
    """Return ``tc_mixed_shape``."""
    binary = spec.precision.activation_bits == 1
    return Struct(
        "tc_mixed_shape",
        (
            *(spec.in_h, spec.in_w, spec.in_c, spec.out_h, spec.out_w, spec.out_c),
            *(spec.kernel_h, spec.kernel_w, spec.stride_h, spec.stride_w),
            *(spec.padding.top, spec.padding.left, spec.dilation_h, spec.dilation_w),
            *(spec.groups, 0 if binary else padding_value(spec, input_offset)),
        ),
    )


def mixed_scratch_bytes(spec: ConvSpec, block: int) -> int:
    """Return the size of columns of two pixels, their sums, and one packed window, in bytes."""
    steps = len(_window_fields(spec)) // _STEP
    window_bytes = steps * spec.precision.activation_bits
    sums_bytes = 8 * (spec.out_c + block - 1)  # the last block may be filled up
    return 32 * steps + sums_bytes + -(-window_bytes // 4) * 4


def _window_fields(spec: ConvSpec) -> NDArray[np.int64]:
    """Return indices into (kernel_h, kernel_w, group_in_c), -1 for what fills bytes and steps."""
    bits = spec.precision.activation_bits
    pixel_fields = -(-spec.group_in_c * bits // 8) * 8 // bits
    index = np.full((spec.kernel_h * spec.kernel_w, pixel_fields), -1, np.int64)
    index[:, : spec.group_in_c] = np.arange(spec.products).reshape(-1, spec.group_in_c)
    flat = index.reshape(-1)
    return np.concatenate([flat, np.full(-len(flat) % _STEP, -1, np.int64)])


def _layout(spec: ConvSpec, block: int) -> NDArray[np.int64]:
    """Return (words, fields of a word) indices into OHWI, -1 for padding; field 0 is the lowest.

    The low lanes of a word are in its lower half, the high ones above them. Words come block by
    block. Of four channels, neighbouring fields are those of the block's channels. Of two, they
    are neighbouring lanes of one channel, and words of the two channels take turns.
    """
    order = [0, 2, 1, 3, 4, 6, 5, 7] if spec.precision.activation_bits == 8 else _BY_HALVES
    lanes = _window_fields(spec).reshape(-1, _STEP)[:, order].reshape(-1, 2)
    in_half = 16 // spec.precision.weight_bits
    if block == 2:
        front = np.full((-len(lanes) % in_half, 2), -1, np.int64)
        lanes = np.concatenate([front, lanes])

    channels = -(-spec.group_out_c // block) * block
    channel = np.arange(channels)[None, :] + spec.group_out_c * np.arange(spec.groups)[:, None]
    real = (lanes >= 0) & (np.arange(channels) < spec.group_out_c)[None, :, None, None]
    elements = np.where(real, channel[:, :, None, None] * spec.products + lanes, -1)
    blocks = elements.reshape(-1, block, len(lanes), 2)
    if block == 2:
        words = blocks.reshape(-1, 2, len(lanes) // in_half, in_half, 2).swapaxes(1, 2)
    else:
        words = blocks.transpose(0, 2, 1, 3)
    return words.reshape(-1, in_half, 2).swapaxes(1, 2).reshape(-1, 2 * in_half)


_BY_HALVES = [0, 4, 1, 5, 2, 6, 3, 7]


def pack_mixed_weights(spec: ConvSpec, weights: IntArray, block: int) -> bytes:
    """Pack OHWI weights for a core's `channel_block`.

    Raises:
        UsageError: A value does not fit.
    """
    bits = spec.precision.weight_bits
    fields = to_fields(np.asarray(weights, np.int64), bits, signed=True).reshape(-1)
    layout = _layout(spec, block)
    stored = (np.where(layout >= 0, fields[layout], 0) + _stored_bias(bits)) & ((1 << bits) - 1)
    packed: bytes = (stored << _positions(bits, block)).sum(axis=1).astype("<u4").tobytes()
    return packed + bytes(READ_AHEAD_BYTES)


def unpack_mixed_weights(spec: ConvSpec, data: bytes, block: int) -> IntArray:
    """Return the OHWI weights that `pack_mixed_weights` packed."""
    bits = spec.precision.weight_bits
    layout = _layout(spec, block)
    words = np.frombuffer(data, "<u4", count=len(layout)).astype(np.int64)
    stored = (words[:, None] >> _positions(bits, block)) & ((1 << bits) - 1)
    fields = (stored - _stored_bias(bits)) & ((1 << bits) - 1)
    weights = np.zeros(spec.out_c * spec.products, np.int64)
    weights[layout[layout >= 0]] = fields[layout >= 0]
    return from_fields(weights, bits, signed=True).reshape(spec.weight_shape)


def _positions(bits: int, block: int) -> NDArray[np.int64]:
    """Return the lowest bit of each field; the loop for four channels takes bits 1 to 4 first."""
    rotation = 1 if (bits, block) == (1, 4) else 0
    return (np.arange(32 // bits) * bits + rotation) % 32


def _stored_bias(bits: int) -> int:
    """Return what is added to two's complement fields of 4 and 2 bits."""
    return 1 << (bits - 1) if bits in {4, 2} else 0


def mixed_excess(spec: ConvSpec, weights: IntArray) -> IntArray | int:
    """Return by how much the kernel's sums are too great, per channel.

    It takes binary activations as 0 and 2: spare fields are 0, as padding of whole steps is.
    """
    if spec.precision.activation_bits > 1:
        return 0
    excess: IntArray = weights.reshape(spec.out_c, -1).sum(axis=1)
    return excess
