"""How the kernel with constant weights walks over its image: lines, windows and blocks.

A line is a padded row of the input, or a padded column where blocks of pixels fit these better,
widened to 16-bit lanes. ``kernels/conv/unrolled.c`` widens lines; the emitted code reads windows
of them with constant offsets. Both get their numbers here.
"""

from dataclasses import dataclass

import numpy as np

from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.task import IntArray

__all__ = ["BLOCK_PIXELS", "Lines", "lines_of", "operand_pairs", "spread_weights", "window_words"]

BLOCK_PIXELS = 4
"""Most pixels of a block: how often a constant is used once it is in a register."""


@dataclass(frozen=True)
class _Axis:
    """One direction of a convolution: extents, and bytes from one position to the next."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    padding: int
    in_bytes: int
    out_bytes: int


@dataclass(frozen=True)
class Lines:
    """The walk over an image; elements are 16-bit lanes.

    Attributes:
        across: From line to line.
        along: From position to position of a line.
        transposed: Whether lines are columns of the image.
        channels: Input channels.
        last_line_bytes: Where the last input line starts.
        last_out_line_bytes: Where the last output line starts.
        interleaved: Whether a line is a block whose pixels lie interleaved, word by word.
    """

    across: _Axis
    along: _Axis
    transposed: bool
    channels: int
    last_line_bytes: int
    last_out_line_bytes: int
    interleaved: bool = False

    @property
    def block_pixels(self) -> int:
        """Pixels that the emitted function computes in a call."""
        return min(BLOCK_PIXELS, self.along.outputs)

    @property
    def pixel_elements(self) -> int:
        """From the window of a pixel to that of the next."""
        return 2 if self.interleaved else self.along.stride * self.channels

    @property
    def word_step(self) -> int:
        """Words from one of a pixel to its next."""
        return self.block_pixels if self.interleaved else 1

    @property
    def quads(self) -> bool:
        """Whether lanes come in the order in which SXTB16 takes them: (0, 2), (1, 3)."""
        return self.channels % 4 == 0

    @property
    def line_elements(self) -> int:
        """One copy of a line: what windows cover, and as much as fills the last word."""
        axis = self.along
        covered = (axis.stride * (axis.outputs - 1) + axis.kernel) * self.channels
        return (covered + 3) // 2 * 2 if not self.quads else covered

    @property
    def copies(self) -> int:
        """2 where every other window would start inside a word."""
        return 1 + self.pixel_elements % 2 * (self.block_pixels > 1)

    @property
    def line_words(self) -> int:
        """A line with its copy."""
        return self.line_elements // 2 * self.copies

    @property
    def buffer_lines(self) -> int:
        """Lines of the buffer: of almost two windows, so that few move, or all there are."""
        axis = self.across
        needed = axis.stride * (axis.outputs - 1) + axis.kernel
        return min(needed, 2 * axis.kernel - 1)

    @property
    def scratch_bytes(self) -> int:
        """What the buffer takes."""
        return 4 * self.line_words * self.buffer_lines

    def pixel_offset(self, pixel: int) -> int:
        """Return bytes from a block's window to that of one of its pixels."""
        element = pixel * self.pixel_elements
        return 2 * element if element % 2 == 0 else 2 * (self.line_elements + element - 1)

    def fields(self, pad: int) -> tuple[int, ...]:
        """Return the fields of ``tc_lines``, in order."""
        along, across = self.along, self.across
        room = self.along.stride * (along.outputs - 1) + along.kernel - along.padding
        positions = max(min(along.inputs, room), 0)
        contiguous = along.in_bytes == self.channels and not self.interleaved
        runs = int(positions > 0) if contiguous else positions
        return (
            *(pad, across.outputs, along.outputs),
            *(across.out_bytes, self.last_out_line_bytes, along.out_bytes),
            *(self.block_pixels, self.pixel_elements),
            *(across.inputs, across.in_bytes, self.last_line_bytes),
            *(runs, self.channels * (positions if contiguous else 1), along.in_bytes),
            *(across.padding, along.padding * self.channels, across.kernel, across.stride),
            *(int(self.quads), self.word_step, self.line_elements if self.copies > 1 else 0),
            *(self.line_words, self.buffer_lines),
        )


