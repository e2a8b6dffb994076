"""The firmware around a program: its sources, and the linker script for a board and placement.

The contract with the C half in ``firmware/``, by symbol:

- ``Reset_Handler`` copies what is placed in RAM from its load address, clears ``.bss``, paints the
  stack, calls ``main`` and exits through semihosting with what it returned.
- ``__stack_limit`` and ``__stack_top`` enclose the stack; ``end`` follows the data.
- With the harness, ``main`` calls the empty ``tc_ready``, where a simulator can stop, and then
  ``tc_kernel``, which the program provides.
"""

from collections.abc import Mapping
from pathlib import Path

from thumbclock import assets
from thumbclock.errors import UsageError
from thumbclock.profiles import BoardProfile, Memory, Placement, Profile
from thumbclock.toolchain import BuildRequest, Source

__all__ = [
    "DEFAULT_STACK_BYTES",
    "STACK_PAINT",
    "boot_memory",
    "linker_script",
    "program",
]

DEFAULT_STACK_BYTES = 16 * 1024
"""What a linker script reserves for the stack where nothing else is asked for."""

STACK_PAINT = 0xC5C5C5C5
"""The word that start-up fills the unused stack with."""

# Nothing is placed at address zero: a pointer to it would be a null pointer.
_NULL_PAGE_BYTES = 32

# Sections start where a flash line or a cache line does, so that cycles do not depend on what
# happens to lie before them.
_LINE_BYTES = 32


def program(
    sources: tuple[Source, ...],
    profile: Profile,
    placement: Placement | None = None,
    *,
    harness: bool = False,
    include_dirs: tuple[Path, ...] = (),
    defines: Mapping[str, str | int] | None = None,
    optimisation: str = "-O3",
    extra_flags: tuple[str, ...] = (),
    stack_bytes: int = DEFAULT_STACK_BYTES,
    name: str = "image",
) -> BuildRequest:
    """Complete a program with start-up, runtime and linker script.

    Args:
        sources: The program; provides ``main``, or with the harness ``tc_kernel``.
        profile: The board and core to build for.
        placement: Which memory holds what; the board's default where none is given.
        harness: Whether to add the ``main`` of a kernel measurement.
        include_dirs: Further folders for headers.
        defines: Macro name -> value.
        optimisation: ``-O0`` to ``-O3``, ``-Os`` or ``-Oz``.
        extra_flags: Further compiler options.
        stack_bytes: Size of the stack, a multiple of 8.
        name: Name of the ELF file without its suffix.

    Raises:
        UsageError: The stack does not fit into its memory.
    """
    where = placement or profile.board.default_placement
    parts = ["startup.c", "semihosting.c", "runtime.c", *(["harness.c"] if harness else [])]
    firmware = assets.path("firmware")
    return BuildRequest(
        sources=(*sources, *(Source.file(firmware / part) for part in parts)),
        profile=profile,
        linker_script=linker_script(profile.board, where, stack_bytes=stack_bytes),
        placement=where,
        include_dirs=include_dirs,
        fallback_include_dirs=(firmware / "include",),
        defines=dict(defines or {}),
        optimisation=optimisation,
        extra_flags=extra_flags,
        name=name,
    )


def boot_memory(board: BoardProfile) -> Memory:
    """Return the memory that holds the vector table and the load image.

    It is the first executable flash, or the first executable memory of a board without one.

    Raises:
        UsageError: No memory of the board is executable.
    """
    executable = [memory for memory in board.memories if memory.executable]
    if not executable:
        raise UsageError(
            f"{board.name} has no executable memory to boot from; set executable = true for one"
        )
    return next((memory for memory in executable if memory.kind == "flash"), executable[0])


