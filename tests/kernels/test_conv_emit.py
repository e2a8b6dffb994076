"""The emitted code, run without an assembler: what it computes, and what it leaves out."""

from dataclasses import replace

import numpy as np
import pytest
from assembly import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from thumbclock.kernels.conv.data import keep_mask, random_layer
from thumbclock.kernels.conv.emit import emit_unrolled
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.lines import Lines, lines_of, operand_pairs
from thumbclock.kernels.conv.reference import convolve
from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.emission import Code
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.kernels.task import IntArray
from thumbclock.profiles import load_profile

CORES = {name: load_profile(f"ideal-{name}").core for name in ("m4", "m7", "m33")}


@st.composite
def _small(draw: st.DrawFn, precision: str) -> ConvSpec:
    """Draw a convolution of a few hundred products, odd in every way."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 4]))
    kernel_h, kernel_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation_h, dilation_w = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    padding = Padding(*(draw(st.sampled_from([0, 0, 1, 2])) for _ in range(4)))
    least_h = (kernel_h - 1) * dilation_h + 1 - padding.top - padding.bottom
    least_w = (kernel_w - 1) * dilation_w + 1 - padding.left - padding.right
    return ConvSpec(
        in_h=max(least_h, 1) + draw(st.integers(0, 5)),
        in_w=max(least_w, 1) + draw(st.integers(0, 5)),
        in_c=groups * draw(st.integers(1, 4)),
        out_c=groups * draw(st.integers(1, 3)),
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        stride_h=draw(st.integers(1, 4)),
        stride_w=draw(st.integers(1, 4)),
        padding=padding,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
        precision=parse_precision(precision),
    )


def _emitted(layer: ConvLayer, core: str) -> list[str]:
    assert isinstance(layer.requantization, Int8Requantization)
    text = emit_unrolled(layer.spec, layer.weights, layer.requantization, CORES[core])
    return text.splitlines()


def _products(layer: ConvLayer, core: str = "m7") -> int:
    return sum(line.split()[:1] == ["smlad"] for line in _emitted(layer, core))


def _window(layer: ConvLayer, lines: Lines, line: int, pixel: int) -> dict[int, int]:
    """Return the lanes that ``unrolled.c`` shows a block, by bytes from the window's start."""
    fields = dict(zip(_FIELDS, lines.fields(-layer.requantization.input_offset), strict=True))
    flat = layer.inputs.reshape(-1)
    lanes: dict[int, int] = {}
    for row in range(fields["kernel_lines"]):
        number = line * fields["step_lines"] - fields["pad_lines"] + row
        buffer = np.full(2 * fields["line_words"], fields["pad"])
        if 0 <= number < fields["in_lines"]:
            at = min(number * fields["line_bytes"], fields["last_line_bytes"])
            for run in range(fields["runs"]):
                values = flat[at + run * fields["run_bytes"] :][: fields["run_elements"]]
                _widen(buffer, values, fields, run)
        start = 2 * row * fields["line_words"]
        lanes |= {2 * (start + place): int(lane) for place, lane in enumerate(buffer)}
    first = pixel * fields["pixel_elements"]
    return {place - 2 * first: lane for place, lane in lanes.items()}


def _widen(buffer: IntArray, values: IntArray, fields: dict[str, int], run: int) -> None:
    step, count = fields["word_step"], len(values)
    start = fields["pad_elements"] + run * (2 if step > 1 else count)
    places = np.arange(count)
    if fields["quads"]:
        # Of each four, 0 and 2 are a word, 1 and 3 the next.
        places = 2 * step * (places // 4 * 2 + places % 2) + places % 4 // 2
    if fields["copy_elements"]:
        buffer[start + fields["copy_elements"] - 1 + places] = values
    buffer[start + places] = values


_FIELDS = (
    *("pad", "out_lines", "out_pixels", "out_line_bytes", "last_out_line_bytes"),
    *("out_pixel_bytes", "block_pixels", "pixel_elements", "in_lines", "line_bytes"),
    *("last_line_bytes", "runs", "run_elements", "run_bytes", "pad_lines", "pad_elements"),
    *("kernel_lines", "step_lines", "quads", "word_step", "copy_elements"),
    *("line_words", "buffer_lines"),
)


def _outputs(layer: ConvLayer, core: str) -> IntArray:
    """Return what the emitted function stores, block by block."""
    lines = lines_of(layer.spec)
    code = _emitted(layer, core)
    outputs = np.full(layer.spec.output_shape, 999).reshape(-1)
    for line in range(lines.across.outputs):
        at = min(line * lines.across.out_bytes, lines.last_out_line_bytes)
        for first in range(0, lines.along.outputs, lines.block_pixels):
            pixel = min(first, lines.along.outputs - lines.block_pixels)
            start = at + pixel * lines.along.out_bytes
            seen = _window(layer, lines, line, pixel)
            machine = Interpreter(seen, {"r0": 0, "output": start})
            machine.run(code)
            for address, byte in machine.stored.items():
                outputs[address] = byte
    return outputs.reshape(layer.spec.output_shape)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("precision", ["w8a8-unrolled", "w8a8-skip40"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_computes_convolutions(core: str, precision: str, data: st.DataObject) -> None:
    """Random shapes, with groups and dilation, equal the reference."""
    spec = data.draw(_small(precision))
    layer = random_layer(spec, data.draw(st.integers(0, 999)))
    np.testing.assert_array_equal(_outputs(layer, core), layer.expected())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_leaves_out_any_set_of_operands(data: st.DataObject) -> None:
    """Whatever the mask over OHWI, everything and nothing among them."""
    spec = ConvSpec.parse("3x4x5-3", kernel="2x3", precision="w8a8-unrolled")
    layer = random_layer(spec, data.draw(st.integers(0, 99)))
    kept = data.draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    layer = replace(layer, weights=layer.weights * (rng.random(spec.weight_shape) < kept))
    np.testing.assert_array_equal(_outputs(layer, "m7"), layer.expected())


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_requantizes_as_tensorflow_lite(data: st.DataObject) -> None:
    """Multipliers, shifts both ways up to the longest, zero points, and any clamp."""
    spec = ConvSpec.parse("2x2x4-3", kernel="1", precision="w8a8-unrolled")
    rng = np.random.default_rng(data.draw(st.integers(0, 9999)))
    shift = np.array([data.draw(st.integers(-31, 12)) for _ in range(3)])
    largest = (1 << 30 >> np.maximum(shift, 0)) - (1 << 16)
    low, high = sorted(data.draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))))
    requantization = Int8Requantization(
        bias=rng.integers(-largest, largest + 1),
        multiplier=rng.integers(1 << 30, 1 << 31, 3),
        shift=shift,
        input_offset=data.draw(st.integers(-127, 128)),
        output_offset=data.draw(st.integers(-128, 127)),
        activation_min=low,
        activation_max=high,
    )
    layer = random_layer(spec, data.draw(st.integers(0, 99)))
    weights = rng.integers(-2, 3, spec.weight_shape) if shift.max() > 4 else layer.weights
    layer = replace(layer, weights=weights, requantization=requantization)
    expected = convolve(spec, layer.inputs, weights, requantization)
    np.testing.assert_array_equal(_outputs(layer, "m4"), expected)


