"""A convolution with its numbers, and the call of the kernel that computes it."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.checks import expect_numbers
from thumbclock.kernels.conv.dense import fits_groups, is_dense, pack_groups
from thumbclock.kernels.conv.mixed import (
    channel_block,
    mixed_excess,
    mixed_files,
    mixed_parts,
    mixed_scratch_bytes,
    mixed_shape,
    pack_mixed_weights,
)
from thumbclock.kernels.conv.packing import (
    keeps_rows,
    pack_requantization,
    pack_weights,
    scratch_bytes,
    shape_fields,
)
from thumbclock.kernels.conv.reference import convolve
from thumbclock.kernels.conv.sliced import (
    high_planes,
    is_sliced,
    pack_sliced_start,
    pack_sliced_weights,
    sliced_scratch_bytes,
)
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.conv.unrolled import unrolled_task
from thumbclock.kernels.conv.winograd import (
    check_winograd,
    check_winograd_sums,
    pack_winograd,
    winograd_files,
    winograd_scratch_bytes,
)
from thumbclock.kernels.cores import loop_order
from thumbclock.kernels.packed import (
    activation_ctype,
    pack_activations,
    pixel_bytes,
    unpack_activations,
)
from thumbclock.kernels.requantization import (
    Int8Requantization,
    Requantization,
    ThresholdRequantization,
)
from thumbclock.kernels.tables import TABLE, pack_table, requantization_struct, table_ctype
from thumbclock.kernels.task import Argument, Array, IntArray, Pointer, Struct, Task
from thumbclock.profiles import CoreProfile

__all__ = ["KERNEL_FILES", "ConvLayer"]

KERNEL_FILES: dict[str, tuple[str, ...]] = {
    "w8a8": ("conv/w8a8.c", "conv/w8a8_dot_{order}.S", "conv/copy.S"),
    "w4a8": ("conv/w4a8.c", "conv/w4a8_dot_{order}.S", "conv/copy.S"),
    "w4a4": ("conv/w4a4.c", "conv/w4a4_dot_{order}.S", "conv/w4a4_finish.S", "conv/copy.S"),
    "w2a2": ("conv/w2a2.c", "conv/w2a2_dot_{order}.S", "conv/w2a2_finish.S"),
    "w1a1": ("conv/w1a1.c",),
    "w1a1_sliced": ("conv/w1a1_sliced.c", "conv/w1a1_sliced_dot_{order}.S"),
}
"""Sources of each kernel, below ``kernels/``; {order} is a core's `loop_order`."""


