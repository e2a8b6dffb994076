"""Element-wise operators with their numbers, and the calls of the kernels that compute them."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.elementwise.affine import AffineAddition, find_affine
from thumbclock.kernels.elementwise.reference import (
    Addition,
    Multiplication,
    Rescaling,
    Thresholds,
)
from thumbclock.kernels.elementwise.spec import ElementwiseSpec
from thumbclock.kernels.packed import (
    activation_ctype,
    from_fields,
    pack_activations,
    pixel_bytes,
    to_fields,
    unpack_activations,
    value_range,
)
from thumbclock.kernels.task import Argument, Array, IntArray, Pointer, Struct, Task
from thumbclock.kernels.weightless import (
    ActivationRange,
    expect_activations,
    weightless_name,
)
from thumbclock.profiles import CoreProfile

__all__ = ["BinaryLayer", "ClampLayer", "RequantizeLayer"]

_HEADER = "elementwise/tc_elementwise.h"

_FILES: dict[str, tuple[str, ...]] = {
    "add": ("elementwise/add_a8.c",),
    "add_affine": ("elementwise/add_affine_a8.c", "elementwise/add_words.S"),
    "mul": ("elementwise/mul_a8.c",),
    "mul_dsp": ("elementwise/mul_dsp_a8.c", "elementwise/mul_words.S", "elementwise/mul_a8.c"),
}
"""Sources of the int8 kernels of two inputs."""

_LONGEST_SHIFT = 22
"""Right shift up to which a shifted zero point fits the fast multiplication's accumulator."""


@dataclass(frozen=True)
class BinaryLayer:
    """An addition or a multiplication of two images of one shape.

    Attributes:
        spec: The operator.
        first: HWC.
        second: HWC.
        arithmetic: Its integers.
        activation: What outputs of 8 bits are clamped to.
    """

    spec: ElementwiseSpec
    first: IntArray
    second: IntArray
    arithmetic: Addition | Multiplication
    activation: ActivationRange = field(default_factory=ActivationRange)

    def expected(self) -> IntArray:
        """Return the reference's outputs, HWC."""
        outputs = self.arithmetic.apply(self.first, self.second)
        if self.spec.precision.activation_bits == 8:
            return np.clip(outputs, self.activation.low, self.activation.high)
        return _representable(self.spec, outputs)

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel for a core.

        Raises:
            UsageError: The arithmetic leaves 32 bits.
        """
        _expect_arithmetic(self.arithmetic)
        inputs = [
            _input(self.spec, symbol, values)
            for symbol, values in (("tc_input", self.first), ("tc_second", self.second))
        ]
        if self.spec.precision.activation_bits < 8:
            table = Array("tc_table", "uint8_t", self._pair_table())
            return _task(
                self.spec,
                self.expected(),
                ("elementwise/pair_table.c",),
                "tc_pair_table",
                (_packed_shape(self.spec), *_pointers("tc_input", "tc_second", "tc_table")),
                (*inputs, table),
            )
        struct, name = self._struct(core)
        return _task(
            self.spec,
            self.expected(),
            _FILES[name],
            f"tc_{name}_a8",
            (struct, *_pointers("tc_input", "tc_second"), self.first.size),
            tuple(inputs),
        )

    def _struct(self, core: CoreProfile) -> tuple[Struct, str]:
        """Return the arithmetic as a kernel takes it, and that kernel's name."""
        bounds = (self.activation.low, self.activation.high)
        match self.arithmetic:
            case Multiplication() as m:
                shifts = (max(m.shift, 0), max(-m.shift, 0))
                offsets = (m.offset1, m.offset2, m.multiplier, *shifts, m.output_offset)
                fast = core.dsp and -_LONGEST_SHIFT <= m.shift < 0
                return Struct("tc_mul_shape", (*offsets, *bounds)), "mul_dsp" if fast else "mul"
            case Addition() as a:
                affine = find_affine(a) if core.dsp else None
                return _addition(a, affine, bounds)

    def _pair_table(self) -> bytes:
        """Return what two nibbles become, for each ``a | b << 4``."""
        bits, signed = self.spec.precision.activation_bits, self.spec.precision.signed
        nibbles = np.arange(16)
        shifts = np.arange(0, 4, bits)
        fields = nibbles[:, None] >> shifts & ((1 << bits) - 1)
        values = from_fields(fields, bits, signed=signed)
        pairs = self.arithmetic.apply(values[None, :], values[:, None])
        outputs = to_fields(_representable(self.spec, pairs), bits, signed=signed)
        return bytes((outputs << shifts).sum(axis=2).astype(np.uint8).reshape(-1))


def _addition(
    addition: Addition, affine: AffineAddition | None, bounds: tuple[int, int]
) -> tuple[Struct, str]:
    if affine is not None:
        factors = (affine.factor1, affine.factor2, affine.start)
        return Struct("tc_add_affine", (*factors, *bounds)), "add_affine"
    operands = [(offset, m, -shift) for offset, m, shift in (addition.first, addition.second)]
    total = (addition.multiplier, -addition.shift, addition.output_offset)
    return Struct("tc_add_shape", (*operands[0], *operands[1], *total, *bounds)), "add"


