"""A depthwise convolution with its numbers, and the call of the kernel that computes it."""

from dataclasses import dataclass, replace
from functools import partial

from thumbclock.errors import UsageError
from thumbclock.kernels.checks import expect_numbers
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.reference import convolve
from thumbclock.kernels.cores import loop_order
from thumbclock.kernels.depthwise.packing import (
    fits_int8_strips,
    fits_strips,
    int8_strips_scratch_bytes,
    pack_requantization,
    pack_weights,
    parts,
    scratch_bytes,
    shape_fields,
    strips_scratch_bytes,
)
from thumbclock.kernels.depthwise.spec import DepthwiseSpec
from thumbclock.kernels.packed import pack_activations, pixel_bytes, unpack_activations
from thumbclock.kernels.requantization import Requantization
from thumbclock.kernels.tables import requantization_struct, table_ctype
from thumbclock.kernels.task import Argument, Array, IntArray, Pointer, Struct, Task
from thumbclock.profiles import CoreProfile

__all__ = ["DepthwiseLayer"]

_STRIP_FILES = ("depthwise/strips.c", "depthwise/strip.S")
_3X3_FILES = (
    "depthwise/general_3x3.c",
    "depthwise/sums_3x3.S",
    "depthwise/general_finish.c",
    *_STRIP_FILES,
)
_FILES = ("depthwise/general.c", "depthwise/general_core.c", "depthwise/general_finish.c")
_DSP_FILE = "depthwise/core_s8.S"


@dataclass(frozen=True)
class DepthwiseLayer:
    """A layer's numbers, unpacked.

    Attributes:
        spec: The depthwise convolution.
        inputs: HWC.
        weights: OHWI with one input channel each.
        requantization: From sums to outputs.
    """

    spec: DepthwiseSpec
    inputs: IntArray
    weights: IntArray
    requantization: Requantization

    def expected(self) -> IntArray:
        """Return the reference's outputs, HWC."""
        return convolve(self.spec.conv, self.inputs, self.weights, self.requantization)

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel for a core.

        Raises:
            UsageError: There is no kernel, or the layer's numbers do not fit it.
        """
        spec, precision = self.spec, self.spec.precision
        if precision.winograd:
            raise UsageError(f"{spec.title} has no kernel {precision.name}; leave out -winograd")
        if precision.unrolled:
            conv = ConvLayer(spec.conv, self.inputs, self.weights, self.requantization)
            return replace(conv.task(core), operator=spec.operator)
        expect_numbers(
            precision,
            (self.inputs, spec.conv.input_shape),
            (self.weights, spec.conv.weight_shape),
            self.requantization,
        )
        if core.dsp and fits_int8_strips(spec, self.requantization):
            return self._task(
                kernel="s8_3x3",
                element="int8_t",
                files=(
                    "depthwise/s8_3x3.c",
                    f"depthwise/s8_3x3_{loop_order(core)}.S",
                    *_STRIP_FILES,
                ),
                weight_bits=(precision.weight_bits,),
                scratch_bytes=int8_strips_scratch_bytes(spec),
            )
        strips = core.dsp and fits_strips(spec)
        general = (*_FILES, _DSP_FILE) if core.dsp else _FILES
        return self._task(
            kernel="3x3" if strips else "",
            element="uint8_t",
            files=_3X3_FILES if strips else general,
            parts=(parts(spec, self.requantization),),
            scratch_bytes=strips_scratch_bytes(spec) if strips else scratch_bytes(spec),
        )

    def _task(
        self,
        *,
        kernel: str,
        element: str,
        files: tuple[str, ...],
        scratch_bytes: int,
        parts: tuple[Argument, ...] = (),
        weight_bits: tuple[Argument, ...] = (),
    ) -> Task:
        """Return a call; what all kernels have in common is added to a kernel's own."""
        spec, conv, precision = self.spec, self.spec.conv, self.spec.precision
        arrays = self._arrays(element)
        sizes = {array.symbol: len(array.data) for array in arrays}
        return Task(
            operator=spec.operator,
            implementation=precision.name,
            weight_bits=precision.weight_bits,
            activation_bits=precision.activation_bits,
            shape=_shape(spec),
            macs=conv.macs,
            header="depthwise/tc_depthwise.h",
            files=files,
            arrays=arrays,
            function=f"tc_depthwise_{kernel}" if kernel else "tc_depthwise",
            arguments=(
                Struct("tc_depthwise_shape", shape_fields(spec)),
                *parts,
                Pointer("tc_input"),
                Pointer("tc_weights"),
                *weight_bits,
                requantization_struct(self.requantization),
                Pointer("tc_output"),
                Pointer("tc_scratch"),
            ),
            output_ctype=element,
            output_bytes=conv.out_h * conv.out_w * pixel_bytes(conv.out_c, precision.output_bits),
            scratch_bytes=scratch_bytes,
            expected=self.expected(),
            unpack=partial(
                unpack_activations,
                shape=conv.output_shape,
                bits=precision.output_bits,
                signed=precision.signed,
            ),
            options={
                "kernel": kernel or "general",
                "weight_count": int(self.weights.size),
                "weight_bytes": sizes["tc_weights"],
                "requantization_bytes": sizes["tc_requantization"],
            },
        )

    def _arrays(self, element: str) -> tuple[Array, ...]:
        spec, precision = self.spec, self.spec.precision
        inputs = pack_activations(self.inputs, precision.activation_bits, signed=precision.signed)
        table = pack_requantization(spec, self.requantization, self.weights)
        return (
            Array("tc_input", element, inputs, "data"),
            Array("tc_weights", "uint8_t", pack_weights(spec, self.weights)),
            Array("tc_requantization", table_ctype(self.requantization), table),
        )


def _shape(spec: DepthwiseSpec) -> dict[str, int]:
    conv = spec.conv
    return {
        "in_h": conv.in_h,
        "in_w": conv.in_w,
        "in_c": conv.in_c,
        "out_h": conv.out_h,
        "out_w": conv.out_w,
        "out_c": conv.out_c,
        "kernel_h": conv.kernel_h,
        "kernel_w": conv.kernel_w,
        "stride_h": conv.stride_h,
        "stride_w": conv.stride_w,
        "dilation_h": conv.dilation_h,
        "dilation_w": conv.dilation_w,
        "pad_top": conv.padding.top,
        "pad_bottom": conv.padding.bottom,
        "pad_left": conv.padding.left,
        "pad_right": conv.padding.right,
    }
