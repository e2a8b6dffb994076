"""What the kernels compute, in exact integer arithmetic on unpacked arrays.

Written from the definitions, and apart from `thumbclock.kernels.conv.packing`: the two meet only in
a comparison of outputs.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import Requantization
from thumbclock.kernels.task import IntArray

__all__ = ["accumulate", "convolve", "padding_value", "windows"]


def windows(spec: ConvSpec, inputs: IntArray, padding_value: int) -> IntArray:
    """Return what the kernel covers at each output, shape (out_h, out_w, kh, kw, in_c)."""
    pad = spec.padding
    padded = np.pad(
        np.asarray(inputs, np.int64),
        ((pad.top, pad.bottom), (pad.left, pad.right), (0, 0)),
        constant_values=padding_value,
    )
    view = sliding_window_view(padded, (spec.extent_h, spec.extent_w), axis=(0, 1))
    view = view[:: spec.stride_h, :: spec.stride_w, :, :: spec.dilation_h, :: spec.dilation_w]
    return np.ascontiguousarray(view.transpose(0, 1, 3, 4, 2))


def padding_value(spec: ConvSpec, input_offset: int) -> int:
    """Return what padding holds: the inputs' zero point, or -1 where they are binary."""
    return -1 if spec.precision.activation_bits == 1 else -input_offset


def accumulate(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, input_offset: int = 0
) -> IntArray:
    """Return the sums of products without bias, shape (out_h, out_w, out_c).

    Args:
        spec: The convolution.
        inputs: HWC; -1 and +1 where activations are binary.
        weights: OHWI; -1 and +1 where weights are binary. A skipped operand is a zero.
        input_offset: What is added to inputs: minus their zero point.
    """
    covered = windows(spec, inputs, padding_value(spec, input_offset)) + input_offset
    pixels, groups = spec.out_h * spec.out_w, spec.groups
    grouped = covered.reshape(pixels, -1, groups, spec.group_in_c)
    by_group = grouped.transpose(2, 0, 1, 3).reshape(groups, pixels, spec.products)
    by_channel = np.asarray(weights, np.int64).reshape(groups, spec.group_out_c, spec.products)
    # Floating point is exact here (sums stay far below 2^53) and uses BLAS.
    sums = by_group.astype(np.float64) @ by_channel.transpose(0, 2, 1).astype(np.float64)
    return sums.astype(np.int64).transpose(1, 0, 2).reshape(spec.output_shape)


def convolve(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, requantization: Requantization
) -> IntArray:
    """Return the layer's outputs, HWC; arguments as for `accumulate`."""
    finish: Callable[[IntArray], IntArray] = requantization.apply
    return finish(accumulate(spec, inputs, weights, requantization.input_offset))
