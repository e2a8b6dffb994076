"""Timing facts of the Cortex-M3: what it shares with the M4, and its slower multiplier."""

from fact import Fact, loop
from facts_m3m4 import shared

# fmt: off
FACTS = [
    *shared("TRM-M3"),
    # Multiplies; the 64-bit ones with operands that fill their registers.
    Fact(2, "mla r0, r1, r2, r3", "TRM-M3", "MLA"),
    Fact(2, "mls r0, r1, r2, r3", "TRM-M3", "MLS"),
    loop(2, "mla r0, r1, r2, r0", "TRM-M3", "accumulators chain"),
    Fact(4, "umull r0, r1, r2, r3", "TRM-M3", "UMULL"),
    Fact(5, "smull r0, r1, r2, r3", "TRM-M3", "SMULL: the signed one a cycle longer"),
    Fact(6, "umlal r0, r1, r2, r3", "TRM-M3", "UMLAL"),
    Fact(7, "smlal r0, r1, r2, r3", "TRM-M3", "SMLAL"),
    # Chains of indexed loads and stores.
    Fact(4, "ldr r0, [r1], #4; ldr r2, [r3], #4", "JNK", "indexed loads do not chain"),
    Fact(4, "ldr r0, [r1]; ldr r2, [r3, #4]!", "JNK", "only the first one may be indexed"),
    Fact(3, "ldr r0, [r1]; str r2, [r3], #4", "JNK", "an indexed store leaves a load's stall"),
]