def lines_of(spec: ConvSpec) -> Lines:
    """Return the walk for a convolution: rows or columns, whichever leaves fewer pixels idle."""
    height = _Axis(
        *(spec.in_h, spec.out_h, spec.extent_h, spec.stride_h, spec.padding.top),
        *(spec.in_w * spec.in_c, spec.out_w * spec.out_c),
    )
    width = _Axis(
        *(spec.in_w, spec.out_w, spec.extent_w, spec.stride_w, spec.padding.left),
        *(spec.in_c, spec.out_c),
    )
    if spec.extent_h == spec.extent_w == 1 and spec.padding == Padding():
        height, width = _sampled(height), _sampled(width)
        if height.in_bytes == width.outputs * width.in_bytes:
            return _flat(height.outputs * width.outputs, width, spec)
    transposed = _blocks(height, width) < _blocks(width, height)
    across, along = (width, height) if transposed else (height, width)
    last = (across.inputs - 1) * across.in_bytes, (across.outputs - 1) * across.out_bytes
    return Lines(across, along, transposed, spec.in_c, *last)


def _blocks(along: _Axis, across: _Axis) -> int:
    return -(-along.outputs // BLOCK_PIXELS) * across.outputs


def _sampled(axis: _Axis) -> _Axis:
    """Return the axis of a 1x1 kernel without the inputs that its stride leaves out."""
    step = axis.stride * axis.in_bytes
    return _Axis(axis.outputs, axis.outputs, 1, 1, 0, step, axis.out_bytes)


def _flat(pixels: int, width: _Axis, spec: ConvSpec) -> Lines:
    """Return the walk over an image that is one row of pixels: a line is a block."""
    block = min(BLOCK_PIXELS, pixels)
    count = -(-pixels // block)
    along = _Axis(block, block, 1, 1, 0, width.in_bytes, width.out_bytes)
    across = _Axis(count, count, 1, 1, 0, block * width.in_bytes, block * width.out_bytes)
    rest = pixels - block
    last = rest * width.in_bytes, rest * width.out_bytes
    return Lines(across, along, False, spec.in_c, *last, interleaved=spec.in_c % 4 == 0)


def spread_weights(spec: ConvSpec, weights: IntArray) -> IntArray:
    """Return OHWI weights of the same convolution with one group and without dilation.

    What is filled with zeros costs nothing in emitted code.
    """
    shape = (spec.out_c, spec.extent_h, spec.extent_w, spec.in_c)
    spread = np.zeros(shape, np.int64)
    for group in range(spec.groups):
        outputs = slice(group * spec.group_out_c, (group + 1) * spec.group_out_c)
        inputs = slice(group * spec.group_in_c, (group + 1) * spec.group_in_c)
        spread[outputs, :: spec.dilation_h, :: spec.dilation_w, inputs] = weights[outputs]
    return spread


def window_words(lines: Lines, weights: IntArray) -> tuple[IntArray, IntArray]:
    """Return a window's words: their places, and the weights in their lanes.

    Args:
        lines: The walk.
        weights: OHWI, of one group and without dilation.

    Returns:
        Bytes from the start of the window (words), and weights (channels, words, 2).
    """
    by_line = weights.transpose(0, 2, 1, 3) if lines.transposed else weights
    outputs, kernel_lines = by_line.shape[:2]
    fields = by_line.reshape(outputs, kernel_lines, -1)
    width = -(-fields.shape[2] // 2) * 2
    lanes = np.zeros((outputs, kernel_lines, width), np.int64)
    lanes[:, :, : fields.shape[2]] = fields
    if lines.quads:
        quads = lanes.reshape(outputs, kernel_lines, -1, 2, 2)
        pairs = quads.transpose(0, 1, 2, 4, 3).reshape(outputs, kernel_lines, -1, 2)
    else:
        pairs = lanes.reshape(outputs, kernel_lines, -1, 2)
    within = lines.word_step * np.arange(pairs.shape[2])
    places = 4 * (lines.line_words * np.arange(kernel_lines)[:, None] + within)
    return places.reshape(-1), pairs.reshape(outputs, -1, 2)


def operand_pairs(spec: ConvSpec) -> IntArray:
    """Return the pairs of operands that one SMLAD multiplies, by output channel.

    Returns:
        (channels, words, 2) indices into a channel's weights in (kernel_h, kernel_w, in_c) order;
        -1 where a lane has none.
    """
    index = np.broadcast_to(np.arange(spec.products) + 1, (spec.out_c, spec.products))
    spread = spread_weights(spec, index.reshape(spec.weight_shape))
    return window_words(lines_of(spec), spread)[1] - 1
