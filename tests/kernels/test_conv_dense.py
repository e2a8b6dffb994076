"""w8a8 and w4a8: both cores' loops, the rounding in registers, and the layers that it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check
from kernel_cases import convolutions

from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.dense import fits_groups
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.packing import scratch_bytes
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.profiles import load_profile

PRECISIONS = ["w8a8", "w4a8"]
PROFILES = ["ideal-m4", "ideal-m7"]
_STEPS_OF_TWO_ROUNDS = 64 + 4  # four products in a step, eight steps in a round


@pytest.mark.parametrize("precision", PRECISIONS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_m4_loops_are_exact(precision: str, data: st.DataObject) -> None:
    """The loops for cores that issue one instruction a cycle equal the reference."""
    spec = data.draw(convolutions(precision))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile="ideal-m4")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_entry_of_the_loop(precision: str, profile: str) -> None:
    """Windows of one step to more than two rounds, and with a step that is not full."""
    for channels in (*range(4, _STEPS_OF_TWO_ROUNDS + 4, 4), 1, 35):
        spec = ConvSpec.parse(f"1x3x{channels}-5", kernel="1", precision=precision)
        check(random_layer(spec, channels), profile=profile)


@pytest.mark.parametrize("offset", [-128, 3, 127])
@pytest.mark.parametrize("right", [2, 3, 7, 12, 13])
def test_ties_round_away_from_zero(right: int, offset: int) -> None:
    """Quotients at ties and next to them, of both signs, are TensorFlow Lite's."""
    ties = np.arange(-300, 300) * (1 << right) + (1 << (right - 1))
    halves = (ties + np.array([[-1], [0], [1]])).reshape(-1)
    requantization = Int8Requantization(
        bias=2 * halves,
        multiplier=np.full(len(halves), 1 << 30),  # a half
        shift=np.full(len(halves), -right),
        input_offset=0,
        output_offset=offset,
    )
    spec = ConvSpec.parse(f"1x2x1-{len(halves)}", kernel="1")
    weights = np.ones(spec.weight_shape, np.int64)
    assert fits_groups(spec, requantization, weights) == (right <= 12)
    check(ConvLayer(spec, np.array([[[0], [2]]]), weights, requantization))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "change",
    [{"activation_min": -100}, {"activation_max": 100}, {"shift": -1}, {"shift": -13}],
    ids=str,
)
def test_other_requantizations_go_by_sums(precision: str, change: dict[str, int]) -> None:
    """What does not fit the table is exact too, and its scratch holds the sums."""
    layer = random_layer(ConvSpec.parse("4x5x8-6", precision=precision), 3)
    if "shift" in change:
        change = {"shift": np.full(6, change["shift"])}
    changed = replace(layer, requantization=replace(layer.requantization, **change))
    assert fits_groups(layer.spec, layer.requantization, layer.weights)
    assert not fits_groups(changed.spec, changed.requantization, changed.weights)
    core = load_profile("ideal-m4").core
    assert changed.task(core).scratch_bytes == scratch_bytes(layer.spec) + 2 * 8 * 4
    for profile in PROFILES:
        check(changed, profile=profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("precision", "heaviest"), [("w8a8", -128), ("w4a8", -8)])
@pytest.mark.parametrize("channels", [511, 512, 1100])
def test_accumulators_hold_what_fits(
    precision: str, heaviest: int, channels: int, profile: str
) -> None:
    """The largest sums that a scaled accumulator takes are exact, and larger ones are split."""
    spec = ConvSpec.parse(f"1x2x{channels}-5", kernel="1", precision=precision)
    weights = np.full(spec.weight_shape, heaviest)
    layer = ConvLayer(
        spec,
        np.full(spec.input_shape, -128),
        weights,
        Int8Requantization(
            bias=128 * heaviest * channels + np.arange(-2, 3) * 4096,
            multiplier=np.full(5, 1 << 30),
            shift=np.full(5, -9),
            input_offset=0,
            output_offset=-7,
        ),
    )
    assert fits_groups(spec, layer.requantization, weights) == (channels < 512)
    check(layer, profile=profile)
