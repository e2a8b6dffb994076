"""How weights and tables lie in memory, and what the kernels need as scratch.

Weights are 1HWC as in TensorFlow Lite, packed tap by tap as activations are pixel by pixel: those
of b bits take b / 8 bytes each, plus what fills the last byte of a tap.
"""

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.depthwise.spec import DepthwiseSpec
from thumbclock.kernels.packed import lowest_value, pack_activations
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    ThresholdRequantization,
)
from thumbclock.kernels.tables import pack_table
from thumbclock.kernels.task import IntArray, Pointer, Struct

__all__ = [
    "fits_int8_strips",
    "fits_strips",
    "int8_strips_scratch_bytes",
    "pack_requantization",
    "pack_weights",
    "parts",
    "scratch_bytes",
    "shape_fields",
    "strips_scratch_bytes",
]

_TILE_ROWS, _TILE_COLUMNS = 32, 8  # as in tc_strips.h
_STRIP_BYTES = 4 * 4 * (_TILE_ROWS + 2) + 4
_RUN_PIXELS = 16  # as in tc_core.h


def pack_weights(spec: DepthwiseSpec, weights: IntArray) -> bytes:
    """Pack OHWI weights, one input channel each, as 1HWC.

    Raises:
        UsageError: The shape differs from the specification's, or a value does not fit.
    """
    conv = spec.conv
    if weights.shape != conv.weight_shape:
        raise UsageError(f"weights of shape {weights.shape}; expected OHWI {conv.weight_shape}")
    taps = np.asarray(weights, np.int64)[..., 0].transpose(1, 2, 0)
    return pack_activations(taps, spec.precision.weight_bits, signed=True)


def pack_requantization(
    spec: DepthwiseSpec, requantization: Requantization, weights: IntArray
) -> bytes:
    """Pack the table of channels: ``tc_channel_s8``, ``tc_channel_un`` or thresholds.

    The kernels add the offset to inputs of 8 bits themselves: the table is without it. Binary
    inputs count as 0 and 2, which is 1 too much.

    Raises:
        UsageError: A number does not fit its field, or a product would leave 32 bits.
    """
    by_channel = np.asarray(weights, np.int64).reshape(spec.conv.out_c, -1)
    excess_input = 1 if spec.precision.activation_bits == 1 else requantization.input_offset
    excess = excess_input * by_channel.sum(axis=1)
    return pack_table(requantization, by_channel, spec.precision, excess)


def fits_strips(spec: DepthwiseSpec) -> bool:
    """Return whether ``tc_depthwise_3x3`` computes a layer."""
    conv = spec.conv
    return (
        (conv.kernel_h, conv.kernel_w) == (3, 3)
        and (conv.stride_h, conv.stride_w) in ((1, 1), (2, 2))
        and not conv.is_dilated
        and spec.multiplier == 1
        and conv.in_c * spec.precision.activation_bits > 3 * 8
    )


def fits_int8_strips(spec: DepthwiseSpec, requantization: Requantization) -> bool:
    """Return whether ``tc_depthwise_s8_3x3`` computes a layer."""
    return (
        fits_strips(spec)
        and spec.precision.activation_bits == 8
        and isinstance(requantization, Int8Requantization)
        and spec.conv.out_h >= 2
        and int(requantization.shift.max()) <= -2
    )


def int8_strips_scratch_bytes(spec: DepthwiseSpec) -> int:
    """Return what ``tc_depthwise_s8_3x3`` needs: four channels of a tile, at 16 bits."""
    conv = spec.conv
    columns = min(conv.out_w, _TILE_COLUMNS // conv.stride_w)
    return ((columns - 1) * conv.stride_w + 4) // 2 * _STRIP_BYTES


def strips_scratch_bytes(spec: DepthwiseSpec) -> int:
    """Return what ``tc_depthwise_3x3`` needs: the same, and a channel's sums, in pairs of rows."""
    rows = min(spec.conv.out_h, _TILE_ROWS // spec.conv.stride_h)
    return int8_strips_scratch_bytes(spec) + 4 * _TILE_COLUMNS * (rows + rows % 2)


def scratch_bytes(spec: DepthwiseSpec) -> int:
    """Return what ``tc_depthwise`` needs: weights and the sums of a run, of four channels."""
    return 16 * _RUN_PIXELS + 8 * spec.conv.kernel_h * spec.conv.kernel_w


def parts(spec: DepthwiseSpec, requantization: Requantization) -> Struct:
    """Return ``tc_depthwise_parts``."""
    precision, bits = spec.precision, spec.precision.activation_bits
    if isinstance(requantization, ThresholdRequantization):
        finish = f"thresholds{precision.output_bits}"
    else:
        finish = _kind(precision.output_bits, signed=precision.signed)
    signed = precision.signed and bits in (4, 2)
    return Struct(
        "tc_depthwise_parts",
        (
            Pointer(f"tc_depthwise_finish_{finish}"),
            precision.weight_bits,
            precision.output_bits,
            bits,
            ((1 << bits) - 1) * 0x01010101,
            (1 << (bits - 1)) * 0x01010101 if signed else 0,
            lowest_value(bits, signed=True) if signed else requantization.input_offset,
        ),
    )


def _kind(bits: int, *, signed: bool) -> str:
    return f"s{bits}" if signed or bits == 8 else f"u{bits}"


def shape_fields(spec: DepthwiseSpec) -> tuple[int, ...]:
    """Return the fields of ``tc_depthwise_shape``, in order."""
    conv = spec.conv
    return (
        *(conv.in_h, conv.in_w, conv.in_c, conv.out_h, conv.out_w, spec.multiplier),
        *(conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w),
        *(conv.dilation_h, conv.dilation_w, conv.padding.top, conv.padding.left),
    )
