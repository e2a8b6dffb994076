"""Element-wise operators, bit for bit: both compilers, cores with DSP instructions and without."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.elementwise.affine import ADD_SHIFT, find_affine
from thumbclock.kernels.elementwise.layer import BinaryLayer, ClampLayer, RequantizeLayer
from thumbclock.kernels.elementwise.reference import (
    Addition,
    Multiplication,
    Quantization,
    Rescaling,
    Thresholds,
)
from thumbclock.kernels.elementwise.spec import ElementwiseSpec
from thumbclock.kernels.image import task_image
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import draw_layer, parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.weightless import ActivationRange
from thumbclock.machine import Machine
from thumbclock.profiles import load_profile
from thumbclock.toolchain import build

CASES = [
    *(("add", precision) for precision in ("a8", "a4", "a4s", "a2", "a2s")),
    *(("mul", precision) for precision in ("a8", "a4", "a4s", "a2", "a2s", "a1")),
    *(("clamp", precision) for precision in ("a8", "a4", "a4s", "a2", "a2s")),
    *(("requantize", f"a{i}o{o}") for i in (8, 4, 2, 1) for o in (8, 4, 2, 1)),
    *(("requantize", precision) for precision in ("a8o4s", "a4o2s-thresholds", "a2o8s")),
]
PAIRS = np.arange(-128, 128)


def _draw(operator: str, precision: str, data: st.DataObject) -> ElementwiseSpec:
    activation = "none"
    if operator == "clamp":
        activation = data.draw(st.sampled_from(["relu", "relu6", "1,1", "-1,2"]))
    elif operator != "requantize" and precision == "a8":
        activation = data.draw(st.sampled_from(["none", "relu6", "-100,3"]))
    return ElementwiseSpec(
        operator,
        data.draw(st.integers(1, 4)),
        data.draw(st.integers(1, 4)),
        data.draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 64])),
        activation,
        parse_precision(f"w8{precision}"),
    )


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)])
@pytest.mark.parametrize(("operator", "precision"), CASES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_bit_exact(operator: str, precision: str, toolchain: str, data: st.DataObject) -> None:
    """Outputs equal the reference's on any shape and scale, and nothing else is touched."""
    layer = draw_layer(_draw(operator, precision, data), data.draw(st.integers(0, 999)))
    check(layer, toolchain=toolchain)


@pytest.mark.parametrize("profile", ["ideal-m3", "ideal-m0plus"])
@pytest.mark.parametrize(
    ("operator", "precision"),
    [
        *(("add", "a8"), ("mul", "a8"), ("mul", "a4s"), ("clamp", "a8"), ("clamp", "a4s")),
        *(("clamp", "a2"), ("requantize", "a8o4"), ("requantize", "a2o8")),
    ],
)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_bit_exact_without_dsp(
    operator: str, precision: str, profile: str, data: st.DataObject
) -> None:
    """Cores without DSP instructions agree."""
    layer = draw_layer(_draw(operator, precision, data), data.draw(st.integers(0, 999)))
    check(layer, profile=profile)


_POINTS = st.integers(-128, 127)
_SCALES = st.sampled_from([0.004, 0.01, 0.0125, 0.02, 0.037, 0.04, 0.08, 0.1])


@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m3"])
@settings(max_examples=8, deadline=None)
@given(scales=st.tuples(*[_SCALES] * 3), points=st.tuples(*[_POINTS] * 3))
def test_all_pairs(profile: str, scales: tuple[float, ...], points: tuple[int, ...]) -> None:
    """Sums and products of all 65,536 pairs are right, saturated ones and ties included."""
    first, second, output = map(Quantization, scales, points)
    inputs = (np.repeat(PAIRS, 256).reshape(256, 256, 1), np.tile(PAIRS, 256).reshape(256, 256, 1))
    add, mul = (ElementwiseSpec(operator, 256, 256, 1) for operator in ("add", "mul"))
    check(BinaryLayer(add, *inputs, Addition.of(first, second, output)), profile=profile)
    product = Quantization(output.scale * 0.3, output.zero_point)
    check(BinaryLayer(mul, *inputs, Multiplication.of(first, second, product)), profile=profile)


