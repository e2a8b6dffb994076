"""Decoding: operands, roles and classes of one instruction at a time, against a table."""

import pytest

from thumbclock.isa import Branch, Instruction, Kind, decode, decode_block
from thumbclock.isa.instruction import FLAGS, PC, Operand2, register_name

ADDRESS = 0x1000

# Encoding (GNU as 2.40) | assembly | class | what it writes <- what it reads; roles; operand 2;
# memory; branch. An address is what the operands say before it is known.
TABLE = """
8818     | adds r0, r1, r2 | alu | r0 flags <- r1 r2
0844     | add r0, r1 | alu | r0 <- r0 r1
c844     | add r8, r9 | alu | r8 <- r8 r9
04b0     | add sp, #16 | alu | sp <- sp; simple_constant
04a8     | add r0, sp, #16 | alu | r0 <- sp; simple_constant
c830     | adds r0, #200 | alu | r0 flags <- r0; simple_constant
01ebc200 | add.w r0, r1, r2, lsl #3 | alu | r0 <- r1 r2; early r2; shifted_register
11ebf210 | adds.w r0, r1, r2, ror #7 | alu | r0 flags <- r1 r2; early r2; shifted_register
01f17f40 | add.w r0, r1, #0xff000000 | alu | r0 <- r1; shifted_constant
01f1ff10 | add.w r0, r1, #0x00ff00ff | alu | r0 <- r1; pattern_constant
01f1c800 | add.w r0, r1, #200 | alu | r0 <- r1; simple_constant
01f6bc20 | addw r0, r1, #0xabc | alu | r0 <- r1; simple_constant
adf5805d | sub.w sp, sp, #0x1000 | alu | sp <- sp; shifted_constant
481e     | subs r0, r1, #1 | alu | r0 flags <- r1; simple_constant
4841     | adcs r0, r1 | alu | r0 flags <- r0 r1 flags
51eb0200 | adcs.w r0, r1, r2 | alu | r0 flags <- r1 r2 flags
a341     | sbcs r3, r4 | alu | r3 flags <- r3 r4 flags
4842     | rsbs r0, r1, #0 | alu | r0 flags <- r1; simple_constant
c1f10400 | rsb r0, r1, #4 | alu | r0 <- r1; simple_constant
0840     | ands r0, r1 | alu | r0 flags <- r0 r1
21ea0200 | bic.w r0, r1, r2 | alu | r0 <- r1 r2
41ea2210 | orr.w r0, r1, r2, asr #4 | alu | r0 <- r1 r2; early r2; shifted_register
61ea0200 | orn r0, r1, r2 | alu | r0 <- r1 r2
4840     | eors r0, r1 | alu | r0 flags <- r0 r1
c843     | mvns r0, r1 | move | r0 flags <- r1
6ff00500 | mvn.w r0, #5 | move | r0 <-; simple_constant
8046     | mov r8, r0 | move | r8 <- r0
0800     | movs r0, r1 | move | r0 flags <- r1
0520     | movs r0, #5 | move | r0 flags <-; simple_constant
4ff47f50 | mov.w r0, #0x3fc0 | move | r0 <-; shifted_constant
41f23420 | movw r0, #0x1234 | move_wide | r0 <-
c1f23420 | movt r0, #0x1234 | move_wide | r0 <- r0
f746     | mov pc, lr | move | pc <- lr; return
c800     | lsls r0, r1, #3 | shift | r0 flags <- r1
c840     | lsrs r0, r1 | shift | r0 flags <- r0 r1
01fa02f0 | lsl.w r0, r1, r2 | shift | r0 <- r1 r2
4fea2110 | asr.w r0, r1, #4 | shift | r0 <- r1
4fea3110 | ror.w r0, r1, #4 | shift | r0 <- r1
4fea3100 | rrx r0, r1 | shift | r0 <- r1 flags
8842     | cmp r0, r1 | compare | flags <- r0 r1
b0eb810f | cmp.w r0, r1, lsl #2 | compare | flags <- r0 r1; early r1; shifted_register
c842     | cmn r0, r1 | compare | flags <- r0 r1
0842     | tst r0, r1 | compare | flags <- r0 r1
90f0010f | teq r0, #1 | compare | flags <- r0; simple_constant
4843     | muls r0, r1, r0 | multiply | r0 flags <- r0 r1
01fb02f0 | mul r0, r1, r2 | multiply | r0 <- r1 r2
01fb0230 | mla r0, r1, r2, r3 | multiply_accumulate | r0 <- r1 r2 r3; accumulator r3
01fb1230 | mls r0, r1, r2, r3 | multiply_accumulate | r0 <- r1 r2 r3; accumulator r3
82fb0301 | smull r0, r1, r2, r3 | multiply_long | r0 r1 <- r2 r3
e2fb0301 | umlal r0, r1, r2, r3 | multiply_accumulate_long | r0 r1 <- r0 r1 r2 r3; accumulator r0 r1
c2fb0301 | smlal r0, r1, r2, r3 | multiply_accumulate_long | r0 r1 <- r0 r1 r2 r3; accumulator r0 r1
c2fbc301 | smlald r0, r1, r2, r3 | multiply_accumulate_long | r0 r1 <- r0 r1 r2 r3; accumulator r0 r1
c2fb8301 | smlalbb r0, r1, r2, r3 | multiply_accumulate_long | r0 r1 <- r0 r1 r2 r3; accumulator r0 r1
e2fb6301 | umaal r0, r1, r2, r3 | multiply_accumulate_long | r0 r1 <- r0 r1 r2 r3; accumulator r0 r1
21fb0230 | smlad r0, r1, r2, r3 | multiply_accumulate | r0 <- r1 r2 r3; accumulator r3
21fb02f0 | smuad r0, r1, r2 | multiply | r0 <- r1 r2
51fb0230 | smmla r0, r1, r2, r3 | multiply_accumulate | r0 <- r1 r2 r3; accumulator r3
71fb0230 | usada8 r0, r1, r2, r3 | multiply_accumulate | r0 <- r1 r2 r3; accumulator r3
31fb02f0 | smulwb r0, r1, r2 | multiply | r0 <- r1 r2
91fbf2f0 | sdiv r0, r1, r2 | divide | r0 <- r1 r2
b1fbf2f0 | udiv r0, r1, r2 | divide | r0 <- r1 r2
61f30b10 | bfi r0, r1, #4, #8 | bitfield | r0 <- r0 r1; early r1
6ff30b10 | bfc r0, #4, #8 | bitfield | r0 <- r0
c1f30710 | ubfx r0, r1, #4, #8 | bitfield | r0 <- r1; early r1
41f30710 | sbfx r0, r1, #4, #8 | bitfield | r0 <- r1; early r1
c8b2     | uxtb r0, r1 | extend | r0 <- r1
0ffa91f0 | sxth.w r0, r1, ror #8 | extend | r0 <- r1
2ffa91f0 | sxtb16 r0, r1, ror #8 | extend | r0 <- r1
51fa82f0 | uxtab r0, r1, r2 | extend_add | r0 <- r1 r2; early r2
21fa82f0 | sxtab16 r0, r1, r2 | extend_add | r0 <- r1 r2; early r2
11faa2f0 | uxtah r0, r1, r2, ror #16 | extend_add | r0 <- r1 r2; early r2
c1ea0240 | pkhbt r0, r1, r2, lsl #16 | pack | r0 <- r1 r2; early r2
c1ea2240 | pkhtb r0, r1, r2, asr #16 | pack | r0 <- r1 r2; early r1 r2
08ba     | rev r0, r1 | reverse | r0 <- r1; early r1
91faa1f0 | rbit r0, r1 | reverse | r0 <- r1; early r1
b1fa81f0 | clz r0, r1 | clz | r0 <- r1
01f30700 | ssat r0, #8, r1 | dsp | r0 <- r1
a1f30810 | usat r0, #8, r1, asr #4 | dsp | r0 <- r1
21f30700 | ssat16 r0, #8, r1 | dsp | r0 <- r1
a1f30800 | usat16 r0, #8, r1 | dsp | r0 <- r1
81fa42f0 | uadd8 r0, r1, r2 | dsp | r0 ge <- r1 r2
d1fa02f0 | ssub16 r0, r1, r2 | dsp | r0 ge <- r1 r2
81fa52f0 | uqadd8 r0, r1, r2 | dsp | r0 <- r1 r2
82fa81f0 | qadd r0, r1, r2 | dsp | r0 <- r1 r2
a1fa82f0 | sel r0, r1, r2 | dsp | r0 <- r1 r2 ge
0868     | ldr r0, [r1] | load | r0 <- r1; [r1] 1x4 load
51f8040c | ldr r0, [r1, #-4] | load | r0 <- r1; [r1-4] 1x4 load
51f8040f | ldr r0, [r1, #4]! | load | r0 r1 <- r1; [r1+4] 1x4 load, base +4
51f8040b | ldr r0, [r1], #4 | load | r0 r1 <- r1; [r1] 1x4 load, base +4
51f80809 | ldr r0, [r1], #-8 | load | r0 r1 <- r1; [r1] 1x4 load, base -8
51f82200 | ldr.w r0, [r1, r2, lsl #2] | load | r0 <- r1 r2; [r1+r2<<2] 1x4 load
0248     | ldr r0, [pc, #8] | load | r0 <-; [0x100c] 1x4 load
5ff80800 | ldr.w r0, [pc, #-8] | load | r0 <-; [0xffc] 1x4 load
885c     | ldrb r0, [r1, r2] | load | r0 <- r1 r2; [r1+r2<<0] 1x1 load
91f90300 | ldrsb.w r0, [r1, #3] | load | r0 <- r1; [r1+3] 1x1 signed load
885e     | ldrsh r0, [r1, r2] | load | r0 <- r1 r2; [r1+r2<<0] 1x2 signed load
31f8020b | ldrh r0, [r1], #2 | load | r0 r1 <- r1; [r1] 1x2 load, base +2
d1f800f0 | ldr pc, [r1] | load | pc <- r1; [r1] 1x4 load; indirect
0298     | ldr r0, [sp, #8] | load | r0 <- sp; [sp+8] 1x4 load
4860     | str r0, [r1, #4] | store | <- r0 r1; stored r0; [r1+4] 1x4 store
41f8040b | str r0, [r1], #4 | store | r1 <- r0 r1; stored r0; [r1] 1x4 store, base +4
8854     | strb r0, [r1, r2] | store | <- r0 r1 r2; stored r0; [r1+r2<<0] 1x1 store
21f8020f | strh.w r0, [r1, #2]! | store | r1 <- r0 r1; stored r0; [r1+2] 1x2 store, base +2
40f81000 | str.w r0, [r0, r0, lsl #1] | store | <- r0; stored r0; [r0+r0<<1] 1x4 store
d2e90201 | ldrd r0, r1, [r2, #8] | load_dual | r0 r1 <- r2; [r2+8] 2x4 aligned load
f2e80201 | ldrd r0, r1, [r2], #8 | load_dual | r0 r1 r2 <- r2; [r2] 2x4 aligned load, base +8
62e90201 | strd r0, r1, [r2, #-8]! | store_dual | r2 <- r0 r1 r2; stored r0 r1; [r2-8] 2x4 aligned store, base -8
0ec8     | ldm r0!, {r1, r2, r3} | load_multiple | r0 r1 r2 r3 <- r0; [r0] 3x4 aligned load, base +12
07c9     | ldm r1, {r0, r1, r2} | load_multiple | r0 r1 r2 <- r1; [r1] 3x4 aligned load
30e90600 | ldmdb r0!, {r1, r2} | load_multiple | r0 r1 r2 <- r0; [r0-8] 2x4 aligned load, base -8
06c0     | stm r0!, {r1, r2} | store_multiple | r0 <- r0 r1 r2; stored r1 r2; [r0] 2x4 aligned store, base +8
00e90e00 | stmdb r0, {r1, r2, r3} | store_multiple | <- r0 r1 r2 r3; stored r1 r2 r3; [r0-12] 3x4 aligned store
10b5     | push {r4, lr} | store_multiple | sp <- r4 sp lr; stored r4 lr; [sp-8] 2x4 aligned store, base -8
10bd     | pop {r4, pc} | load_multiple | r4 sp pc <- sp; [sp] 2x4 aligned load, base +8; return
2de91041 | push.w {r4, r8, lr} | store_multiple | sp <- r4 r8 sp lr; stored r4 r8 lr; [sp-12] 3x4 aligned store, base -12
5df8048b | pop.w {r8} | load | r8 sp <- sp; [sp] 1x4 load, base +4
4df8048d | push.w {r8} | store | sp <- r8 sp; stored r8; [sp-4] 1x4 store, base -4
bde81081 | ldmia.w sp!, {r4, r8, pc} | load_multiple | r4 r8 sp pc <- sp; [sp] 3x4 aligned load, base +12; return
51e8010f | ldrex r0, [r1, #4] | load_exclusive | r0 <- r1; [r1+4] 1x4 aligned load
42e80010 | strex r0, r1, [r2] | store_exclusive | r0 <- r1 r2; stored r1; [r2] 1x4 aligned store
d1e84f0f | ldrexb r0, [r1] | load_exclusive | r0 <- r1; [r1] 1x1 aligned load
90f804f0 | pld [r0, #4] | preload | <- r0; [r0+4] 1x4 load
07e0     | b.n label | branch | <-; direct 0x1012
07d0     | beq.n label | branch | <- flags; conditional 0x1012; condition 0
00f008b8 | b.w label | branch | <-; direct 0x1014
40f00880 | bne.w label | branch | <- flags; conditional 0x1014; condition 1
00f008f8 | bl label | branch | lr <-; call 0x1014
9847     | blx r3 | branch | lr <- r3; indirect_call
7047     | bx lr | branch | <- lr; return
1847     | bx r3 | branch | <- r3; indirect
38b1     | cbz r0, label | branch | <- r0; conditional 0x1012
3fb9     | cbnz r7, label | branch | <- r7; conditional 0x1012
dfe800f0 | tbb [pc, r0] | table_branch | <- r0; [0x1004+r0<<0] 1x1 load; indirect
dfe811f0 | tbh [pc, r1, lsl #1] | table_branch | <- r1; [0x1004+r1<<1] 1x2 load; indirect
08bf     | it eq | it | <-; itstate 0x08
14bf     | ite ne | it | <-; itstate 0x14
00bf     | nop | nop | <-
aff30080 | nop.w | nop | <-
30bf     | wfi | hint | <-
10bf     | yield | hint | <-
bff35f8f | dmb | barrier | <-
bff36f8f | isb | barrier | <-
72b6     | cpsid i | system | <-
eff31080 | mrs r0, primask | system | r0 <-
80f31088 | msr primask, r0 | system | flags <- r0
eff30081 | mrs r1, apsr | system | r1 <-
82f30088 | msr apsr_nzcvq, r2 | system | flags <- r2
01df     | svc #1 | supervisor_call | <-
abbe     | bkpt #0xab | breakpoint | <-
00de     | udf #0 | undefined | <-
30ee810a | vadd.f32 s0, s1, s2 | fp_add | s0 <- s1 s2
31ee020b | vadd.f64 d0, d1, d2 | fp_add | s0 s1 <- s2 s3 s4 s5; double
20ee810a | vmul.f32 s0, s1, s2 | fp_multiply | s0 <- s1 s2
20eec10a | vnmul.f32 s0, s1, s2 | fp_multiply | s0 <- s1 s2
00ee810a | vmla.f32 s0, s1, s2 | fp_multiply_accumulate | s0 <- s0 s1 s2; accumulator s0
a0ee810a | vfma.f32 s0, s1, s2 | fp_fused | s0 <- s0 s1 s2; accumulator s0
91ee020b | vfnms.f64 d0, d1, d2 | fp_fused | s0 s1 <- s0 s1 s2 s3 s4 s5; accumulator s0 s1; double
80ee810a | vdiv.f32 s0, s1, s2 | fp_divide | s0 <- s1 s2
b1eee00a | vsqrt.f32 s0, s1 | fp_sqrt | s0 <- s1
b4ee600a | vcmp.f32 s0, s1 | fp_compare | fpscr <- s0 s1
b5eec00a | vcmpe.f32 s0, #0.0 | fp_compare | fpscr <- s0
f1ee10fa | vmrs APSR_nzcv, fpscr | fp_status | flags <- fpscr
f1ee100a | vmrs r0, fpscr | fp_status | r0 <- fpscr
e1ee100a | vmsr fpscr, r0 | fp_status | fpscr <- r0
bdeee00a | vcvt.s32.f32 s0, s1 | fp_convert | s0 <- s1
b7eee00a | vcvt.f64.f32 d0, s1 | fp_convert | s0 s1 <- s1; double
baeecc0a | vcvt.f32.s32 s0, s0, #8 | fp_convert | s0 <- s0
b0eee00a | vabs.f32 s0, s1 | fp_add | s0 <- s1
00fe810a | vseleq.f32 s0, s1, s2 | fp_add | s0 <- flags s1 s2
80fe810a | vmaxnm.f32 s0, s1, s2 | fp_add | s0 <- s1 s2
b6eee00a | vrintz.f32 s0, s1 | fp_convert | s0 <- s1
b0ee600a | vmov.f32 s0, s1 | fp_move | s0 <- s1
b0ee410b | vmov.f64 d0, d1 | fp_move | s0 s1 <- s2 s3; double
b7ee000a | vmov.f32 s0, #1.0 | fp_move_immediate | s0 <-
00ee101a | vmov s0, r1 | fp_from_core | s0 <- r1
10ee900a | vmov r0, s1 | fp_to_core | r0 <- s1
51ec120b | vmov r0, r1, d2 | fp_to_core | r0 r1 <- s4 s5
41ec120b | vmov d2, r0, r1 | fp_from_core | s4 s5 <- r0 r1
51ec110a | vmov r0, r1, s2, s3 | fp_to_core | r0 r1 <- s2 s3
31ee100b | vmov.32 r0, d1[1] | fp_to_core | r0 <- s3
01ee100b | vmov.32 d1[0], r0 | fp_from_core | s2 <- r0
91ed010a | vldr s0, [r1, #4] | fp_load | s0 <- r1; [r1+4] 1x4 aligned load
11ed020b | vldr d0, [r1, #-8] | fp_load | s0 s1 <- r1; double; [r1-8] 2x4 aligned load
9fed010a | vldr s0, [pc, #4] | fp_load | s0 <-; [0x1008] 1x4 aligned load
81ed000a | vstr s0, [r1] | fp_store | <- r1 s0; stored s0; [r1] 1x4 aligned store
81ed021b | vstr d1, [r1, #8] | fp_store | <- r1 s2 s3; stored s2 s3; double; [r1+8] 2x4 aligned store
f0ec040a | vldmia r0!, {s1-s4} | fp_load_multiple | r0 s1 s2 s3 s4 <- r0; [r0] 4x4 aligned load, base +16
90ec040b | vldmia r0, {d0-d1} | fp_load_multiple | s0 s1 s2 s3 <- r0; [r0] 4x4 aligned load
30ed040b | vldmdb r0!, {d0-d1} | fp_load_multiple | r0 s0 s1 s2 s3 <- r0; [r0-16] 4x4 aligned load, base -16
a0ec030a | vstmia r0!, {s0-s2} | fp_store_multiple | r0 <- r0 s0 s1 s2; stored s0 s1 s2; [r0] 3x4 aligned store, base +12
2ded048b | vpush {d8-d9} | fp_store_multiple | sp <- sp s16 s17 s18 s19; stored s16 s17 s18 s19; [sp-16] 4x4 aligned store, base -16
bdec048b | vpop {d8-d9} | fp_load_multiple | sp s16 s17 s18 s19 <- sp; [sp] 4x4 aligned load, base +16
03c8     | ldmia r0, {r0, r1} | load_multiple | r0 r1 <- r0; [r0] 2x4 aligned load
5df804fb | ldr pc, [sp], #4 | load | sp pc <- sp; [sp] 1x4 load, base +4; return
62e80201 | strd r0, r1, [r2], #-8 | store_dual | r2 <- r0 r1 r2; stored r0 r1; [r2] 2x4 aligned store, base -8
02a0     | add r0, pc, #8 | alu | r0 <-; simple_constant
4ff6ff78 | movw r8, #0xffff | move_wide | r8 <-
48b2     | sxtb r0, r1 | extend | r0 <- r1
82fa91f0 | qdadd r0, r1, r2 | dsp | r0 <- r1 r2
b2ee600a | vcvtb.f32.f16 s0, s1 | fp_convert | s0 <- s1
10f47f4f | tst.w r0, #0xff00 | compare | flags <- r0; shifted_constant
c845     | cmp r8, r9 | compare | flags <- r8 r9
bff32f8f | clrex | barrier | <-
bff34f8f | dsb | barrier | <-
40bf     | sev | hint | <-
20bf     | wfe | hint | <-
31f8020e | ldrht r0, [r1, #2] | load | r0 <- r1; [r1+2] 1x2 load
20e90600 | stmdb r0!, {r1, r2} | store_multiple | r0 <- r0 r1 r2; stored r1 r2; [r0-8] 2x4 aligned store, base -8
00bd     | pop {pc} | load_multiple | sp pc <- sp; [sp] 1x4 aligned load, base +4; return
b1ee410b | vneg.f64 d0, d1 | fp_add | s0 s1 <- s2 s3; double
30ee600a | vsub.f32 s0, s0, s1 | fp_add | s0 <- s0 s1
"""


