"""Timing facts that Cortex-M3 and M4 share: Arm's tables, and measurements on STM32F1 and F4.

Snippets start at the beginning of a word, with a full prefetch buffer.
"""

from fact import Fact, loop


def shared(manual: str) -> list[Fact]:
    """Return the facts, those of the tables with the tag of the core's own manual."""
    return [*_tables(manual), *_NEIGHBOURS, *_BRANCHES, *_FETCH]


# fmt: off
def _tables(manual: str) -> list[Fact]:
    return [
        Fact(1, "add r0, r1, r2", manual, "data processing"),
        Fact(1, "add r0, r1, r2, lsl #3", manual, "with an inline shift"),
        Fact(1, "movw r0, #1234", manual, "MOVW"),
        Fact(1, "ubfx r0, r1, #3, #4", manual, "bit field"),
        Fact(1, "clz r0, r1", manual, "CLZ"),
        Fact(1, "rev r0, r1", manual, "REV"),
        Fact(1, "usat r0, #8, r1", manual, "saturation"),
        Fact(1, "mul r0, r1, r2", manual, "MUL"),
        loop(1, "add r0, r0, r1", manual, "a result reaches the next instruction at once"),
        Fact(2, "udiv r0, r1, r2 @ bits 0", manual, "divide at its shortest"),
        Fact(12, "udiv r0, r1, r2 @ bits 32", manual, "divide at its longest"),
        Fact(2, "ldr r0, [r1]", manual, "load alone"),
        Fact(2, "ldrsb r0, [r1, r2]", manual, "load of a byte"),
        Fact(3, "ldr r0, [r1]; ldr r2, [r3]", manual, "two loads pipeline"),
        Fact(4, "ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", manual, "three loads pipeline"),
        loop(3, "ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", manual, "an endless chain: one each"),
        Fact(3, "ldr r0, [r1]; str.w r2, [r3, r4]", manual, "load and store pipeline"),
        Fact(1, "str r0, [r1]", manual, "store with an immediate offset"),
        Fact(2, "str r0, [r1]; add r0, r2", manual, "its data goes beside the next instruction"),
        Fact(3, "ldr r0, [r1]; add r2, r3", manual, "a load does not pipeline with others"),
        Fact(4, "ldr r0, [r1]; ldr r2, [r0]", manual, "an address waits for its load"),
        Fact(4, "add r0, r1; ldr r2, [r0]", manual, "an address from data processing: +1"),
        Fact(3, "add r0, r1; str r2, [r0]", manual, "that of a store as well"),
        Fact(2, "add r0, r1; str r0, [r2]", manual, "but not what it stores"),
        Fact(4, "add r1, r2; nop; ldr r0, [r1]", manual, "not with an instruction between"),
        Fact(2, "ldrex r0, [r1]", manual, "LDREX"),
        Fact(2, "strex r0, r1, [r2]", manual, "STREX"),
        Fact(3, "ldrex r0, [r1]; ldr r2, [r3]", manual, "LDREX pipelines like LDR"),
        Fact(3, "ldr r0, [r1]; strex r2, r3, [r4]", manual, "so does STREX"),
        Fact(3, "ldrd r0, r1, [r2]", manual, "LDRD"),
        Fact(3, "strd r0, r1, [r2]", manual, "STRD"),
        Fact(5, "ldr r3, [r4]; ldrd r0, r1, [r2]", manual, "LDRD does not pipeline"),
        Fact(5, "ldm r0, {r1, r2, r3, r4}", manual, "LDM: 1 + N"),
        Fact(4, "push {r0, r1, r2}", manual, "PUSH: 1 + N"),
        Fact(3, "ldr r0, [r1] @ at 2", manual, "halfword-aligned word: +1"),
        Fact(4, "ldr r0, [r1] @ at 1", manual, "byte-aligned word: +2"),
        Fact(3, "ldrh r0, [r1] @ at 1", manual, "byte-aligned halfword: +1"),
        Fact(1, "dsb", manual, "DSB: 1 + B, B 0"),
        Fact(3, "isb", manual, "ISB: 1 + B, B a pipeline refill"),
        Fact(3, "nop; itt eq; addeq r0, r1; addeq r0, r1", manual, "IT folds onto a narrow one"),
        Fact(4, "nop.w; itt eq; addeq r0, r1; addeq r0, r1", manual, "IT, not folded"),
        Fact(2, "nop; it eq; ldreq r0, [r1] @ skipped", manual, "skipped: one cycle"),
    ]


