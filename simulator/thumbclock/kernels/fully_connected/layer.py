"""A fully connected layer with its numbers, and the call of the kernel that computes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.fully_connected.packing import (
    FORMATS,
    pack_bytes,
    pack_table,
    pack_weights,
    scratch_bytes,
    steps_at_once,
)
from thumbclock.kernels.fully_connected.reference import fully_connect
from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec
from thumbclock.kernels.packed import pack_activations, unpack_activations
from thumbclock.kernels.requantization import Int8Requantization, Requantization
from thumbclock.kernels.tables import pack_int8
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
        spec, requantization = self.spec, self.requantization
        if isinstance(requantization, Int8Requantization):
            if core.dsp and spec.precision.name in FORMATS:
                return self._dsp_task(core, requantization)
            if not core.dsp and spec.precision.name == "w8a8":
                return self._portable_task(requantization)
        convolution = ConvLayer(
            as_convolution(spec),
            self.inputs.reshape(1, spec.batch, spec.in_c),
            self.weights.reshape(spec.out_c, 1, 1, spec.in_c),
            requantization,
        ).task(core)
        return replace(
            convolution,
            operator="fc",
            shape=_shape(spec),
            expected=self.expected(),
            unpack=partial(_unpack_row, convolution.unpack),
        )

    def _dsp_task(self, core: CoreProfile, requantization: Int8Requantization) -> Task:
        spec, base = self.spec, self.spec.precision.base
        at_once = steps_at_once(spec, self.weights)
        return self._task(
            requantization,
            files=_dsp_files(base, core),
            weights=Array("tc_weights", "uint32_t", pack_weights(spec, self.weights)),
            table=pack_table(spec, requantization, self.weights),
            function=f"tc_fc_{base}",
            steps=at_once,
            scratch=scratch_bytes(spec, at_once),
        )

    def _portable_task(self, requantization: Int8Requantization) -> Task:
        spec = self.spec
        return self._task(
            requantization,
            files=("fully_connected/portable.c",),
            weights=Array("tc_weights", "uint8_t", pack_bytes(spec, self.weights)),
            table=pack_int8(requantization, self.weights, spec.precision),
            function="tc_fc_w8a8_portable",
            steps=0,
            scratch=0,
        )

    def _task(
        self,
        requantization: Int8Requantization,
        *,
        files: tuple[str, ...],
        weights: Array,
        table: bytes,
        function: str,
        steps: int,
        scratch: int,
    ) -> Task:
        spec, precision = self.spec, self.spec.precision
        return Task(
            operator="fc",
            implementation=precision.name,
            weight_bits=precision.weight_bits,
            activation_bits=precision.activation_bits,
            shape=_shape(spec),
            macs=spec.macs,
            header="fully_connected/tc_fully_connected.h",
            files=files,
            arrays=(
                Array("tc_input", "int8_t", pack_activations(self.inputs, 8), "data"),
                weights,
                Array("tc_requantization", "tc_channel_s8", table),
            ),
            function=function,
            arguments=(
                Struct("tc_fc_shape", (spec.batch, spec.in_c, spec.out_c, steps)),
                Pointer("tc_input"),
                Pointer("tc_weights"),
                _requantization(requantization),
                Pointer("tc_output"),
                Pointer("tc_scratch"),
            ),
            output_ctype="int8_t",
            output_bytes=spec.batch * spec.out_c,
            scratch_bytes=scratch,
            expected=self.expected(),
            unpack=partial(_unpack_row, partial(_unpack_int8, spec=spec)),
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


def _dsp_files(base: str, core: CoreProfile) -> tuple[str, ...]:
    pipeline = "m4" if core.name == "cortex-m4" else "m7"
    return (
        "fully_connected/fully_connected.c",
        f"fully_connected/{base}.c",
        f"fully_connected/{base}_dot_{pipeline}.S",
        "fully_connected/requantize.S",
    )


def _requantization(requantization: Int8Requantization) -> Struct:
    q = requantization
    bounds = (-q.input_offset, q.output_offset, q.activation_min, q.activation_max)
    return Struct("tc_requant_s8", (Pointer("tc_requantization"), *bounds))


def _shape(spec: FullyConnectedSpec) -> dict[str, int]:
    return {"batch": spec.batch, "in_c": spec.in_c, "out_c": spec.out_c}


def _unpack_int8(data: bytes, spec: FullyConnectedSpec) -> IntArray:
    return unpack_activations(data, (1, spec.batch, spec.out_c), 8)


def _unpack_row(unpack: Callable[[bytes], IntArray], data: bytes) -> IntArray:
    """Return the pixels of an image of one row."""
    row: IntArray = unpack(data)[0]
    return row
