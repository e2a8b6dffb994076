"""What every operator hands to those who build, run and check kernels: one call of a kernel."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from thumbclock.kernels.precision import Precision
from thumbclock.profiles import CoreProfile
from thumbclock.toolchain import Source

__all__ = ["Argument", "Array", "IntArray", "KernelSpec", "Layer", "Pointer", "Struct", "Task"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Array:
    """Bytes that a kernel reads.

    Attributes:
        symbol: C name, e.g. ``tc_input``.
        ctype: C type of an element, e.g. ``int8_t``.
        data: The packed bytes.
        role: ``data`` for what a network computes, ``weights`` for what it knows beforehand.
    """

    symbol: str
    ctype: str
    data: bytes
    role: Literal["data", "weights"] = "weights"


@dataclass(frozen=True)
class Pointer:
    """The address of an array, by its symbol."""

    symbol: str


@dataclass(frozen=True)
class Struct:
    """A constant structure that a kernel gets the address of.

    Attributes:
        ctype: C type, e.g. ``tc_conv_shape``.
        fields: 32-bit integers and pointers, in order.
    """

    ctype: str
    fields: tuple[int | Pointer, ...]


Argument = int | Pointer | Struct


@dataclass(frozen=True)
class Task:
    """One call of a kernel, from sources to the outputs that it must yield.

    The call writes ``tc_output`` and ``tc_scratch`` and nothing else; it reads these and the
    arrays.

    Attributes:
        operator: Name of the operator, e.g. ``conv``.
        implementation: Name of the kernel, e.g. ``w8a8-skip25``.
        weight_bits: Bits of a weight; 0 where there are none.
        activation_bits: Bits of an input.
        shape: Dimension name -> extent.
        macs: Multiply-accumulates as specified, skipped ones included; 0 where there are none.
        header: Declares the kernel.
        files: C and assembly below ``kernels/``, e.g. ``conv/w8a8.c``.
        generated: Emitted sources.
        arrays: What the call reads.
        function: The C function, e.g. ``tc_conv_w8a8``.
        arguments: What it is called with; pointers may name the arrays, ``tc_output``,
            ``tc_scratch`` and functions of the emitted sources.
        declarations: C declarations that the call needs beside the header's.
        output_ctype: C type of an element of ``tc_output``.
        output_bytes: Size of ``tc_output``, packed.
        scratch_bytes: Size of ``tc_scratch`` (``uint32_t``).
        expected: What the reference computes, unpacked.
        unpack: From the bytes of ``tc_output`` to an array like `expected`.
        options: What else a result states, e.g. sizes of weights and tables.
    """

    operator: str
    implementation: str
    weight_bits: int
    activation_bits: int
    shape: dict[str, int]
    macs: int
    header: str
    files: tuple[str, ...]
    arrays: tuple[Array, ...]
    function: str
    arguments: tuple[Argument, ...]
    output_ctype: str
    output_bytes: int
    expected: IntArray
    unpack: Callable[[bytes], IntArray]
    scratch_bytes: int = 0
    declarations: str = ""
    generated: tuple[Source, ...] = ()
    options: dict[str, bool | int | float | str] | None = None

    @property
    def array_bytes(self) -> int:
        """Bytes of what lies in flash beside code: weights and tables."""
        return sum(len(array.data) for array in self.arrays if array.role == "weights")


class Layer(Protocol):
    """An operator with its numbers."""

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel that serves a core best.

        Raises:
            UsageError: No kernel does, or the numbers do not fit it.
        """


class KernelSpec(Protocol):
    """An operator with shape and precision, as a user asks for it; hashable."""

    @property
    def operator(self) -> str:
        """Name of the operator."""

    @property
    def precision(self) -> Precision:
        """Bits and implementation."""

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it."""

    @property
    def title(self) -> str:
        """Operator and shape for a reader, e.g. ``conv 32x32x16-16, kernel 3x3``."""
