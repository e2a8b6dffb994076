"""A softmax with its numbers, and the call of the kernel that computes it."""

import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.packed import unpack_activations
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import MOST_ELEMENTS, NUMBER
from thumbclock.kernels.softmax.reference import SoftmaxScale, exponentials, softmax
from thumbclock.kernels.task import Array, IntArray, Pointer, Task
from thumbclock.kernels.weightless import (
    draw_activations,
    expect_activations,
    expect_weightless,
    weightless_name,
)
from thumbclock.profiles import CoreProfile

__all__ = ["SoftmaxLayer", "SoftmaxSpec", "random_layer"]

_MOST_COLUMNS = 1023


@dataclass(frozen=True)
class SoftmaxSpec:
    """Softmax of each row of a matrix of int8.

    Attributes:
        rows: How many distributions.
        columns: Classes; at most 1023, whose sum the kernel's shifts allow for.
        precision: Bits of activations; those of weights say nothing.
    """

    rows: int
    columns: int
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        if self.precision.activation_bits != 8:
            raise UsageError(
                f"softmax of {self.precision.activation_bits} bits: expected 8; requantize apart"
            )
        if not 1 <= self.columns <= _MOST_COLUMNS or self.rows < 1:
            raise UsageError(
                f"softmax {self.shape_text}: expected 1 row or more of 1 to {_MOST_COLUMNS} columns"
            )
        if self.rows * self.columns > MOST_ELEMENTS:
            raise UsageError(
                f"softmax {self.shape_text}: expected at most {MOST_ELEMENTS:,} elements"
            )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "softmax"

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it, e.g. ``1x10``."""
        return f"{self.rows}x{self.columns}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"softmax {self.shape_text}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "SoftmaxSpec":
        """Return the softmax that a user's options describe.

        Raises:
            UsageError: The shape is not ROWSxCOLUMNS.
        """
        shape = options.shape or "1x10"
        match = re.fullmatch(rf"({NUMBER})x({NUMBER})", shape)
        if match is None:
            raise UsageError(f"shape {shape!r}: expected ROWSxCOLUMNS, e.g. 1x10")
        return cls(int(match[1]), int(match[2]), options.precision)


@dataclass(frozen=True)
class SoftmaxLayer:
    """A softmax's numbers.

    Attributes:
        spec: The softmax.
        inputs: Rows by columns, int8.
        scale: Of the inputs.
    """

    spec: SoftmaxSpec
    inputs: IntArray
    scale: SoftmaxScale

    def task(self, core: CoreProfile) -> Task:  # noqa: ARG002
        """Return the call of the kernel, which is the same for all cores.

        Raises:
            UsageError: The inputs are not those of the specification.
        """
        rows, columns = self.spec.rows, self.spec.columns
        expect_activations("inputs", self.inputs, (rows, columns), self.spec.precision)
        table = exponentials(np.arange(-255, 1), self.scale).astype("<i4").tobytes()
        return Task(
            operator=self.spec.operator,
            implementation=weightless_name(self.spec.precision),
            weight_bits=0,
            activation_bits=8,
            shape={
                "in_h": rows,
                "in_w": 1,
                "in_c": columns,
                "out_h": rows,
                "out_w": 1,
                "out_c": columns,
            },
            macs=0,
            header="softmax/tc_softmax.h",
            files=("softmax/softmax_a8.c",),
            arrays=(
                Array("tc_input", "int8_t", self.inputs.astype(np.int8).tobytes(), "data"),
                Array("tc_exponentials", "int32_t", table),
            ),
            function="tc_softmax_a8",
            arguments=(
                Pointer("tc_input"),
                *(rows, columns),
                Pointer("tc_exponentials"),
                Pointer("tc_output"),
            ),
            output_ctype="int8_t",
            output_bytes=rows * columns,
            expected=softmax(self.inputs, self.scale),
            unpack=partial(_unpack, shape=(rows, columns)),
            options={"table_bytes": len(table)},
        )


def _unpack(data: bytes, shape: tuple[int, int]) -> IntArray:
    return unpack_activations(data, (*shape, 1), 8).reshape(shape)


def random_layer(spec: SoftmaxSpec, seed: int = 0) -> SoftmaxLayer:
    """Draw inputs that reach from -128 to 127, of a scale between 1/32 and 1/4."""
    rng = np.random.default_rng(seed)
    inputs = draw_activations(rng, (spec.rows, spec.columns), spec.precision)
    return SoftmaxLayer(spec, inputs, SoftmaxScale.of(float(rng.uniform(1 / 32, 1 / 4))))