@dataclass(frozen=True)
class ConvLayer:
    """A layer's numbers, unpacked.

    Attributes:
        spec: The convolution.
        inputs: HWC.
        weights: OHWI; operands that are left out are zero.
        requantization: From sums to outputs.
    """

    spec: ConvSpec
    inputs: IntArray
    weights: IntArray
    requantization: Requantization

    def expected(self) -> IntArray:
        """Return the reference's outputs, HWC."""
        return convolve(self.spec, self.inputs, self.weights, self.requantization)

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel for a core.

        Raises:
            UsageError: The core cannot run it, or the layer's numbers do not fit it.
        """
        precision = self.spec.precision
        expect_numbers(
            precision,
            (self.inputs, self.spec.input_shape),
            (self.weights, self.spec.weight_shape),
            self.requantization,
        )
        if not core.dsp and (precision.unrolled or precision.winograd):
            raise UsageError(
                f"the {core.title} lacks the DSP extension that {precision.name} needs; choose a "
                f"profile with a Cortex-M4, M7 or M33, or {precision.base}"
            )
        if precision.unrolled:
            return self._unrolled_task(core)
        if precision.winograd:
            return self._winograd_task(core)
        if _has_fast_path(self.spec) and is_sliced(self.spec) and core.architecture != "Armv6-M":
            return self._sliced_task(core)
        if _has_fast_path(self.spec) and _fits_core(self.spec, core):
            return self._fast_task(core)
        return self._mixed_task(core)

    def _unrolled_task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel whose weights are constants in emitted code."""
        precision = self.spec.precision
        if not isinstance(self.requantization, Int8Requantization) or precision.base != "w8a8":
            raise UsageError(
                f"{self.spec.title} has no kernel {precision.name}; unrolled kernels have weights, "
                "inputs and outputs of 8 bits"
            )
        task = unrolled_task(
            self.spec, self.inputs, self.weights, self.requantization, self.expected(), core
        )
        return replace(task, shape=_shape(self.spec))

    def _fast_task(self, core: CoreProfile) -> Task:
        """Return the call of a kernel that is made by hand for its precision."""
        spec, precision = self.spec, self.spec.precision
        weights, requantization = self._rising()
        by_thresholds = "_thresholds" if precision.thresholds and precision.output_bits > 1 else ""
        by_groups = fits_groups(spec, self.requantization, self.weights)
        if by_groups and isinstance(requantization, Int8Requantization):
            group_ctype, table = "tc_dense_group", pack_groups(spec, requantization, weights)
        else:
            group_ctype, table = None, pack_requantization(spec, requantization, weights)
        return self._task(
            kernel=precision.base,
            header="conv/tc_conv.h",
            files=_files(precision.base, core),
            weights=pack_weights(spec, weights),
            table=table,
            group_ctype=group_ctype,
            function=f"tc_conv_{precision.base}{by_thresholds}",
            arguments=(
                Struct("tc_conv_shape", shape_fields(spec)),
                Pointer("tc_input"),
                Pointer("tc_weights"),
                self._dense_requantization() if is_dense(spec) else self._requantization(),
            ),
            scratch_bytes=scratch_bytes(spec, by_sums=is_dense(spec) and not by_groups),
            options={"keeps_rows": keeps_rows(spec)},
        )

    def _sliced_task(self, core: CoreProfile) -> Task:
        """Return the call of the binary kernel that is bit-sliced over output channels."""
        spec = self.spec
        weights, requantization = self._rising()
        assert isinstance(requantization, ThresholdRequantization)
        return self._task(
            kernel="w1a1_sliced",
            header="conv/tc_conv.h",
            files=_files("w1a1_sliced", core),
            weights=pack_sliced_weights(spec, weights),
            table=pack_sliced_start(spec, requantization),
            function="tc_conv_w1a1_sliced",
            arguments=(
                Struct("tc_conv_shape", shape_fields(spec)),
                Pointer("tc_input"),
                Pointer("tc_weights"),
                Struct("tc_requant_sliced", (TABLE, high_planes(spec))),
            ),
            scratch_bytes=sliced_scratch_bytes(spec),
        )

    def _winograd_task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel that needs fewer products and more flash."""
        spec = self.spec
        check_winograd(spec)
        check_winograd_sums(spec, self.requantization, self.weights)
        by_channel = self.weights.reshape(spec.out_c, -1)
        return self._task(
            kernel="w8a8_winograd",
            header="conv/tc_conv.h",
            files=winograd_files(core),
            weights=pack_winograd(self.weights),
            table=pack_table(self.requantization, by_channel, spec.precision),
            function="tc_conv_w8a8_winograd",
            arguments=(
                Struct("tc_conv_shape", shape_fields(spec)),
                Pointer("tc_input"),
                Pointer("tc_weights"),
                self._requantization(),
            ),
            scratch_bytes=winograd_scratch_bytes(spec),
        )

    def _mixed_task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel that is put together for any precision and shape."""
        spec, precision = self.spec, self.spec.precision
        by_channel = self.weights.reshape(spec.out_c, -1)
        block = channel_block(core)
        return self._task(
            kernel="mixed",
            header="conv/tc_mixed.h",
            files=mixed_files(core),
            weights=pack_mixed_weights(spec, self.weights, block),
            table=pack_table(
                self.requantization, by_channel, precision, mixed_excess(spec, self.weights)
            ),
            function="tc_conv_mixed",
            arguments=(
                mixed_shape(spec, self.requantization.input_offset),
                mixed_parts(precision, block),
                Pointer("tc_input"),
                Pointer("tc_weights"),
                self._requantization(),
            ),
            scratch_bytes=mixed_scratch_bytes(spec, block),
        )

    def _task(
        self,
        *,
        kernel: str,
        header: str,
        files: tuple[str, ...],
        weights: bytes,
        table: bytes,
        group_ctype: str | None = None,
        function: str,
        arguments: tuple[Argument, ...],
        scratch_bytes: int,
        options: dict[str, bool | int | float | str] | None = None,
    ) -> Task:
        """Return a call; what all kernels have in common is added to a kernel's own."""
        spec, precision = self.spec, self.spec.precision
        inputs = pack_activations(self.inputs, precision.activation_bits, signed=precision.signed)
        element = group_ctype or table_ctype(self.requantization)
        arrays = [
            Array("tc_input", activation_ctype(precision.activation_bits), inputs, "data"),
            Array("tc_weights", "uint32_t", weights),
            Array("tc_requantization", element, table),
        ]
        stated: dict[str, bool | int | float | str] = {
            "kernel": kernel,
            "weight_count": int(self.weights.size),
            "weight_bytes": len(weights),
            "requantization_bytes": len(table),
            **(options or {}),
        }
        return Task(
            operator="conv",
            implementation=precision.name,
            weight_bits=precision.weight_bits,
            activation_bits=precision.activation_bits,
            shape=_shape(spec),
            macs=spec.macs,
            header=header,
            files=files,
            arrays=tuple(arrays),
            function=function,
            arguments=(*arguments, Pointer("tc_output"), Pointer("tc_scratch")),
            output_ctype=activation_ctype(precision.output_bits),
            output_bytes=spec.out_h * spec.out_w * pixel_bytes(spec.out_c, precision.output_bits),
            scratch_bytes=scratch_bytes,
            expected=self.expected(),
            unpack=partial(
                unpack_activations,
                shape=spec.output_shape,
                bits=precision.output_bits,
                signed=precision.signed,
            ),
            options=stated,
        )

    def _rising(self) -> tuple[IntArray, Requantization]:
        """Return weights and requantization; of binary weights those of channels that rise.

        A sum that reaches its threshold, with weights negated, stays below 1 less it.
        """
        requantization = self.requantization
        if self.spec.precision.weight_bits > 1:
            return self.weights, requantization
        assert isinstance(requantization, ThresholdRequantization)
        falls = requantization.falls[:, None]
        thresholds = np.where(falls, 1 - requantization.thresholds, requantization.thresholds)
        signs = 1 - 2 * falls[:, :, None, None]
        return self.weights * signs, replace(requantization, thresholds=thresholds, falling=None)

    def _dense_requantization(self) -> Struct:
        q = self.requantization
        assert isinstance(q, Int8Requantization)
        bounds = requantization_struct(q).fields[1:]
        if fits_groups(self.spec, q, self.weights):
            return Struct("tc_requant_dense", (0, *bounds, TABLE))
        return Struct("tc_requant_dense", (TABLE, *bounds, 0))

    def _requantization(self) -> Struct:
        if _has_fast_path(self.spec) and self.spec.precision.output_bits == 1:
            return Struct("tc_requant_b1", (TABLE,))
        return requantization_struct(self.requantization)


