"""The call of a convolution whose weights are constants in emitted code."""

from functools import partial

from thumbclock.kernels.conv.emit import FUNCTION, emit_unrolled
from thumbclock.kernels.conv.lines import lines_of
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.packed import pack_activations, unpack_activations
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.kernels.task import Array, IntArray, Pointer, Struct, Task
from thumbclock.profiles import CoreProfile
from thumbclock.toolchain import Source

__all__ = ["unrolled_task"]


def unrolled_task(
    spec: ConvSpec,
    inputs: IntArray,
    weights: IntArray,
    requantization: Int8Requantization,
    expected: IntArray,
    core: CoreProfile,
) -> Task:
    """Return the call of ``tc_conv_unrolled`` for a core with the DSP extension.

    Args:
        spec: The convolution.
        inputs: HWC.
        weights: OHWI; operands to leave out are zero.
        requantization: From sums to outputs.
        expected: The reference's outputs.
        core: The core.

    Raises:
        UsageError: A sum could leave 32 bits.
    """
    lines = lines_of(spec)
    assembly = emit_unrolled(spec, weights, requantization, core)
    return Task(
        operator="conv",
        implementation=spec.precision.name,
        weight_bits=8,
        activation_bits=8,
        shape={},
        macs=spec.macs,
        header="conv/tc_unrolled.h",
        files=("conv/unrolled.c",),
        generated=(Source.generated("tc_unrolled.S", assembly),),
        arrays=(Array("tc_input", "int8_t", pack_activations(inputs, 8), "data"),),
        declarations=f"void {FUNCTION}(const int16_t *window, int8_t *output);",
        function="tc_conv_unrolled",
        arguments=(
            Struct("tc_lines", lines.fields(-requantization.input_offset)),
            Pointer("tc_input"),
            Pointer(FUNCTION),
            Pointer("tc_output"),
            Pointer("tc_scratch"),
        ),
        output_ctype="int8_t",
        output_bytes=spec.out_h * spec.out_w * spec.out_c,
        scratch_bytes=lines.scratch_bytes,
        expected=expected,
        unpack=partial(unpack_activations, shape=spec.output_shape, bits=8),
        options={
            "weight_count": int(weights.size),
            "skip_percent": spec.precision.skip_percent,
            "zero_weights": int((weights == 0).sum()),
        },
    )
