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
    "fits_3x3",
    "pack_requantization",
    "pack_weights",
    "parts",
    "scratch_bytes",
    "scratch_bytes_3x3",
    "shape_fields",
]

_TILE_ROWS, _TILE_COLUMNS = 32, 8  # as in tc_strips.h
_STRIP_BYTES = 4 * 4 * (_TILE_ROWS + 2) + 4
_RUN_PIXELS = 16  # as in general.c


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

    The kernels add the offset to inputs of 8 bits themselves: the table is without it. Binary inputs
    count as 0 and 2, which is 1 too much.

    Raises:
        UsageError: A number does not fit its field, or a product would leave 32 bits.
    """
    by_channel = np.asarray(weights, np.int64).reshape(spec.conv.out_c, -1)
    excess_input = 1 if spec.precision.activation_bits == 1 else requantization.input_offset
    excess = excess_input * by_channel.sum(axis=1)
    return pack_table(requantization, by_channel, spec.precision, excess)


def fits_3x3(spec: DepthwiseSpec, requantization: Requantization) -> bool:
    """Return whether ``tc_depthwise_w8a8_3x3`` computes a layer."""
    conv = spec.conv
    return (
        spec.precision.name == "w8a8"
        and isinstance(requantization, Int8Requantization)
        and (conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w) == (3, 3, 1, 1)
        and not conv.is_dilated
        and spec.multiplier == 1
        and conv.in_c >= 4
        and conv.out_h >= 2
        and int(requantization.shift.max()) <= -2
    )


def scratch_bytes_3x3(spec: DepthwiseSpec) -> int:
    """Return what ``tc_depthwise_w8a8_3x3`` needs: four channels of a tile, at 16 bits."""
    columns = min(spec.conv.out_w, _TILE_COLUMNS) + 2
    return -(-columns // 2) * _STRIP_BYTES


def scratch_bytes(spec: DepthwiseSpec) -> int:
    """Return what ``tc_depthwise`` needs: weights and the sums of a run, of four channels."""
    conv = spec.conv
    return 16 * min(conv.out_w, _RUN_PIXELS) + 8 * conv.kernel_h * conv.kernel_w


def parts(spec: DepthwiseSpec, requantization: Requantization) -> Struct:
    """Return ``tc_depthwise_parts``."""
    precision = spec.precision
    core = _kind(precision.activation_bits, signed=precision.signed)
    if isinstance(requantization, ThresholdRequantization):
        finish = f"thresholds{precision.output_bits}"
    else:
        finish = _kind(precision.output_bits, signed=precision.signed)
    if precision.activation_bits == 8:
        offset = requantization.input_offset
    elif precision.activation_bits == 1:
        offset = 0
    else:
        offset = lowest_value(precision.activation_bits, signed=precision.signed)
    bits = (precision.weight_bits, precision.activation_bits, precision.output_bits)
    return Struct(
        "tc_depthwise_parts",
        (
            Pointer(f"tc_depthwise_core_{core}"),
            Pointer(f"tc_depthwise_finish_{finish}"),
            *bits,
            offset,
        ),
    )


def _kind(bits: int, *, signed: bool) -> str:
    if bits == 1:
        return "b1"
    return f"s{bits}" if signed or bits == 8 else f"u{bits}"


def shape_fields(spec: DepthwiseSpec) -> tuple[int, ...]:
    """Return the fields of ``tc_depthwise_shape``, in order."""
    conv = spec.conv
    return (
        *(conv.in_h, conv.in_w, conv.in_c, conv.out_h, conv.out_w, spec.multiplier),
        *(conv.kernel_h, conv.kernel_w, conv.stride_h, conv.stride_w),
        *(conv.dilation_h, conv.dilation_w, conv.padding.top, conv.padding.left),
    )
