"""From a kernel's call to the sources of an image that makes it once.

The image offers, besides the firmware's symbols:

- ``tc_kernel()``: makes the call on the arrays below;
- the arrays of the task, e.g. ``tc_input`` in the data role, ``tc_weights`` in the weights role;
- ``tc_output`` and ``tc_scratch``, in the data role;
- ``tc_output_zone``, ``tc_scratch_zone``: the same with `GUARD_BYTES` before and behind, which
  no kernel touches.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from thumbclock import assets
from thumbclock.firmware import program
from thumbclock.kernels.task import Array, Pointer, Struct, Task
from thumbclock.profiles import Placement, Profile
from thumbclock.toolchain import BuildRequest, Source

__all__ = ["GUARD_BYTES", "Zone", "task_image", "zones"]

GUARD_BYTES = 32
"""Bytes before and behind output and scratch that must survive the kernel."""


@dataclass(frozen=True)
class Zone:
    """An array that a kernel writes, between its guards.

    Attributes:
        symbol: The array's symbol; its guards start `GUARD_BYTES` before it.
        size_bytes: Size without guards.
    """

    symbol: str
    size_bytes: int


def zones(task: Task) -> tuple[Zone, Zone]:
    """Return output and scratch."""
    return Zone("tc_output", task.output_bytes), Zone("tc_scratch", task.scratch_bytes)


def task_image(
    task: Task,
    profile: Profile,
    placement: Placement | None = None,
    *,
    optimisation: str = "-O3",
) -> BuildRequest:
    """Return what to build for one call of a kernel.

    Args:
        task: The call.
        profile: The board and core.
        placement: Which memory holds what; the board's default where none is given.
        optimisation: Of the C code.
    """
    kernels = assets.path("kernels")
    folders = sorted({file.split("/")[0] for file in (*task.files, task.header)} | {"common"})
    return program(
        (
            Source.generated("tc_layer.c", _call_source(task)),
            Source.generated("tc_arrays.S", _array_source(task)),
            *(Source.file(kernels / name) for name in task.files),
            *task.generated,
        ),
        profile,
        placement,
        harness=True,
        include_dirs=tuple(kernels / folder for folder in folders),
        optimisation=optimisation,
        name=f"{task.operator}_{task.implementation}",
    )


def _call_source(task: Task) -> str:
    structs, arguments = "", list[str]()
    for index, argument in enumerate(task.arguments):
        if isinstance(argument, Struct):
            structs += _struct(argument, f"argument{index}") + "\n"
            arguments.append(f"&argument{index}")
        else:
            arguments.append(_expression(argument))
    arrays = "\n".join(f"extern const {array.ctype} {array.symbol}[];" for array in task.arrays)
    return f"""\
#include "{task.header.split("/")[-1]}"
#include "thumbclock.h"

{arrays}
extern {task.output_ctype} tc_output[];
extern uint32_t tc_scratch[];

{task.declarations}
{structs}

void tc_kernel(void)
{{
    {task.function}({", ".join(arguments)});
}}
"""


def _struct(struct: Struct, name: str) -> str:
    fields = ", ".join(_expression(field) for field in struct.fields)
    return f"static const {struct.ctype} {name} = {{{fields}}};"


def _expression(value: int | Pointer) -> str:
    return value.symbol if isinstance(value, Pointer) else str(value)


def _array_source(task: Task) -> str:
    """Return the arrays as assembly, which is read at once where C would be parsed for seconds."""
    lines = [
        "    .syntax unified",
        '    .section .tc_weights, "a", %progbits',
        *_arrays(array for array in task.arrays if array.role == "weights"),
        '    .section .data.tc_data, "aw", %progbits',
        *_arrays(array for array in task.arrays if array.role == "data"),
        '    .section .bss.tc_data, "aw", %nobits',
    ]
    for zone in zones(task):
        lines += [
            "    .p2align 5",
            f"    .global {zone.symbol}_zone",
            f"{zone.symbol}_zone:",
            f"    .space {GUARD_BYTES}",
            *_label(zone.symbol, zone.size_bytes),
            f"    .space {zone.size_bytes + GUARD_BYTES}",
        ]
    return "\n".join([*lines, ""])


def _arrays(arrays: Iterable[Array]) -> Iterator[str]:
    for array in arrays:
        rows = (array.data[start : start + 32] for start in range(0, len(array.data), 32))
        yield "    .p2align 5"
        yield from _label(array.symbol, len(array.data))
        yield from (f"    .byte {','.join(str(byte) for byte in row)}" for row in rows)


def _label(symbol: str, size_bytes: int) -> list[str]:
    return [
        f"    .global {symbol}",
        f"    .type {symbol}, %object",
        f"    .size {symbol}, {size_bytes}",
        f"{symbol}:",
    ]
