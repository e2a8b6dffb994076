"""Timing facts of the Cortex-M4: what it shares with the M3, its DSP extension and its FPU."""

from fact import Fact, loop
from facts_m3m4 import shared

# fmt: off
FACTS = [
    *shared("TRM-M4"),
    # Multiplies and DSP.
    Fact(1, "mla r0, r1, r2, r3", "TRM-M4", "MLA"),
    Fact(1, "umull r0, r1, r2, r3", "TRM-M4", "64-bit multiply"),
    Fact(1, "smlal r0, r1, r2, r3", "TRM-M4", "64-bit multiply-accumulate"),
    Fact(1, "umaal r0, r1, r2, r3", "TRM-M4", "UMAAL"),
    Fact(1, "smlad r0, r1, r2, r3", "TRM-M4", "DSP multiply"),
    loop(1, "mla r0, r1, r2, r0", "TRM-M4", "accumulators chain"),
    loop(1, "mul r0, r0, r1", "TRM-M4", "and so do factors"),
    Fact(1, "sxtb16 r0, r1, ror #8", "TRM-M4", "extend with rotation"),
    Fact(1, "uadd8 r0, r1, r2", "TRM-M4", "SIMD addition"),
    Fact(1, "pkhbt r0, r1, r2, lsl #16", "TRM-M4", "packing"),
    # Chains of indexed loads and stores.
    Fact(3, "ldr r0, [r1], #4; ldr r2, [r3], #4", "JNK", "two bases chain"),
    Fact(3, "ldr r0, [r1]; ldr r2, [r3, #4]!", "JNK", "an indexed load anywhere in a chain"),
    Fact(2, "ldr r0, [r1]; str r2, [r3], #4", "JNK", "an indexed store removes a load's stall"),
    # Floating point.
    Fact(1, "vadd.f32 s0, s1, s2", "TRM-M4", "FP add"),
    Fact(1, "vmul.f32 s0, s1, s2", "TRM-M4", "FP multiply"),
    Fact(1, "vcvt.s32.f32 s0, s1", "TRM-M4", "conversion"),
    Fact(1, "vcmp.f32 s0, s1", "TRM-M4", "comparison"),
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
    Fact(5, "vpush {s0-s3}", "TRM-M4", "VPUSH: 1 + N"),
    Fact(2, "vmov r0, r1, d0", "TRM-M4", "VMOV of two registers"),
    Fact(1, "vmov.32 r0, d0[1]", "TRM-M4", "VMOV of one"),
]
