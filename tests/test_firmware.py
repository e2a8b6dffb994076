"""The firmware on bare Unicorn: from reset to exit, for every board, placement and compiler."""

import dataclasses
import re
from dataclasses import dataclass, field

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st
from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M3,
    UC_CPU_ARM_CORTEX_M4,
    UC_CPU_ARM_CORTEX_M7,
    UC_CPU_ARM_CORTEX_M33,
)

from thumbclock.errors import UsageError
from thumbclock.firmware import STACK_PAINT, boot_memory, linker_script, program
from thumbclock.profiles import (
    Memory,
    Placement,
    Profile,
    load_profile,
    parse_placement,
    profile_names,
)
from thumbclock.toolchain import BuiltImage, Source, build, find_toolchain

CPU_MODELS = {
    "cortex-m0": UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": UC_CPU_ARM_CORTEX_M33,
}
CPACR = 0xE000ED88
SYSTEM_SPACE = 0xE000E000
PAGE_BYTES = 4096

both_toolchains = pytest.mark.parametrize(
    "toolchain",
    [
        "zig",
        pytest.param(
            "gcc",
            marks=pytest.mark.needs_gcc,
        ),
    ],
)

# Each check has an exit code of its own. What the compiler could compute by itself is volatile, or
# reached through a pointer that is.
SELF_TEST = r"""
#include <stdint.h>
#include <string.h>
#include "thumbclock.h"

TC_WEIGHTS const uint32_t weights[1000] = {1, 2, 3, [999] = 7};
const uint16_t constants[77] = {5, [76] = 9};
TC_DATA volatile uint8_t placed[33] = {1, [32] = 44};
static volatile int initialised = 11;
static volatile uint32_t zeroed[100];
static volatile int constructed;
volatile uint64_t dividend = 1000000000007u, divisor = 10;
volatile int64_t negative = -7;
volatile double wide = 1.5;
volatile float narrow = 2.25f;
uint8_t from[64], to[64];
volatile int offset = 3, length = 50;
const uint32_t *volatile weights_at = weights;
const uint16_t *volatile constants_at = constants;

__attribute__((constructor)) static void construct(void) { constructed = 1; }

int main(void)
{
    if (weights_at[2] != 3 || weights_at[999] != 7) return 1;
    if (constants_at[0] != 5 || constants_at[76] != 9) return 2;
    if (placed[32] != 44 || initialised != 11) return 3;
    for (int i = 0; i < 100; i++) if (zeroed[i]) return 4;
    if (!constructed) return 5;
    if (dividend / divisor != 100000000000u || dividend % divisor != 7) return 6;
    if (negative / 2 != -3) return 7;
    wide = wide * narrow;
    if ((int)(wide * 1000) != 3375) return 8;
    for (int i = 0; i < 64; i++) from[i] = (uint8_t)i;
    memcpy(to + offset, from + 1, (size_t)length);
    if (to[2] != 0 || to[3] != 1 || to[52] != 50 || to[53] != 0) return 9;
    tc_puts("he");
    tc_puts("llo");
    tc_putc('\n');
    return 42;
}
"""


