"""Fully connected kernels, bit for bit, on random shapes and values and on the ends of ranges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.fully_connected.data import random_layer
from thumbclock.kernels.fully_connected.layer import FullyConnectedLayer
from thumbclock.kernels.fully_connected.packing import steps_at_once
from thumbclock.kernels.fully_connected.reference import fully_connect
from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec
from thumbclock.kernels.measure import measure
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.requantization import Int8Requantization

CORES = ["ideal-m4", "ideal-m7", "ideal-m33"]
OWN = ["w8a8", "w4a8"]
_MANY = settings(max_examples=25, deadline=None)
_BITS = st.sampled_from("8421")


def _specs(precision: str) -> st.SearchStrategy[FullyConnectedSpec]:
    return st.builds(
        FullyConnectedSpec,
        in_c=st.one_of(st.integers(1, 40), st.sampled_from([64, 100, 255, 640])),
        out_c=st.one_of(st.integers(1, 13), st.sampled_from([63, 64, 65, 130])),
        batch=st.integers(1, 3),
        precision=st.just(parse_precision(precision)),
    )


@pytest.mark.parametrize(
    ("profile", "toolchain"),
    [
        ("ideal-m4", "zig"),
        ("ideal-m7", "zig"),
        ("ideal-m33", "zig"),
        pytest.param("ideal-m4", "gcc", marks=pytest.mark.needs_gcc),
        pytest.param("ideal-m7", "gcc", marks=pytest.mark.needs_gcc),
    ],
)
@pytest.mark.parametrize("precision", OWN)
@_MANY
@given(data=st.data())
def test_bit_exact(precision: str, toolchain: str, profile: str, data: st.DataObject) -> None:
    """Outputs equal the reference's, and nothing around output and scratch is touched."""
    spec = data.draw(_specs(precision))
    layer = random_layer(spec, data.draw(st.integers(0, 999)), per_tensor=data.draw(st.booleans()))
    check(layer, toolchain=toolchain, profile=profile)


