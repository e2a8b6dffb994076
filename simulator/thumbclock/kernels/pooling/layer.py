"""A pooling with its numbers, and the call of the kernel that computes it."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from thumbclock.kernels.packed import (
    activation_ctype,
    pack_activations,
    pixel_bytes,
    unpack_activations,
)
from thumbclock.kernels.pooling.reference import pool
from thumbclock.kernels.pooling.spec import PoolSpec
from thumbclock.kernels.task import Array, IntArray, Pointer, Struct, Task
from thumbclock.kernels.weightless import (
    ActivationRange,
    draw_activations,
    expect_activations,
    parse_activation,
    weightless_name,
)
from thumbclock.profiles import CoreProfile

__all__ = ["PoolLayer", "random_layer"]


@dataclass(frozen=True)
class PoolLayer:
    """A pooling's numbers, unpacked.

    Attributes:
        spec: The pooling.
        inputs: HWC.
        activation: What outputs of 8 bits are clamped to.
    """

    spec: PoolSpec
    inputs: IntArray
    activation: ActivationRange = field(default_factory=ActivationRange)

    def task(self, core: CoreProfile) -> Task:
        """Return the call of the kernel for a core.

        Raises:
            UsageError: The inputs are not those of the specification.
        """
        expect_activations("inputs", self.inputs, self.spec.input_shape, self.spec.precision)
        spec, bits = self.spec, self.spec.precision.activation_bits
        signed = spec.precision.signed
        name = weightless_name(spec.precision)
        ctype = activation_ctype(bits)
        bounds = (self.activation.low, self.activation.high) if bits == 8 else ()
        short = {"max": "max", "average": "avg"}[spec.kind]
        return Task(
            operator=spec.operator,
            implementation=name,
            weight_bits=0,
            activation_bits=bits,
            shape=_shape(spec),
            macs=0,
            header="pooling/tc_pooling.h",
            files=_files(spec, core),
            arrays=(
                Array(
                    *("tc_input", ctype, pack_activations(self.inputs, bits, signed=signed)),
                    role="data",
                ),
            ),
            function=f"tc_{short}pool_{name}",
            arguments=(
                Struct("tc_pool_shape", _fields(spec)),
                Pointer("tc_input"),
                *bounds,
                Pointer("tc_output"),
            ),
            output_ctype=ctype,
            output_bytes=spec.out_h * spec.out_w * pixel_bytes(spec.channels, bits),
            expected=pool(spec, self.inputs, self.activation),
            unpack=partial(unpack_activations, shape=spec.output_shape, bits=bits, signed=signed),
        )


def random_layer(spec: PoolSpec, seed: int = 0) -> PoolLayer:
    """Draw a pooling's inputs; where a range depends on a zero point and a scale, these too."""
    rng = np.random.default_rng(seed)
    inputs = draw_activations(rng, spec.input_shape, spec.precision)
    zero_point, scale = int(rng.integers(-128, -100)), 6.0 / float(rng.integers(100, 240))
    return PoolLayer(spec, inputs, parse_activation(spec.activation, zero_point, scale))


def _files(spec: PoolSpec, core: CoreProfile) -> tuple[str, ...]:
    eight = spec.precision.activation_bits == 8
    if spec.kind == "average":
        return (f"pooling/avgpool_{'a8' if eight else 'fields'}.c",)
    if core.dsp:
        return ("pooling/maxpool.c", "pooling/max_2x2.S")
    return ("pooling/maxpool.c",)


def _fields(spec: PoolSpec) -> tuple[int, ...]:
    """Return the fields of ``tc_pool_shape``; an image pooled as a whole is one long row."""
    size = pixel_bytes(spec.channels, spec.precision.activation_bits)
    pixels = spec.in_h * spec.in_w
    if spec.whole:
        return (1, pixels, 1, 1, 1, pixels, 1, 1, 0, 0, size)
    return (
        *(spec.in_h, spec.in_w, spec.out_h, spec.out_w, spec.kernel_h, spec.kernel_w),
        *(spec.stride_h, spec.stride_w, spec.padding.top, spec.padding.left, size),
    )


def _shape(spec: PoolSpec) -> dict[str, int]:
    return {
        "in_h": spec.in_h,
        "in_w": spec.in_w,
        "in_c": spec.channels,
        "out_h": spec.out_h,
        "out_w": spec.out_w,
        "out_c": spec.channels,
        "kernel_h": spec.kernel_h,
        "kernel_w": spec.kernel_w,
        "stride_h": spec.stride_h,
        "stride_w": spec.stride_w,
        "pad_top": spec.padding.top,
        "pad_bottom": spec.padding.bottom,
        "pad_left": spec.padding.left,
        "pad_right": spec.padding.right,
    }