@given(values=st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=6), data=st.data())
def test_constants_hold_their_value(values: list[int], data: st.DataObject) -> None:
    """Whatever registers hold before, the shortest code leaves the constant."""
    code = Code()
    kept: dict[str, int] = {}
    near = st.sampled_from([0, 1, -1, 255, 4095, 3 << 16, 0x00050005, -(7 << 16)])
    for value in values:
        register = data.draw(st.sampled_from(["r1", "r2", "r3"]))
        wanted = value + data.draw(near) & 0xFFFFFFFF
        code.constant(register, wanted)
        kept[register] = wanted
    machine = Interpreter({}, {})
    machine.run(code.lines)
    assert {name: machine.registers[name] for name in kept} == kept


def test_leaves_out_pairs_of_zeros() -> None:
    """Each pair that is left out spares one SMLAD a pixel; half a pair spares none."""
    spec = ConvSpec.parse("4x4x8-2", kernel="1", precision="w8a8-unrolled")
    layer = replace(random_layer(spec), weights=np.full(spec.weight_shape, 3))
    full = _products(layer)
    assert full == 4 * 2 * 4
    layer.weights[0, 0, 0, [0, 2]] = 0
    layer.weights[1, 0, 0, 1] = 0
    assert _products(layer) == full - 4


@pytest.mark.parametrize("core", CORES)
def test_loads_what_some_channel_needs(core: str) -> None:
    """A word that no channel of a group needs is not loaded."""
    spec = ConvSpec.parse("4x4x8-2", kernel="1", precision="w8a8-unrolled")
    layer = replace(random_layer(spec), weights=np.full(spec.weight_shape, 3))
    layer.weights[..., [4, 6]] = 0
    loads = [line for line in _emitted(layer, core) if line.strip().startswith("ldr")]
    assert len(loads) == 3 * 4 + 1  # and the address of the outputs


def test_groups_channels_that_need_the_same() -> None:
    """Channels with the same operands share loads, wherever they stand."""
    spec = ConvSpec.parse("4x4x8-4", kernel="1", precision="w8a8-unrolled")
    layer = replace(random_layer(spec), weights=np.full(spec.weight_shape, 3))
    layer.weights[[0, 3], ..., :4] = 0
    layer.weights[[1, 2], ..., 4:] = 0
    loads = [line for line in _emitted(layer, "m7") if line.strip().startswith("ldr")]
    assert len(loads) == 2 * (2 * 4 + 1)


@pytest.mark.parametrize("shape", ["5x5x8-4", "5x5x3-4", "9x4x1-4"])
@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_the_mask_leaves_out_pairs(shape: str, percent: int) -> None:
    """Of the pairs that the code multiplies, the percentage that was asked for goes, whole."""
    spec = ConvSpec.parse(shape, precision=f"w8a8-skip{percent}")
    layer = random_layer(replace(spec, precision=ConvSpec.parse(shape).precision))
    keep = keep_mask(spec, layer.inputs, layer.weights, layer.requantization.input_offset)
    pairs = operand_pairs(spec)
    padded = np.concatenate([keep.reshape(spec.out_c, -1), np.zeros((spec.out_c, 1), bool)], 1)
    kept = padded[np.arange(spec.out_c)[:, None, None], pairs].any(axis=2)
    real = int((pairs >= 0).any(axis=2).sum())
    assert kept.sum() == real - real * percent // 100
    halves = padded[np.arange(spec.out_c)[:, None, None], pairs] | (pairs < 0)
    assert (halves.all(axis=2) == kept)[(pairs >= 0).any(axis=2)].all()


def test_loads_stand_in_runs_for_the_m4() -> None:
    """Between the products of a word and the next, the M4 loads a pixel after the other."""
    layer = random_layer(ConvSpec.parse("4x4x8-2", kernel="1", precision="w8a8-unrolled"))
    names = [line.split()[0] for line in _emitted(layer, "m4") if line.startswith("    ldr.w r")]
    text = "\n".join(line.split()[0] for line in _emitted(layer, "m4") if line.strip())
    assert text.count("ldr.w\nldr.w\nldr.w\nldr.w") == 4
    assert len(names) == 4 * 4 + 1
