"""What a core lacks faults there, on both engines: nothing runs silently, nothing is priced so.

Programs end with BKPT 0, whose exit code is r0.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from raw_images import FLASH, RAM, assemble

from thumbclock.firmware import program
from thumbclock.machine import Machine
from thumbclock.profiles import load_profile
from thumbclock.result import FaultReport, RunResult
from thumbclock.toolchain import Source, build

Engine = Literal["memoised", "stepped"]

_FPU_ON = "ldr r4, =0xE000ED88; ldr r5, [r4]; orr r5, r5, #0xF00000; str r5, [r4]; dsb; isb;"

# What a core lacks: its board, the instruction, and what it would take.
LACKING = {
    "movw": ("ideal-m0", "movw r1, #1234", "Armv7-M"),
    "cbz": ("ideal-m0plus", "cbz r1, 1f; nop; 1:", "Armv7-M"),
    "it": ("ideal-m0", "it eq; moveq r1, r2", "Armv7-M"),
    "wide add": ("ideal-m0", "add.w r1, r2, r3", "Armv7-M"),
    "udiv": ("ideal-m0plus", "udiv r1, r1, r1", "Armv7-M"),
    "smlad": ("ideal-m0", "smlad r1, r1, r1, r1", "the DSP extension"),
    "smlad on M3": ("ideal-m3", "smlad r1, r1, r1, r1", "the DSP extension"),
    "uxtab": ("ideal-m3", "uxtab r1, r2, r3", "the DSP extension"),
    "vmov": ("ideal-m0", "vmov s0, r1", "an FPU"),
    "double": ("ideal-m4", f"{_FPU_ON} vadd.f64 d0, d0, d0", "a double-precision FPU"),
    "double, by board": ("stm32f746g-disco", f"{_FPU_ON} vadd.f64 d0, d0, d0", "a double-prec"),
    "vmaxnm": ("ideal-m4", f"{_FPU_ON} vmaxnm.f32 s0, s0, s0", "an FPv5 unit"),
    "lda": ("ideal-m7", f"ldr r6, ={RAM:#x}; lda r1, [r6]", "Armv8-M"),
}
UNALIGNED = {
    "ldr": "ldr r2, [r6]",
    "str": "str r2, [r6]",
    "ldrsh": "ldrsh r2, [r6, r7]",
    "ldm": "ldm r6!, {r2, r3}",
}
_AT = f"movs r0, #1; ldr r6, ={RAM + 6:#x}; movs r7, #1; adds r0, #1; {{}}; bkpt 0"

PROGRAMS = {
    **{name: f"movs r0, #1; {text}; bkpt 0" for name, (_, text, _) in LACKING.items()},
    **{f"unaligned {name}": _AT.format(text) for name, text in UNALIGNED.items()},
    "aligned": _AT.format("movs r7, #2; ldrh r2, [r6]; strh r7, [r6, r7]; strb r7, [r6, #1]"),
    "dsp": "movs r0, #1; uxtb16 r1, r0; bkpt 0",
    "skipped dsp": "movs r0, #1; cmp r0, #1; it ne; uxtb16ne r1, r0; bkpt 0",
    "cycle counter": "ldr r6, =0xE0001000; movs r2, #1; str r2, [r6]; str r2, [r6, #4]; nop;"
    "ldr r0, [r6, #4]; ldr r1, [r6]; lsrs r1, r1, #25; adds r0, r0, r1; bkpt 0",
    "systick": "ldr r6, =0xE000E010; movs r1, #1; lsls r1, r1, #20; str r1, [r6, #4]; movs r1, #5;"
    "str r1, [r6]; ldr r0, [r6, #8]; nop; muls r2, r1, r2; ldr r1, [r6, #8]; subs r0, r0, r1;"
    "bkpt 0",
    "cpuid": "ldr r6, =0xE000ED00; ldr r0, [r6]; bkpt 0",
}


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """All programs, assembled for a core that has everything."""
    return assemble(PROGRAMS, "cortex_m33+dsp+fp_armv8d16")


class Bench:
    """Runs one of the programs on one engine."""

    def __init__(self, images: dict[str, bytes], engine: Engine, folder: Path) -> None:
        self.images = images
        self.engine = engine
        self.folder = folder

    def run(self, name: str, board: str, dsp: bool | None = None) -> RunResult:
        profile = load_profile(board)
        if dsp is not None:
            profile = replace(profile, core=replace(profile.core, dsp=dsp))
        path = self.folder / "image.bin"
        path.write_bytes(self.images[name])
        return Machine(path, profile, engine=self.engine, base=FLASH).run(max_instructions=1000)

    def fault(self, name: str, board: str, dsp: bool | None = None) -> FaultReport:
        result = self.run(name, board, dsp)
        assert result.exit.reason == "fault", result.exit
        assert result.fault is not None
        return result.fault


@pytest.fixture(params=["memoised", "stepped"])
def bench(images: dict[str, bytes], request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Programs on both engines."""
    return Bench(images, request.param, tmp_path)