_NEIGHBOURS = [
    Fact(2, "ldr r0, [r1]; nop", "JNK", "a load absorbs a NOP"),
    Fact(3, "ldr r0, [r1]; cmp r2, r3", "JNK", "not a CMP"),
    Fact(2, "ldr r0, [r1]; str r2, [r3]", "JNK", "a store removes a load's stall"),
    Fact(2, "ldr r0, [r1]; str r0, [r3]", "JNK", "even of what was loaded"),
    Fact(2, "str r0, [r1, r2]", "JNK", "store with a register offset"),
    Fact(2, "str r0, [r1, r2]; nop", "JNK", "it absorbs a NOP"),
    Fact(3, "str r0, [r1, r2]; mov r3, r4", "JNK", "not a MOV"),
    Fact(4, "str r0, [r1]; ldr r2, [r3]", "JNK", "a load behind a store waits one"),
    Fact(5, "str r0, [r1]; ldr r2, [r3] @ turnaround 1", "COREMARK-RT",
         "one more where the memory turns round"),
    Fact(5, "str r0, [r1]; ldm r2, {r3, r4}", "JNK", "so does a load-multiple"),
    Fact(4, "str r0, [r1]; stm r2, {r3, r4}", "JNK", "not a store-multiple"),
    Fact(2, "str r0, [r1]; str r2, [r3]", "JNK", "nor a store"),
    Fact(1, "str r0, [r1], #4", "JNK", "store with write-back"),
    Fact(3, "str r0, [r1], #4; str r2, [r1], #4", "JNK", "no chain of stores on one written base"),
    Fact(2, "str r0, [r1], #4; str r2, [r3], #4", "JNK", "two bases chain"),
    Fact(3, "ldr r0, [r1], #4; ldr r2, [r3]", "JNK", "the first load of a chain may be indexed"),
    Fact(4, "ldr r0, [r1], #4; ldr r2, [r1], #4", "JNK", "no chain of loads on one written base"),
]

_BRANCHES = [
    Fact(3, "b 1f @ taken; 1: nop", "TRM-M3", "B: in decode, P 1, and the NOP"),
    Fact(3, "beq 1f @ taken; 1: nop", "TRM-M3", "so is Bcc"),
    Fact(2, "beq 1f; 1: nop", "TRM-M3", "not taken, and the NOP"),
    Fact(2, "bx lr @ taken", "TRM-M3", "BX LR: in decode, P 1"),
    Fact(2, "mov pc, lr @ taken", "TRM-M3", "so is MOV PC, LR"),
    Fact(4, "mov lr, r0; bx lr @ taken", "TRM-M3", "where LR is being written: in execute, P 2"),
    Fact(3, "mov r2, r0; bx lr @ taken", "TRM-M3", "another register does not matter"),
    Fact(3, "bx r0 @ taken", "TRM-M3", "BX of another register: P 2"),
    Fact(3, "blx r0 @ taken", "TRM-M3", "BLX: P 2"),
    Fact(3, "mov pc, r0 @ taken", "TRM-M3", "MOV PC: P 2"),
    Fact(5, "cbz r0, 1f @ taken; nop; 1: nop", "TRM-M3", "CBZ: in execute, P 2, and two NOPs"),
    Fact(3, "cbz r0, 1f; nop; 1: nop", "TRM-M3", "not taken, and two NOPs"),
    Fact(5, "ldr pc, [r0] @ taken", "TRM-M3", "LDR PC: 2 and a reload of 3"),
    Fact(5, "pop {pc} @ taken", "TRM-M3", "POP PC: 1 + N and a reload of 3"),
    Fact(6, "pop {r0, pc} @ taken", "TRM-M3", "with another register"),
    Fact(6, "tbb [r0, r1] @ taken", "TRM-M3", "TBB: 2 of the load, 1 to add, a reload of 3"),
    Fact(6, "tbh [r0, r1, lsl #1] @ taken", "TRM-M3", "TBH"),
]

_NOPS = "nop.w; "
_ADD = "add.w r0, r1, r2; "
_FETCH = [
    Fact(4, "b 1f @ taken; 1: add.w r0, r1, r2", "COMP", "to a wide one across two words: +1"),
    Fact(3, "b.w 1f @ taken; 1: add.w r0, r1, r2", "COMP", "not where it fills a word"),
    Fact(4, "b 1f @ taken; 1: nop; nop", "KA-M3M4", "half a word is enough for a narrow one"),
    Fact(6, "b.w 1f @ taken; 1: nop.w; nop.w; nop.w; nop.w", "KA-M3M4", "then a word a cycle"),
    Fact(7, "b.w 1f @ taken; 1: nop; nop.w; nop.w; nop.w; nop", "KA-M3M4", "also across words"),
    Fact(7, "b.w 1f @ taken; 1: nop; nop.w; nop; nop; nop.w", "KA-M3M4", "the article's example"),
    loop(20, f"1: {17 * _NOPS}subs.w r0, r0, #1; bne.w 1b @ taken", "JNK", "a loop of 32-bit code"),
    loop(20, f"1: {15 * _NOPS}beq.w 1b; nop.w; b.w 1b @ taken", "JNK",
         "a branch not taken costs 2 where the buffer has no word in hand"),
    loop(20, f"1: {14 * _NOPS}nop; nop; beq.w 1b; nop.w; b.w 1b @ taken", "JNK",
         "and 1 behind two 16-bit instructions"),
    Fact(9, f"push {{r0, r1, r2}}; {3 * _ADD}nop", "COMP",
         "three wide ones across words behind a multi-cycle one: +1"),
    Fact(7, f"push {{r0, r1, r2}}; {2 * _ADD}nop", "COMP", "two are free"),
    Fact(11, f"push {{r0, r1, r2}}; {5 * _ADD}nop", "COMP", "five lose no more"),
    Fact(8, f"push.w {{r0, r1, r2}}; {3 * _ADD}nop", "COMP", "nor do aligned ones"),
    Fact(5, f"nop; {3 * _ADD}nop", "JNK-AES", "nor where nothing held the decoder"),
    Fact(7, f"ldr.w r0, [r1]; cmp r0, r2; {3 * _ADD}nop", "JNK-AES",
         "nor behind a 16-bit instruction that was held (the key schedule)"),
]
