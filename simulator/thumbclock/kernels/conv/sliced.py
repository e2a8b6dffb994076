"""How binary layers lie in memory whose kernel is bit-sliced over 32 output channels.

A word of weights holds one input of 32 output channels. Before they are packed, the inputs of
each block (32 channels of a pixel) undergo a linear transformation over XOR, as the kernel's
adders want them; the kernel does the same to activations. See
``kernels/conv/tc_sliced_dot.h``.
"""

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.packed import from_fields, to_fields
from thumbclock.kernels.requantization import ThresholdRequantization
from thumbclock.kernels.task import IntArray

__all__ = [
    "high_planes",
    "is_sliced",
    "pack_sliced_start",
    "pack_sliced_weights",
    "sliced_scratch_bytes",
    "unpack_sliced_weights",
]

_LANES = 32
_LOW_PLANES = 5
_MOST_BLOCKS = 255


def is_sliced(spec: ConvSpec) -> bool:
    """Return whether the bit-sliced kernel serves a layer: multiples of 32 channels in and out."""
    whole = spec.in_c % _LANES == 0 and spec.out_c % _LANES == 0
    plain = spec.groups == 1 and not spec.is_dilated and not spec.precision.unrolled
    binary = spec.precision.base == "w1a1" and spec.precision.output_bits == 1
    return binary and whole and plain and _blocks(spec) <= _MOST_BLOCKS


def _blocks(spec: ConvSpec) -> int:
    return spec.products // _LANES


# ---------------------------------------------------------------- weights


def pack_sliced_weights(spec: ConvSpec, weights: IntArray) -> bytes:
    """Pack OHWI weights of -1 and +1: a word for each group of channels and input."""
    fields = to_fields(np.asarray(weights, np.int64), 1, signed=True)
    # (groups, lanes, kernel_h, kernel_w, blocks of a pixel, inputs), then column by column
    inputs = fields.reshape(-1, _LANES, spec.kernel_h, spec.kernel_w, spec.in_c // _LANES, _LANES)
    inputs = inputs.transpose(0, 1, 3, 2, 4, 5).reshape(-1, _LANES, _blocks(spec), _LANES)
    words = _transformed(inputs).transpose(0, 2, 3, 1) << np.arange(_LANES)
    packed: bytes = words.sum(axis=-1).astype("<u4").tobytes()
    return packed


def unpack_sliced_weights(spec: ConvSpec, data: bytes) -> IntArray:
    """Return the OHWI weights that `pack_sliced_weights` packed."""
    words = np.frombuffer(data, "<u4").astype(np.int64)
    lanes = words.reshape(-1, _blocks(spec), _LANES, 1) >> np.arange(_LANES) & 1
    inputs = _restored(lanes.transpose(0, 3, 1, 2))
    columns = inputs.reshape(-1, spec.kernel_w, spec.kernel_h, spec.in_c)
    return from_fields(columns.transpose(0, 2, 1, 3), 1, signed=True)


def _transformed(bits: IntArray) -> IntArray:
    """Return the words of blocks: neighbours' differences, and differences from a parity.

    Odd words are b(i) ^ b(i + 1), even ones b(i) ^ b(0) ^ ... ^ b(i - 2); the last is b(31).
    """
    words = bits.copy()
    words[..., 1:-1:2] ^= bits[..., 2::2]
    words[..., 2::2] ^= (np.cumsum(bits, axis=-1) & 1)[..., :-2:2]
    return words


def _restored(words: IntArray) -> IntArray:
    """Invert `_transformed`."""
    bits = words.copy()
    parity = bits[..., 0].copy()
    for i in range(2, _LANES, 2):
        bits[..., i] ^= parity
        bits[..., i - 1] ^= bits[..., i]
        parity ^= bits[..., i - 1] ^ bits[..., i]
    return bits


# ---------------------------------------------------------------- thresholds


def high_planes(spec: ConvSpec) -> int:
    """Return how many planes count the carries of weight 32, of which each block yields one."""
    blocks = _blocks(spec)
    return 2 if blocks < 4 else 4 if blocks < 16 else 8


def pack_sliced_start(spec: ConvSpec, requantization: ThresholdRequantization) -> bytes:
    """Return where counters of products that are -1 start, in planes of 32 channels.

    They pass 2^top where the sum stays below its threshold; the topmost plane comes complemented,
    and so ends as the output.
    """
    top = _LOW_PLANES + high_planes(spec)
    limit = np.clip((spec.products - requantization.thresholds[:, 0]) // 2, -1, spec.products)
    start = ((1 << top) - 1 - limit) ^ (1 << top)
    bits = start.reshape(-1, 1, _LANES) >> np.arange(top + 1)[:, None] & 1
    planes: NDArray[np.int64] = (bits << np.arange(_LANES)).sum(axis=-1)
    return planes.astype("<u4").tobytes()


# ---------------------------------------------------------------- scratch


def sliced_scratch_bytes(spec: ConvSpec) -> int:
    """Return the bytes of what an output row's windows cover: a bit an activation, and carries.

    Two words for each 32 channels of a pixel, and three times as much for a last step.
    """
    columns = (spec.out_w - 1) * min(spec.stride_w, spec.kernel_w) + spec.kernel_w
    return 8 * (columns * spec.kernel_h * spec.in_c // _LANES + 3)