@pytest.mark.parametrize("shift", [3, 0, -1, -7, -22, -23, -31])
def test_products_of_any_shift(shift: int) -> None:
    """Left shifts, none, and right shifts up to the longest are TensorFlow Lite's."""
    spec = ElementwiseSpec("mul", 32, 32, 16)
    layer = draw_layer(spec, 1)
    assert isinstance(layer, BinaryLayer)
    check(replace(layer, arithmetic=Multiplication(5, -9, 1_500_000_000, shift, -3)))


def test_one_step_stands_for_usual_additions() -> None:
    """Most additions take the fast kernel; what it computes equals theirs on all pairs."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(12):
        scales, points = rng.uniform(0.01, 0.1, 2), rng.integers(-128, 128, 3)
        output = Quantization(float(scales.max() * 1.2), int(points[2]))
        inputs = (Quantization(float(s), int(p)) for s, p in zip(scales, points[:2], strict=True))
        addition = Addition.of(*inputs, output)
        affine = find_affine(addition)
        if affine is not None:
            found += 1
            x, y = PAIRS[:, None], PAIRS[None, :]
            terms = (affine.factor1 * x >> 8) + (affine.factor2 * y >> 8)
            sums = np.clip((terms + affine.start) >> ADD_SHIFT, -128, 127)
            np.testing.assert_array_equal(sums, np.clip(addition.apply(x, y), -128, 127))
    assert found >= 9


def test_additions_that_take_all_steps() -> None:
    """Scales far apart, which one step has no bits for, take the exact kernel."""
    addition = Addition.of(Quantization(0.9, 3), Quantization(0.001, -7), Quantization(0.01, 0))
    assert find_affine(addition) is None
    spec = ElementwiseSpec("add", 8, 8, 16)
    layer = draw_layer(spec)
    assert isinstance(layer, BinaryLayer)
    check(replace(layer, arithmetic=addition))


@pytest.mark.parametrize("scale", [0.001, 0.5, 1.0, 1.7, 3.99, 300.0])
@pytest.mark.parametrize("precision", ["a8", "a8o4", "a4o8", "a4o2s"])
def test_requantization_by_any_scale(precision: str, scale: float) -> None:
    """Scales below and above 1, and zero points at the ends, are TensorFlow Lite's."""
    parsed = parse_precision(f"w8{precision}")
    inside = 8 if parsed.activation_bits == 8 else 4
    span = np.arange(-(1 << (inside - 1)), 1 << (inside - 1)).reshape(-1, 1, 1)
    inputs = span if parsed.signed or inside == 8 else span + 8
    spec = ElementwiseSpec("requantize", len(inputs), 1, 1, precision=parsed)
    for points in ((0, 0), (-128, 127)):
        rule = Rescaling.of(Quantization(scale, points[0]), Quantization(1.0, points[1]))
        check(RequantizeLayer(spec, inputs, rule))


def test_thresholds_count_what_a_value_reaches() -> None:
    """A value at a threshold reaches it; equal thresholds skip outputs."""
    spec = ElementwiseSpec("requantize", 256, 1, 1, precision=parse_precision("w8a8o2"))
    layer = RequantizeLayer(spec, PAIRS.reshape(256, 1, 1), Thresholds((-3, 5, 5), 0))
    assert layer.expected()[[124, 125, 132, 133], 0, 0].tolist() == [0, 1, 1, 3]
    check(layer)