@dataclass(frozen=True)
class ClampLayer:
    """Values of an image moved into a range.

    Attributes:
        spec: The operator.
        inputs: HWC.
        activation: The range.
    """

    spec: ElementwiseSpec
    inputs: IntArray
    activation: ActivationRange

    def expected(self) -> IntArray:
        """Return the reference's outputs, HWC."""
        return np.clip(self.inputs, self.activation.low, self.activation.high)

    def task(self, core: CoreProfile) -> Task:  # noqa: ARG002
        """Return the call of the kernel, which is the same for all cores."""
        bounds = [self._bound(value) for value in (self.activation.low, self.activation.high)]
        return _task(
            self.spec,
            self.expected(),
            ("elementwise/clamp.c",),
            f"tc_clamp_{weightless_name(self.spec.precision)}",
            (_packed_shape(self.spec), Pointer("tc_input"), *bounds),
            (_input(self.spec, "tc_input", self.inputs),),
        )

    def _bound(self, value: int) -> int:
        """Return an end of the range as the kernel takes it, repeated in each packed field."""
        bits = self.spec.precision.activation_bits
        if bits == 8:
            return value
        mask = (1 << bits) - 1
        return (value & mask) * (0xFFFFFFFF // mask)


@dataclass(frozen=True)
class RequantizeLayer:
    """An image brought to another scale, zero point or number of bits.

    Attributes:
        spec: The operator.
        inputs: HWC.
        rule: From inputs to outputs, which are clamped to what they can hold.
    """

    spec: ElementwiseSpec
    inputs: IntArray
    rule: Rescaling | Thresholds

    def expected(self) -> IntArray:
        """Return the reference's outputs, HWC."""
        return _representable(self.spec, self.rule.apply(self.inputs))

    def task(self, core: CoreProfile) -> Task:  # noqa: ARG002
        """Return the call of the kernel, which is the same for all cores.

        Raises:
            UsageError: The arithmetic leaves 32 bits.
        """
        precision = self.spec.precision
        if isinstance(self.rule, Rescaling):
            most = 128 + abs(self.rule.offset)
            _expect_shift("requantization's", self.rule.shift, _most_left(most))
        inputs = _input(self.spec, "tc_input", self.inputs)
        return _task(
            self.spec,
            self.expected(),
            ("elementwise/requantize.c",),
            f"tc_requantize_a{precision.activation_bits}o{precision.output_bits}",
            (
                *(self.spec.height * self.spec.width, self.spec.channels),
                *_pointers("tc_input", "tc_table"),
            ),
            (
                inputs,
                Array("tc_table", "uint8_t", self._table()),
            ),
        )

    def _table(self) -> bytes:
        """Return what each field becomes."""
        precision = self.spec.precision
        bits, out_bits = precision.activation_bits, precision.output_bits
        fields = np.arange(1 << bits)
        values = from_fields(fields, bits, signed=precision.signed or bits == 8)
        outputs = _representable(self.spec, self.rule.apply(values))
        signed = precision.signed or out_bits == 8
        return bytes(to_fields(outputs, out_bits, signed=signed).astype(np.uint8))


def _expect_arithmetic(arithmetic: Addition | Multiplication) -> None:
    match arithmetic:
        case Addition() as a:
            for what, shift in (
                ("first input's", a.first[2]),
                ("second input's", a.second[2]),
                ("sum's", a.shift),
            ):
                _expect_shift(what, shift, 0)
        case Multiplication() as m:
            most = (128 + abs(m.offset1)) * (128 + abs(m.offset2))
            _expect_shift("product's", m.shift, _most_left(most))


def _most_left(magnitude: int) -> int:
    """Return how far values of up to a magnitude can be shifted left within 32 bits."""
    return 31 - magnitude.bit_length()


def _expect_shift(what: str, shift: int, most: int) -> None:
    if not -31 <= shift <= most:
        raise UsageError(
            f"the {what} shift is {shift}; expected -31 to {most}, so that 32 bits hold all: "
            "choose scales of inputs and output that lie closer together"
        )


def _representable(spec: ElementwiseSpec, outputs: IntArray) -> IntArray:
    low, high = value_range(spec.precision.output_bits, signed=spec.precision.signed)
    return np.clip(outputs, low, high)


def _input(spec: ElementwiseSpec, symbol: str, values: IntArray) -> Array:
    expect_activations(symbol.removeprefix("tc_"), values, spec.shape, spec.precision)
    bits, signed = spec.precision.activation_bits, spec.precision.signed
    packed = pack_activations(values, bits, signed=signed)
    return Array(symbol, activation_ctype(bits), packed, role="data")


def _pointers(*symbols: str) -> tuple[Pointer, ...]:
    return tuple(Pointer(symbol) for symbol in symbols)


def _packed_shape(spec: ElementwiseSpec) -> Struct:
    bits = spec.precision.activation_bits
    used = spec.channels * bits % 8
    mask = (1 << used) - 1 if used else 0xFF
    pixels = spec.height * spec.width
    return Struct("tc_packed_shape", (pixels, pixel_bytes(spec.channels, bits), mask))


def _task(
    spec: ElementwiseSpec,
    expected: IntArray,
    files: tuple[str, ...],
    function: str,
    arguments: tuple[Argument, ...],
    arrays: tuple[Array, ...],
) -> Task:
    """Return the call of a function whose last argument is its output."""
    precision = spec.precision
    bits = precision.output_bits
    height, width, channels = spec.shape
    return Task(
        operator=spec.operator,
        implementation=weightless_name(precision),
        weight_bits=0,
        activation_bits=precision.activation_bits,
        shape={
            "in_h": height,
            "in_w": width,
            "in_c": channels,
            "out_h": height,
            "out_w": width,
            "out_c": channels,
        },
        macs=0,
        header=_HEADER,
        files=files,
        arrays=arrays,
        function=function,
        arguments=(*arguments, Pointer("tc_output")),
        output_ctype=activation_ctype(bits),
        output_bytes=height * width * pixel_bytes(channels, bits),
        expected=expected,
        unpack=partial(unpack_activations, shape=spec.shape, bits=bits, signed=precision.signed),
        options={"function": function},
    )