def names(numbers: tuple[int, ...]) -> str:
    """Return register names, sorted by number."""
    return " ".join(register_name(number) for number in sorted(set(numbers)))


def describe(instruction: Instruction) -> str:
    """Return all that the pipeline models use of an instruction, as a line of the table."""
    parts = [f"{names(instruction.writes)} <- {names(instruction.reads)}".strip()]
    for role in ("early", "accumulator", "stored"):
        if getattr(instruction, role):
            parts.append(f"{role} {names(getattr(instruction, role))}")
    if instruction.operand2 is not Operand2.NONE:
        parts.append(instruction.operand2)
    if instruction.sets_flags != (FLAGS in instruction.writes and instruction.mnemonic != "msr"):
        parts.append("flags disagree")
    if instruction.is_double:
        parts.append("double")
    if instruction.memory is not None:
        parts.append(describe_memory(instruction))
    if instruction.branch is not None:
        target = "" if instruction.target is None else f" {instruction.target:#x}"
        parts.append(f"{instruction.branch}{target}")
    if instruction.condition != 14:
        parts.append(f"condition {instruction.condition}")
    if instruction.it_mask:
        parts.append(f"itstate {instruction.it_mask:#04x}")
    return "; ".join(parts)


def describe_memory(instruction: Instruction) -> str:
    """Return address, extent and write-back of a memory access."""
    memory = instruction.memory
    assert memory is not None
    index = "" if memory.index is None else f"+{register_name(memory.index)}<<{memory.shift}"
    offset = f"{memory.offset:+d}" if memory.offset else ""
    place = f"{memory.offset:#x}" if memory.base == PC else register_name(memory.base) + offset
    text = f"[{place}{index}]"
    text += f" {memory.count}x{memory.size_bytes}"
    text += " signed" * memory.is_signed + " aligned" * memory.needs_alignment
    text += " load" if memory.is_load else " store"
    return text if memory.writeback is None else f"{text}, base {memory.writeback:+d}"


