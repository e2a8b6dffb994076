"""Assembly of a convolution whose weights are constants in the code.

The emitted function computes all output channels of a block of pixels: for some channels at a time
the sums, then their bytes. Weights that are zero cost nothing: a pair of them is left out, and so
is an activation that no channel of the block wants. So an operand is left out by making it zero.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from thumbclock.kernels.conv.lines import lines_of, spread_weights, window_words
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.cores import loads_in_runs
from thumbclock.kernels.emission import (
    ACCUMULATORS,
    Channel,
    Code,
    Output,
    Window,
    Word,
    emit_outputs,
    emit_products,
    function_text,
)
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.kernels.tables import largest_int8_sums
from thumbclock.kernels.task import IntArray
from thumbclock.profiles import CoreProfile

__all__ = ["FUNCTION", "emit_unrolled"]

FUNCTION = "tc_unrolled_block"
"""Symbol of the emitted function."""

_MOST_LEFT = 8  # int8 weights shifted that far still fit a lane


def emit_unrolled(
    spec: ConvSpec, weights: IntArray, requantization: Int8Requantization, core: CoreProfile
) -> str:
    """Return GNU assembly of ``void tc_unrolled_block(const int16_t *window, int8_t *output)``.

    Args:
        spec: The convolution.
        weights: OHWI int8; operands to leave out are zero.
        requantization: From sums to outputs.
        core: The core whose pipeline the order of instructions suits.
    """
    lines = lines_of(spec)
    places, lanes = window_words(lines, spread_weights(spec, weights))
    pixels = range(lines.block_pixels)
    shifts = _shifts(requantization)
    by_channel = weights.reshape(spec.out_c, -1)
    largest = largest_int8_sums(requantization, by_channel, spec.precision)
    sums: IntArray = by_channel.sum(axis=1)
    biases = (requantization.bias + requantization.input_offset * sums) << shifts
    in_runs = loads_in_runs(core)
    code = Code(narrow=lines.interleaved and not in_runs)
    for group in _groups(lanes, len(ACCUMULATORS) // len(pixels)):
        registers = iter(ACCUMULATORS)
        accumulators = [tuple(islice(registers, len(pixels))) for _ in group]
        words = _words(places, lanes[group] << shifts[group][:, None, None])
        emit_products(
            code,
            Window(words, [lines.pixel_offset(pixel) for pixel in pixels]),
            accumulators,
            [int(biases[channel]) for channel in group],
            in_runs=in_runs,
        )
        outputs = [
            Output(
                accumulators[index][pixel],
                _channel(requantization, channel, int(largest[channel]), int(shifts[channel])),
                pixel * lines.along.out_bytes + channel,
            )
            for index, channel in enumerate(group)
            for pixel in pixels
        ]
        emit_outputs(code, outputs)
    return function_text(FUNCTION, code)


def _groups(lanes: IntArray, size: int) -> list[list[int]]:
    """Return the output channels in groups, those together that need the same words.

    Of equals, channels four apart: their bytes lie in both banks of the M7's memory, each of which
    takes four cycles to store one.
    """
    needs = np.asarray(lanes.any(axis=2), np.int64)
    left = list(range(len(needs)))
    groups = []
    while left:
        first = left.pop(0)
        shared = {other: int(needs[first] @ needs[other]) for other in left}
        left.sort(key=lambda other: (-shared[other], (other - first) % 8 != 4, other))
        groups.append([first, *left[: size - 1]])
        left = sorted(left[size - 1 :])
    return groups


def _words(places: IntArray, lanes: IntArray) -> Sequence[Word]:
    """Return the words of which a channel needs one or both lanes."""
    packed = (lanes[..., 0] & 0xFFFF) | (lanes[..., 1] & 0xFFFF) << 16
    return [
        Word(int(places[word]), tuple(int(value) for value in packed[:, word]))
        for word in np.flatnonzero(packed.any(axis=0))
    ]


def _shifts(requantization: Int8Requantization) -> IntArray:
    """Return how far the weights of each channel are shifted left, to spare that of the sums.

    One bit more than TensorFlow Lite's left shift: SMMULR takes the upper half of 64 bits, where
    Q31 wants them from bit 31 on.
    """
    shifts: IntArray = np.clip(requantization.shift + 1, 1, _MOST_LEFT)
    return shifts


def _channel(
    requantization: Int8Requantization, channel: int, largest: int, shifted: int
) -> Channel:
    shift = int(requantization.shift[channel])
    return Channel(
        multiplier=int(requantization.multiplier[channel]),
        left=max(shift, 0) + 1 - shifted,
        right=max(-shift, 0),
        offset=requantization.output_offset,
        low=requantization.activation_min,
        high=requantization.activation_max,
        largest=largest,
    )