@pytest.mark.parametrize(
    ("arithmetic", "message"),
    [
        (Addition((0, 1 << 30, 1), (0, 1 << 30, 0), 1 << 30, -9, 0), "first input's shift is 1"),
        (Addition((0, 1 << 30, 0), (0, 1 << 30, -32), 1 << 30, -9, 0), "second input's"),
        (Addition((0, 1 << 30, 0), (0, 1 << 30, 0), 1 << 30, 1, 0), "sum's shift is 1"),
        (Multiplication(-127, -78, 2007040000, 19, -58), "expected -31 to 15"),
        (Multiplication(0, 0, 1 << 30, -32, 0), "product's shift is -32"),
    ],
)
def test_refuses_shifts_that_leave_32_bits(
    arithmetic: Addition | Multiplication, message: str
) -> None:
    """Kernels shift sums right and products left as far as 32 bits hold them."""
    operator = "add" if isinstance(arithmetic, Addition) else "mul"
    zeros = np.zeros((1, 1, 4), np.int64)
    layer = BinaryLayer(ElementwiseSpec(operator, 1, 1, 4), zeros, zeros, arithmetic)
    with pytest.raises(UsageError, match=message):
        layer.task(load_profile("ideal-m4").core)


def test_refuses_a_rescaling_that_leaves_32_bits() -> None:
    """The table of a requantization is filled by arithmetic of 32 bits, too."""
    zeros = np.zeros((1, 1, 4), np.int64)
    spec = ElementwiseSpec("requantize", 1, 1, 4)
    layer = RequantizeLayer(spec, zeros, Rescaling(5, 1 << 30, 24, 0))
    with pytest.raises(UsageError, match="requantization's shift is 24; expected -31 to 23"):
        layer.task(load_profile("ideal-m4").core)


def test_clamps_in_place() -> None:
    """The output may take the place of the input."""
    board = load_profile("ideal-m4")
    layer = draw_layer(ElementwiseSpec("clamp", 3, 5, 7, "-30,50"))
    assert isinstance(layer, ClampLayer)
    task = layer.task(board.core)
    machine = Machine(build(task_image(task, board)).elf, board)
    machine.start("tc_ready")
    output = machine.symbol("tc_output")
    machine.write(output, task.arrays[0].data)
    shape = machine.symbol("argument0")
    machine.call("tc_clamp_a8", shape, output, -30, 50, output)
    found = task.unpack(machine.read(output, task.output_bytes))
    np.testing.assert_array_equal(found, np.clip(layer.inputs, -30, 50))


@pytest.mark.parametrize("operator", ["add", "mul", "clamp", "requantize"])
@pytest.mark.parametrize("precision", ["w8a8", "w8a4s"])
def test_measured(operator: str, precision: str) -> None:
    """Every operator is reached by name, and reads and writes its arrays alone."""
    spec = parse_spec(operator, KernelOptions(parse_precision(precision), "3x5x11"))
    result = measure(spec, "ideal-m4", check_memory=True)
    assert result.mismatch_count == 0
    assert result.operator == operator


@pytest.mark.parametrize(
    ("operator", "precision", "activation", "message"),
    [
        ("add", "w8a1", None, "no sum"),
        ("clamp", "w8a1", None, "no sum"),
        ("mul", "w8a4", "relu", "clamp apart"),
        ("add", "w8a8o4", None, "requantize apart"),
        ("mul", "w8a8-unrolled", None, "no weights"),
        ("mul", "w8a8-winograd", None, "leave out -winograd"),
        ("mul", "w8a4-thresholds", None, "no sums to requantize"),
    ],
)
def test_says_what_it_expects(
    operator: str, precision: str, activation: str | None, message: str
) -> None:
    """What has no kernel is refused with what was expected."""
    with pytest.raises(UsageError, match=message):
        parse_spec(operator, KernelOptions(parse_precision(precision), activation=activation))


def test_activation_ranges_hold_int8() -> None:
    """A range outside int8 is refused."""
    with pytest.raises(UsageError, match="-200,5"):
        ActivationRange(-200, 5)
