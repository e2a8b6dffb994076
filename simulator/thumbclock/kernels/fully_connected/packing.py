"""How weights lie in memory, and what the loops in ``kernels/fully_connected`` need to know.

Words of weights stand in order group of four channels, step, channel. Weights of b bits take b / 8
bytes each, plus what fills the last step and the last group of channels, plus `READ_AHEAD_BYTES`
that loops load ahead and do not use. Inputs of less than 8 bits are filled up to whole words: a
multiple of 8, 16 or 32 inputs of 4, 2 or 1 bit.
"""

from dataclasses import dataclass

import numpy as np

from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec
from thumbclock.kernels.packed import to_fields
from thumbclock.kernels.task import IntArray

__all__ = [
    "FORMATS",
    "READ_AHEAD_BYTES",
    "Format",
    "excess",
    "pack_bytes",
    "pack_weights",
    "scratch_bytes",
    "steps_at_once",
    "vector_inputs",
]

READ_AHEAD_BYTES = 8
"""Bytes behind the weights, and behind the columns in scratch, that loops load ahead."""

_GROUP = 4
_BLOCK = 64  # channels; BLOCK in fully_connected.c
_MOVE = 127  # what the input of a lane's top field is less than it was


@dataclass(frozen=True)
class Format:
    """How an inner loop multiplies; see ``tc_fully_connected.h``.

    Attributes:
        bits: Bits of a weight.
        order: For each field of a word, least significant first, the input of a step that it
            meets. The top field of a 16-bit lane is stored signed and its input moved by -127, the
            others are stored unsigned, with 2^(bits - 1) added.
        scale_bits: Accumulators hold sums times two to the power of this.
        column_words: Words of columns in a step.
    """

    bits: int
    order: tuple[int, ...]
    scale_bits: int
    column_words: int

    @property
    def inputs(self) -> int:
        """Inputs of a step."""
        return len(self.order)

    @property
    def is_top(self) -> IntArray:
        """1 for each field at the top of its lane, 0 for the others."""
        half = self.inputs // 2
        top: IntArray = (np.arange(self.inputs) % half == half - 1).astype(np.int64)
        return top


FORMATS = {
    8: Format(8, (0, 1, 2, 3), 8, 2),
    4: Format(4, (4, 5, 0, 1, 6, 7, 2, 3), 12, 4),
}
"""By bits of a weight."""


