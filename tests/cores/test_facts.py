"""The pipeline models against what is published of the cores, one fact a row.

Sources by the tags of ``profiles/sources.toml``: TRM-M4 is Arm's table of the M4, JNK are the
measurements on silicon by which the M7 is known. A row's cycles are those between two barriers or,
where ``LOOP`` says so, those of one repetition of an endless sequence.
"""

import tomllib
from dataclasses import dataclass

import pytest
from microbenchmark import SEPARATOR, assemble, between, per_repetition, steps

from thumbclock import assets

LOOP = "loop"
ALONE = "alone"


@dataclass(frozen=True)
class Fact:
    """What a sequence costs."""

    cycles: float
    assembly: str
    source: str
    says: str
    how: str = ALONE


def loop(cycles: float, assembly: str, source: str, says: str) -> Fact:
    """Return a fact about a sequence that repeats without end."""
    return Fact(cycles, assembly, source, says, LOOP)


# fmt: off
M4 = [
    Fact(1, "add r0, r1, r2", "TRM-M4", "data processing"),
    Fact(1, "movw r0, #1234", "TRM-M4", "MOVW"),
    Fact(1, "smlal r0, r1, r2, r3", "TRM-M4", "64-bit multiply-accumulate"),
    Fact(1, "umaal r0, r1, r2, r3", "TRM-M4", "UMAAL"),
    Fact(1, "smlad r0, r1, r2, r3", "TRM-M4", "DSP multiply"),
    loop(1, "mla r0, r1, r2, r0", "TRM-M4", "accumulators chain"),
    Fact(1, "clz r0, r1", "TRM-M4", "CLZ"),
    Fact(1, "sxtb16 r0, r1, ror #8", "TRM-M4", "extend with rotation"),
    Fact(2, "udiv r0, r1, r2 @ bits 0", "TRM-M4", "divide at its shortest"),
    Fact(12, "udiv r0, r1, r2 @ bits 32", "TRM-M4", "divide at its longest"),
    Fact(2, "ldr r0, [r1]", "TRM-M4", "load alone"),
    Fact(3, "ldr r0, [r1]; ldr r2, [r3]", "TRM-M4", "two loads pipeline"),
    Fact(4, "ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", "TRM-M4", "three loads pipeline"),
    loop(3, "ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", "TRM-M4", "an endless chain: one each"),
    Fact(3, "ldr r0, [r1]; str.w r2, [r3, r4]", "TRM-M4", "load and store pipeline"),
    Fact(2, "ldr r0, [r1]; str r2, [r3]", "JNK", "a store removes a load's stall"),
    Fact(1, "str r0, [r1]", "TRM-M4", "store with an immediate offset"),
    Fact(2, "str r0, [r1, r2]", "JNK", "store with a register offset"),
    Fact(4, "str r0, [r1]; ldr r2, [r3]", "JNK", "a load behind a store waits one"),
    Fact(5, "str r0, [r1]; ldm r2, {r3, r4}", "JNK", "nor does a load-multiple pipeline"),
    Fact(2, "ldr r0, [r1]; nop", "JNK", "a load absorbs a NOP"),
    Fact(3, "ldr r0, [r1]; add r2, r3", "TRM-M4", "but no other instruction"),
    Fact(4, "ldr r0, [r1], #4; ldr r2, [r1], #4", "JNK", "no chain on one written base"),
    Fact(3, "ldr r0, [r1], #4; ldr r2, [r3], #4", "JNK", "two bases chain"),
    Fact(4, "ldr r0, [r1]; ldr r2, [r0]", "TRM-M4", "an address waits for its load"),
    Fact(4, "add r0, r1; ldr r2, [r0]", "TRM-M4", "an address from data processing: +1"),
    Fact(4, "add r1, r2; nop; ldr r0, [r1]", "TRM-M4", "not with an instruction between"),
    Fact(3, "ldrd r0, r1, [r2]", "TRM-M4", "LDRD"),
    Fact(3, "strd r0, r1, [r2]", "TRM-M4", "STRD"),
    Fact(5, "ldm r0, {r1, r2, r3, r4}", "TRM-M4", "LDM: 1 + N"),
    Fact(4, "push {r0, r1, r2}", "TRM-M4", "PUSH: 1 + N"),
    Fact(5, "pop {r0, pc} @ taken", "TRM-M4", "POP with PC: 1 + N + P"),
    Fact(4, "ldr pc, [r0] @ taken", "TRM-M4", "LDR PC: 2 + P"),
    Fact(2, "ldrex r0, [r1]", "TRM-M4", "LDREX"),
    Fact(3, "ldr r0, [r1] @ at 2", "TRM-M4", "halfword-aligned word: +1"),
    Fact(4, "ldr r0, [r1] @ at 1", "TRM-M4", "byte-aligned word: +2"),
    Fact(3, "ldrh r0, [r1] @ at 1", "TRM-M4", "byte-aligned halfword: +1"),
    Fact(3, "b 1f @ taken; 1: nop", "TRM-M4", "B: 1 + P, and the NOP"),
    Fact(4, "b 1f @ taken; 1: add.w r0, r1, r2", "COMP", "to a wide one across two words: +1"),
    Fact(2, "beq 1f; 1: nop", "TRM-M4", "Bcc not taken, and the NOP"),
    Fact(3, "bx r0 @ taken", "TRM-M4", "BX: 1 + P"),
    Fact(3, "nop; itt eq; addeq r0, r1; addeq r0, r1", "TRM-M4", "IT folds onto a narrow one"),
    Fact(4, "nop.w; itt eq; addeq r0, r1; addeq r0, r1", "TRM-M4", "IT, not folded"),
    Fact(1, "vadd.f32 s0, s1, s2", "TRM-M4", "FP add"),
    loop(2, "vadd.f32 s0, s0, s1", "TRM-M4", "FP result to the next instruction: +1"),
    Fact(3, "vfma.f32 s0, s1, s2", "TRM-M4", "VFMA"),
    Fact(3, "vmla.f32 s0, s1, s2", "TRM-M4", "VMLA"),
    loop(3, "vfma.f32 s0, s1, s2", "TRM-M4", "VFMA accumulates without a wait"),
    loop(4, "vfma.f32 s0, s0, s1", "TRM-M4", "but its factors wait"),
    Fact(4, "vmul.f32 s0, s1, s2; vmla.f32 s0, s3, s4", "TRM-M4", "accumulator taken later"),
    Fact(15, "vdiv.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "TRM-M4", "VDIV 14, then VADD"),
    Fact(2, "vdiv.f32 s0, s1, s2; add r0, r1", "TRM-M4", "VDIV in the shadow of integers"),
    Fact(15, "vsqrt.f32 s0, s1; vadd.f32 s3, s4, s5", "TRM-M4", "VSQRT 14, then VADD"),
    Fact(2, "vldr s0, [r0]", "TRM-M4", "VLDR.32"),
    Fact(3, "vldr d0, [r0]", "TRM-M4", "VLDR.64"),
    Fact(5, "vldmia r0, {s0-s3}", "TRM-M4", "VLDM.32: 1 + N"),
    Fact(5, "vldmia r0, {d0-d1}", "TRM-M4", "VLDM.64: 1 + 2N"),
    Fact(2, "vmov r0, r1, d0", "TRM-M4", "VMOV of two registers"),
    Fact(1, "vmov.32 r0, d0[1]", "TRM-M4", "VMOV of one"),
]

M7 = [
    # Issue.
    Fact(1, "eor r0, r1, r2; eor r3, r4, r5", "JNK", "two independent instructions pair"),
    Fact(2, "eor r0, r1, r2; eor r3, r0, r5", "JNK", "late ALU to late ALU: next cycle"),
    Fact(1, "add r0, r1, r2; eor r3, r0, r5", "JNK", "an early ADD feeds the late ALU at once"),
    Fact(1, "sub r0, r1, #3; eor r3, r0, r5", "JNK", "also with a simple constant"),
    Fact(1, "add r0, r1, #0x00ff00ff; eor r3, r0, r5", "JNK", "also with a pattern constant"),
    Fact(2, "add r0, r1, #0x3fc0; eor r3, r0, r5", "JNK", "not with a shifted constant"),
    Fact(1, "mov r0, r1; eor r3, r0, r5", "JNK", "an early MOV"),
    Fact(1, "lsl.w r0, r1, #3; eor r3, r0, r5", "JNK", "an early shift"),
    Fact(2, "rrx r0, r1; eor r3, r0, r5", "JNK", "RRX is late"),
    Fact(2, "eor r6, r7, r8; lsl.w r0, r1, #3; eor r3, r0, r5", "JNK", "a shift from the younger"),
    Fact(3, "eor r6, r7, r8; add r0, r1, r2; eor r3, r0, r5; eor r9, r3, r5", "JNK",
         "an ADD from the younger slot is late"),
    Fact(1, "rev r0, r1; eor r3, r0, r5", "JNK", "REV runs early"),
    Fact(1, "movw r0, #1; movt r0, #2", "JNK", "MOVW and MOVT pair though dependent"),
    Fact(2, "movw r0, #1; movt r0, #2; eor r3, r0, r5", "JNK", "and MOVT is late"),
    Fact(2, "adds r0, r1, r2; adc r3, r4, r5", "JNK", "flags are not forwarded at once"),
    # The shifter.
    Fact(3, "eor r0, r1, r2; eor r3, r4, r0, lsl #2", "JNK", "a shifted operand: one earlier"),
    Fact(2, "eor r0, r1, r2; eor r3, r0, r4, lsl #2", "JNK", "the other operand is not"),
    Fact(3, "eor r0, r1, r2; ubfx r3, r0, #1, #2", "JNK", "source of UBFX"),
    Fact(3, "eor r0, r1, r2; sbfx r3, r0, #1, #2", "JNK", "source of SBFX"),
    Fact(3, "eor r0, r1, r2; rev r3, r0", "JNK", "source of REV"),
    Fact(3, "eor r0, r1, r2; rbit r3, r0", "JNK", "source of RBIT"),
    Fact(3, "eor r0, r1, r2; bfi r3, r0, #1, #2", "JNK", "what BFI inserts"),
    Fact(2, "eor r3, r1, r2; bfi r3, r0, #1, #2", "JNK", "not into what"),
    Fact(3, "eor r0, r1, r2; uxtab r3, r4, r0", "JNK", "what UXTAB extends"),
    Fact(2, "eor r0, r1, r2; uxtab r3, r0, r4", "JNK", "not what it adds to"),
    Fact(3, "eor r0, r1, r2; pkhbt r3, r4, r0", "JNK", "second operand of PKHBT"),
    Fact(2, "eor r0, r1, r2; pkhbt r3, r0, r4", "JNK", "not its first"),
    Fact(3, "eor r0, r1, r2; pkhtb r3, r0, r4, asr #1", "JNK", "both of PKHTB"),
    Fact(2, "eor r0, r1, r2; uxtb r3, r0", "JNK", "UXTB reads like the late ALU"),
    Fact(2, "eor r0, r1, r2, lsl #1; eor r3, r4, r5, ror #2", "JNK", "one inline shift a cycle"),
    Fact(2, "eor r0, r1, #0x3fc0; eor r3, r4, r5, ror #2", "JNK", "or shifted constant"),
    Fact(1, "eor r0, r1, #0xff; eor r3, r4, #0x00ff00ff", "JNK", "other constants pair"),
    Fact(1, "eor r0, r1, r2, lsl #1; eor r3, r4, #0xff", "JNK", "with a simple constant"),
    Fact(2, "ubfx r0, r1, #1, #2; eor r3, r4, r5, ror #2", "JNK", "UBFX and an inline shift"),
    Fact(2, "pkhbt r0, r1, r2; eor r3, r4, r5, ror #2", "JNK", "PKHBT and an inline shift"),
    Fact(1, "uadd8 r0, r1, r2; eor r3, r4, r5, ror #2", "JNK", "UADD8 does not shift"),
    # Bitfield and DSP instructions.
    Fact(2, "uadd8 r0, r1, r2; uxtb r3, r4", "JNK", "no two bitfield or DSP instructions"),
    Fact(1, "uadd8 r0, r1, r2; eor r3, r4, r5", "JNK", "older slot"),
    Fact(2, "eor r3, r4, r5; uadd8 r0, r1, r2", "JNK", "not the younger"),
    Fact(4, "uadd8 r0, r1, r2; ldr r3, [r0]", "JNK", "DSP result to an address"),
    # Multiplies.
    Fact(2, "mul r0, r1, r2; mul r3, r4, r5", "JNK", "one multiply pipe"),
    Fact(2, "smlad r0, r1, r2, r0; smlal r3, r4, r5, r6", "JNK", "for all multiplies"),
    Fact(2, "mla r0, r1, r2, r0; str r3, [r4]", "JNK", "no multiply with a store"),
    Fact(2, "str r3, [r4]; mla r0, r1, r2, r0", "JNK", "in either order"),
    Fact(1, "eor r3, r4, r5; mul r0, r1, r2", "JNK", "either slot"),
    Fact(1, "sxtb16 r3, r4; smlad r0, r1, r2, r0", "JNK", "pairs with DSP"),
    Fact(1, "eor r3, r4, r5, ror #3; smlad r0, r1, r2, r0", "JNK", "pairs with a shifted operand"),
    Fact(2, "ubfx r6, r7, #1, #2; lsl.w r0, r1, #3; eor r3, r0, r5", "JNK", "one early shifter"),
    Fact(1, "ldr r3, [r4]; smlad r0, r1, r2, r0", "JNK", "pairs with a load"),
    Fact(3, "mul r0, r1, r2; eor r3, r0, r4", "JNK", "result latency + 1"),
    loop(1, "smlad r0, r1, r2, r0", "JNK", "accumulators chain every cycle"),
    loop(1, "smlal r0, r1, r2, r3", "JNK", "64-bit ones too"),
    loop(2, "mla r0, r0, r1, r0", "JNK", "not through a factor"),
    Fact(3, "ldr r1, [r4]; mul r0, r1, r2", "JNK", "no load of the cycle before as a factor"),
    Fact(1, "eor r3, r4, r5; mla r0, r1, r2, r3", "JNK", "the accumulator is read after the ALU"),
    Fact(2, "ldrb r3, [r4]; mla r0, r1, r2, r3", "JNK", "even from LDRB of the cycle before"),
    # Loads.
    Fact(2, "ldr r0, [r1]; eor r2, r0, r3", "JNK", "load word: next cycle"),
    Fact(3, "ldr r0, [r1]; eor r2, r3, r0, lsl #1", "JNK", "shifted: one later"),
    Fact(3, "ldrb r0, [r1]; eor r2, r0, r3", "JNK", "load byte: one later"),
    Fact(3, "ldrsh r0, [r1]; eor r2, r0, r3", "JNK", "load halfword: one later"),
    Fact(4, "ldrb r0, [r1]; uxtab r2, r3, r0", "JNK", "into the shifter"),
    Fact(1, "ldr r0, [r1] @ at 0; ldr r2, [r3] @ at 4", "JNK", "two banks"),
    Fact(2, "ldr r0, [r1] @ at 0; ldr r2, [r3] @ at 0", "JNK", "the same bank"),
    Fact(2, "ldr r0, [r1] @ at 4 banks 1; ldr r2, [r3] @ at 0 banks 1", "JNK", "one bank"),
    Fact(1, "ldrb r0, [r1] @ at 1; ldrb r2, [r3] @ at 6", "JNK", "bytes by their words"),
    Fact(1, "ldr r0, [r1], #4 @ at 0; ldr r2, [r3], #4 @ at 4", "JNK", "indexed ones pair"),
    Fact(2, "ldr r0, [r1], #4 @ at 0; ldr r2, [r1] @ at 4", "JNK", "not on the written base"),
    Fact(1, "ldr r0, [r1], #4; eor r2, r1, r3", "JNK", "the base reaches the late ALU at once"),
    Fact(3, "eor r0, r1, r2; ldr r3, [r0]", "JNK", "result to address: + 1"),
    Fact(2, "add r0, r1, r2; ldr r3, [r0]", "JNK", "from the early ALU one less"),
    Fact(4, "ldr r0, [r1] @ at 1", "JNK", "unaligned, older: + 3"),
    Fact(5, "eor r2, r3, r4; ldr r0, [r1] @ at 2", "JNK", "unaligned, younger: + 4"),
    Fact(4, "ldr r2, [r3] @ at 0; ldr r0, [r1] @ at 1", "JNK", "less one beside its first bank"),
    Fact(5, "ldr r2, [r3] @ at 4; ldr r0, [r1] @ at 1", "JNK", "not beside the other bank"),
    # Stores.
    Fact(2, "str r0, [r1]; str r2, [r3] @ at 4", "JNK", "one store a cycle"),
    Fact(1, "ldr r0, [r1]; str r2, [r3]", "JNK", "a store and a load"),
    Fact(1, "ldrb r0, [r1]; strb r0, [r3]", "JNK", "stores what was loaded in this cycle"),
    Fact(1, "eor r0, r1, r2; str r0, [r3]", "JNK", "stores what was computed in this cycle"),
    loop(1, "str r0, [r1]", "JNK", "words stream"),
    loop(4, "strb r0, [r1]", "JNK", "bytes in one bank"),
    loop(4, "strb r0, [r1] @ at 0; strb r0, [r1] @ at 4", "JNK", "both banks: 2 each"),
    loop(4, "str r0, [r1] @ at 1", "JNK", "unaligned words"),
    Fact(5, "; ".join(["str r0, [r1] @ at 1"] * 5), "JNK", "the first five do not wait"),
    # Load and store multiple, behind two 16-bit instructions.
    Fact(3, "nop; nop; ldm r0!, {r1-r4}", "JNK", "LDM: n/2"),
    Fact(3, "nop; nop; ldm r0!, {r1-r3}", "JNK", "rounded up"),
    Fact(2, "nop; nop; ldrd r0, r1, [r2]", "JNK", "LDRD"),
    Fact(3, "nop; nop; ldrd r0, r1, [r2]; eor r3, r4, r5", "JNK", "does not pair"),
    Fact(3, "nop; nop; push {r0-r3}", "JNK", "PUSH"),
    Fact(3, "nop; nop; stm r0!, {r1-r4}", "JNK", "STM of an even count, 8-byte aligned"),
    Fact(4, "nop; nop; stm r0!, {r1-r4} @ at 4", "JNK", "not aligned: + 1"),
    Fact(3, "nop; nop; stm r0!, {r1-r3} @ at 4", "JNK", "odd counts do not care"),
    Fact(2, "ldrd r0, r1, [r2]", "JNK", "+ 1 without 16-bit instructions around"),
    # Branches.
    Fact(1, "beq 1f; 1: nop", "JNK", "a branch not taken pairs with what follows"),
    Fact(10, "cmp r0, r1; beq 1f @ mispredicted; 1: nop", "JNK", "mispredicted: 8 more"),
    Fact(11, "cmp r0, r1; nop; eor r2, r3, r4; eor r5, r6, r7; eor r2, r3, r4; eor r5, r6, r7;"
             "beq 1f @ mispredicted; 1: nop", "JNK", "6 where flags are 3 cycles old"),
    Fact(2, "nop; nop; b 1f @ taken; 1: nop", "JNK", "a taken branch pairs with its target"),
    Fact(2, "b 1f @ taken; 1: nop", "JNK", "not without two 16-bit instructions before"),
    Fact(2, "cmp r0, r1; it eq; addeq r2, r3, r4", "JNK", "predicated: waits for the flags"),
    Fact(2, "cmp r0, r1; it eq; addeq r2, r3, r4 @ skipped", "JNK", "skipped: the same"),
    # Floating point.
    Fact(2, "vadd.f32 s0, s1, s2; vmul.f32 s3, s4, s5", "JNK", "no two arithmetic"),
    Fact(1, "vadd.f32 s0, s1, s2; eor r0, r1, r2", "JNK", "one and an integer"),
    loop(3, "vadd.f32 s0, s0, s1", "JNK", "VADD latency"),
    loop(3, "vmul.f32 s0, s0, s1", "JNK", "VMUL latency"),
    loop(3, "vfma.f32 s0, s1, s2", "JNK", "VFMA through the accumulator"),
    loop(5, "vfma.f32 s0, s0, s2", "JNK", "VFMA through a factor"),
    loop(3, "vmla.f32 s0, s1, s2", "JNK", "VMLA through the accumulator"),
    loop(6, "vmla.f32 s0, s0, s2", "JNK", "VMLA through a factor"),
    loop(3, "vfma.f32 s0, s1, s2; vfma.f32 s3, s1, s2; vfma.f32 s4, s1, s2", "JNK",
         "three accumulators: one a cycle"),
    loop(16, "vdiv.f32 s0, s1, s2", "JNK", "VDIV blocks"),
    loop(14, "vsqrt.f32 s0, s1", "JNK", "VSQRT blocks"),
    Fact(2, "vldr s0, [r0]; vadd.f32 s1, s0, s2", "JNK", "VLDR: next cycle"),
    Fact(4, "vldr s0, [r0]; vfma.f32 s0, s1, s2", "JNK", "3 into an accumulator"),
    Fact(4, "vmov s0, r0; vadd.f32 s1, s0, s2", "JNK", "VMOV to the FPU: 3"),
    Fact(2, "vmov r0, s0; eor r1, r0, r2", "JNK", "VMOV from it: 1"),
    Fact(5, "vfma.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "JNK", "no VADD for 3 cycles behind"),
    Fact(5, "vfma.f32 s0, s1, s2; vldr d4, [r0]", "JNK", "nor VLDR.64"),
    Fact(2, "vfma.f32 s0, s1, s2; vldr s4, [r0]", "JNK", "VFMA and VLDR do not pair"),
    Fact(3, "vfma.f32 s0, s1, s2; nop; nop; vldr s4, [r0]", "JNK", "VLDR in the older slot only"),
    loop(30, "vdiv.f64 d0, d1, d2", "JNK", "VDIV.64"),
    loop(5, "vmul.f64 d0, d1, d2", "JNK", "VMUL.64"),
]
# fmt: on

FACTS = [*(("m4", fact) for fact in M4), *(("m7", fact) for fact in M7)]


@pytest.fixture(scope="module")
def codes() -> dict[str, bytes]:
    """The machine code of every sequence."""
    return assemble(sorted({SEPARATOR, *(fact.assembly for _, fact in FACTS)}))


@pytest.mark.parametrize(
    ("core", "fact"), FACTS, ids=[f"{core}: {fact.assembly}" for core, fact in FACTS]
)
def test_fact(core: str, fact: Fact, codes: dict[str, bytes]) -> None:
    """The model takes as long as the core is known to take."""
    sequence = steps(fact.assembly, codes[fact.assembly])
    if fact.how is LOOP:
        found = per_repetition(core, sequence)
    else:
        found = between(core, sequence, steps(SEPARATOR, codes[SEPARATOR]))
    assert found == fact.cycles, f"{fact.says} [{fact.source}]"


def test_sources_are_known() -> None:
    """Every row names a source that the profiles cite."""
    text = assets.path("profiles", "sources.toml").read_text()
    assert {fact.source for _, fact in FACTS} <= set(tomllib.loads(text))
