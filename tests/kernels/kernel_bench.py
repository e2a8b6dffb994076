"""Kernels under plain Unicorn, apart from thumbclock's own machine: outputs and instruction counts.

Everything that a kernel reads ends where a page ends, so that a read behind it faults; what it
writes does so, too, and has guards in front. An image with a kernel serves all calls of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import capstone
import numpy as np
from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_THUMB, Uc
from unicorn import arm_const as arm

from thumbclock import assets
from thumbclock.firmware import program
from thumbclock.kernels.image import GUARD_BYTES
from thumbclock.kernels.task import Argument, IntArray, Layer, Pointer, Struct, Task
from thumbclock.profiles import Profile, load_profile
from thumbclock.toolchain import Source, build, find_toolchain

_PAGE = 4096
_STACK = 0x4000_0000
_STACK_BYTES = 1 << 16
_STOP = 0x1000_0000  # 0x40000000 and up is not executable
_GUARD = bytes(range(0x51, 0x51 + GUARD_BYTES))

_MODELS = {
    "cortex-m0": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}


@dataclass(frozen=True)
class Outcome:
    """What a call left behind."""

    outputs: IntArray
    guards_intact: bool
    instructions: int


def check(layer: Layer, *, toolchain: str = "zig", profile: str = "ideal-m7") -> None:
    """Run a layer's kernel; its outputs are the reference's, and nothing else is touched."""
    board = load_profile(profile)
    task = layer.task(board.core)
    outcome = run(task, toolchain=toolchain, profile=board)
    np.testing.assert_array_equal(outcome.outputs, task.expected)
    assert outcome.guards_intact


def run(
    task: Task, *, toolchain: str = "zig", profile: Profile | None = None, count: bool = False
) -> Outcome:
    """Make a kernel's call and return what it wrote."""
    board = profile or load_profile("ideal-m7")
    folders = tuple(sorted({name.split("/")[0] for name in (*task.files, task.header)}))
    if task.generated:
        image = _link(task.files, folders, task.generated, toolchain, board)
    else:
        image = _library(task.files, folders, toolchain, board.name)
    return _Call(image, task, board.core.name).result(count=count)


@cache
def _library(
    files: tuple[str, ...], folders: tuple[str, ...], toolchain: str, profile: str
) -> Path:
    """Build an image with kernels that need no emitted code."""
    return _link(files, folders, (), toolchain, load_profile(profile))


def _link(
    files: tuple[str, ...],
    folders: tuple[str, ...],
    generated: tuple[Source, ...],
    toolchain: str,
    profile: Profile,
) -> Path:
    """Build an image with every function of some sources, called or not."""
    kernels = assets.path("kernels")
    flags = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]
    if toolchain == "gcc":
        flags.append("-Wno-missing-attributes")  # the firmware's aliases of newlib's functions
    request = program(
        (
            Source.generated("nothing.c", "void tc_kernel(void) {}\n"),
            *(Source.file(kernels / name) for name in files),
            *generated,
        ),
        profile,
        harness=True,
        include_dirs=tuple(kernels / folder for folder in sorted({*folders, "common"})),
        extra_flags=tuple(flags),
    )
    code = "*(.text .text.*)"
    assert code in request.linker_script
    kept = request.linker_script.replace(code, f"KEEP({code})")
    return build(replace(request, linker_script=kept), find_toolchain(toolchain)).elf


