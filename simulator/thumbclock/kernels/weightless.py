"""What operators without weights share: names of kernels, activation ranges, drawn inputs."""

import re
from dataclasses import dataclass

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.checks import expect_tensor
from thumbclock.kernels.packed import value_range
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import NUMBER
from thumbclock.kernels.task import IntArray

__all__ = [
    "ActivationRange",
    "draw_activations",
    "expect_activations",
    "expect_weightless",
    "parse_activation",
    "weightless_name",
]


@dataclass(frozen=True)
class ActivationRange:
    """Least and greatest output, in quantized units."""

    low: int = -128
    high: int = 127

    def __post_init__(self) -> None:
        if not -128 <= self.low <= self.high <= 127:
            raise UsageError(
                f"activation range {self.low},{self.high}: expected -128 <= LOW <= HIGH <= 127"
            )


def parse_activation(text: str, zero_point: int, scale: float) -> ActivationRange:
    """Return the range of ``none``, ``relu``, ``relu6`` or ``LOW,HIGH`` for int8 outputs.

    Args:
        text: What a user wrote; LOW and HIGH are in quantized units.
        zero_point: Of the outputs.
        scale: Of the outputs.

    Raises:
        UsageError: It is none of these.
    """
    match = re.fullmatch(rf"(-?{NUMBER}),(-?{NUMBER})", text)
    if match is not None:
        return ActivationRange(int(match[1]), int(match[2]))
    if text == "none":
        return ActivationRange()
    if text == "relu":
        return ActivationRange(zero_point, 127)
    if text == "relu6":
        return ActivationRange(zero_point, min(zero_point + round(6.0 / scale), 127))
    raise UsageError(f"activation {text!r}: expected none, relu, relu6 or LOW,HIGH, e.g. -128,100")


def weightless_name(precision: Precision) -> str:
    """Return the name of a kernel without weights, e.g. ``a8``, ``a4s`` or ``a8o4``."""
    outputs = precision.output_bits
    changed = f"o{outputs}" if outputs != precision.activation_bits else ""
    thresholds = "-thresholds" * precision.thresholds
    return f"a{precision.activation_bits}{changed}{'s' * precision.signed}{thresholds}"


def expect_weightless(operator: str, precision: Precision, *, one_width: bool = True) -> None:
    """Refuse what only kernels with weights have.

    Args:
        operator: Its name.
        precision: What the user asks for; bits of weights say nothing here.
        one_width: Whether outputs have as many bits as inputs.

    Raises:
        UsageError: Code is to be emitted or products are to be saved, or outputs are to have other
            bits than inputs, or thresholds.
    """
    if precision.unrolled:
        raise UsageError(f"{operator} has no weights that code could hold; leave out -unrolled")
    if precision.winograd:
        raise UsageError(f"{operator} has no products to save; leave out -winograd")
    if one_width and precision.thresholds:
        raise UsageError(f"{operator} has no sums to requantize; leave out -thresholds")
    if one_width and precision.output_bits != precision.activation_bits:
        raise UsageError(
            f"{operator} has outputs of {precision.activation_bits} bits like its inputs; leave "
            f"out the {precision.output_bits} of the output, and requantize apart"
        )


def expect_activations(
    name: str, values: IntArray, shape: tuple[int, ...], precision: Precision
) -> None:
    """Refuse an array that is not one of activations of a shape.

    Args:
        name: What it is called in the message.
        values: The array.
        shape: What it must have.
        precision: Of the operator.

    Raises:
        UsageError: Its shape, its type or a value is another.
    """
    bounds = value_range(precision.activation_bits, signed=precision.signed)
    expect_tensor(name, values, shape, bounds)


def draw_activations(
    rng: np.random.Generator, shape: tuple[int, ...], precision: Precision
) -> IntArray:
    """Draw activations that use their whole range and reach its ends."""
    low, high = value_range(precision.activation_bits, signed=precision.signed)
    if precision.activation_bits == 1:
        return np.where(rng.random(shape) < 0.5, -1, 1).astype(np.int64)
    middle, spread = (low + high) / 2, (high - low) / 4
    drawn = np.rint(rng.normal(middle, spread, shape)).astype(np.int64)
    return np.clip(drawn, low, high)
