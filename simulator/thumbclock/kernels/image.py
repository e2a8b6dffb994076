"""From a layer's numbers to the sources of an image that runs its kernel once.

The image offers, besides the firmware's symbols:

- ``tc_kernel()``: runs the kernel on the arrays below;
- ``tc_input``, ``tc_output``, ``tc_scratch``: the kernel's arguments, in the data role;
- ``tc_output_zone``, ``tc_scratch_zone``: the same with `GUARD_BYTES` before and behind, which
  no kernel touches;
- ``tc_weights`` and ``tc_requantization``: in the weights role; of unrolled kernels
  ``tc_unrolled_dot``, in the code role, stands for the weights.
"""

from dataclasses import dataclass

from thumbclock import assets
from thumbclock.errors import UsageError
from thumbclock.firmware import program
from thumbclock.kernels.data import ConvData
from thumbclock.kernels.emit import emit_unrolled
from thumbclock.kernels.packing import (
    pack_activations,
    pack_requantization,
    pack_weights,
    scratch_bytes,
    shape_fields,
)
from thumbclock.kernels.reference import Int8Requantization, UnsignedRequantization
from thumbclock.kernels.spec import ConvSpec
from thumbclock.profiles import Placement, Profile
from thumbclock.toolchain import BuildRequest, Source

__all__ = ["GUARD_BYTES", "KERNEL_FILES", "Zone", "conv_image", "output_bytes", "zones"]

GUARD_BYTES = 32
"""Bytes before and behind output and scratch that must survive the kernel."""

KERNEL_FILES: dict[str, tuple[str, ...]] = {
    "w8a8": ("w8a8.c", "w8a8_dot.S", "copy.S"),
    "w4a8": ("w4a8.c", "masked_dot.S", "copy.S"),
    "w4a4": ("w4a4.c", "w4a4_dot.S", "copy.S"),
    "w2a2": ("w2a2.c", "masked_dot.S", "copy.S"),
    "w1a1": ("w1a1.c",),
    "unrolled": ("unrolled.c", "copy.S"),
}
"""Sources of each kernel in ``kernels/conv``."""


@dataclass(frozen=True)
class Zone:
    """An array that a kernel writes, between its guards.

    Attributes:
        symbol: The array's symbol; its guards start `GUARD_BYTES` before it.
        size_bytes: Size without guards.
    """

    symbol: str
    size_bytes: int


def output_bytes(spec: ConvSpec) -> int:
    """Return the bytes of the packed output."""
    pixel_bytes = -(-spec.out_c * spec.precision.activation_bits // 8)
    return spec.out_h * spec.out_w * pixel_bytes


def zones(spec: ConvSpec) -> tuple[Zone, Zone]:
    """Return output and scratch."""
    return Zone("tc_output", output_bytes(spec)), Zone("tc_scratch", scratch_bytes(spec))


def conv_image(
    data: ConvData,
    profile: Profile,
    placement: Placement | None = None,
    *,
    optimisation: str = "-O3",
) -> BuildRequest:
    """Return what to build for one layer.

    Args:
        data: The layer.
        profile: The board and core.
        placement: Which memory holds what; the board's default where none is given.
        optimisation: Of the C code.

    Raises:
        UsageError: The layer's numbers do not fit the kernel, or the core cannot run it.
    """
    if not profile.core.dsp:
        raise UsageError(
            f"{profile.name} has an {profile.core.title}, which lacks the DSP extension that the "
            "convolution kernels need; choose a profile with a Cortex-M4, M7 or M33"
        )
    spec = data.spec
    folder = assets.path("kernels", "conv")
    sources = [
        Source.generated("tc_layer.c", _layer_source(data)),
        Source.generated("tc_arrays.S", _array_source(data)),
        *(Source.file(folder / name) for name in KERNEL_FILES[spec.precision.kernel]),
    ]
    if spec.precision.unrolled:
        sources.append(Source.generated("tc_unrolled.S", emit_unrolled(spec, data.weights)))
    return program(
        tuple(sources),
        profile,
        placement,
        harness=True,
        include_dirs=(folder,),
        optimisation=optimisation,
        name=f"conv_{spec.precision.name}",
    )


def _layer_source(data: ConvData) -> str:
    spec = data.spec
    requantization, activation = _requantization_source(data)
    weights = "tc_unrolled_dot" if spec.precision.unrolled else "tc_weights"
    declaration = (
        "void tc_unrolled_dot(const uint32_t *columns, int32_t *sums);"
        if spec.precision.unrolled
        else "extern const uint32_t tc_weights[];"
    )
    return f"""\
#include "tc_conv.h"
#include "thumbclock.h"

{declaration}
extern const {activation} tc_input[];
extern {activation} tc_output[];
extern uint32_t tc_scratch[];

static const tc_conv_shape shape = {{{", ".join(str(field) for field in shape_fields(spec))}}};
{requantization}

void tc_kernel(void)
{{
    tc_conv_{spec.precision.kernel}(&shape, tc_input, {weights}, &requant, tc_output, tc_scratch);
}}
"""


def _requantization_source(data: ConvData) -> tuple[str, str]:
    """Return the declarations of the requantization, and the type of an activation."""
    match data.requantization:
        case Int8Requantization() as q:
            fields = (-q.input_offset, q.output_offset, q.activation_min, q.activation_max)
            numbers = ", ".join(str(number) for number in fields)
            return (
                "extern const tc_channel_s8 tc_requantization[];\n"
                f"static const tc_requant_s8 requant = {{tc_requantization, {numbers}}};",
                "int8_t",
            )
        case UnsignedRequantization() as q:
            return (
                "extern const tc_channel_un tc_requantization[];\n"
                f"static const tc_requant_un requant = {{tc_requantization, {q.left}}};",
                "uint8_t",
            )
        case _:
            return (
                "extern const int32_t tc_requantization[];\n"
                "static const tc_requant_b1 requant = {tc_requantization};",
                "uint8_t",
            )


def _array_source(data: ConvData) -> str:
    """Return the arrays as assembly, which is read at once where C would be parsed for seconds."""
    spec = data.spec
    requantization = pack_requantization(spec, data.requantization, data.weights)
    lines = [
        "    .syntax unified",
        '    .section .tc_weights, "a", %progbits',
        *_array("tc_weights", pack_weights(spec, data.weights)),
        *_array("tc_requantization", requantization),
        '    .section .data.tc_data, "aw", %progbits',
        *_array("tc_input", pack_activations(data.inputs, spec.precision.activation_bits)),
        '    .section .bss.tc_data, "aw", %nobits',
    ]
    for zone in zones(spec):
        lines += [
            "    .p2align 5",
            f"    .global {zone.symbol}_zone",
            f"{zone.symbol}_zone:",
            f"    .space {GUARD_BYTES}",
            *_label(zone.symbol, zone.size_bytes),
            f"    .space {zone.size_bytes + GUARD_BYTES}",
        ]
    return "\n".join([*lines, ""])


def _array(symbol: str, data: bytes) -> list[str]:
    if not data:
        return []
    rows = (data[start : start + 32] for start in range(0, len(data), 32))
    body = (f"    .byte {','.join(str(byte) for byte in row)}" for row in rows)
    return ["    .p2align 5", *_label(symbol, len(data)), *body]


def _label(symbol: str, size_bytes: int) -> list[str]:
    return [
        f"    .global {symbol}",
        f"    .type {symbol}, %object",
        f"    .size {symbol}, {size_bytes}",
        f"{symbol}:",
    ]
