"""What pooling computes, in exact integers, from TensorFlow Lite's definitions.

A window is cut to the image. An average is rounded to nearest, half away from zero; that of binary
activations is the sign of their sum, +1 where it is 0.
"""

import numpy as np

from thumbclock.kernels.pooling.spec import PoolSpec
from thumbclock.kernels.task import IntArray
from thumbclock.kernels.weightless import ActivationRange

__all__ = ["pool"]


def pool(spec: PoolSpec, inputs: IntArray, activation: ActivationRange) -> IntArray:
    """Return the outputs, HWC.

    Args:
        spec: The pooling.
        inputs: HWC.
        activation: What outputs of 8 bits are clamped to.
    """
    outputs = np.empty(spec.output_shape, np.int64)
    for row in range(spec.out_h):
        for column in range(spec.out_w):
            outputs[row, column] = _reduce(spec, _window(spec, inputs, row, column))
    if spec.precision.activation_bits == 8:
        return np.clip(outputs, activation.low, activation.high)
    return outputs


def _window(spec: PoolSpec, inputs: IntArray, row: int, column: int) -> IntArray:
    """Return the pixels of the image that a window covers, shape (pixels, channels)."""
    top = row * spec.stride_h - spec.padding.top
    left = column * spec.stride_w - spec.padding.left
    rows = slice(max(top, 0), top + spec.kernel_h)
    columns = slice(max(left, 0), left + spec.kernel_w)
    return inputs[rows, columns].reshape(-1, spec.channels)


def _reduce(spec: PoolSpec, pixels: IntArray) -> IntArray:
    if spec.kind == "max":
        greatest: IntArray = pixels.max(axis=0)
        return greatest
    total, count = pixels.sum(axis=0), len(pixels)
    if spec.precision.activation_bits == 1:
        return np.where(total >= 0, 1, -1).astype(np.int64)
    rounded: IntArray = np.sign(total) * ((np.abs(total) + count // 2) // count)
    return rounded