def vector_inputs(spec: FullyConnectedSpec) -> int:
    """Return how many int8 inputs the loops see: of less than 8 bits, the fields of whole words."""
    bits = spec.precision.activation_bits
    return spec.in_c if bits == 8 else -(-spec.in_c * bits // 32) * 32 // bits


def _unpacked(spec: FullyConnectedSpec, weights: IntArray) -> IntArray:
    """Return (out_c, inputs) weights in the order in which inputs are unpacked.

    A shift and a mask take every (8 / bits)-th field out of a word, one to a byte.
    """
    bits = spec.precision.activation_bits
    padded = np.zeros((spec.out_c, vector_inputs(spec)), np.int64)
    padded[:, : spec.in_c] = weights
    if bits == 8:
        return padded
    by_word = padded.reshape(spec.out_c, -1, 4, 8 // bits)
    return by_word.swapaxes(2, 3).reshape(padded.shape)


def _fields(spec: FullyConnectedSpec, weights: IntArray) -> IntArray:
    """Return (channels, steps, fields) weights as words hold them, zeros for padding."""
    form = FORMATS[spec.precision.weight_bits]
    channels = -(-spec.out_c // _GROUP) * _GROUP
    padded = np.zeros((channels, steps(spec) * form.inputs), np.int64)
    padded[: spec.out_c, : vector_inputs(spec)] = _unpacked(spec, weights)
    return padded.reshape(channels, -1, form.inputs)[..., list(form.order)]


def steps(spec: FullyConnectedSpec) -> int:
    """Return the steps of the inner loop, each a word of weights a channel."""
    return -(-vector_inputs(spec) // FORMATS[spec.precision.weight_bits].inputs)


def pack_weights(spec: FullyConnectedSpec, weights: IntArray) -> bytes:
    """Pack (out_c, in_c) weights.

    Raises:
        UsageError: A value does not fit.
    """
    form = FORMATS[spec.precision.weight_bits]
    values = to_fields(_fields(spec, weights), form.bits, signed=True)
    unsigned = (1 - form.is_top) << (form.bits - 1)
    words = ((values ^ unsigned) << (np.arange(form.inputs) * form.bits)).sum(axis=2)
    packed: bytes = words.reshape(-1, _GROUP, steps(spec)).swapaxes(1, 2).astype("<u4").tobytes()
    return packed + bytes(READ_AHEAD_BYTES)


def pack_bytes(spec: FullyConnectedSpec, weights: IntArray) -> bytes:
    """Pack (out_c, in_c) int8 weights for ``portable.c``: group of four channels, input, channel.

    Weights are bytes with 128 added; padding of the last group is 128.

    Raises:
        UsageError: A value does not fit.
    """
    channels = -(-spec.out_c // _GROUP) * _GROUP
    padded = np.zeros((channels, spec.in_c), np.int64)
    padded[: spec.out_c] = weights
    unsigned = to_fields(padded, 8, signed=True) ^ 128
    packed: bytes = unsigned.reshape(-1, _GROUP, spec.in_c).swapaxes(1, 2).astype("u1").tobytes()
    return packed


def excess(spec: FullyConnectedSpec, weights: IntArray) -> IntArray:
    """Return by how much a kernel's sums are too great, per channel: what moved inputs lack."""
    form = FORMATS[spec.precision.weight_bits]
    moved: IntArray = (_fields(spec, weights) * form.is_top).sum(axis=(1, 2))
    return -_MOVE * moved[: spec.out_c]


def steps_at_once(spec: FullyConnectedSpec, weights: IntArray) -> int:
    """Return how many steps an accumulator holds, whatever the inputs are.

    Accumulators are exact modulo 2^32: what counts is the range of the sum at the end of a part.
    The parts of a layer have as equal a length as can be.
    """
    form = FORMATS[spec.precision.weight_bits]
    lowest, highest = -128 - _MOVE * form.is_top, 127 - _MOVE * form.is_top
    fields = _fields(spec, weights)
    ends = np.stack([fields * lowest, fields * highest])
    low, high = ends.min(axis=0).sum(axis=2), ends.max(axis=0).sum(axis=2)
    limit = 1 << (31 - form.scale_bits)
    for parts in range(1, steps(spec) + 1):
        length = -(-steps(spec) // parts)
        starts = np.arange(0, steps(spec), length)
        least = np.add.reduceat(low, starts, axis=1).min()
        greatest = np.add.reduceat(high, starts, axis=1).max()
        if -limit <= least and greatest < limit:
            break
    return length


def scratch_bytes(spec: FullyConnectedSpec, at_once: int) -> int:
    """Return what a kernel needs of its scratch argument, aligned to 8 bytes.

    Columns of 16-bit inputs, sums, and what the accumulators start at in each part of `at_once`
    steps. Where all is int8, sums are those of a block of channels; else those of all channels,
    twice, and inputs of less than 8 bits are unpacked behind them.
    """
    precision = spec.precision
    columns = FORMATS[precision.weight_bits].column_words * steps(spec) + READ_AHEAD_BYTES // 4
    channels = -(-spec.out_c // _GROUP) * _GROUP
    is_int8 = precision.activation_bits == precision.output_bits == 8
    sums = min(_BLOCK, channels) if is_int8 else 2 * channels
    values = 0 if precision.activation_bits == 8 else vector_inputs(spec) // 4
    return 4 * (columns + sums + -(-steps(spec) // at_once) + values)
