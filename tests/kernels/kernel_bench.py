"""Kernels under plain Unicorn, apart from thumbclock's own machine: outputs and instruction counts.

Inputs and weights end where a page ends, so that a read behind them faults; output and scratch lie
between guards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import capstone
from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_THUMB, Uc
from unicorn import arm_const as arm

from thumbclock import assets
from thumbclock.firmware import program
from thumbclock.kernels.data import ConvData
from thumbclock.kernels.emit import emit_unrolled
from thumbclock.kernels.image import GUARD_BYTES, KERNEL_FILES, output_bytes
from thumbclock.kernels.packing import (
    pack_activations,
    pack_requantization,
    pack_weights,
    scratch_bytes,
    shape_fields,
    unpack_activations,
)
from thumbclock.kernels.reference import Int8Requantization, IntArray, UnsignedRequantization
from thumbclock.profiles import load_profile
from thumbclock.toolchain import Source, build, find_toolchain

_PAGE = 4096
_RAM = 0x4000_0000
_RAM_BYTES = 1 << 22
_STOP = 0x1000_0000  # 0x40000000 and up is not executable
_GUARD = bytes(range(0x51, 0x51 + GUARD_BYTES))


@dataclass(frozen=True)
class Outcome:
    """What a call left behind."""

    outputs: IntArray
    guards_intact: bool
    instructions: int


@cache
def library(toolchain: str) -> Path:
    """Build an image with every kernel that needs no emitted code."""
    folder = assets.path("kernels", "conv")
    names = sorted({name for files in KERNEL_FILES.values() for name in files})
    symbols = ", ".join(f"(void *)tc_conv_{kernel}" for kernel in KERNEL_FILES)
    main = (
        '#include "tc_conv.h"\n#include "thumbclock.h"\n'
        f"void *volatile kept[] = {{{symbols}}};\nvoid tc_kernel(void) {{ (void)kept[0]; }}\n"
    )
    return _build(
        (Source.generated("keep.c", main), *map(Source.file, map(folder.joinpath, names))),
        toolchain,
    )


def _build(sources: tuple[Source, ...], toolchain: str) -> Path:
    profile = load_profile("ideal-m7")
    folder = assets.path("kernels", "conv")
    flags = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]
    if toolchain == "gcc":
        flags.append("-Wno-missing-attributes")  # the firmware's aliases of newlib's functions
    request = program(
        sources, profile, harness=True, include_dirs=(folder,), extra_flags=tuple(flags)
    )
    return build(request, find_toolchain(toolchain)).elf


def run(data: ConvData, *, toolchain: str = "zig", count: bool = False) -> Outcome:
    """Run a layer's kernel and return what it wrote."""
    if data.spec.precision.unrolled:
        folder = assets.path("kernels", "conv")
        main = (
            '#include "tc_conv.h"\n#include "thumbclock.h"\n'
            "void tc_unrolled_dot(const uint32_t *columns, int32_t *sums);\n"
            "void *volatile kept[] = {(void *)tc_conv_unrolled, (void *)tc_unrolled_dot};\n"
            "void tc_kernel(void) { (void)kept[0]; }\n"
        )
        sources = (
            Source.generated("keep.c", main),
            *(Source.file(folder / name) for name in KERNEL_FILES["unrolled"]),
            Source.generated("tc_unrolled.S", emit_unrolled(data.spec, data.weights)),
        )
        image = _build(sources, toolchain)
    else:
        image = library(toolchain)
    return _Call(image, data).result(count=count)


class _Call:
    """One engine with one layer's arrays."""

    def __init__(self, image: Path, data: ConvData) -> None:
        self.data = data
        self.engine = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.engine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
        self.symbols = self._load(image)
        self.engine.mem_map(_RAM, _RAM_BYTES)
        self.engine.mem_map(_STOP, _PAGE)
        self.free = _RAM
        self.next_page = 0x6000_0000

    def _load(self, image: Path) -> dict[str, int]:
        self.engine.mem_map(0x0800_0000, 1 << 22)
        self.engine.mem_map(0x2000_0000, 1 << 20)
        with image.open("rb") as stream:
            elf = ELFFile(stream)
            for segment in elf.iter_segments("PT_LOAD"):
                self.engine.mem_write(segment["p_vaddr"], segment.data())
            table = elf.get_section_by_name(".symtab")
            return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}

    def _words(self, *words: int) -> int:
        return self._bytes(b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words))

    def _bytes(self, content: bytes) -> int:
        """Place bytes so that a page ends behind them (and behind what aligns them)."""
        padded = content + bytes(-len(content) % 4)
        pages = -(-len(padded) // _PAGE)
        base = self.next_page
        self.next_page += (pages + 1) * _PAGE
        self.engine.mem_map(base, max(pages, 1) * _PAGE)
        address = base + max(pages, 1) * _PAGE - len(padded)
        self.engine.mem_write(address, padded)
        return address

    def _zone(self, size_bytes: int) -> int:
        address = self.free + GUARD_BYTES
        self.engine.mem_write(self.free, _GUARD)
        self.engine.mem_write(address, bytes([0xA5]) * size_bytes + _GUARD)
        self.free = (address + size_bytes + GUARD_BYTES + 7) & ~7
        return address

    def _intact(self, address: int, size_bytes: int) -> bool:
        before = self.engine.mem_read(address - GUARD_BYTES, GUARD_BYTES)
        behind = self.engine.mem_read(address + size_bytes, GUARD_BYTES)
        return bytes(before) == _GUARD and bytes(behind) == _GUARD

    def _requantization(self) -> int:
        data = self.data
        table = self._bytes(pack_requantization(data.spec, data.requantization, data.weights))
        match data.requantization:
            case Int8Requantization() as q:
                return self._words(
                    table, -q.input_offset, q.output_offset, q.activation_min, q.activation_max
                )
            case UnsignedRequantization() as q:
                return self._words(table, q.left)
            case _:
                return self._words(table)

    def result(self, *, count: bool) -> Outcome:
        data, spec = self.data, self.data.spec
        bits = spec.precision.activation_bits
        shape = self._words(*shape_fields(spec))
        unrolled = spec.precision.unrolled
        output = self._zone(output_bytes(spec))
        scratch = self._zone(scratch_bytes(spec))
        arguments = (
            shape,
            self._bytes(pack_activations(data.inputs, bits)),
            self.symbols["tc_unrolled_dot"]
            if unrolled
            else self._bytes(pack_weights(spec, data.weights)),
            self._requantization(),
            output,
            scratch,
        )
        instructions = self._call(
            self.symbols[f"tc_conv_{spec.precision.kernel}"], arguments, count=count
        )
        raw = bytes(self.engine.mem_read(output, output_bytes(spec)))
        intact = self._intact(output, output_bytes(spec)) and self._intact(
            scratch, scratch_bytes(spec)
        )
        return Outcome(unpack_activations(raw, spec.output_shape, bits), intact, instructions)

    def _call(self, function: int, arguments: tuple[int, ...], *, count: bool) -> int:
        engine = self.engine
        stack = _RAM + _RAM_BYTES - 64
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
