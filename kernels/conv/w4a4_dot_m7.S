/*
 * Four output channels times two pixels, two channels to an accumulator, for the dual-issue M7;
 * w4a4_dot_m4.S has the same layouts and results.
 *
 * Each lane of a SMLAD's weight operand holds low + (high << 12), low biased to 0..15, high
 * signed. Sixteen products of up to 15 * 15 stay below 2^12, so after sixteen the accumulators are
 * added into two totals: their sum modulo 2^32, and the sum of what stands above bit 12. 128
 * products take 32 SMLAD, 16 AND, 24 loads, 16 instructions that split and 3 that loop: 54 cycles.
 * Loads run one lane ahead, so the weights end in 8 bytes that are read, not used, and so do the
 * columns (8 bytes).
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define M    r3
#define C00  r4
#define C01  r5
#define C10  r6
#define C11  r7
#define U    r8
#define V    r9
#define L0   r10
#define L1   r11
#define X    r12
#define Y    lr
#define Z    r2

#define COLUMNS 32
#define SUMS    36
#define GROUPS  40
#define END     44
#define FRAME   52 /* with the saved registers a multiple of 8: totals pair up across banks */

    .macro FIRST
    smuad   C00, L0, X
    and     L1, M, V
    smuad   C10, L1, X
    ldr     X, [A, #8]
    ldr     Z, [A, #12]
    smuad   C01, L0, Y
    and     L0, M, U, ror #8
    smuad   C11, L1, Y
    .endm

    .macro EVEN offset
    smlad   C00, L0, X, C00
    and     L1, M, V
    smlad   C10, L1, X, C10
    ldr     X, [A, #\offset]
    ldr     Z, [A, #\offset + 4]
    smlad   C01, L0, Y, C01
    and     L0, M, U, ror #8
    smlad   C11, L1, Y, C11
    .endm

    .macro ODD offset
    smlad   C00, L0, X, C00
    and     L1, M, V, ror #8
    smlad   C10, L1, X, C10
    ldr     V, [W, #4]
    ldr     U, [W], #8
    ldr     Y, [A, #\offset + 4]
    ldr     X, [A, #\offset]
    smlad   C01, L0, Z, C01
    and     L0, M, U
    smlad   C11, L1, Z, C11
    .endm

    .macro LAST offset
    smlad   C00, L0, X, C00
    and     L1, M, V, ror #8
    smlad   C10, L1, X, C10
    ldr     V, [W, #4]
    ldr     U, [W], #8
    ldr     Y, [A, #\offset + 4]
    ldr     X, [A, #\offset]!
    smlad   C01, L0, Z, C01
    and     L0, M, U
    smlad   C11, L1, Z, C11
    .endm

    .macro TOTAL acc, slot
    ldrd    L1, Z, [sp, #\slot]
    add     L1, L1, \acc
    add     Z, Z, \acc, asr #12
    strd    L1, Z, [sp, #\slot]
    .endm

    .section .text.tc_dot_w4a4, "ax", %progbits
    .p2align 3
    .global tc_dot_w4a4
    .type   tc_dot_w4a4, %function
    .thumb_func
tc_dot_w4a4:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]
    sub     sp, sp, #FRAME
    str     r1, [sp, #COLUMNS]
    str     r2, [sp, #SUMS]
    str     r4, [sp, #GROUPS]
    add     r3, r1, r3, lsl #6
    str     r3, [sp, #END]
    movw    M, #0xF00F
    movt    M, #0xF00F
.Lgroup:
    ldr     A, [sp, #COLUMNS]
    ldr     U, [W], #8
    ldr     V, [W, #-4]
    movs    r4, #0
    strd    r4, r4, [sp]
    strd    r4, r4, [sp, #8]
    strd    r4, r4, [sp, #16]
    strd    r4, r4, [sp, #24]
    ldr     X, [A]
    ldr     Y, [A, #4]
    and     L0, M, U
    .p2align 3
.Lloop:
    FIRST
    ODD     16
    EVEN    24
    ODD     32
    EVEN    40
    ODD     48
    EVEN    56
    LAST    64
    TOTAL   C00, 0
    TOTAL   C01, 8
    TOTAL   C10, 16
    TOTAL   C11, 24
    ldr     Z, [sp, #END]
    cmp     A, Z
    bne     .Lloop
    subs    W, W, #8                /* what was read ahead belongs to the next group */
    ldr     r2, [sp, #SUMS]
    ldm     sp, {r4-r11}
    stmia   r2!, {r4-r11}
    str     r2, [sp, #SUMS]
    ldr     r2, [sp, #GROUPS]
    subs    r2, r2, #1
    str     r2, [sp, #GROUPS]
    bne     .Lgroup
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_dot_w4a4, . - tc_dot_w4a4
