"""Seeded layers with realistic values, and which operands a skipping kernel leaves out."""

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.packing import lane_pairs, window_fields
from thumbclock.kernels.conv.reference import accumulate, windows
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import (
    BinaryRequantization,
    Int8Requantization,
    Requantization,
    UnsignedRequantization,
)
from thumbclock.kernels.task import IntArray

__all__ = ["keep_mask", "quantize_multiplier", "random_layer", "significance"]


def random_layer(spec: ConvSpec, seed: int = 0) -> ConvLayer:
    """Draw a layer: normal weights, rectified activations, outputs that spread and saturate.

    Of the kernels that skip, the least significant operands are left out.
    """
    rng = np.random.default_rng(seed)
    weights = _random_weights(rng, spec.precision.weight_bits, spec.weight_shape)
    inputs, input_offset = _random_inputs(rng, spec.precision.activation_bits, spec.input_shape)
    neutral = _neutral(spec, input_offset)
    if spec.precision.skip_percent:
        weights = weights * keep_mask(spec, inputs, weights, neutral)
    sums = accumulate(spec, inputs, weights, neutral)
    return ConvLayer(spec, inputs, weights, _calibrated(rng, spec, sums, input_offset))


def _random_weights(
    rng: np.random.Generator, bits: int, shape: tuple[int, int, int, int]
) -> IntArray:
    if bits == 1:
        return np.where(rng.random(shape) < 0.5, -1, 1).astype(np.int64)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    # Clipped at about three sigma, where quantizers put the end of the range.
    drawn = np.rint(rng.normal(0.0, {8: 40.0, 4: 2.6, 2: 0.9}[bits], shape))
    return np.clip(drawn, low, high).astype(np.int64)


def _random_inputs(
    rng: np.random.Generator, bits: int, shape: tuple[int, int, int]
) -> tuple[IntArray, int]:
    drawn = rng.normal(0.4, 1.0, shape)
    if bits == 1:
        return np.where(drawn < 0.4, -1, 1).astype(np.int64), 0
    top = (1 << bits) - 1
    levels = np.clip(np.rint(drawn * top / 3.0), 0, top).astype(np.int64)
    if bits == 8:
        zero_point = int(rng.integers(-128, -100))
        return np.clip(levels + zero_point, -128, 127), -zero_point
    return levels, 0


def _neutral(spec: ConvSpec, input_offset: int) -> Requantization:
    """Return a requantization that says what padding holds and nothing of outputs."""
    zeros = np.zeros(spec.out_c, np.int64)
    match spec.precision.activation_bits:
        case 8:
            return Int8Requantization(zeros, zeros, zeros, input_offset)
        case 1:
            return BinaryRequantization(zeros)
        case bits:
            return UnsignedRequantization(zeros, zeros, 0, bits)


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """Return (multiplier, shift) with scale = multiplier * 2^(shift - 31), as TensorFlow Lite.

    Args:
        scale: Positive.
    """
    mantissa, exponent = np.frexp(scale)
    multiplier = round(float(mantissa) * (1 << 31))
    if multiplier == 1 << 31:
        return multiplier // 2, int(exponent) + 1
    return multiplier, int(exponent)


def _calibrated(
    rng: np.random.Generator, spec: ConvSpec, sums: IntArray, input_offset: int
) -> Requantization:
    """Scale each channel so that two to three sigma of its sums span the outputs."""
    flat = sums.reshape(-1, spec.out_c)
    sigma = np.maximum(flat.std(axis=0), 1.0)
    mean = flat.mean(axis=0)
    bits = spec.precision.activation_bits
    if bits == 1:
        return BinaryRequantization(np.rint(mean).astype(np.int64))
    spread = rng.uniform(0.7, 1.3, spec.out_c)
    if bits == 8:
        pairs = [quantize_multiplier(float(s)) for s in 50.0 * spread / sigma]
        return Int8Requantization(
            bias=np.rint(rng.normal(0.0, 0.3, spec.out_c) * sigma - mean).astype(np.int64),
            multiplier=np.array([multiplier for multiplier, _ in pairs], np.int64),
            shift=np.array([shift for _, shift in pairs], np.int64),
            input_offset=input_offset,
            output_offset=int(rng.integers(-20, 20)),
        )
    top = (1 << bits) - 1
    scale = top / 3.0 * spread / sigma
    bias = np.rint(0.4 * sigma - mean).astype(np.int64)
    largest = spec.products * top * (1 << (spec.precision.weight_bits - 1)) + np.abs(bias).max()
    left = 30 - int(largest).bit_length()
    multiplier = np.clip(np.rint(scale * 2.0 ** (32 - left)), 1, (1 << 31) - 1)
    return UnsignedRequantization(bias, multiplier.astype(np.int64), left, bits)


# ---------------------------------------------------------------- computation skipping


def significance(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, requantization: Requantization
) -> NDArray[np.float64]:
    """Return each operand's share of its output channel's products, OHWI.

    |w| times the mean |activation + offset| that it meets on the sample, over the sum of these in
    its channel: the measure of Armeniakos et al., with the mean taken before the quotient.
    """
    covered = windows(spec, inputs, requantization.padding_value) + requantization.offset
    met = np.abs(covered).reshape(-1, spec.products).mean(axis=0)
    parts = np.abs(weights).reshape(spec.out_c, spec.products) * met
    total = np.maximum(parts.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    shares: NDArray[np.float64] = (parts / total).reshape(spec.weight_shape)
    return shares


def keep_mask(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, requantization: Requantization
) -> NDArray[np.bool_]:
    """Return which operands stay, OHWI, when ``skip_percent`` of a layer's pairs are left out.

    A pair is what one SMLAD multiplies: elements 0 and 2, or 1 and 3, of four neighbours in
    (kernel_h, kernel_w, in_c) order. The pairs of the whole layer with the smallest summed
    significance go, ties by position.
    """
    shares = significance(spec, inputs, weights, requantization).reshape(spec.out_c, -1)
    pairs = lane_pairs(window_fields(spec, 1), 8)
    padded = np.concatenate([shares, np.zeros((spec.out_c, 1))], axis=1)
    score = padded[:, pairs].sum(axis=2)
    left_out = score.size * spec.precision.skip_percent // 100
    order = np.argsort(score, axis=None, kind="stable")
    gone = np.zeros(score.size, np.bool_)
    gone[order[:left_out]] = True
    keep = np.ones(padded.shape, np.bool_)
    for channel, column in np.argwhere(gone.reshape(score.shape)):
        keep[channel, pairs[column]] = False
    return keep[:, :-1].reshape(spec.weight_shape)
