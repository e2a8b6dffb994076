"""Seeded element-wise layers with realistic scales and zero points."""

import numpy as np

from thumbclock.kernels.elementwise.layer import BinaryLayer, ClampLayer, RequantizeLayer
from thumbclock.kernels.elementwise.reference import (
    Addition,
    Multiplication,
    Quantization,
    Rescaling,
    Thresholds,
)
from thumbclock.kernels.elementwise.spec import ElementwiseSpec
from thumbclock.kernels.packed import value_range
from thumbclock.kernels.weightless import (
    ActivationRange,
    draw_activations,
    parse_activation,
)

__all__ = ["random_binary", "random_clamp", "random_requantize"]


def random_binary(spec: ElementwiseSpec, seed: int = 0) -> BinaryLayer:
    """Draw an addition or a multiplication whose outputs spread over their range and saturate."""
    rng = np.random.default_rng(seed)
    bits = spec.precision.activation_bits
    first, second = _quantization(rng, bits), _quantization(rng, bits)
    if spec.operator == "add":
        scale = float(rng.uniform(0.8, 1.4)) * max(first.scale, second.scale)
        output = Quantization(scale, _quantization(rng, bits).zero_point)
        arithmetic: Addition | Multiplication = Addition.of(first, second, output)
    else:
        _, high = value_range(bits, signed=spec.precision.signed)
        share = {8: 0.5, 4: 0.6, 2: 0.7, 1: 1.0}[bits]
        scale = first.scale * second.scale * share * high
        output = Quantization(scale, _quantization(rng, bits).zero_point)
        arithmetic = Multiplication.of(first, second, output)
    return BinaryLayer(
        spec,
        draw_activations(rng, spec.shape, spec.precision),
        draw_activations(rng, spec.shape, spec.precision),
        arithmetic,
        parse_activation(spec.activation, output.zero_point, output.scale),
    )


def random_clamp(spec: ElementwiseSpec, seed: int = 0) -> ClampLayer:
    """Draw a clamping; 6.0 of ``relu6`` lies at three quarters of what an output can hold."""
    rng = np.random.default_rng(seed)
    bits = spec.precision.activation_bits
    low, high = value_range(bits, signed=spec.precision.signed)
    zero_point = int(rng.integers(-128, -100)) if bits == 8 else 0
    asked = parse_activation(spec.activation, zero_point, 8.0 / (high - zero_point))
    kept = ActivationRange(max(asked.low, low), min(asked.high, high))
    return ClampLayer(spec, draw_activations(rng, spec.shape, spec.precision), kept)


def random_requantize(spec: ElementwiseSpec, seed: int = 0) -> RequantizeLayer:
    """Draw a requantization by multiplier and shift; by thresholds where asked for, or to 1 bit."""
    rng = np.random.default_rng(seed)
    precision = spec.precision
    inputs = draw_activations(rng, spec.shape, precision)
    low, high = value_range(precision.activation_bits, signed=precision.signed)
    out_low, out_high = value_range(precision.output_bits, signed=precision.signed)
    if precision.thresholds or precision.output_bits == 1:
        count = (1 << precision.output_bits) - 1
        levels = sorted(int(level) for level in rng.integers(low, high + 1, count))
        step = 2 if precision.output_bits == 1 else 1
        return RequantizeLayer(spec, inputs, Thresholds(tuple(levels), out_low, step))
    # The inputs' range becomes the outputs', a little more of it or less.
    scale = (out_high - out_low) / (high - low) * float(rng.uniform(0.7, 1.3))
    source = Quantization(scale, _zero_point(rng, precision.activation_bits))
    output = Quantization(1.0, _zero_point(rng, precision.output_bits))
    return RequantizeLayer(spec, inputs, Rescaling.of(source, output))


def _quantization(rng: np.random.Generator, bits: int) -> Quantization:
    return Quantization(float(rng.uniform(0.01, 0.1)), _zero_point(rng, bits))


def _zero_point(rng: np.random.Generator, bits: int) -> int:
    return int(rng.integers(-40, 40)) if bits == 8 else 0