@pytest.mark.parametrize("name", LACKING)
def test_lacking_instruction_faults(bench: Bench, name: str) -> None:
    """The report says what the instruction needs, and nothing behind it ran."""
    board, text, needs = LACKING[name]
    fault = bench.fault(name, board)
    exception = "HardFault" if "m0" in board else "UsageFault"
    assert fault.kind == f"{exception} (undefined instruction)"
    assert f"it needs {needs}" in fault.message
    assert "choose a profile whose core has it" in fault.message
    mnemonic = text.replace(_FPU_ON, "").split(";")[-1 if name == "lda" else 0].split()[0]
    assert mnemonic.split(".")[0] in fault.message


@pytest.mark.parametrize("name", ["dsp", "skipped dsp"])
def test_dsp_needs_the_extension(bench: Bench, name: str) -> None:
    """Without the extension, its instructions fault, also where their condition fails."""
    assert bench.run(name, "ideal-m4").exit.code == 1
    fault = bench.fault(name, "ideal-m4", dsp=False)
    assert fault.kind == "UsageFault (undefined instruction)"
    assert "it needs the DSP extension (Armv7E-M)" in fault.message


@pytest.mark.parametrize("board", ["ideal-m0", "ideal-m0plus"])
@pytest.mark.parametrize("name", UNALIGNED)
def test_armv6_has_no_unaligned_access(bench: Bench, name: str, board: str) -> None:
    """Every unaligned word or halfword faults on Armv6-M."""
    fault = bench.fault(f"unaligned {name}", board)
    assert fault.kind == "HardFault (unaligned access)"
    assert fault.registers["r0"] == 2
    assert bench.run("aligned", board).exit.code == 2


def test_armv6_has_no_cycle_counter(bench: Bench) -> None:
    """CYCCNT reads as zero, DWT_CTRL says so, and the result tells who reads it nevertheless."""
    result = bench.run("cycle counter", "ideal-m0plus")
    assert result.exit.code == 1
    assert any("this core has only SysTick" in text for text in result.model.not_modelled)


@pytest.mark.parametrize("board", ["ideal-m0", "ideal-m0plus"])
def test_armv6_has_systick(bench: Bench, board: str) -> None:
    """Between two reads of the counter lie the second read, NOP and MULS."""
    assert bench.run("systick", board).exit.code == 4


@pytest.mark.parametrize(("board", "part"), [("ideal-m0", 0xC20), ("ideal-m0plus", 0xC60)])
def test_cpuid(bench: Bench, board: str, part: int) -> None:
    """CPUID names the core."""
    code = bench.run("cpuid", board).exit.code
    assert code is not None
    assert code >> 4 & 0xFFF == part


# What Armv6-M leaves to the compiler's library: division, 64-bit and floating-point arithmetic,
# and copies between addresses of different alignment.
C_PROGRAM = """
#include <stdint.h>
#include <string.h>
volatile uint32_t a = 1000, b = 7;
volatile uint64_t c = 123456789012345ull, d = 1013;
volatile double f = 2.25;
static uint8_t from[32], to[32];
int main(void)
{
    uint32_t sum = a / b + a % b;          /* 148 */
    sum += (uint32_t)(c / d % 1000u);      /* 121872447198 % 1000 */
    sum += (uint32_t)(f * 4.0 + 0.5);      /* 9 */
    for (int i = 0; i < 32; i++)
        from[i] = (uint8_t)i;
    memcpy(to + 1, from + 4, 25);
    return (int)(sum + to[25]);            /* 28 */
}
"""


@pytest.mark.parametrize("optimisation", ["-O0", "-O2"])
@pytest.mark.parametrize("board", ["ideal-m0", "ideal-m0plus"])
def test_c_program_on_armv6(board: str, optimisation: str) -> None:
    """Start-up, runtime and the compiler's library are of instructions that Armv6-M has."""
    source = Source.generated("main.c", C_PROGRAM)
    request = program((source,), load_profile(board), optimisation=optimisation)
    image = build(request).elf
    memoised, stepped = (Machine(image, board, engine=e).run() for e in ("memoised", "stepped"))
    assert memoised.exit.code == 148 + 123456789012345 // 1013 % 1000 + 9 + 28
    assert memoised.cycles == stepped.cycles
    assert memoised.stalls == stepped.stalls