class _Call:
    """One engine with one task's arrays."""

    def __init__(self, image: Path, task: Task, core: str) -> None:
        self.task = task
        self.engine = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.engine.ctl_set_cpu_model(_MODELS[core])
        self.symbols = self._load(image)
        self.engine.mem_map(_STACK, _STACK_BYTES)
        self.engine.mem_map(_STOP, _PAGE)
        self.next_page = 0x6000_0000
        for array in task.arrays:
            self.symbols[array.symbol] = self._bytes(array.data)
        for symbol, size_bytes in (
            ("tc_output", task.output_bytes),
            ("tc_scratch", task.scratch_bytes),
        ):
            content = _GUARD + bytes([0xA5]) * size_bytes
            self.symbols[symbol] = self._bytes(content) + GUARD_BYTES

    def _load(self, image: Path) -> dict[str, int]:
        self.engine.mem_map(0x0000_0000, 1 << 22)
        self.engine.mem_map(0x0800_0000, 1 << 22)
        self.engine.mem_map(0x2000_0000, 1 << 20)
        with image.open("rb") as stream:
            elf = ELFFile(stream)
            for segment in elf.iter_segments("PT_LOAD"):
                self.engine.mem_write(segment["p_vaddr"], segment.data())
            table = elf.get_section_by_name(".symtab")
            return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}

    def _bytes(self, content: bytes) -> int:
        """Place bytes so that a page ends behind them (and behind what aligns them)."""
        padded = content + _GUARD[: -len(content) % 4]
        pages = max(-(-len(padded) // _PAGE), 1)
        base = self.next_page
        self.next_page += (pages + 1) * _PAGE
        self.engine.mem_map(base, pages * _PAGE)
        address = base + pages * _PAGE - len(padded)
        self.engine.mem_write(address, padded)
        return address

    def _intact(self, symbol: str, size_bytes: int) -> bool:
        address = self.symbols[symbol]
        before = bytes(self.engine.mem_read(address - GUARD_BYTES, GUARD_BYTES))
        filled = bytes(self.engine.mem_read(address + size_bytes, -size_bytes % 4))
        return before == _GUARD and filled == _GUARD[: -size_bytes % 4]

    def _value(self, argument: Argument) -> int:
        match argument:
            case Pointer(symbol):
                return self.symbols[symbol]
            case Struct(fields=fields):
                return self._bytes(b"".join(self._word(field) for field in fields))
            case number:
                return number & 0xFFFFFFFF

    def _word(self, value: int | Pointer) -> bytes:
        return (self._value(value) & 0xFFFFFFFF).to_bytes(4, "little")

    def result(self, *, count: bool) -> Outcome:
        task = self.task
        values = tuple(self._value(argument) for argument in task.arguments)
        instructions = self._call(self.symbols[task.function], values, count=count)
        raw = bytes(self.engine.mem_read(self.symbols["tc_output"], task.output_bytes))
        intact = self._intact("tc_output", task.output_bytes) and self._intact(
            "tc_scratch", task.scratch_bytes
        )
        return Outcome(task.unpack(raw), intact, instructions)

    def _call(self, function: int, arguments: tuple[int, ...], *, count: bool) -> int:
        engine = self.engine
        stack = _STACK + _STACK_BYTES - 64
        registers = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
        for register, value in zip(registers, arguments, strict=False):
            engine.reg_write(register, value)
        for index, value in enumerate(arguments[4:]):
            engine.mem_write(stack + 4 * index, value.to_bytes(4, "little"))
        engine.reg_write(arm.UC_ARM_REG_SP, stack)
        engine.reg_write(arm.UC_ARM_REG_LR, _STOP | 1)
        blocks: dict[tuple[int, int], int] = {}
        if count:

            def note(_engine: Uc, address: int, size: int, _data: object) -> None:
                blocks[address, size] = blocks.get((address, size), 0) + 1

            engine.hook_add(UC_HOOK_BLOCK, note)
        engine.emu_start(function | 1, _STOP)
        return sum(times * self._length(*block) for block, times in blocks.items())

    def _length(self, address: int, size: int) -> int:
        decoder = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        return sum(1 for _ in self._decoded(decoder, address, size))

    def _decoded(self, decoder: capstone.Cs, address: int, size: int) -> Iterator[object]:
        yield from decoder.disasm_lite(bytes(self.engine.mem_read(address, size)), address)
