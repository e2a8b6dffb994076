"""A fully connected layer with its numbers, and the call of the kernel that computes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from thumbclock.kernels.checks import expect_numbers
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.mixed import finishing_part
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.cores import loads_in_runs
from thumbclock.kernels.fully_connected.packing import (
    FORMATS,
    excess,
    pack_bytes,
    pack_weights,
    scratch_bytes,
    steps_at_once,
    vector_inputs,
)
from thumbclock.kernels.fully_connected.reference import fully_connect
from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec
from thumbclock.kernels.packed import (
    activation_ctype,
    pack_activations,
    pixel_bytes,
    unpack_activations,
)
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.requantization import Requantization
from thumbclock.kernels.tables import pack_table, requantization_struct, table_ctype
from thumbclock.kernels.task import Array, IntArray, Pointer, Struct, Task
from thumbclock.profiles import CoreProfile

__all__ = ["FullyConnectedLayer", "as_convolution"]


@dataclass(frozen=True)
class FullyConnectedLayer:
    """A layer's numbers, unpacked.

    Attributes:
        spec: The layer.
        inputs: (batch, in_c).
        weights: (out_c, in_c).
        requantization: From sums to outputs.
    """

    spec: FullyConnectedSpec
    inputs: IntArray
    weights: IntArray
    requantization: Requantization

    def expected(self) -> IntArray:
        """Return the reference's outputs, (batch, out_c)."""
        return fully_connect(self.inputs, self.weights, self.requantization)

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel for a core.

        Precisions without a kernel of their own are a 1x1 convolution of a row of pixels.

        Raises:
            UsageError: The core cannot run it, or the layer's numbers do not fit it.
        """
        spec, precision = self.spec, self.spec.precision
        expect_numbers(
            precision,
            (self.inputs, (spec.batch, spec.in_c)),
            (self.weights, (spec.out_c, spec.in_c)),
            self.requantization,
        )
        if precision.name == "w8a8" and not core.dsp:
            return self._portable_task()
        if core.dsp and precision.weight_bits in FORMATS and not _is_special(precision):
            return self._dsp_task(core)
        convolution = ConvLayer(
            as_convolution(spec),
            self.inputs.reshape(1, spec.batch, spec.in_c),
            self.weights.reshape(spec.out_c, 1, 1, spec.in_c),
            self.requantization,
        ).task(core)
        return replace(
            convolution,
            operator="fc",
            shape=_shape(spec),
            expected=self.expected(),
            unpack=partial(_unpack_row, convolution.unpack),
        )

    def _dsp_task(self, core: CoreProfile) -> Task:
        spec, precision = self.spec, self.spec.precision
        at_once = steps_at_once(spec, self.weights)
        is_int8 = precision.activation_bits == precision.output_bits == 8
        table = pack_table(self.requantization, self.weights, precision, excess(spec, self.weights))
        kernel = f"w{precision.weight_bits}a8"
        return self._task(
            header="tc_fully_connected.h" if is_int8 else "tc_fc_fields.h",
            files=_dsp_files(kernel, core, is_int8=is_int8),
            weights=Array("tc_weights", "uint32_t", pack_weights(spec, self.weights)),
            table=table + bytes(12 * (spec.out_c % 2) if is_int8 else 0),
            function=f"tc_fc_{kernel}" if is_int8 else "tc_fc_fields",
            steps=at_once,
            parts=() if is_int8 else (_parts(spec),),
            scratch=scratch_bytes(spec, at_once),
        )

    def _portable_task(self) -> Task:
        spec = self.spec
        return self._task(
            header="tc_fully_connected.h",
            files=("fully_connected/portable.c",),
            weights=Array("tc_weights", "uint8_t", pack_bytes(spec, self.weights)),
            table=pack_table(self.requantization, self.weights, spec.precision),
            function="tc_fc_w8a8_portable",
            steps=0,
            parts=(),
            scratch=0,
        )

    def _task(
        self,
        *,
        header: str,
        files: tuple[str, ...],
        weights: Array,
        table: bytes,
        function: str,
        steps: int,
        parts: tuple[Struct, ...],
        scratch: int,
    ) -> Task:
        spec, precision = self.spec, self.spec.precision
        inputs = pack_activations(self.inputs, precision.activation_bits, signed=precision.signed)
        return Task(
            operator="fc",
            implementation=precision.name,
            weight_bits=precision.weight_bits,
            activation_bits=precision.activation_bits,
            shape=_shape(spec),
            macs=spec.macs,
            header=f"fully_connected/{header}",
            files=files,
            arrays=(
                Array("tc_input", activation_ctype(precision.activation_bits), inputs, "data"),
                weights,
                Array("tc_requantization", table_ctype(self.requantization), table),
            ),
            function=function,
            arguments=(
                Struct("tc_fc_shape", (spec.batch, vector_inputs(spec), spec.out_c, steps)),
                *parts,
                Pointer("tc_input"),
                Pointer("tc_weights"),
                requantization_struct(self.requantization),
                Pointer("tc_output"),
                Pointer("tc_scratch"),
            ),
            output_ctype=activation_ctype(precision.output_bits),
            output_bytes=spec.batch * pixel_bytes(spec.out_c, precision.output_bits),
            scratch_bytes=scratch,
            expected=self.expected(),
            unpack=partial(_unpack_row, partial(_unpack_outputs, spec=spec)),
            options={
                "weight_count": int(self.weights.size),
                "weight_bytes": len(weights.data),
                "requantization_bytes": len(table),
            },
        )


def as_convolution(spec: FullyConnectedSpec) -> ConvSpec:
    """Return the 1x1 convolution that is the same: a pixel for each vector of the batch."""
    return ConvSpec(
        in_h=1,
        in_w=spec.batch,
        in_c=spec.in_c,
        out_c=spec.out_c,
        kernel_h=1,
        kernel_w=1,
        precision=spec.precision,
    )


def _is_special(precision: Precision) -> bool:
    """Return whether a precision asks for another kind of kernel than one that loads weights."""
    return precision.unrolled or precision.winograd


def _dsp_files(kernel: str, core: CoreProfile, *, is_int8: bool) -> tuple[str, ...]:
    # Loops for the M7 alternate loads with products, which suits the M33, too.
    order = "m4" if loads_in_runs(core) else "m7"
    names = ("fully_connected.c", f"{kernel}.c", f"{kernel}_dot_{order}.S", "requantize.S")
    files = tuple(f"fully_connected/{name}" for name in names)
    return files if is_int8 else (*files, "fully_connected/fields.c", "conv/mixed_finish.c")


def _parts(spec: FullyConnectedSpec) -> Struct:
    """Return ``tc_fc_parts``."""
    precision = spec.precision
    return Struct(
        "tc_fc_parts",
        (
            Pointer(f"tc_fc_kernel_w{precision.weight_bits}"),
            finishing_part(precision),
            precision.activation_bits,
            int(precision.signed),
            pixel_bytes(spec.in_c, precision.activation_bits),
            pixel_bytes(spec.out_c, precision.output_bits),
        ),
    )


def _shape(spec: FullyConnectedSpec) -> dict[str, int]:
    return {"batch": spec.batch, "in_c": spec.in_c, "out_c": spec.out_c}


def _unpack_outputs(data: bytes, spec: FullyConnectedSpec) -> IntArray:
    precision = spec.precision
    shape = (1, spec.batch, spec.out_c)
    return unpack_activations(data, shape, precision.output_bits, signed=precision.signed)


def _unpack_row(unpack: Callable[[bytes], IntArray], data: bytes) -> IntArray:
    """Return the pixels of an image of one row."""
    row: IntArray = unpack(data)[0]
    return row