@pytest.mark.parametrize("profile", ["ideal-m3", "ideal-m0plus"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_portable(profile: str, data: st.DataObject) -> None:
    """The kernel for cores without DSP instructions is exact."""
    check(random_layer(data.draw(_specs("w8a8")), data.draw(st.integers(0, 999))), profile=profile)


@pytest.mark.parametrize("profile", ["ideal-m4", "ideal-m7", "ideal-m0plus"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_other_precisions(profile: str, data: st.DataObject) -> None:
    """Any pair of bits, any output, thresholds too: as convolutions of single pixels, exact."""
    weights, inputs = data.draw(_BITS), data.draw(_BITS)
    outputs = data.draw(_BITS)
    signed = "s" if {inputs, outputs} & {"4", "2"} and data.draw(st.booleans()) else ""
    thresholds = "-thresholds" if outputs != "8" and data.draw(st.booleans()) else ""
    spec = data.draw(_specs(f"w{weights}a{inputs}o{outputs}{signed}{thresholds}"))
    check(random_layer(spec, data.draw(st.integers(0, 999))), profile=profile)


@pytest.mark.parametrize("profile", CORES)
@pytest.mark.parametrize("precision", OWN)
@pytest.mark.parametrize("weight_end", ["least", "greatest", "pairs"])
@pytest.mark.parametrize("input_end", [-128, 127])
def test_ends_of_the_ranges(precision: str, weight_end: str, input_end: int, profile: str) -> None:
    """Accumulators do not overflow, and longer sums are cut where they would."""
    spec = FullyConnectedSpec.parse("2500-5", precision=precision)
    low = -(1 << (spec.precision.weight_bits - 1))
    index = np.arange(spec.in_c) // 2 % 2
    row = {"least": np.full(spec.in_c, low), "greatest": np.full(spec.in_c, -1 - low)}.get(
        weight_end, np.where(index == 0, low, -1 - low)
    )
    weights = np.tile(row, (spec.out_c, 1))
    inputs = np.full((1, spec.in_c), input_end)
    assert steps_at_once(spec, weights) < spec.in_c * spec.precision.weight_bits // 32
    neutral = Int8Requantization(
        bias=np.arange(spec.out_c) - (inputs @ weights.T)[0],
        multiplier=np.full(spec.out_c, 1 << 30),
        shift=np.full(spec.out_c, 1),
    )
    check(FullyConnectedLayer(spec, inputs, weights, neutral), profile=profile)


@pytest.mark.parametrize("inputs_seed", range(4))
def test_parts_of_random_sums(inputs_seed: int) -> None:
    """Weights whose sums need parts, with inputs of all values."""
    rng = np.random.default_rng(inputs_seed)
    spec = FullyConnectedSpec.parse("2x1203-7")
    weights = np.where(rng.random((7, 1203)) < 0.5, -128, 127)
    inputs = rng.integers(-128, 128, (2, 1203))
    sums = inputs @ weights.T
    requantization = Int8Requantization(
        bias=-sums[0],
        multiplier=np.full(7, (1 << 31) - 1),
        shift=np.full(7, -12),
        output_offset=3,
    )
    check(FullyConnectedLayer(spec, inputs, weights, requantization))


@pytest.mark.parametrize("profile", ["ideal-m4", "ideal-m7", "ideal-m0plus"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_requantization(profile: str, data: st.DataObject) -> None:
    """Shifts to both sides and none, extreme multipliers, saturation and clamping."""
    out_c = data.draw(st.integers(1, 7))
    layer = random_layer(FullyConnectedSpec(in_c=5, out_c=out_c), data.draw(st.integers(0, 99)))
    channels = {"min_size": out_c, "max_size": out_c}
    low = data.draw(st.integers(-128, 127))
    requantization = Int8Requantization(
        bias=np.array(data.draw(st.lists(st.integers(-(1 << 20), 1 << 20), **channels))),
        multiplier=np.array(data.draw(st.lists(st.integers(1 << 30, (1 << 31) - 1), **channels))),
        shift=np.array(data.draw(st.lists(st.integers(-31, 8), **channels))),
        input_offset=data.draw(st.integers(-127, 128)),
        output_offset=data.draw(st.integers(-128, 127)),
        activation_min=low,
        activation_max=data.draw(st.integers(low, 127)),
    )
    check(replace(layer, requantization=requantization), profile=profile)


def test_memory_accesses() -> None:
    """A kernel reads its arrays and writes output and scratch: nothing else."""
    for precision in OWN:
        spec = FullyConnectedSpec.parse("2x21-9", precision=precision)
        assert measure(spec, "ideal-m7", check_memory=True).mismatch_count == 0


def test_reference_by_hand() -> None:
    """Two inputs, two outputs, worked out with pencil."""
    requantization = Int8Requantization(
        bias=np.array([10, -10]),
        multiplier=np.array([1 << 30, 1 << 30]),
        shift=np.array([1, 0]),
        input_offset=1,
        output_offset=-3,
    )
    outputs = fully_connect(np.array([[4, -6]]), np.array([[2, 3], [-1, 5]]), requantization)
    # (5, -5) . (2, 3) = -5, + 10 = 5; (5, -5) . (-1, 5) = -30, - 10 = -40, halved.
    np.testing.assert_array_equal(outputs, [[5 - 3, -20 - 3]])


def test_weights_take_their_bits() -> None:
    """Packed weights take b / 8 bytes each, and 8 bytes that are read ahead."""
    for precision, bits in (("w8a8", 8), ("w4a8", 4)):
        result = measure(FullyConnectedSpec.parse("64-16", precision=precision), "ideal-m7")
        assert result.options["weight_bytes"] == 64 * 16 * bits // 8 + 8


@pytest.mark.parametrize(
    "shape", ["640", "640x128", "0-5", "5-0", "9999-9999", "x4-4", "1-" + "9" * 5000]
)
def test_shapes_that_are_refused(shape: str) -> None:
    """A shape that is none is refused with what is expected."""
    with pytest.raises(UsageError, match="expected"):
        FullyConnectedSpec.parse(shape)


def test_shape_text_is_read_back() -> None:
    """What a specification prints, it reads."""
    for shape in ("640-128", "3x17-5"):
        assert FullyConnectedSpec.parse(shape).shape_text == shape
