"""What the kernels compute, in exact integer arithmetic on unpacked arrays."""

import numpy as np

from thumbclock.kernels.requantization import Requantization
from thumbclock.kernels.task import IntArray

__all__ = ["fully_connect"]


def fully_connect(inputs: IntArray, weights: IntArray, requantization: Requantization) -> IntArray:
    """Return a layer's outputs.

    Args:
        inputs: (batch, in_c); -1 and +1 where activations are binary.
        weights: (out_c, in_c); -1 and +1 where weights are binary.
        requantization: From sums to outputs; its input offset is added to inputs.

    Returns:
        (batch, out_c).
    """
    moved = np.asarray(inputs, np.int64) + requantization.input_offset
    return requantization.apply(moved @ np.asarray(weights, np.int64).T)
