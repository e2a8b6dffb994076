"""What operators that move data yield, on unpacked arrays."""

from collections.abc import Sequence

import numpy as np

from thumbclock.kernels.movement.spec import (
    ConcatSpec,
    MovementSpec,
    PadSpec,
    ReshapeSpec,
    TransposeSpec,
)
from thumbclock.kernels.task import IntArray

__all__ = ["move"]


def move(spec: MovementSpec, inputs: Sequence[IntArray], pad_value: int = 0) -> IntArray:
    """Return an operator's output.

    Args:
        spec: The operator.
        inputs: HWC each.
        pad_value: What padding holds.
    """
    match spec:
        case PadSpec():
            widths = list(zip(spec.before, spec.behind, strict=True))
            return np.pad(inputs[0], widths, constant_values=pad_value)
        case ConcatSpec():
            return np.concatenate(inputs, axis=spec.axis)
        case TransposeSpec():
            return inputs[0].transpose(spec.order)
        case ReshapeSpec():
            return inputs[0].reshape(spec.output_shape)
