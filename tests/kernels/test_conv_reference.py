"""The numpy references against loops that follow the definitions literally."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import convolutions

from thumbclock.kernels.conv.data import keep_mask, random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import (
    Int8Requantization,
    SubByteRequantization,
    ThresholdRequantization,
    quantize_multiplier,
)
from thumbclock.kernels.support import every_precision


def _by_loops(data: ConvLayer) -> list[int]:
    """Sum every product of every output in Python integers."""
    spec, offset = data.spec, data.requantization.input_offset
    binary = spec.precision.activation_bits == 1
    group_in_c, group_out_c = spec.in_c // spec.groups, spec.out_c // spec.groups
    sums = []
    for oy in range(spec.out_h):
        for ox in range(spec.out_w):
            for oc in range(spec.out_c):
                total = 0
                for ky in range(spec.kernel_h):
                    for kx in range(spec.kernel_w):
                        y = oy * spec.stride_h + ky * spec.dilation_h - spec.padding.top
                        x = ox * spec.stride_w + kx * spec.dilation_w - spec.padding.left
                        inside = 0 <= y < spec.in_h and 0 <= x < spec.in_w
                        for c in range(group_in_c):
                            channel = oc // group_out_c * group_in_c + c
                            value = (
                                int(data.inputs[y, x, channel]) + offset if inside else -1 * binary
                            )
                            total += value * int(data.weights[oc, ky, kx, c])
                sums.append(total)
    return sums


def _finish(data: ConvLayer, total: int, channel: int) -> int:
    """Requantize one sum with rational arithmetic."""
    match data.requantization:
        case Int8Requantization() as q:
            shift = int(q.shift[channel])
            scaled = (total + int(q.bias[channel])) << max(shift, 0)
            high = math.floor(
                Fraction(scaled * int(q.multiplier[channel]), 1 << 31) + Fraction(1, 2)
            )
            exact = Fraction(high, 1 << max(-shift, 0))
            rounded = math.floor(abs(exact) + Fraction(1, 2)) * (1 if high >= 0 else -1)
            return min(max(rounded + q.output_offset, q.activation_min), q.activation_max)
        case SubByteRequantization() as q:
            scale = Fraction(int(q.multiplier[channel]) << q.left, 1 << 32)
            rounded = math.floor((total + int(q.bias[channel])) * scale + Fraction(1, 2))
            ends = (-(1 << q.bits) // 2, (1 << q.bits) // 2 - 1) if q.signed else None
            low, high = ends or (0, (1 << q.bits) - 1)
            return min(max(rounded, low), high)
        case q:
            values = list(range(1 << q.bits))
            if q.bits == 1:
                values = [-1, 1]
            elif q.signed:
                values = [value - (1 << q.bits) // 2 for value in values]
            if q.falling is not None and q.falling[channel]:
                values.reverse()
            for threshold in q.thresholds[channel]:
                if total >= threshold:
                    values.pop(0)
            return values[0]


PRECISIONS = [
    *("w8a8", "w4a4", "w2a2", "w1a1", "w8a8-skip50"),
    *("w8a4s", "w4a8o2s", "w2a8o4s-thresholds", "w1a2-thresholds", "w4a1o8", "w8a2o1"),
]


@pytest.mark.parametrize("precision", PRECISIONS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_matches_loops(precision: str, data: st.DataObject) -> None:
    """Vectorised sums and requantization equal the definition, output by output."""
    layer = random_layer(
        data.draw(convolutions(precision, grouped="skip" not in precision)),
        data.draw(st.integers(0, 99)),
    )
    expected = [
        _finish(layer, total, index % layer.spec.out_c)
        for index, total in enumerate(_by_loops(layer))
    ]
    assert layer.expected().reshape(-1).tolist() == expected


def test_rounding_ties_go_away_from_zero() -> None:
    """A half is rounded away from zero by the right shift, as TensorFlow Lite does."""
    quantization = Int8Requantization(
        np.zeros(4, np.int64), np.full(4, 1 << 30), np.full(4, -1), output_offset=1
    )
    assert quantization.apply(np.array([6, -6, 10, 7])).tolist() == [3, -1, 4, 3]


@given(scale=st.floats(1e-6, 8.0))
def test_multiplier_is_normalised(scale: float) -> None:
    """Multiplier and shift give the scale back within the multiplier's 31 bits."""
    multiplier, shift = quantize_multiplier(scale)
    assert 1 << 30 <= multiplier < 1 << 31
    assert math.isclose(multiplier * 2.0 ** (shift - 31), scale, rel_tol=2.0**-30)


@pytest.mark.parametrize("precision", [p.name for p in every_precision()])
def test_random_layers_use_their_range(precision: str) -> None:
    """Outputs reach both ends and most of what lies between."""
    spec = ConvSpec.parse("16x16x16-8", precision=precision)
    outputs = random_layer(spec).expected()
    levels = 1 << spec.precision.output_bits
    # Sums of few bits take fewer values than eight bits have.
    bits = spec.precision.weight_bits * spec.precision.activation_bits
    assert len(np.unique(outputs)) > (0.9 if bits >= 16 or levels <= 16 else 0.1) * levels
    assert np.ptp(outputs) + 1 > 0.9 * levels
    assert 0 < np.mean(outputs == outputs.min()) < 0.7
    assert 0 < np.mean(outputs == outputs.max()) < 0.7


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "w8a4o2s"])
def test_one_scale_for_a_tensor(precision: str) -> None:
    """Per-tensor layers have the same multiplier and shift everywhere, and still spread."""
    layer = random_layer(ConvSpec.parse("16x16x8-8", precision=precision), per_tensor=True)
    requantization = layer.requantization
    assert not isinstance(requantization, ThresholdRequantization)
    assert len(np.unique(requantization.multiplier)) == 1
    if isinstance(requantization, Int8Requantization):
        assert len(np.unique(requantization.shift)) == 1
    assert len(np.unique(layer.expected())) > 0.9 * (1 << layer.spec.precision.output_bits)


@pytest.mark.parametrize("percent", [0, 25, 50, 100])
def test_skipping_takes_the_least_significant_pairs(percent: int) -> None:
    """The stated share of pairs goes, and no kept pair is worth less than one that went."""
    spec = ConvSpec.parse("6x6x8-4", precision=f"w8a8-skip{percent}")
    rng = np.random.default_rng(3)
    weights = rng.integers(1, 100, spec.weight_shape)
    inputs = np.full(spec.input_shape, 5)
    keep = keep_mask(spec, inputs, weights, 0)
    fours = keep.reshape(-1, 4)
    assert (fours[:, 0] == fours[:, 2]).all()
    assert (fours[:, 1] == fours[:, 3]).all()
    assert (~keep).sum() == keep.size * percent // 100
