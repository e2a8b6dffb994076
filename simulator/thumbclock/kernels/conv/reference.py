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

__all__ = ["accumulate", "convolve", "windows"]


def windows(spec: ConvSpec, inputs: IntArray, padding_value: int) -> IntArray:
    """Return what the kernel covers at each output, shape (out_h, out_w, kh, kw, in_c)."""
    pad = spec.padding
    padded = np.pad(
        np.asarray(inputs, np.int64),
        ((pad.top, pad.bottom), (pad.left, pad.right), (0, 0)),
        constant_values=padding_value,
    )
    view = sliding_window_view(padded, (spec.kernel_h, spec.kernel_w), axis=(0, 1))
    view = view[:: spec.stride_h, :: spec.stride_w]
    return np.ascontiguousarray(view.transpose(0, 1, 3, 4, 2))


def accumulate(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, requantization: Requantization
) -> IntArray:
    """Return the sums of products without bias, shape (out_h, out_w, out_c).

    Args:
        spec: The convolution.
        inputs: HWC; -1 and +1 where activations are binary.
        weights: OHWI; -1 and +1 where weights are binary. A skipped operand is a zero.
        requantization: Says what padding holds and what is added to inputs.
    """
    covered = windows(spec, inputs, requantization.padding_value) + requantization.offset
    flat = covered.reshape(spec.out_h * spec.out_w, spec.products)
    by_channel = np.asarray(weights, np.int64).reshape(spec.out_c, spec.products)
    # Floating point is exact here (sums stay far below 2^53) and uses BLAS.
    sums = flat.astype(np.float64) @ by_channel.T.astype(np.float64)
    return sums.astype(np.int64).reshape(spec.output_shape)


def convolve(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, requantization: Requantization
) -> IntArray:
    """Return the layer's outputs, HWC; arguments as for `accumulate`."""
    finish: Callable[[IntArray], IntArray] = requantization.apply
    return finish(accumulate(spec, inputs, weights, requantization))