def rows() -> list[tuple[str, str, str, str]]:
    """Return the table's cells."""
    lines = [line for line in TABLE.splitlines() if line.strip()]
    cells = [tuple(cell.strip() for cell in line.split("|")) for line in lines]
    return [(code, text, kind, facts) for code, text, kind, facts in cells]


@pytest.mark.parametrize(("code", "text", "kind", "facts"), rows())
def test_roles(code: str, text: str, kind: str, facts: str) -> None:
    """Class, registers, roles, memory access and branch are those of the architecture manual."""
    instruction = decode(bytes.fromhex(code), ADDRESS)
    assert (instruction.kind, describe(instruction)) == (kind, facts), text
    assert instruction.size_bytes == len(code) // 2
    assert instruction.end == ADDRESS + len(code) // 2


def test_table_covers_every_class() -> None:
    """No class is without an example."""
    assert {kind for _, _, kind, _ in rows()} == set(Kind)


IT_EQ, IT_NE = 0x08, 0x18


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("8818", "r0 <- r1 r2 flags; condition 0"),  # adds outside an IT block, add inside
        ("4843", "r0 <- r0 r1 flags; condition 0"),  # muls
        ("8842", "flags <- r0 r1 flags; condition 0"),  # a compare sets the flags everywhere
        ("11eb0200", "r0 flags <- r1 r2 flags; condition 0"),  # adds.w
        ("0868", "r0 <- r1 flags; [r1] 1x4 load; condition 0"),
        ("07e0", "<- flags; conditional 0x1012; condition 0"),  # b becomes beq
        ("7047", "<- lr flags; return; condition 0"),
        ("00f008f8", "lr <- flags; call 0x1014; condition 0"),
        ("30ee810a", "s0 <- flags s1 s2; condition 0"),
    ],
)
def test_predicated(code: str, facts: str) -> None:
    """In an IT block everything reads the flags, and 16-bit arithmetic does not set them."""
    instruction = decode(bytes.fromhex(code), ADDRESS, IT_EQ)
    assert describe(instruction) == facts
    assert instruction.is_predicated