def linker_script(
    board: BoardProfile, placement: Placement, *, stack_bytes: int = DEFAULT_STACK_BYTES
) -> str:
    """Return a linker script that puts each part of a program where a placement says.

    Vector table and start-up lie at the start of `boot_memory`; whatever is placed in another
    memory that can be written has its load address there, and an entry in the table of copies
    that start-up makes.

    Args:
        board: The board whose memories are meant.
        placement: Which memory holds what.
        stack_bytes: Size of the stack at the end of its memory, a multiple of 8.

    Raises:
        UsageError: The stack does not fit into its memory.
    """
    boot = boot_memory(board)
    _check_stack(placement.stack, stack_bytes)
    regions = "\n".join(
        _region(memory, boot, stack_bytes if memory == placement.stack else 0)
        for memory in board.memories
    )
    parts = {
        ".text": (placement.code, "*(.text .text.*)"),
        ".rodata": (placement.constants, f"{_INIT_ARRAY}\n        *(.rodata .rodata.*)"),
        ".tc_weights": (placement.weights, "*(.tc_weights .tc_weights.*)"),
        ".data": (placement.data, "*(.data .data.* .tc_data .tc_data.*)"),
    }
    copied = [name for name, (memory, _) in parts.items() if memory != boot and memory.writable]
    sections = "\n".join(
        _section(name, content, memory, boot if name in copied else None)
        for name, (memory, content) in parts.items()
    )
    return _TEMPLATE.format(
        board=board.name,
        placement=placement,
        regions=regions,
        boot=boot.name,
        copies="\n".join(_COPY.format(name=name) for name in copied),
        sections=sections,
        data=placement.data.name,
        line=_LINE_BYTES,
        stack_top=f"{placement.stack.end:#010x}",
        stack_limit=f"{placement.stack.end - stack_bytes:#010x}",
    )


def _check_stack(memory: Memory, stack_bytes: int) -> None:
    if stack_bytes <= 0 or stack_bytes % 8:
        raise UsageError(f"a stack of {stack_bytes} bytes: expected a positive multiple of 8")
    if stack_bytes + _NULL_PAGE_BYTES > memory.size_bytes:
        raise UsageError(
            f"a stack of {stack_bytes} bytes does not fit into {memory.name}, which has "
            f"{memory.size_bytes}; make it smaller, or place it elsewhere with --place stack=..."
        )


def _region(memory: Memory, boot: Memory, stack_bytes: int) -> str:
    skipped = _NULL_PAGE_BYTES if memory.base == 0 and memory != boot else 0
    attributes = "r" + "w" * memory.writable + "x" * memory.executable
    return (
        f"    {memory.name} ({attributes}) : ORIGIN = {memory.base + skipped:#010x}, "
        f"LENGTH = {memory.size_bytes - skipped - stack_bytes}"
    )


def _section(name: str, content: str, memory: Memory, load: Memory | None) -> str:
    target = f"> {memory.name}" + (f" AT > {load.name}" if load else "")
    return _SECTION.format(name=name, content=content, target=target, line=_LINE_BYTES)


# Start-up copies whole words, hence sections whose size is a multiple of one.
_SECTION = """\
    {name} : ALIGN({line})
    {{
        {content}
        . = ALIGN(4);
    }} {target}
"""

_INIT_ARRAY = """\
__init_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*)))
        KEEP(*(.init_array))
        __init_array_end = .;"""

_COPY = "        LONG(LOADADDR({name})) LONG(ADDR({name})) LONG(SIZEOF({name}))"

_TEMPLATE = """\
/* Generated for {board}: {placement} */
ENTRY(Reset_Handler)

MEMORY
{{
{regions}
}}

__stack_top = {stack_top};
__stack_limit = {stack_limit};

SECTIONS
{{
    .vectors :
    {{
        __vectors = .;
        KEEP(*(.vectors))
    }} > {boot}

    .tc_boot : ALIGN(4)
    {{
        *(.tc_boot .tc_boot.*)
        . = ALIGN(4);
        __copy_table_start = .;
{copies}
        __copy_table_end = .;
    }} > {boot}

{sections}
    .bss (NOLOAD) : ALIGN(8)
    {{
        __bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(8);
        __bss_end = .;
        end = .;
    }} > {data} AT > {data}

    /DISCARD/ : {{ *(.ARM.exidx .ARM.exidx.* .ARM.extab .ARM.extab.*) }}
}}
"""
