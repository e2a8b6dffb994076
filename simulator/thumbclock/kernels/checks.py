"""What a layer's numbers must be before a kernel is made for them."""

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.packed import value_range
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    SubByteRequantization,
    ThresholdRequantization,
)
from thumbclock.kernels.task import IntArray

__all__ = ["expect_numbers", "expect_requantization", "expect_tensor"]

_INT32 = (-(1 << 31), (1 << 31) - 1)
_INT8 = (-128, 127)


def expect_numbers(
    precision: Precision,
    inputs: tuple[IntArray, tuple[int, ...]],
    weights: tuple[IntArray, tuple[int, ...]],
    requantization: Requantization,
) -> None:
    """Refuse numbers that are not those of a layer with weights.

    Args:
        precision: Of the layer.
        inputs: The array and the shape that it must have.
        weights: The same; output channels come first.
        requantization: From sums to outputs.

    Raises:
        UsageError: A shape, type or value is another.
    """
    expect_requantization(precision, requantization, weights[1][0])
    bounds = value_range(precision.activation_bits, signed=precision.signed)
    expect_tensor("inputs", *inputs, bounds)
    expect_tensor("weights", *weights, value_range(precision.weight_bits, signed=True))


def expect_tensor(
    name: str, values: IntArray, shape: tuple[int, ...], bounds: tuple[int, int] = _INT32
) -> None:
    """Refuse an array that is not one of int64 with a shape and within bounds.

    Args:
        name: What it is called in the message.
        values: The array.
        shape: Its shape.
        bounds: The least and the greatest value, both allowed.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.int64:
        found = getattr(values, "dtype", type(values).__name__)
        raise UsageError(f"{name} of type {found}; expected a numpy array of int64")
    if values.shape != shape:
        raise UsageError(f"{name} of shape {values.shape}; expected {shape}")
    if values.size:
        _expect_bounds(name, (int(values.min()), int(values.max())), bounds)


def expect_requantization(
    precision: Precision, requantization: Requantization, channels: int
) -> None:
    """Refuse a requantization that kernels of a precision do not compute.

    Args:
        precision: Of the layer.
        requantization: From its sums to its outputs.
        channels: Output channels.

    Raises:
        UsageError: It is of another kind, or a number is missing or out of range.
    """
    _expect_kind(precision, requantization)
    offset = requantization.input_offset
    _expect_bounds("input_offset", (offset, offset), _offsets(precision))
    match requantization:
        case Int8Requantization() as q:
            _expect_scales(q, channels)
            expect_tensor("shift", q.shift, (channels,), (-31, 30))
            _expect_bounds("output_offset", (q.output_offset, q.output_offset), _INT8)
            _expect_bounds("the activations", (q.activation_min, q.activation_max), _INT8)
            if q.activation_min > q.activation_max:
                raise UsageError(
                    f"activation_min is {q.activation_min}; expected at most activation_max, "
                    f"{q.activation_max}"
                )
        case SubByteRequantization() as q:
            _expect_scales(q, channels)
            _expect_bounds("left", (q.left, q.left), (0, 30))
        case ThresholdRequantization() as q:
            expect_tensor("thresholds", q.thresholds, (channels, (1 << q.bits) - 1))
            if (np.diff(q.thresholds, axis=1) < 0).any():
                raise UsageError("the thresholds of a channel descend; expected ascending ones")
            expect_tensor("falling", q.falls, (channels,), (0, 1))


def _expect_kind(precision: Precision, requantization: Requantization) -> None:
    bits = precision.output_bits
    if precision.thresholds or bits == 1:
        expected: type[Requantization] = ThresholdRequantization
    else:
        expected = Int8Requantization if bits == 8 else SubByteRequantization
    if not isinstance(requantization, expected):
        raise UsageError(
            f"a {type(requantization).__name__} for outputs of {precision.name}; expected a "
            f"{expected.__name__}"
        )
    if isinstance(requantization, Int8Requantization):
        return
    if (requantization.bits, requantization.signed) != (bits, precision.signed and bits > 1):
        raise UsageError(
            f"a requantization to {requantization.bits} bits, signed: {requantization.signed}, "
            f"for outputs of {precision.name}"
        )


def _offsets(precision: Precision) -> tuple[int, int]:
    """Return the range of minus an input's zero point."""
    return (-127, 128) if precision.activation_bits == 8 else (0, 0)


def _expect_scales(
    requantization: Int8Requantization | SubByteRequantization, channels: int
) -> None:
    expect_tensor("bias", requantization.bias, (channels,))
    expect_tensor("multiplier", requantization.multiplier, (channels,), (0, _INT32[1]))


def _expect_bounds(name: str, found: tuple[int, int], bounds: tuple[int, int]) -> None:
    if found[0] < bounds[0] or found[1] > bounds[1]:
        values = f"from {found[0]} to {found[1]}" if found[0] != found[1] else str(found[0])
        expected = f"{bounds[0]} to {bounds[1]}" if bounds[0] != bounds[1] else str(bounds[0])
        raise UsageError(f"{name}: found {values}; expected {expected}")
