"""How weights, activations and requantization tables lie in memory.

Every layout is one table of positions: for each bit field of each 32-bit word of packed weights,
the OHWI element it holds, or none. Packing reads the table one way and unpacking the other. The
inner loops that the orders are made for stand in ``kernels/conv/*.S``.

Space: weights of b bits take b / 8 bytes each, plus what fills a pixel's last byte, the last step
of a window and the last group of channels, plus `READ_AHEAD_BYTES` that the loops load and do not
use; `weight_bytes` and `scratch_bytes` state the sums.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.packed import from_fields, to_fields
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    SubByteRequantization,
    ThresholdRequantization,
)
from thumbclock.kernels.tables import pack_int8, pack_sub_byte, pack_thresholds
from thumbclock.kernels.task import IntArray

__all__ = [
    "READ_AHEAD_BYTES",
    "RING_LIMIT_BYTES",
    "keeps_rows",
    "lane_pairs",
    "pack_requantization",
    "pack_weights",
    "scratch_bytes",
    "shape_fields",
    "unpack_weights",
    "weight_bytes",
    "window_fields",
]

READ_AHEAD_BYTES = 8
"""Bytes behind the weights that the loops in assembly load ahead and do not use."""


# ---------------------------------------------------------------- weights


@dataclass(frozen=True)
class _Layout:
    """Where packed weights come from.

    Attributes:
        source: (words, fields a word) indices into OHWI, -1 for padding; field 0 is the least
            significant.
        biased: The same shape: fields stored with 2^(bits - 1) added.
        read_ahead: Whether `READ_AHEAD_BYTES` follow.
        padding_biased: Whether padding, too, is stored with the bias, as the kernel subtracts what
            every activation of a column adds; else it is zero, whatever the column holds there.
    """

    source: NDArray[np.int64]
    biased: NDArray[np.bool_]
    read_ahead: bool
    padding_biased: bool = False


def pack_weights(spec: ConvSpec, weights: IntArray) -> bytes:
    """Pack OHWI weights for a kernel that loads them.

    Raises:
        UsageError: The shape differs from the specification's, or a value does not fit.
    """
    if weights.shape != spec.weight_shape:
        raise UsageError(f"weights of shape {weights.shape}; expected OHWI {spec.weight_shape}")
    bits = spec.precision.weight_bits
    fields = to_fields(np.asarray(weights, np.int64), bits, signed=True)
    layout = _layout(spec)
    bias = (layout.biased.astype(np.int64) << bits) >> 1
    values = (np.where(layout.source >= 0, fields.reshape(-1)[layout.source], 0) + bias) & (
        (1 << bits) - 1
    )
    if not layout.padding_biased:
        values = np.where(layout.source >= 0, values, 0)
    words = (values << (np.arange(32 // bits) * bits)).sum(axis=1).astype("<u4")
    packed: bytes = words.tobytes()
    return packed + bytes(READ_AHEAD_BYTES if layout.read_ahead else 0)


def unpack_weights(spec: ConvSpec, data: bytes) -> IntArray:
    """Return the OHWI weights that `pack_weights` packed for a kernel that loads them."""
    bits = spec.precision.weight_bits
    layout = _layout(spec)
    words = np.frombuffer(data, "<u4", count=len(layout.source)).astype(np.int64)
    fields = (words[:, None] >> (np.arange(32 // bits) * bits)) & ((1 << bits) - 1)
    bias = (layout.biased.astype(np.int64) << bits) >> 1
    values = from_fields((fields - bias) & ((1 << bits) - 1), bits, signed=True)
    weights = np.zeros(spec.out_c * spec.products, np.int64)
    real = layout.source >= 0
    weights[layout.source[real]] = values[real]
    return weights.reshape(spec.weight_shape)


def weight_bytes(spec: ConvSpec) -> int:
    """Return the bytes of packed weights, all padding included."""
    layout = _layout(spec)
    return 4 * len(layout.source) + (READ_AHEAD_BYTES if layout.read_ahead else 0)


def window_fields(spec: ConvSpec, step_words: int) -> NDArray[np.int64]:
    """Return what an output's packed window holds, field by field.

    Returns:
        Indices into (kernel_h, kernel_w, in_c), -1 for padding: the fields that fill each pixel's
        last byte and the window's last step.
    """
    bits = spec.precision.activation_bits
    pixel_fields = -(-spec.in_c * bits // 8) * 8 // bits
    index = np.full((spec.kernel_h * spec.kernel_w, pixel_fields), -1, np.int64)
    index[:, : spec.in_c] = np.arange(spec.products).reshape(-1, spec.in_c)
    flat = index.reshape(-1)
    step_fields = step_words * 32 // bits
    return np.concatenate([flat, np.full(-len(flat) % step_fields, -1, np.int64)])


def lane_pairs(fields: NDArray[np.int64], activation_bits: int) -> NDArray[np.int64]:
    """Return (words, 2): the fields in the low and high lane of each word of a column.

    The order is that in which one SXTB16 or AND takes lanes from a packed word.
    """
    half = 16 // activation_bits
    return fields.reshape(-1, 2, half).transpose(0, 2, 1).reshape(-1, 2)


def _layout(spec: ConvSpec) -> _Layout:
    match spec.precision.base:
        case "w8a8":
            return _layout_groups(spec, fields=((1, 0), (3, 2)), biased=(1, 3))
        case "w4a8":
            return _layout_groups(spec, fields=((3, 2, 0, 1),), biased=(0, 2, 3))
        case "w4a4":
            return _layout_lanes(spec, step_words=2, rotations=(0, 8), high=12)
        case "w2a2":
            return _layout_lanes(
                spec, step_words=1, rotations=(0, 4, 8, 12), high=14, accumulators=1
            )
        case "w1a1":
            return _layout_w1a1(spec)
        case other:
            raise UsageError(f"{other} has no packed weights; they are constants in its code")


def _elements(spec: ConvSpec, fields: NDArray[np.int64], group: int) -> NDArray[np.int64]:
    """Return (channels rounded up to a group, fields) indices into OHWI, -1 for padding."""
    channels = -(-spec.out_c // group) * group
    channel = np.arange(channels)[:, None]
    real = (fields >= 0) & (channel < spec.out_c)
    return np.where(real, channel * spec.products + fields, -1)


def _layout_groups(
    spec: ConvSpec, *, fields: tuple[tuple[int, ...], ...], biased: tuple[int, ...]
) -> _Layout:
    """Order the words: four channels, pair of lanes, word of the pair; channels share a lane.

    Args:
        spec: The convolution.
        fields: For each word of a pair, the channels of the group in the fields of a lane, least
            significant first.
        biased: Channels whose weights are stored biased.
    """
    pairs = lane_pairs(window_fields(spec, 1), 8)
    elements = _elements(spec, pairs.reshape(-1), 4).reshape(-1, 4, len(pairs), 2)
    channels = np.array(fields)
    # (groups, words of a pair, fields, pairs, lanes)
    source = elements[:, channels].transpose(0, 3, 1, 4, 2).reshape(-1, 2 * channels.shape[1])
    row = np.tile(np.isin(channels, biased), (1, 2))
    biased_fields = np.tile(row, (len(source) // len(row), 1))
    return _Layout(source, biased_fields, read_ahead=True, padding_biased=True)


def _layout_w1a1(spec: ConvSpec) -> _Layout:
    """Order the words: channel, 32 fields."""
    words = _elements(spec, window_fields(spec, 1), 1).reshape(-1, 32)
    return _Layout(words, np.zeros(words.shape, np.bool_), read_ahead=False)


STEPS_AT_ONCE = {"w2a2": 225}
"""Words of weights (of eight products) whose sums totals hold; as in ``w2a2.c``."""


def _layout_lanes(
    spec: ConvSpec,
    *,
    step_words: int,
    rotations: tuple[int, ...],
    high: int,
    accumulators: int = 2,
) -> _Layout:
    """Lay out words that a rotation and an AND turn into operands of SMLAD.

    Two channels share a lane: the first, stored biased, starts at bit 0.

    Args:
        spec: The convolution.
        step_words: Packed words of the window in one step of the loop.
        rotations: Bits by which the loop rotates a word right, one operand each.
        high: Bit of a lane at which the second channel starts.
        accumulators: Words of weights, of two channels each, that alternate.
    """
    bits = spec.precision.weight_bits
    pairs = lane_pairs(window_fields(spec, step_words), spec.precision.activation_bits)
    elements = _elements(spec, pairs.reshape(-1), 4)
    # (groups, accumulators, channels of an accumulator, words of weights, rotations, lanes)
    words = len(pairs) // len(rotations)
    elements = elements.reshape(-1, accumulators, 2, words, len(rotations), 2)
    source = np.full((*elements.shape[:2], elements.shape[3], 32 // bits), -1, np.int64)
    biased = np.zeros(source.shape, np.bool_)
    for channel, start in enumerate((0, high)):
        for index, rotation in enumerate(rotations):
            for lane in range(2):
                field = (rotation + 16 * lane + start) % 32 // bits
                source[..., field] = elements[:, :, channel, :, index, lane]
                biased[..., field] = channel == 0
    return _Layout(
        _chunked(source, spec), _chunked(biased.astype(np.int64), spec) != 0, read_ahead=True
    )


def _chunked(table: IntArray, spec: ConvSpec) -> IntArray:
    """Order (groups, accumulators, words, fields) as chunk, group, word, accumulator."""
    _, _, words, fields = (int(extent) for extent in table.shape)
    at_once = STEPS_AT_ONCE.get(spec.precision.base, words)
    parts = [
        table[:, :, start : start + at_once].transpose(0, 2, 1, 3).reshape(-1, fields)
        for start in range(0, words, at_once)
    ]
    return np.concatenate(parts)


# ---------------------------------------------------------------- requantization


def pack_requantization(spec: ConvSpec, requantization: Requantization, weights: IntArray) -> bytes:
    """Pack the table of channels: ``tc_channel_s8``, ``tc_channel_un`` or the int32 ``start``.

    Args:
        spec: The convolution.
        requantization: The arithmetic.
        weights: OHWI, skipped operands zero: the int8 input offset is folded into the bias.

    Raises:
        UsageError: A number does not fit its field, or a product would leave 32 bits.
    """
    by_channel = np.asarray(weights, np.int64).reshape(spec.out_c, -1)
    bits = spec.precision.activation_bits
    match requantization:
        case Int8Requantization():
            return pack_int8(requantization, by_channel, spec.precision)
        case SubByteRequantization():
            return pack_sub_byte(requantization, by_channel, spec.precision, 8 // bits)
        case ThresholdRequantization(bits=output_bits) if output_bits > 1:
            # Channels that fill a byte reach no threshold, so that its spare fields are zero.
            filler = struct.pack("<i", 0) + struct.pack("<i", (1 << 31) - 1) * ((1 << bits) - 1)
            fillers = -spec.out_c % (8 // bits)
            return pack_thresholds(requantization, by_channel) + filler * fillers
        case ThresholdRequantization():
            limits = (spec.products - requantization.thresholds[:, 0]) // 2
            start: bytes = (-1 - np.clip(limits, -1, spec.products)).astype("<i4").tobytes()
            return start


# ---------------------------------------------------------------- scratch

RING_LIMIT_BYTES = 16 * 1024
"""The largest ring of widened rows that a kernel is given."""


@dataclass(frozen=True)
class _Block:
    """How a kernel works through output pixels.

    Attributes:
        pixels: Output pixels of a block.
        step_words: Packed words of a window in one step of the inner loop.
        read_ahead_words: Words behind the columns that the loop loads and does not use.
        sum_words: int32 words for the block's sums.
        window_words: Words behind a gathered window.
    """

    pixels: int
    step_words: int
    read_ahead_words: int
    sum_words: int
    window_words: int = 0


def _block(spec: ConvSpec) -> _Block:
    quads = -(-spec.out_c // 4)
    return {
        "w8a8": _Block(2, 1, 2, 0, 1),
        "w4a8": _Block(2, 1, 2, 0, 1),
        "w4a4": _Block(2, 2, 2, 8 * quads),
        "w2a2": _Block(4, 1, 2, 8 * quads),
        "w1a1": _Block(1, 1, 0, 0),
    }[spec.precision.base]


def scratch_bytes(spec: ConvSpec, *, by_sums: bool = False) -> int:
    """Return what a kernel needs of its scratch argument, aligned to 4 bytes.

    Columns of 16-bit activations for the pixels of a block, their sums, and either one packed
    window or, where `keeps_rows`, a ring of widened rows. Of binary kernels, a packed window.

    Args:
        spec: The convolution.
        by_sums: Of w8a8 and w4a8: whether sums go through memory, as of layers that do not
            fit what `dense.fits_groups` asks for.
    """
    block = _block(spec)
    bits = spec.precision.activation_bits
    window_words = len(window_fields(spec, block.step_words)) * bits // 32
    if bits == 1:
        return 4 * window_words
    if spec.precision.base == "w2a2":
        return _scratch_bytes_w2a2(spec, window_words)
    column_words = window_words * (16 // bits) * block.pixels + block.read_ahead_words
    rows = _ring_bytes(spec) if keeps_rows(spec) else 4 * (window_words + block.window_words)
    sum_words = 8 * -(-spec.out_c // 4) if by_sums else block.sum_words
    return 4 * (column_words + sum_words) + rows


def _scratch_bytes_w2a2(spec: ConvSpec, window_words: int) -> int:
    """Columns with two pixels to a lane, totals, packed windows; sums where there are parts."""
    block = _block(spec)
    columns = 16 * window_words + block.read_ahead_words
    parts = 2 * block.sum_words if 2 * window_words > STEPS_AT_ONCE["w2a2"] else 0
    return 4 * (columns + block.sum_words + parts + block.pixels * window_words)


def keeps_rows(spec: ConvSpec) -> bool:
    """Return whether a kernel widens input rows once, into a ring, and copies windows from there.

    It does where a pixel is a whole number of words, windows overlap, few blocks lack pixels and
    the ring stays below `RING_LIMIT_BYTES`; elsewhere each window is widened by itself.
    """
    if spec.precision.activation_bits <= 2:
        return False
    pixels = _block(spec).pixels
    whole_words = spec.in_c * spec.precision.activation_bits % 32 == 0
    overlap = spec.kernel_w > spec.stride_w or spec.kernel_h > spec.stride_h
    full_blocks = spec.out_w % pixels == 0 or spec.out_w >= 4 * pixels
    return whole_words and overlap and full_blocks and _ring_bytes(spec) <= RING_LIMIT_BYTES


def _ring_bytes(spec: ConvSpec) -> int:
    """Return the size of the ring and of the sums beside it.

    ``tc_dense.h`` lays them out for 8-bit activations, ``tc_columns.h`` for w4a4.
    """
    pixels = _block(spec).pixels
    blocks = -(-spec.out_w // pixels)
    read = spec.stride_w * (pixels * blocks - 1) + spec.kernel_w
    written = spec.padding.left + spec.in_w
    length = spec.stride_w * (pixels - 1) + max(read, written)
    position_words = -(-spec.in_c // 2) * pixels
    sum_words = {"w8a8": spec.kernel_h * (length + 1), "w4a8": spec.kernel_h * (length + 1)}.get(
        spec.precision.base,
        (spec.kernel_h + 1) * length if spec.precision.activation_bits < 8 else 0,
    )
    return 4 * (spec.kernel_h * length * position_words + sum_words)


def shape_fields(spec: ConvSpec) -> tuple[int, ...]:
    """Return the fields of ``tc_conv_shape``, in order."""
    return (
        *(spec.in_h, spec.in_w, spec.in_c, spec.out_h, spec.out_w, spec.out_c),
        *(spec.kernel_h, spec.kernel_w, spec.stride_h, spec.stride_w),
        *(spec.padding.top, spec.padding.left, int(keeps_rows(spec))),
    )
