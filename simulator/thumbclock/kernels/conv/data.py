"""Seeded layers with realistic values, and which operands a skipping kernel leaves out."""

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.lines import operand_pairs
from thumbclock.kernels.conv.reference import accumulate, padding_value, windows
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.packed import lowest_value
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    SubByteRequantization,
    ThresholdRequantization,
    quantize_multiplier,
)
from thumbclock.kernels.tables import largest_input
from thumbclock.kernels.task import IntArray

__all__ = ["keep_mask", "random_layer", "significance"]


def random_layer(spec: ConvSpec, seed: int = 0, *, per_tensor: bool = False) -> ConvLayer:
    """Draw a layer: normal weights, rectified activations, outputs that spread and saturate.

    Of the kernels that skip, the least significant operands are left out.

    Args:
        spec: The convolution.
        seed: Of the random generator.
        per_tensor: Whether all channels share a multiplier and shift.
    """
    rng = np.random.default_rng(seed)
    weights = _random_weights(rng, spec.precision.weight_bits, spec.weight_shape)
    inputs, input_offset = _random_inputs(rng, spec)
    if spec.precision.skip_percent:
        weights = weights * keep_mask(spec, inputs, weights, input_offset)
    sums = accumulate(spec, inputs, weights, input_offset)
    return ConvLayer(
        spec, inputs, weights, _calibrated(rng, spec, sums, input_offset, per_tensor=per_tensor)
    )


def _random_weights(
    rng: np.random.Generator, bits: int, shape: tuple[int, int, int, int]
) -> IntArray:
    if bits == 1:
        return np.where(rng.random(shape) < 0.5, -1, 1).astype(np.int64)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    # Clipped at about three sigma, where quantizers put the end of the range.
    drawn = np.rint(rng.normal(0.0, {8: 40.0, 4: 2.6, 2: 0.9}[bits], shape))
    return np.clip(drawn, low, high).astype(np.int64)


def _random_inputs(rng: np.random.Generator, spec: ConvSpec) -> tuple[IntArray, int]:
    """Return inputs and their offset: rectified, or symmetric where they are signed."""
    bits, signed = spec.precision.activation_bits, spec.precision.signed
    drawn = rng.normal(0.4, 1.0, spec.input_shape)
    if bits == 1:
        return np.where(drawn < 0.4, -1, 1).astype(np.int64), 0
    top = (1 << bits) - 1
    if bits == 8:
        levels = np.clip(np.rint(drawn * top / 3.0), 0, top).astype(np.int64)
        zero_point = int(rng.integers(-128, -100))
        return np.clip(levels + zero_point, -128, 127), -zero_point
    lowest = lowest_value(bits, signed=signed)
    scale = top / 6.0 if signed else top / 3.0
    return np.clip(np.rint(drawn * scale), lowest, lowest + top).astype(np.int64), 0


def _calibrated(
    rng: np.random.Generator,
    spec: ConvSpec,
    sums: IntArray,
    input_offset: int,
    *,
    per_tensor: bool,
) -> Requantization:
    """Scale each channel so that two to three sigma of its sums span the outputs."""
    flat = sums.reshape(-1, spec.out_c)
    sigma = np.maximum(flat.std(axis=0), 1.0)
    mean = flat.mean(axis=0)
    precision = spec.precision
    bits = precision.output_bits
    if precision.thresholds or bits == 1:
        return _random_thresholds(rng, precision, mean, sigma, input_offset)
    spread = rng.uniform(0.7, 1.3, spec.out_c) / sigma
    if per_tensor:
        spread = np.full(spec.out_c, float(spread.mean()))
    if bits == 8:
        pairs = [quantize_multiplier(float(s)) for s in 50.0 * spread]
        return Int8Requantization(
            bias=np.rint(rng.normal(0.0, 0.3, spec.out_c) * sigma - mean).astype(np.int64),
            multiplier=np.array([multiplier for multiplier, _ in pairs], np.int64),
            shift=np.array([shift for _, shift in pairs], np.int64),
            input_offset=input_offset,
            output_offset=int(rng.integers(-20, 20)),
        )
    top = (1 << bits) - 1
    scale = top / (4.5 if precision.signed else 3.0) * spread
    bias = np.rint((-0.1 if precision.signed else 0.4) * sigma - mean).astype(np.int64)
    largest = spec.products * largest_input(precision, input_offset)
    largest = (largest << (precision.weight_bits - 1)) + int(np.abs(bias).max())
    left = max(30 - largest.bit_length(), 0)
    multiplier = np.clip(np.rint(scale * 2.0 ** (32 - left)), 1, (1 << 31) - 1)
    return SubByteRequantization(
        bias, multiplier.astype(np.int64), left, bits, precision.signed, input_offset
    )


def _random_thresholds(
    rng: np.random.Generator,
    precision: Precision,
    mean: NDArray[np.float64],
    sigma: NDArray[np.float64],
    input_offset: int,
) -> ThresholdRequantization:
    """Spread thresholds over two sigma around the mean; every fourth channel or so falls."""
    count = (1 << precision.output_bits) - 1
    steps = 2.4 * (np.arange(count) + 0.5) / count - 1.2
    spread = rng.uniform(0.8, 1.2, len(mean)) * sigma
    thresholds = np.rint(mean[:, None] + spread[:, None] * steps).astype(np.int64)
    falling = rng.random(len(mean)) < 0.25
    return ThresholdRequantization(
        thresholds,
        precision.output_bits,
        precision.signed and precision.output_bits > 1,
        falling,
        input_offset,
    )


# ---------------------------------------------------------------- computation skipping


def significance(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, input_offset: int
) -> NDArray[np.float64]:
    """Return each operand's share of its output channel's products, OHWI.

    |w| times the mean |input + input_offset| that it meets on the sample, over the sum of these in
    its channel: the measure of Armeniakos et al., with the mean taken before the quotient.
    """
    covered = windows(spec, inputs, padding_value(spec, input_offset)) + input_offset
    met = np.abs(covered).mean(axis=(0, 1))
    by_group = met.reshape(-1, spec.groups, spec.group_in_c).swapaxes(0, 1)
    met_by_channel = np.repeat(by_group.reshape(spec.groups, -1), spec.group_out_c, axis=0)
    parts = np.abs(weights).reshape(spec.out_c, spec.products) * met_by_channel
    total = np.maximum(parts.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    shares: NDArray[np.float64] = (parts / total).reshape(spec.weight_shape)
    return shares


def keep_mask(
    spec: ConvSpec, inputs: IntArray, weights: IntArray, input_offset: int
) -> NDArray[np.bool_]:
    """Return which operands stay, OHWI, when ``skip_percent`` of a layer's pairs are left out.

    A pair is what one SMLAD of the emitted code multiplies; see `operand_pairs`. The pairs of the
    whole layer with the smallest summed significance go, ties by position.
    """
    shares = significance(spec, inputs, weights, input_offset).reshape(spec.out_c, -1)
    pairs = operand_pairs(spec)
    padded = np.concatenate([shares, np.zeros((spec.out_c, 1))], axis=1)
    channels = np.arange(spec.out_c)[:, None, None]
    real = (pairs >= 0).any(axis=2)
    score = np.where(real, padded[channels, pairs].sum(axis=2), np.inf)
    left_out = int(real.sum()) * spec.precision.skip_percent // 100
    gone = np.argsort(score, axis=None, kind="stable")[:left_out]
    keep = np.ones(padded.shape, np.bool_)
    channel, word = np.unravel_index(gone, score.shape)
    keep[channel[:, None], pairs[channel, word]] = False
    return keep[:, :-1].reshape(spec.weight_shape)