@dataclass
class Bare:
    """Unicorn with an image at its physical addresses, as if just flashed."""

    image: BuiltImage = field(repr=False)
    profile: Profile = field(repr=False)
    output: str = ""
    exits: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(CPU_MODELS[self.profile.core.unicorn_model])
        for memory in self.profile.board.memories:
            self.uc.mem_map(memory.base, -(-memory.size_bytes // PAGE_BYTES) * PAGE_BYTES)
            # What RAM holds after power-up is not known: anything but zero.
            if memory.writable:
                self.uc.mem_write(memory.base, b"\xee" * memory.size_bytes)
        self.uc.mem_map(SYSTEM_SPACE, PAGE_BYTES)
        with self.image.elf.open("rb") as file:
            elf = ELFFile(file)
            symbols = elf.get_section_by_name(".symtab").iter_symbols()
            self.symbols = {symbol.name: symbol["st_value"] for symbol in symbols}
            for segment in elf.iter_segments("PT_LOAD"):
                self.uc.mem_write(segment["p_paddr"], segment.data())
        self.uc.hook_add(UC_HOOK_INTR, self._semihosting)

    def word(self, address: int) -> int:
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    def reset(self, until: str | None = None) -> None:
        """Start as the core does: stack pointer and entry from the vector table."""
        base = boot_memory(self.profile.board).base
        self.uc.reg_write(UC_ARM_REG_SP, self.word(base))
        end = 0xFFFFFFFE if until is None else self.symbols[until] & ~1
        self.uc.emu_start(self.word(base + 4), end, timeout=30_000_000)

    def call(self, function: str, *arguments: int) -> int:
        """Call a function after `reset` by the procedure call standard; return r0."""
        registers = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2)
        for register, argument in zip(registers, arguments, strict=False):
            self.uc.reg_write(register, argument)
        back = self.symbols["tc_ready"] & ~1
        self.uc.reg_write(UC_ARM_REG_LR, back | 1)
        self.uc.emu_start(self.symbols[function] | 1, back, timeout=30_000_000)
        assert self.uc.reg_read(UC_ARM_REG_PC) & ~1 == back
        return int(self.uc.reg_read(UC_ARM_REG_R0))

    def _semihosting(self, uc: Uc, _interrupt: int, _: object) -> None:
        operation, parameter = uc.reg_read(UC_ARM_REG_R0), uc.reg_read(UC_ARM_REG_R1)
        if operation == 0x03:
            self.output += chr(uc.mem_read(parameter, 1)[0])
        elif operation == 0x04:
            while character := uc.mem_read(parameter, 1)[0]:
                self.output += chr(character)
                parameter += 1
        else:
            extended = operation == 0x20
            reason = self.word(parameter) if extended else parameter
            self.exits.append((reason, self.word(parameter + 4) if extended else 0))
            uc.emu_stop()
            return
        uc.reg_write(UC_ARM_REG_PC, uc.reg_read(UC_ARM_REG_PC) + 2 | 1)


def run(
    text: str, profile: Profile, placement: Placement | None, toolchain: str, level: str = "-O3"
) -> Bare:
    """Build a program and run it from reset to its end."""
    source = Source.generated("main.c", text)
    request = program((source,), profile, placement, optimisation=level)
    bare = Bare(build(request, find_toolchain(toolchain)), profile)
    bare.reset()
    return bare


def assert_passed(bare: Bare) -> None:
    """Check that the self-test ended well and said so."""
    assert bare.exits == [(0x20026, 42)]
    assert bare.output == "hello\n"


@both_toolchains
@pytest.mark.parametrize("name", profile_names())
def test_default_placement_runs(name: str, toolchain: str) -> None:
    """Every board runs a program from reset to its exit code as it is placed by default."""
    profile = load_profile(name)
    assert_passed(run(SELF_TEST, profile, None, toolchain))


@both_toolchains
@pytest.mark.parametrize(
    ("name", "placement"),
    [
        ("nucleo-h743zi", "code=flash,weights=flash,constants=flash,data=axi_sram,stack=dtcm"),
        ("nucleo-h743zi", "code=itcm,weights=axi_sram,constants=itcm,data=itcm,stack=itcm"),
        ("nucleo-h743zi", "code=axi_sram,weights=sram4,constants=sram1,data=sram2,stack=sram3"),
        ("stm32f746g-disco", "code=flash,weights=itcm,constants=dtcm,data=sram1,stack=sram1"),
        ("stm32f407g-disc1", "code=sram1,weights=ccm,constants=ccm,data=ccm,stack=ccm"),
        ("nucleo-l4r5zi", "code=sram2,weights=sram3,constants=sram3,data=sram1,stack=sram2"),
    ],
)
def test_chosen_placement_runs(name: str, placement: str, toolchain: str) -> None:
    """What is placed in RAM is copied there, and found where the placement says."""
    profile = load_profile(name)
    place = parse_placement(placement, profile.board)
    bare = run(SELF_TEST, profile, place, toolchain)
    assert_passed(bare)
    assert bare.symbols["main"] & ~1 in place.code
    assert bare.symbols["constants"] in place.constants
    assert bare.symbols["weights"] in place.weights
    assert bare.symbols["placed"] in place.data
    assert bare.symbols["from"] in place.data
    assert bare.symbols["__stack_limit"] in place.stack
    assert bare.symbols["__stack_top"] == place.stack.end


@both_toolchains
@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-Os", "-Oz"])
def test_every_optimisation_level_runs(level: str, toolchain: str) -> None:
    """Start-up and runtime do not depend on what an optimiser makes of them."""
    assert_passed(run(SELF_TEST, load_profile("nucleo-h743zi"), None, toolchain, level))


@both_toolchains
def test_core_without_fpu(toolchain: str) -> None:
    """Without an FPU nothing touches CPACR, and floating point still works."""
    profile = load_profile("nucleo-l4r5zi")
    soft = dataclasses.replace(
        profile,
        board=dataclasses.replace(profile.board, fpu=None),
        core=dataclasses.replace(profile.core, fpu=None),
    )
    bare = run(SELF_TEST, soft, None, toolchain)
    assert_passed(bare)
    assert bare.word(CPACR) == 0


@both_toolchains
def test_fpu_is_enabled(toolchain: str) -> None:
    """On silicon the first floating-point instruction faults unless CPACR allows it."""
    bare = run("int main(void) { return 0; }", load_profile("nucleo-l4r5zi"), None, toolchain)
    assert bare.word(CPACR) == 0xF << 20


@both_toolchains
def test_stack_is_painted(toolchain: str) -> None:
    """Below what is in use the whole stack holds the paint, and nothing below it does."""
    profile = load_profile("nucleo-h743zi")
    bare = run("int main(void) { return 0; }", profile, None, toolchain)
    limit, top = bare.symbols["__stack_limit"], bare.symbols["__stack_top"]
    stack = bytes(bare.uc.mem_read(limit, top - limit))
    paint = STACK_PAINT.to_bytes(4, "little")
    untouched = len(stack) - len(stack.lstrip(paint[:1]))
    assert top - limit == 16 * 1024
    assert untouched > len(stack) - 256
    assert bare.word(limit - 4) != STACK_PAINT


@both_toolchains
def test_unhandled_exception_ends_the_run(toolchain: str) -> None:
    """Every exception without a handler leads to an exit that says run-time error."""
    profile = load_profile("nucleo-h743zi")
    bare = run("int main(void) { return 0; }", profile, None, toolchain)
    bare.exits.clear()
    hard_fault = bare.word(boot_memory(profile.board).base + 3 * 4)
    assert hard_fault == bare.symbols["HardFault_Handler"] | 1
    bare.uc.emu_start(hard_fault, 0xFFFFFFFE, timeout=1_000_000)
    assert bare.exits == [(0x20023, 0)]


@both_toolchains
def test_harness_runs_the_kernel_once(toolchain: str) -> None:
    """The simulator can stop at tc_ready, before the kernel; left alone, main runs it once."""
    profile = load_profile("nucleo-h743zi")
    source = Source.generated(
        "kernel.c", '#include "thumbclock.h"\nint runs;\nvoid tc_kernel(void) { runs++; }\n'
    )
    image = build(program((source,), profile, harness=True), find_toolchain(toolchain))
    bare = Bare(image, profile)
    bare.reset(until="tc_ready")
    assert bare.word(bare.symbols["runs"]) == 0
    bare.call("tc_kernel")
    assert bare.word(bare.symbols["runs"]) == 1

    bare = Bare(image, profile)
    bare.reset()
    assert bare.exits == [(0x20026, 0)]
    assert bare.word(bare.symbols["runs"]) == 1


@pytest.fixture(
    scope="module",
    params=[
        "zig",
        pytest.param(
            "gcc",
            marks=pytest.mark.needs_gcc,
        ),
    ],
)
def runtime(request: pytest.FixtureRequest) -> Bare:
    """A machine at tc_ready whose image has the memory functions and a 256-byte arena."""
    text = (
        "#include <string.h>\nunsigned char arena[256];\n"
        "void __aeabi_memcpy(void *, const void *, size_t);\n"
        "void __aeabi_memmove8(void *, const void *, size_t);\n"
        "void __aeabi_memset4(void *, size_t, int);\n"
        "void __aeabi_memclr(void *, size_t);\n"
        "void *volatile functions[] = {(void *)memcpy, (void *)memmove, (void *)memset,\n"
        "                              (void *)memcmp, (void *)strlen, (void *)__aeabi_memcpy,\n"
        "                              (void *)__aeabi_memmove8, (void *)__aeabi_memset4,\n"
        "                              (void *)__aeabi_memclr};\n"
        "void tc_kernel(void) { arena[0] = functions[0] != functions[1]; }\n"
    )
    profile = load_profile("nucleo-h743zi")
    image = build(
        program((Source.generated("kernel.c", text),), profile, harness=True),
        find_toolchain(request.param),
    )
    bare = Bare(image, profile)
    bare.reset(until="tc_ready")
    return bare


offsets = st.integers(0, 80)
arenas = st.binary(min_size=256, max_size=256)


def arena_after(bare: Bare, before: bytes, function: str, *arguments: int) -> tuple[int, bytes]:
    """Return what a function returns, and the arena as it leaves it."""
    bare.uc.mem_write(bare.symbols["arena"], before)
    value = bare.call(function, *arguments)
    return value, bytes(bare.uc.mem_read(bare.symbols["arena"], 256))


@settings(deadline=None)
@given(before=arenas, to=offsets, source=offsets, size=offsets)
def test_memmove_moves_and_memcpy_copies(
    runtime: Bare, before: bytes, to: int, source: int, size: int
) -> None:
    """For every alignment and overlap; memcpy where the blocks are apart."""
    base = runtime.symbols["arena"]
    expected = bytearray(before)
    expected[to : to + size] = before[source : source + size]
    moved = arena_after(runtime, before, "memmove", base + to, base + source, size)
    assert moved == (base + to, bytes(expected))
    _, moved_by_abi = arena_after(
        runtime, before, "__aeabi_memmove8", base + to, base + source, size
    )
    assert moved_by_abi == bytes(expected)

    expected = bytearray(before)
    expected[to : to + size] = before[160 + source % 8 : 160 + source % 8 + size]
    copied = arena_after(runtime, before, "memcpy", base + to, base + 160 + source % 8, size)
    assert copied == (base + to, bytes(expected))
    _, copied_by_abi = arena_after(
        runtime, before, "__aeabi_memcpy", base + to, base + 160 + source % 8, size
    )
    assert copied_by_abi == bytes(expected)


@settings(deadline=None)
@given(before=arenas, to=offsets, value=st.integers(0, 255), size=offsets)
def test_memset_fills(runtime: Bare, before: bytes, to: int, value: int, size: int) -> None:
    """Exactly the bytes asked for change, at every alignment."""
    base = runtime.symbols["arena"]
    expected = bytearray(before)
    expected[to : to + size] = bytes([value]) * size
    filled = arena_after(runtime, before, "memset", base + to, value, size)
    assert filled == (base + to, bytes(expected))
    _, filled_by_abi = arena_after(runtime, before, "__aeabi_memset4", base + to, size, value)
    assert filled_by_abi == bytes(expected)

    expected[to : to + size] = bytes(size)
    _, cleared = arena_after(runtime, before, "__aeabi_memclr", base + to, size)
    assert cleared == bytes(expected)


@settings(deadline=None)
@given(block=st.binary(max_size=64), change=st.integers(0, 63), other=st.integers(0, 255))
def test_memcmp_orders_and_strlen_counts(
    runtime: Bare, block: bytes, change: int, other: int
) -> None:
    """A comparison has the sign of the first difference; a length ends at the first zero."""
    changed = bytearray(block)
    if change < len(block):
        changed[change] = other
    before = (block.ljust(128, b"\0") + changed).ljust(256, b"\0")
    base = runtime.symbols["arena"]
    value, _ = arena_after(runtime, before, "memcmp", base, base + 128, len(block))
    signed = value - (1 << 32) * (value >> 31)
    assert (signed > 0, signed < 0) == (block > bytes(changed), block < bytes(changed))
    length, _ = arena_after(runtime, before, "strlen", base)
    assert length == len(block.split(b"\0")[0])


@st.composite
def placements(draw: st.DrawFn) -> tuple[Profile, Placement]:
    """Any board with any placement that its memories allow."""
    profile = load_profile(draw(st.sampled_from(profile_names())))
    memories = profile.board.memories

    def one(allowed: list[Memory]) -> Memory:
        return draw(st.sampled_from(allowed))

    writable = [memory for memory in memories if memory.writable]
    stackable = [memory for memory in writable if memory.size_bytes > 16 * 1024 + 32]
    return profile, Placement(
        code=one([memory for memory in memories if memory.executable]),
        constants=one(list(memories)),
        weights=one(list(memories)),
        data=one(writable),
        stack=one(stackable),
    )


@given(choice=placements())
def test_linker_script_follows_the_placement(choice: tuple[Profile, Placement]) -> None:
    """Each section goes to its memory, and is copied exactly where it has to be."""
    profile, placement = choice
    script = linker_script(profile.board, placement)
    boot = boot_memory(profile.board)
    sections = {
        ".text": placement.code,
        ".rodata": placement.constants,
        ".tc_weights": placement.weights,
        ".data": placement.data,
    }
    for name, memory in sections.items():
        found = re.search(
            rf"^    {re.escape(name)} :.*?\}} > (\w+)(?: AT > (\w+))?$", script, re.M | re.S
        )
        assert found is not None
        copied = memory.writable and memory != boot
        assert found.groups() == (memory.name, boot.name if copied else None)
        assert (f"LONG(LOADADDR({name}))" in script) == copied
    for memory in profile.board.memories:
        region = re.search(
            rf"^    {memory.name} \(.*ORIGIN = (\w+), LENGTH = (\d+)$", script, re.MULTILINE
        )
        assert region is not None
        end = int(region[1], 16) + int(region[2])
        assert end == memory.end - (16 * 1024 if memory == placement.stack else 0)
        # Behind address zero stands the vector table, or nothing.
        assert int(region[1], 16) > 0 or memory == boot


@pytest.mark.parametrize(
    ("stack_bytes", "message"),
    [
        (0, "expected a positive multiple of 8"),
        (1001, "expected a positive multiple of 8"),
        (1 << 20, r"does not fit into dtcm, which has 131072.*--place stack="),
    ],
)
def test_impossible_stack_is_refused(stack_bytes: int, message: str) -> None:
    """A stack has to be aligned and to fit."""
    board = load_profile("nucleo-h743zi").board
    with pytest.raises(UsageError, match=message):
        linker_script(board, board.default_placement, stack_bytes=stack_bytes)


def test_board_without_executable_memory_is_refused() -> None:
    """Such a board cannot boot; the error says what to set."""
    board = load_profile("nucleo-h743zi").board
    inert = tuple(dataclasses.replace(memory, executable=False) for memory in board.memories)
    with pytest.raises(UsageError, match="set executable = true"):
        boot_memory(dataclasses.replace(board, memories=inert))


def test_board_without_flash_runs_in_place() -> None:
    """Where everything lies in one RAM, nothing is copied and the program still runs."""
    profile = load_profile("ideal-m4")
    ram = [memory for memory in profile.board.memories if memory.writable and memory.executable]
    board = dataclasses.replace(profile.board, memories=tuple(ram))
    memory = ram[-1]
    place = Placement(memory, memory, memory, memory, memory)
    bare_profile = dataclasses.replace(
        profile, board=dataclasses.replace(board, memories=(memory,))
    )
    assert "LOADADDR" not in linker_script(bare_profile.board, place)
    assert_passed(run(SELF_TEST, bare_profile, place, "zig"))