_PORTABLE = ("w1a1",)  # kernels that need no DSP instructions

_MOST_PRODUCTS_W4A4 = (1 << 19) // (8 * 15)  # of a channel whose sum has 20 bits


def _files(kernel: str, core: CoreProfile) -> tuple[str, ...]:
    return tuple(name.format(order=loop_order(core)) for name in KERNEL_FILES[kernel])


def _has_fast_path(spec: ConvSpec) -> bool:
    """Whether a kernel is made by hand for a precision and shape."""
    precision = spec.precision
    return (
        precision.base in KERNEL_FILES
        and precision.output_bits == precision.activation_bits
        and not precision.signed
        and spec.groups == 1
        and not spec.is_dilated
    )


def _fits_core(spec: ConvSpec, core: CoreProfile) -> bool:
    """Whether a core runs the kernel of a fast path, and its accumulators hold the layer's sums."""
    if not core.dsp:
        return spec.precision.base in _PORTABLE
    if spec.precision.base == "w4a4" and core.name != "cortex-m7":
        return spec.products <= _MOST_PRODUCTS_W4A4
    return True


def _shape(spec: ConvSpec) -> dict[str, int]:
    optional = {
        "dilation_h": spec.dilation_h,
        "dilation_w": spec.dilation_w,
        "groups": spec.groups,
    }
    return {
        "in_h": spec.in_h,
        "in_w": spec.in_w,
        "in_c": spec.in_c,
        "out_h": spec.out_h,
        "out_w": spec.out_w,
        "out_c": spec.out_c,
        "kernel_h": spec.kernel_h,
        "kernel_w": spec.kernel_w,
        "stride_h": spec.stride_h,
        "stride_w": spec.stride_w,
        "pad_top": spec.padding.top,
        "pad_bottom": spec.padding.bottom,
        "pad_left": spec.padding.left,
        "pad_right": spec.padding.right,
        **{name: extent for name, extent in optional.items() if extent != 1},
    }