def test_it_block_ends() -> None:
    """ITSTATE gives each instruction of a block its condition, and none to what follows."""
    code = bytes.fromhex("16bf" + "0846" * 5)  # itet ne; mov r0, r1 five times
    found = list(decode_block(code, ADDRESS))
    assert [i.condition for i in found] == [14, 1, 0, 1, 14, 14]
    assert [i.in_it_block for i in found] == [False, True, True, True, False, False]
    assert [i.address for i in found] == list(range(ADDRESS, ADDRESS + 12, 2))


def test_block_starts_inside_it_block() -> None:
    """A block that begins with the last instruction of an IT block is told so by ITSTATE."""
    first, second = decode_block(bytes.fromhex("08460846"), ADDRESS, IT_NE)
    assert (first.condition, second.condition) == (1, 14)


def test_truncated_wide_encoding_is_no_instruction() -> None:
    """Half of a 32-bit instruction at the end of a memory decodes as undefined."""
    assert decode(bytes.fromhex("00f0"), ADDRESS).kind is Kind.UNDEFINED


def test_shifted_literal_address() -> None:
    """A literal's address is relative to the word-aligned program counter."""
    odd = decode(bytes.fromhex("0248"), ADDRESS + 2)
    assert odd.memory is not None
    assert odd.memory.offset == ADDRESS + 4 + 8


@pytest.mark.parametrize("code", ["bde80080", "00bd", "5df804fb"])
def test_every_pop_of_pc_is_a_return(code: str) -> None:
    """LDM SP!, POP {PC} and LDR PC, [SP], #4 use the return stack of a predictor."""
    assert decode(bytes.fromhex(code), ADDRESS).branch is Branch.RETURN
